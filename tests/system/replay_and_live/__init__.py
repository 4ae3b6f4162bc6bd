"""Whether a replay shows what a live run does: `python -m tests.system.replay_and_live 100`."""
