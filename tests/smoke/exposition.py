"""What Prometheus would read: its text format 0.0.4 and OpenMetrics 1.0."""

from __future__ import annotations

import re
from typing import NamedTuple

_OPENMETRICS = "application/openmetrics-text"
MEDIA_TYPES = frozenset({"text/plain", _OPENMETRICS})
# As Prometheus asks. OpenMetrics is preferred since only it marks its end: what was cut short after
# a whole line looks whole in the other.
ACCEPT = f"{_OPENMETRICS};version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*[ \t]*=[ \t]*"(?:[^"\\\n]|\\[\\"n])*"[ \t]*'
_NUMBER = r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf(?:inity)?|nan))"
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


def parse(text: str, media_type: str) -> tuple[list[Sample], str]:
    """Read an exposition; give its samples, and the first flaw ("" if there is none)."""
    samples = []
    for number, line in enumerate(text.split("\n"), 1):
        found = _SAMPLE.fullmatch(line.rstrip("\r"))
        if found:
            samples.append(Sample(found["name"], found["labels"] or "", float(found["value"])))
        elif not _COMMENT.fullmatch(line.rstrip("\r")):
            return samples, f"line {number}: {line[:200]}"
    if media_type == _OPENMETRICS and not f"\n{text}".rstrip("\r\n").endswith("\n# EOF"):
        return samples, "it was cut short: its last line is not # EOF"
    return samples, ""


def total(samples: list[Sample], name: str) -> float:
    """The sum of a metric over all of its labels; OpenMetrics ends a counter's name in _total."""
    return sum(sample.value for sample in samples if sample.name in (name, f"{name}_total"))
