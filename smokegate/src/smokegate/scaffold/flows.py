"""What is made, read, listed and removed again, as one workflow for each kind of thing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from smokegate.scaffold import drafts
from smokegate.scaffold.access import Access, Entry
from smokegate.scaffold.calls import MARGIN, asked, demands, statement
from smokegate.scaffold.contracts import Contracts, Kind
from smokegate.scaffold.instances import Instances
from smokegate.scaffold.naming import singular, snake, title, variable
from smokegate.scaffold.openapi import Description, Operation, mapping
from smokegate.scaffold.python import STEP, Raw, call, text
from smokegate.scaffold.unfit import UnfitError
from smokegate.secret_names import is_secret_name

_ITEM = re.compile(r"(.*[^/])/{([^{}/]+)}")
_IDS = ("id", "uuid", "key", "name", "slug")
_MOST_COMPARED = 3
_GONE = ("404", "410")
_LATER = 202  # it is taken, and will be done (RFC 9110, 15.3.3)


@dataclass(frozen=True)
class Chain:
    """The operations on one kind of thing; `blank` is what tells one of them in a path."""

    create: Operation
    read: Operation | None
    listing: Operation | None
    remove: Operation
    blank: str

    @property
    def operations(self) -> list[Operation]:
        """Those that there are, in the order in which they are called."""
        found = [self.create, self.read, self.listing, self.remove]
        return [each for each in found if each is not None]


def chains(operations: list[Operation]) -> list[Chain]:
    """What can be made and removed, in the order of the description."""
    at = {(each.method, *_split(each.path)): each for each in operations}
    found = []
    for removal in operations:
        path, query = _split(removal.path)
        item = _ITEM.fullmatch(path)
        if removal.method != "DELETE" or not item or len(removal.blanks) != 1:
            continue
        create = at.get(("POST", item[1], query))
        if create:
            read, listing = at.get(("GET", path, query)), at.get(("GET", item[1], query))
            found.append(Chain(create, read, listing, removal, blank=item[2]))
    return found


def _split(path: str) -> tuple[str, str]:
    """A path without its last slash, and the query that some descriptions put behind it."""
    path, _, query = path.partition("?")
    return path.rstrip("/"), query


class Flows:
    """Drafts the workflow of a chain."""

    def __init__(self, description: Description, access: Access, contracts: Contracts) -> None:
        self._description = description
        self._access = access
        self._contracts = contracts
        self._instances = Instances(description)

    def drafted(self, chain: Chain, name: str) -> drafts.Function:
        """The check of a chain. Raises `UnfitError` where it cannot be called."""
        entry, *others = [self._access.to(each) for each in chain.operations]
        if any(other != entry for other in others):
            raise UnfitError("its operations want different credentials")
        noun = _noun(chain)
        media = self._description.json_body(chain.create)
        sent = self._instances.body(media) if media else None
        blanks = {chain.blank: Raw(f"{noun}_id")}
        made = self._contracts.of(self._description.success(chain.create)[1], f"{noun}_made")
        looks, kinds = self._looks(chain, entry, blanks, sent)
        if made.expression:
            looks = [f"created.read({made.expression})", *looks]
        return drafts.check(
            name,
            title(_in_words(chain, noun), noun),
            [
                *entry.begin,
                *self._making(chain, entry, sent),
                *self._removing(chain, entry, blanks, looks),
            ],
            marks=[drafts.mark(each.key) for each in chain.operations],
            parameters=entry.parameters,
            imports={
                "smokegate": {"Client", "expect"},
                "contract": made.classes.union(*(kind.classes for kind in kinds)),
                "typing": {"Any"} if isinstance(sent, dict) else set(),
            },
            helpers=entry.helpers,
            settings=dict(entry.settings),
        )

    def _making(self, chain: Chain, entry: Entry, sent: Any) -> list[str]:
        """Lines that make a thing, and keep what tells it."""
        status, schema, _ = self._description.success(chain.create)
        return [
            *_sending(sent),
            *statement("created = ", self._asked(chain.create, entry, body=_body(sent))),
            f"expect(created).status({status})",
            f"{_noun(chain)}_id = {self._identity(chain, schema, sent)}",
        ]

    def _removing(
        self, chain: Chain, entry: Entry, blanks: dict[str, Raw], looks: list[str]
    ) -> list[str]:
        """Lines that remove a thing, whatever comes of looking at it."""
        asking = self._asked(chain.remove, entry, blanks=blanks)
        removal = statement("removed = ", asking, indent=MARGIN + len(STEP) * bool(looks))
        status = self._description.success(chain.remove)[0]
        return [
            *(["try:", *_in(looks), "finally:", *_in(removal)] if looks else removal),
            f"expect(removed).status({status})",
            *(self._gone(chain, entry, blanks) if status != _LATER else []),
        ]

    def _asked(self, operation: Operation, entry: Entry, **options: Any) -> Any:
        return asked(operation, entry, self._instances, **options)

    def _identity(self, chain: Chain, schema: dict[str, Any], sent: Any) -> str:
        """What tells the thing that was made, as an expression."""
        members = self._contracts.properties(schema)
        last = snake(chain.blank).rpartition("_")[2]
        own = [last] if last in _IDS else []
        wanted = (chain.blank, *own, *_IDS, *(f"{_noun(chain)}_{each}" for each in _IDS))
        for name in wanted:
            kind = self._contracts.resolved(mapping(members.get(name))).get("type")
            if kind in ("string", "integer"):
                return f"created.read({'int' if kind == 'integer' else 'str'}, {text(name)})"
        if isinstance(sent, dict):
            for name in wanted:
                if isinstance(sent.get(name), str):
                    return f"sent[{text(name)}]"
        raise UnfitError("the answer does not say how to find again what was made")

    def _looks(
        self, chain: Chain, entry: Entry, blanks: dict[str, Raw], sent: Any
    ) -> tuple[list[str], list[Kind]]:
        """Lines that read the thing that was made, and list it."""
        lines: list[str] = []
        kinds: list[Kind] = []
        if chain.read:
            asking = self._asked(chain.read, entry, blanks=blanks, fresh=True)
            status, schema, _ = self._description.success(chain.read)
            kind = self._contracts.of(schema, f"{_noun(chain)}_read")
            compared = _compared(sent, self._contracts.properties(schema))
            same = [f".json({text(name)}, equals=sent[{text(name)}])" for name in compared]
            lines += statement("kept = ", asking, indent=MARGIN + len(STEP))
            lines += demands("kept", f".status({status})", *same)
            lines += [f"kept.read({kind.expression})"] if kind.expression else []
            kinds.append(kind)
        if chain.listing:
            try:
                asking = self._asked(chain.listing, entry)
            except UnfitError:
                return lines, kinds
            status, schema, _ = self._description.success(chain.listing)
            kind = self._contracts.of(schema, f"{_noun(chain)}_list")
            lines += statement("listed = ", asking, indent=MARGIN + len(STEP))
            lines.append(f"expect(listed).status({status})")
            lines += [f"listed.read({kind.expression})"] if kind.expression else []
            kinds.append(kind)
        return lines, kinds

    def _gone(self, chain: Chain, entry: Entry, blanks: dict[str, Raw]) -> list[str]:
        """Lines that demand that it is gone, where the description says how that is answered."""
        if not chain.read:
            return []
        statuses = self._description.refuses_with(chain.read, *_GONE)
        if not statuses:
            return []
        asking = self._asked(chain.read, entry, blanks=blanks, fresh=True)
        accepted = call("expect(gone).status", *statuses)
        return [*statement("gone = ", asking), *statement("", accepted)]


def _sending(sent: Any) -> list[str]:
    return statement("sent: dict[str, Any] = ", sent) if isinstance(sent, dict) else []


def _body(sent: Any) -> Any:
    return Raw("sent") if isinstance(sent, dict) else sent


def _compared(sent: Any, members: dict[str, Any]) -> list[str]:
    """The members that must come back as they were sent: names and plain values."""
    if not isinstance(sent, dict):
        return []
    found = [
        name
        for name, value in sent.items()
        if name in members
        and not is_secret_name(name)
        and (value == Raw('client.unique("smoke")') or isinstance(value, int))
        and mapping(members[name]).get("writeOnly") is not True
    ]
    return found[:_MOST_COMPARED]


def _in(lines: list[str]) -> list[str]:
    return [f"{STEP}{line}" for line in lines]


def _noun(chain: Chain) -> str:
    """What one of them is called: as its blank says, or one of the last word of its path."""
    noun = re.sub(r"_(?:id|name|key|uuid|slug)$", "", snake(chain.blank))
    if noun in ("id", "name", "key", "uuid", "slug"):
        last = chain.create.path.partition("?")[0].rstrip("/").rpartition("/")[2]
        noun = singular(snake(last))
    return variable(noun, "thing")


def _in_words(chain: Chain, noun: str) -> str:
    words = noun.strip("_").replace("_", " ")
    article = "An" if words[0] in "aeiou" else "A"
    done = ["made", *(["read"] if chain.read else []), *(["listed"] if chain.listing else [])]
    return f"{article} {words} is {', '.join(done)} and removed"
