"""Runs every benchmark, one after the other."""

from bench import history, lattice_load, pathfinding, time_of_a_run

time_of_a_run.main()
history.main()
pathfinding.main()
lattice_load.main()
