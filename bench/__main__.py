"""Runs every benchmark, one after the other."""

from bench import history, pathfinding, time_of_a_run

time_of_a_run.main()
history.main()
pathfinding.main()
