"""Makes `python -m smokegate` the same as the command."""

import sys

from smokegate.cli import main

sys.exit(main())
