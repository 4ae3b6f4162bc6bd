"""How long each tool takes from its start to its exit code, with equal checks on one server.

    .venv/bin/python -m bench.time_to_verdict [--repeats N] [--rtt 0,50,150]

Twenty checks, thirty requests and a burst of 150, in the form that each tool's own documentation
teaches, with the same demands. What was asked is counted at the server and has to be the same for
every tool; and for each check there is a fault that every tool has to notice. Otherwise the
command fails. docs/time-to-verdict.md has the table and explains it.
"""
