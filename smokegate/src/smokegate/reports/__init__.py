"""What people and other programs read of a run; each outlet is a module of its own."""

from smokegate.reports.details import failure
from smokegate.reports.escaping import lines
from smokegate.reports.wording import verdict_line

__all__ = ["failure", "lines", "verdict_line"]
