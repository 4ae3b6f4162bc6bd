"""Benchmarks, each runnable by itself; `make bench` runs them all."""
