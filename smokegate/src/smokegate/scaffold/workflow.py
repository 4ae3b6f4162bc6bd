"""A recorded scenario as one check: its requests in order, its secrets as settings.

What was secret in a recording is never written into a file: it is read from an earlier reply, where
it came from, or from a setting that is empty until somebody gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from smokegate.client.redaction import is_secret_header
from smokegate.scaffold import access, drafts
from smokegate.scaffold.calls import MARGIN, demands, sent_by, statement
from smokegate.scaffold.naming import Names, snake, title, variable
from smokegate.scaffold.python import Raw, f_text, flat, text
from smokegate.scaffold.steps import VARIABLE, Scenario, Step
from smokegate.scaffold.unfit import UnfitError
from smokegate.secret_names import WORDS_OF_SECRETS, is_secret_name
from smokegate.settings import KEYS

MOST_STEPS = 60
_SHORTEST_LINK = 8
_MOST_LEAVES = 5_000
_LONGEST_COMPOSED, _MOST_WITHIN = 200, 3  # of a variable that is put together from others
_METHOD = re.compile(r"[A-Z]{1,20}")
_LEFT_TO_CLIENT = re.compile(
    r":.*|accept|accept-(?:encoding|language|charset)|cache-control|connection|content-length|dnt"
    r"|expect|host|if-.*|keep-alive|origin|pragma|priority|referer|sec-.*|te|traceparent|tracestate"
    r"|transfer-encoding|upgrade.*|user-agent|x-requested-with",
    re.IGNORECASE,
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,80}")
_SECRET_VALUE = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")  # a JWT (RFC 7519)
_PASSWORD = re.compile(r"passw|pwd", re.IGNORECASE)
_COUNT = re.compile(r"tokens$", re.IGNORECASE)  # as in max_tokens
_SCHEME = re.compile(r"(Bearer|Token|Basic|ApiKey)\s+(.+)", re.IGNORECASE)
_SECRETS_IN_TEXT = re.compile(rf"(?:{WORDS_OF_SECRETS})\W{{1,6}}\w", re.IGNORECASE)
_NAMES = {"authorization": "api_token", "cookie": "session_cookie_token"}
_MADE_UP = {
    "guid": Raw('client.unique("smoke")'),
    "uuid": Raw('client.unique("smoke")'),
    "newuuid": Raw('client.unique("smoke")'),
    "timestamp": Raw('client.unique("smoke")'),
    "randomuuid": Raw('client.unique("smoke")'),
    "randomint": Raw('client.unique("smoke")'),
    "randomemail": Raw("client.email()"),
}


class Workflow:
    """Drafts the check of one scenario."""

    def __init__(self, scenario: Scenario, names: Names) -> None:
        self._scenario = scenario
        self._check_names = names
        self._locals = Names(frozenset({"self", "client", "expect"}))
        self._known: dict[str, Raw] = {}  # a value, and the expression that stands for it
        self._captured: dict[str, str] = {}  # a variable of the source, and its name here
        self._settings: dict[str, str] = {}
        self._needed: list[str] = []  # settings without a value
        self._leaves: dict[str, tuple[int, tuple[str | int, ...], bool]] = {}
        self._bodies: dict[int, list[str]] = {}
        self._links: dict[int, list[str]] = {}
        self._replies: list[str] = []
        self._secret_variables: set[str] = set()
        self._passwords: dict[str, str] = {}  # a name, and the value that it stands for
        self._origin = ""
        self._open: set[str] = set()  # variables that are being put in, lest one holds itself
        self._form = ""

    def drafted(self, left: drafts.Drafts) -> drafts.Function | None:
        """The check; None where no step can be drafted. `left` hears what is left out."""
        for step in self._scenario.steps:
            # A query may hold a secret, and what is left out is shown where others read.
            shown = f"{step.method} {_path_of(step.url).partition('?')[0]}"
            try:
                self._draft(step)
            except UnfitError as error:
                left.leave_out(shown, str(error))
        if not self._bodies:
            return None
        body = [line for name in self._needed for line in access.skip_without(name)]
        for number in self._bodies:
            body += [*self._bodies[number], *self._links.get(number, [])]
        scenario = self._scenario
        return drafts.check(
            self._check_names.take(f"test_{snake(scenario.name) or 'recorded'}"),
            title(scenario.title, "The requests are answered"),
            body,
            marks=[drafts.mark(scenario.source)],
            imports={
                "smokegate": {"Client", "expect"},
                "urllib.parse": {"urlencode"} if self._form else set(),
            },
            settings=self._settings,
        )

    def _draft(self, step: Step) -> None:
        if step.flaw or not _METHOD.fullmatch(step.method):
            raise UnfitError(step.flaw or "its method is none")
        if len(self._bodies) >= MOST_STEPS:
            raise UnfitError(f"there are {MOST_STEPS} before it")
        step.url = self._expanded(step.url)
        self._refuse_foreign(step)
        self._learn_secrets(step)
        named: list[tuple[str, Any]] = [("", self._path(step.url))]
        before = self._form_of(step)
        named += self._body(step)
        headers = dict(self._headers(step))
        if headers:
            named.append(("headers", headers))
        name = self._locals.take(_reply_name(step))
        asking = sent_by("client", step.method, named)
        number = len(self._replies)
        self._replies.append(name)
        self._bodies[number] = [
            *before,
            *statement(f"{name} = ", asking),
            *demands(name, *self._demands(step)),
            *self._captures(step, name),
        ]
        self._remember(step, number)

    def _refuse_foreign(self, step: Step) -> None:
        """Refuse what goes to another host than the first request did."""
        origin = re.match(r"https?://[^/?#]*", step.url)
        if origin and "{{" not in origin[0]:
            self._origin = self._origin or origin[0]
            if origin[0] != self._origin:
                raise UnfitError("it goes to another host")

    def _demands(self, step: Step) -> Iterator[str]:
        accepted = ", ".join(map(str, step.statuses))
        yield f".status({accepted})" if accepted else ".succeeded()"
        for path, value in step.demands:
            where = ", ".join(flat(part) for part in path)
            if value is msgspec.UNSET:
                yield f".json({where})"
            else:
                equals = flat(self._value(value))
                yield f".json({where}{', ' if where else ''}equals={equals})"

    def _captures(self, step: Step, reply: str) -> Iterator[str]:
        for name, path in step.captures.items():
            local = self._captured[name] = self._locals.take(variable(name, "found"))
            where = "".join(f", {flat(part)}" for part in path)
            yield f"{local} = {reply}.read(str | int{where})"

    def _remember(self, step: Step, number: int) -> None:
        """Keep what was answered, by its value: later requests may hold it."""
        waiting: list[tuple[Any, tuple[str | int, ...]]] = [(step.reply, ())]
        while waiting and len(self._leaves) < _MOST_LEAVES:
            value, path = waiting.pop()
            if isinstance(value, dict):
                waiting += [(each, (*path, str(name))) for name, each in value.items()]
            elif isinstance(value, list):
                waiting += [(each, (*path, at)) for at, each in enumerate(value)]
            elif isinstance(value, str) and len(value) >= _SHORTEST_LINK:
                self._leaves.setdefault(value, (number, path, True))
            elif isinstance(value, int) and not isinstance(value, bool) and _names_id(path):
                self._leaves.setdefault(str(value), (number, path, False))

    def _linked(self, value: str) -> Raw | None:
        """What an earlier reply gave, as the variable that holds it."""
        if value in self._known:
            return self._known[value]
        if value not in self._leaves:
            return None
        number, path, is_text = self._leaves[value]
        names = [str(each) for each in path if isinstance(each, str)]
        words = "_".join(names[-1:]) or "found"
        if snake(words) in ("id", "uuid"):
            words = f"{self._replies[number]}_{words}"
        name = self._locals.take(variable(words, "found"))
        where = "".join(f", {flat(part)}" for part in path)
        line = f"{name} = {self._replies[number]}.read({'str' if is_text else 'int'}{where})"
        self._links.setdefault(number, []).append(line)
        self._known[value] = Raw(name)
        return self._known[value]

    def _learn_secrets(self, step: Step) -> None:
        """Let every secret of a step stand for a setting, or for what an earlier reply gave."""
        for name, value in _secrets_of(step):
            self._secret_variables |= {each.strip() for each in VARIABLE.findall(value)}
            if VARIABLE.search(value) or not value or self._linked(value):
                continue
            self._known[value] = Raw(f"self.{self._secret_setting(self._apart(name, value))}")

    def _apart(self, name: str, value: str) -> str:
        """What a secret is called: a second password is somebody else's, or a wrong one."""
        found, number = name, 2
        while _PASSWORD.search(name) and self._passwords.setdefault(found, value) != value:
            found, number = f"{name}_{number}", number + 1
        return found

    def _secret_setting(self, words: str) -> str:
        name = variable(words, "secret")
        return self._setting(name if is_secret_name(name) else f"{name}_secret", "")

    def _setting(self, words: str, value: str) -> str:
        name = variable(words, "value").lstrip("_")
        if name in KEYS or name in ("suite", "consequence") or name.startswith("test_"):
            name = f"api_{name}"
        if name not in self._settings:
            if value and not is_secret_name(name):
                self._settings[name] = f"{name}: str = {text(value)}"
            else:
                _, self._settings[name] = access.setting(name, "Of the recording")
                self._needed.append(name)
        return name

    def _path(self, url: str) -> Any:
        path = _path_of(url)
        if not path.startswith("/"):
            raise UnfitError("its URL has no path")
        before, mark, query = path.partition("?")
        parts: list[str] = []
        for number, segment in enumerate(before.split("/")):
            parts += ["/" if number else "", *self._parts(segment)]
        if mark:
            for number, pair in enumerate(query.split("&")):
                name, equals, value = pair.partition("=")
                parts += ["&" if number else "?", name + equals, *self._parts(value)]
        return f_text(parts)

    def _form_of(self, step: Step) -> list[str]:
        """The statement that puts a form together, for the one that sends it."""
        if step.form is None:
            return []
        self._form = self._locals.take("form")
        pairs = [(name, self._value(value)) for name, value in step.form]
        is_plain = len(dict(pairs)) == len(pairs)
        return statement(f"{self._form} = ", dict(pairs) if is_plain else pairs)

    def _body(self, step: Step) -> list[tuple[str, Any]]:
        if step.json is not msgspec.UNSET:
            return [("json", self._value(step.json))]
        if step.form is not None:
            return [("body", Raw(f"urlencode({self._form}).encode()"))]
        if not step.body:
            return []
        if _SECRETS_IN_TEXT.search(step.body):
            raise UnfitError("its body is no JSON and may hold a secret")
        return [("body", Raw(f"{f_text(self._parts(step.body))}.encode()"))]

    def _headers(self, step: Step) -> Iterator[tuple[str, Any]]:
        for name, value in step.headers:
            is_json = name.lower() == "content-type" and step.json is not msgspec.UNSET
            if _LEFT_TO_CLIENT.fullmatch(name) or is_json or not _HEADER_NAME.fullmatch(name):
                continue
            scheme = _SCHEME.fullmatch(value) if is_secret_header(name) else None
            if scheme:
                yield name, f_text([f"{scheme[1]} ", *self._parts(scheme[2])])
            elif value.isprintable():
                parts = [part for part in self._parts(value) if part]
                is_setting = len(parts) == 1 and parts[0].startswith("self.")
                yield name, parts[0] if is_setting else f_text(parts)
        if step.form is not None and "content-type" not in (
            name.lower() for name, _ in step.headers
        ):
            yield "Content-Type", "application/x-www-form-urlencoded"

    def _value(self, value: Any, name: str = "") -> Any:
        """JSON with its variables, secrets and links put in; `name` is what it stands under."""
        if isinstance(value, dict):
            return {key: self._value(each, str(key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, name) for each in value]
        if type(value) is int and is_secret_name(name) and not _COUNT.search(name):
            return Raw(f"int(self.{self._secret_setting(name)})")
        if not isinstance(value, str):
            return value
        parts = self._parts(value)
        whole = [part for part in parts if part]
        if len(whole) == 1 and isinstance(whole[0], Raw):
            return whole[0]
        return f_text(parts)

    def _parts(self, value: str) -> list[str]:
        """A text in parts: plain ones, and expressions for what must not or cannot stand there."""
        parts: list[str] = []
        end = 0
        for found in VARIABLE.finditer(value):
            parts += [*self._plain(value[end : found.start()]), *self._variable(found[1])]
            end = found.end()
        return [*parts, *self._plain(value[end:])]

    def _plain(self, value: str) -> list[str]:
        linked = self._linked(value)
        if linked is not None:
            return [linked]
        for known, expression in self._known.items():
            if len(known) >= _SHORTEST_LINK and known in value:
                before, _, after = value.partition(known)
                return [*self._plain(before), expression, *self._plain(after)]
        secret = _SECRET_VALUE.search(value)
        if secret:
            self._known[secret[0]] = Raw(f"self.{self._secret_setting('api_token')}")
            return self._plain(value)
        return [value]

    def _variable(self, name: str) -> list[str]:
        """What stands for a variable; with an equals sign it is JSON without quotes."""
        word = name.strip().removeprefix("=")
        if word in self._captured:
            return [Raw(self._captured[word])]
        made_up = re.sub(r"[^a-z]", "", word.split(" ")[0].lower())
        if made_up in _MADE_UP and (word.startswith("$") or made_up == "newuuid"):
            return [_MADE_UP[made_up]]
        value = self._scenario.variables.get(word, "")
        if self._is_composed(word, value):
            self._open.add(word)
            parts = self._parts(value)
            self._open.discard(word)
            return parts
        expression = self._of_source(word, value)
        is_number = name.startswith("=") and re.fullmatch(r"-?\d{1,15}", value)
        return [Raw(f"int({expression})") if is_number else expression]

    def _is_composed(self, word: str, value: str) -> bool:
        """Whether a variable is put together from others, but not from many, nor from itself."""
        is_short = len(value) <= _LONGEST_COMPOSED and len(self._open) < _MOST_WITHIN
        return bool(VARIABLE.search(value)) and word not in self._open and is_short

    def _of_source(self, word: str, value: str) -> Raw:
        """The setting of a variable of the file; a secret one has no value there."""
        name = word.rpartition(" ")[2]
        if word in self._secret_variables or _SECRET_VALUE.search(value):
            return Raw(f"self.{self._secret_setting(name)}")
        return Raw(f"self.{self._setting(name, value)}")

    def _expanded(self, url: str) -> str:
        """A URL with the variable at its beginning put in, whose path belongs to it."""
        for _ in range(_MOST_WITHIN + 1):
            begins = re.match(r"\s*{{\s*([^{}]+?)\s*}}", url)
            value = self._scenario.variables.get(begins[1], "") if begins else ""
            if not begins or not 0 < len(value) <= _LONGEST_COMPOSED:
                break
            url = value + url[begins.end() :]
        return url


def _secrets_of(step: Step) -> Iterator[tuple[str, str]]:
    """The secrets of a request, each with a name for it."""
    for name, value in step.headers:
        if is_secret_header(name):
            scheme = _SCHEME.fullmatch(value)
            yield _NAMES.get(name.lower(), name), scheme[2] if scheme else value
    query = urlsplit(_path_of(step.url)).query.split("&")
    pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in query]
    for name, value in [*pairs, *(step.form or []), *_texts_in(step.json)]:
        if is_secret_name(name):
            yield name, value
    yield from step.secrets


def _texts_in(document: Any) -> Iterator[tuple[str, str]]:
    """Every text of a document with the name that it or its list stands under."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(str(key), each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [(name, each) for each in value]
        elif isinstance(value, str):
            yield name, value


def _path_of(url: str) -> str:
    """The path and query of a URL; what a variable stands for before it is the target."""
    text = re.sub(r"^\s*{{[^{}]*}}(?=/|\?|$)", "", url)
    text = re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*", "", text).partition("#")[0]
    text = "".join(each for each in text if each.isprintable() and each not in "\"'\\")
    return text if text.startswith("/") else f"/{text}"


def _names_id(path: tuple[str | int, ...]) -> bool:
    name = path[-1] if path else ""
    return isinstance(name, str) and bool(re.search(r"(?:^|_|[a-z])(?:id|Id|ID)$", name))


def _reply_name(step: Step) -> str:
    words = [part for part in _path_of(step.url).partition("?")[0].split("/") if part.isalpha()]
    name = variable(words[-1] if words else "reply", "reply")
    return "reply" if len(name) > MARGIN * 3 else name
