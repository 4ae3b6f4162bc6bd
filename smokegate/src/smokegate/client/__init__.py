"""The client: requests that are bounded, timed by phase, and kept as evidence."""

from smokegate.client.client import Client
from smokegate.client.evidence import Evidence
from smokegate.client.reply import Reply
from smokegate.client.session import Creations, Session
from smokegate.client.transport import Answer, Failure, Request, Transport

__all__ = [
    "Answer",
    "Client",
    "Creations",
    "Evidence",
    "Failure",
    "Reply",
    "Request",
    "Session",
    "Transport",
]
