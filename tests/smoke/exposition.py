"""What Prometheus would read: its text format 0.0.4 and OpenMetrics 1.0."""

from __future__ import annotations

import re
from typing import NamedTuple

MEDIA_TYPES = frozenset({"text/plain", "application/openmetrics-text"})

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*[ \t]*=[ \t]*"(?:[^"\\\n]|\\[\\"n])*"[ \t]*'
_NUMBER = r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[Ii]nf|[Nn]a[Nn])"
_TYPES = (
    "counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram"  # both formats'
)
_SAMPLE = re.compile(
    rf"(?P<name>{_NAME})[ \t]*"
    rf"(?:\{{[ \t]*(?P<labels>(?:{_LABEL}(?:,[ \t]*{_LABEL})*(?:,[ \t]*)?)?)\}})?"
    rf"[ \t]*(?P<value>{_NUMBER})"
    rf"(?:[ \t]+{_NUMBER})?[ \t]*(?:# \{{.*)?"  # a timestamp, an exemplar
)
_COMMENT = re.compile(
    rf"#[ \t]+(?:TYPE[ \t]+{_NAME}[ \t]+(?:{_TYPES})|(?:HELP|UNIT)[ \t]+{_NAME}(?:[ \t].*)?|EOF)"
    r"|#(?![ \t]+(?:TYPE|HELP|UNIT)[ \t]).*|[ \t]*"
)


class Sample(NamedTuple):
    """One measurement; `labels` as they were written."""

    name: str
    labels: str
    value: float


def parse(text: str) -> tuple[list[Sample], str]:
    """Read an exposition; give its samples, and the first line that is none ("" if all are)."""
    samples = []
    for number, line in enumerate(text.split("\n"), 1):
        found = _SAMPLE.fullmatch(line.rstrip("\r"))
        if found:
            samples.append(Sample(found["name"], found["labels"] or "", float(found["value"])))
        elif not _COMMENT.fullmatch(line.rstrip("\r")):
            return samples, f"line {number}: {line[:200]}"
    return samples, ""


def total(text: str, name: str) -> float:
    """The sum of a metric over all of its labels."""
    return sum(sample.value for sample in parse(text)[0] if sample.name == name)
