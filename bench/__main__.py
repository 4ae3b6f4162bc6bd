"""Runs every benchmark, one after the other."""

from bench import time_of_a_run

time_of_a_run.main()
