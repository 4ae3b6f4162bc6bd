"""Files of requests as text: Hurl's, and those of VS Code's REST Client and of JetBrains."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from smokegate.errors import UsageError
from smokegate.scaffold.steps import Scenario, Step, json_path, of_file
from smokegate.scaffold.unfit import UnfitError

_REQUEST = re.compile(
    r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT)\s+(\S.*?)(?:\s+HTTP/[\d.]+)?\s*"
)
_URL = re.compile(r"(?:https?://|{{|/)\S*")
_HEADER = re.compile(r"([A-Za-z0-9-]+)\s*:\s*(.*)")
_STATUS = re.compile(r"HTTP(?:/[\d.]+)?\s+(\d{3}|\*)")
_VARIABLE = re.compile(r"@([\w.-]+)\s*=\s*(.*)")
_NAMED = re.compile(r"(?:#|//)\s*@name\s+([\w.-]+)")
_STATUS_IS = re.compile(r"status\s+==\s+(\d{3})")
_ASSERT = re.compile(r"jsonpath\s+(\"[^\"]*\"|'[^']*')\s+(==|equals|exists)\s*(.*)")
_CAPTURE = re.compile(r"([\w-]+)\s*:\s*jsonpath\s+(\"[^\"]*\"|'[^']*')")
_OF_REPLY = re.compile(r"{{=?([\w-]+)\.response\.body\.(\$?[\w.$\[\]-]*)}}")
_MOST_LINES = 20_000


def scenario(content: bytes, where: str, name: str) -> Scenario:
    """The requests of a file, in order. Raises `UsageError` where there is none."""
    variables: dict[str, str] = {}
    lines = content.decode("utf-8-sig", "replace").splitlines()[:_MOST_LINES]
    if where.endswith(".hurl") or any(_STATUS.fullmatch(line.strip()) for line in lines):
        steps = list(_hurl(lines))
    else:
        steps, variables = _http(lines)
    if not steps:
        raise UsageError(f"{where}: it holds no request such as GET https://example.com/health")
    return of_file(name, steps, variables)


def _hurl(lines: list[str]) -> Iterator[Step]:
    """The entries of a Hurl file: each begins with a request line outside of a body."""
    entry: list[str] = []
    is_quoted = False
    for line in lines:
        begins = not is_quoted and _REQUEST.fullmatch(line.strip()) and not line[:1].isspace()
        if begins and entry:
            yield from _hurl_entry(entry)
            entry = []
        if line.strip().startswith("```"):
            is_quoted = not is_quoted
        if begins or entry:
            entry.append(line)
    if entry:
        yield from _hurl_entry(entry)


def _hurl_entry(lines: list[str]) -> Iterator[Step]:
    request = _REQUEST.fullmatch(lines[0].strip())
    assert request is not None  # noqa: S101 - that is where an entry begins
    step = Step(request[1], request[2])
    part, body = "headers", list[str]()
    for line in lines[1:]:
        stripped = line.strip()
        status = _STATUS.fullmatch(stripped)
        section = re.fullmatch(r"\[(\w+)\]", stripped)
        if status:
            part = "reply"
            step.statuses = () if status[1] == "*" else (int(status[1]),)
        elif section and part != "body":
            part = section[1].lower()
        elif stripped.startswith("#") and part != "body":
            continue
        elif part in ("headers", "body") and (body or not _HEADER.fullmatch(stripped)):
            part = "body" if stripped or body else part
            body += [line] if part == "body" else []
        elif stripped:
            _hurl_line(step, part, stripped)
    _carry_hurl(step, "\n".join(body).strip())
    yield step


def _carry_hurl(step: Step, body: str) -> None:
    """A body, as it stands or between back quotes, behind which its language may be named."""
    quoted = re.fullmatch(r"```(\w*)[^\n]*\n(.*?)\n?```", body, re.DOTALL)
    if quoted and quoted[1] == "graphql":
        step.json = {"query": quoted[2]}
    else:
        _carry(step, quoted[2] if quoted else body.strip("`").strip())


def _hurl_line(step: Step, part: str, line: str) -> None:
    """A line of a section; those that have no equal here are passed by."""
    pair = _HEADER.fullmatch(line) or re.fullmatch(r"([^:]+?)\s*:\s*(.*)", line)
    capture = _CAPTURE.match(line)
    if part == "headers" and pair:
        step.headers.append((pair[1], pair[2]))
    elif part in ("formparams", "form") and pair:
        step.form = [*(step.form or []), (pair[1], pair[2])]
    elif part in ("querystringparams", "query") and pair:
        joiner = "&" if "?" in step.url else "?"
        value = pair[2] if "{{" in pair[2] else urlencode({"": pair[2]})[1:]
        step.url += f"{joiner}{pair[1]}={value}"
    elif part == "basicauth":
        step.headers.append(("Authorization", "Basic {{basic_credentials}}"))
    elif part == "cookies" and pair:
        step.headers.append(("Cookie", f"{pair[1]}={pair[2]}"))
    elif part in ("multipartformdata", "multipart"):
        step.flaw = "its body is made of files"
    elif part == "captures" and capture:
        path = json_path(capture[2][1:-1])
        if path:
            step.captures[capture[1]] = path
    elif part == "asserts":
        _hurl_assert(step, line)


def _hurl_assert(step: Step, line: str) -> None:
    status, demand = _STATUS_IS.fullmatch(line), _ASSERT.fullmatch(line)
    if status:
        step.statuses = (int(status[1]),)
    where = json_path(demand[1][1:-1]) if demand else None
    if not demand or not where:
        return
    predicate, value = demand[2], demand[3].strip()
    if predicate == "exists":
        step.demands.append((where, msgspec.UNSET))
        return
    try:
        wanted: Any = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return
    if not isinstance(wanted, dict | list):
        step.demands.append((where, wanted))


def _http(lines: list[str]) -> tuple[list[Step], dict[str, str]]:
    """The requests between lines of ###, and the variables of the file."""
    variables: dict[str, str] = {}
    by_name: dict[str, Step] = {}
    steps: list[Step] = []
    block = _Block(variables)
    for line in [*lines, "###"]:
        if not line.startswith("###"):
            block.take(line)
            continue
        if block.step:
            _carry(block.step, "\n".join(block.body).strip())
            _link(block.step, by_name)
            steps.append(block.step)
            by_name[block.name] = block.step
        block = _Block(variables)
    return steps, variables


class _Block:
    """One request of a .http file, as its lines come in."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.step: Step | None = None
        self.name = ""
        self.body: list[str] = []
        self._variables = variables
        self._take: Callable[[str], None] = self._before

    def take(self, line: str) -> None:
        """Take the next line; what a client does with a reply is passed by."""
        stripped = line.strip()
        if stripped.startswith(("> {%", "< {%")):
            self._take = self._script(self._take)
        if stripped.startswith(("> ", "<> ")) and not stripped.startswith("> {%"):
            return
        self._take(line)

    def _script(self, after: Callable[[str], None]) -> Callable[[str], None]:
        def take(line: str) -> None:
            if line.strip().endswith("%}"):
                self._take = after

        return take

    def _before(self, line: str) -> None:
        stripped = line.strip()
        named, assigned = _NAMED.fullmatch(stripped), _VARIABLE.fullmatch(stripped)
        if named:
            self.name = named[1]
        elif assigned:
            self._variables[assigned[1]] = assigned[2]
        elif not stripped.startswith(("#", "//")):
            self.step = _begun(stripped)
            self._take = self._head if self.step else self._before

    def _head(self, line: str) -> None:
        assert self.step is not None  # noqa: S101 - it has begun
        stripped = line.strip()
        if not stripped:
            self._take = self._in_body
        elif stripped.startswith("< "):
            self.step.flaw = "its body is a file"
        elif stripped.startswith(("?", "&")):
            self.step.url += stripped
        elif header := _HEADER.fullmatch(stripped):
            self.step.headers.append((header[1], header[2]))

    def _in_body(self, line: str) -> None:
        assert self.step is not None  # noqa: S101 - it has begun
        if line.strip().startswith("< "):
            self.step.flaw = "its body is a file"
        self.body.append(line)


def _begun(line: str) -> Step | None:
    request = _REQUEST.fullmatch(line)
    if request:
        return Step(request[1], request[2])
    return Step("GET", line) if _URL.fullmatch(line) else None


def _link(step: Step, by_name: dict[str, Step]) -> None:
    """Let an earlier request capture what this one takes from its reply."""

    def captured(found: re.Match[str]) -> str:
        path = json_path(found[2] if found[2].startswith("$") else f"$.{found[2]}")
        earlier = by_name.get(found[1])
        if not path or not earlier:
            return found[0]
        name = f"{found[1]}_{path[-1]}"
        earlier.captures[name] = path
        return f"{{{{{name}}}}}"

    step.url = _OF_REPLY.sub(captured, step.url)
    step.headers = [(name, _OF_REPLY.sub(captured, value)) for name, value in step.headers]
    if step.json is not msgspec.UNSET:
        told = msgspec.json.encode(step.json).decode()
        step.json = msgspec.json.decode(_OF_REPLY.sub(captured, told))


def _carry(step: Step, body: str) -> None:
    if not body:
        return
    media_type = next((value for name, value in step.headers if name.lower() == "content-type"), "")
    try:
        step.carry(body, media_type.lower())
    except UnfitError as error:
        step.flaw = str(error)
