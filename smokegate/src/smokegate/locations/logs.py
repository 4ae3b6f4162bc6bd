"""What a worker logs: one line for each event, without secrets, whatever a message held."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from smokegate.client.redaction import Redactor
from smokegate.reports.escaping import one_line
from smokegate.settings import SECRETS, Settings

LOGGER = logging.getLogger("smokegate.worker")
_LINE_CHARS = 400


def set_up(settings: Iterable[Settings]) -> None:
    """Log to standard error; of Celery only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(_redactor(settings)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(logging.INFO)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # Celery's, of its next version


def _redactor(settings: Iterable[Settings]) -> Redactor:
    redactor = Redactor()
    for each in settings:
        for secret in [*(getattr(each, key) for key in SECRETS), password_of(each.broker)]:
            redactor.add(secret)
    return redactor


def password_of(url: str) -> str:
    """The password in the URL of a broker."""
    return unquote(urlsplit(url).password or "")


class _OneLine(logging.Formatter):
    """The moment, how bad it is and what it is; a traceback is left out."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        try:
            text = record.getMessage()
        except Exception:  # what was logged is from outside, and may not fit its own words
            text = str(record.msg)
        said = f"{self.formatTime(record)} {record.levelname.lower()} "
        return said + one_line(self._redactor.text(text[: 20 * _LINE_CHARS]), _LINE_CHARS)
