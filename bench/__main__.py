"""Runs every benchmark, one after the other."""

from bench import fleet, history, lattice_load, pathfinding, time_of_a_run

time_of_a_run.main()
history.main()
fleet.main()
pathfinding.main()
lattice_load.main()
