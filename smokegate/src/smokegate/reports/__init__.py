"""What people and other programs read of a run; each outlet is a module of its own."""

from smokegate.reports.details import failure
from smokegate.reports.wording import verdict_line

__all__ = ["failure", "verdict_line"]
