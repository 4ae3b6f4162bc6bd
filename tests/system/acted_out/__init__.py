"""Everything that deployments show, acted out against a real Lattice: what healthy ones show must
never lead to a rollback, and every fault must be caught by the check that should.

    python -m tests.system.acted_out --only conditions --runs 300

One table of rows, two users: the tests act each row out once, the command many times and writes
the document. A row is plain data; `acts` says how its kind is acted out on a `Stage`.
"""
