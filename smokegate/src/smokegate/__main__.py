"""Makes `python -m smokegate` the same as the command."""

from smokegate.cli import run_and_exit

run_and_exit()
