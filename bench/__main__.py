"""Runs every benchmark, one after the other."""

from bench import cost_of_a_run, fleet, history, lattice_load, pathfinding, time_of_a_run
from bench.time_to_verdict import __main__ as time_to_verdict

time_of_a_run.main()
time_to_verdict.main([])
history.main()
fleet.main()
cost_of_a_run.main()
pathfinding.main()
lattice_load.main()
