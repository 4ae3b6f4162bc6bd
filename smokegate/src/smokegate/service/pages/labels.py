"""What people say of verdicts: forms to say it, and what was said."""

from __future__ import annotations

from collections.abc import Iterable

from smokegate.history.labels import NOTE_CHARS
from smokegate.history.measures import CLOSES, FALSE_ALARM, MISSED, OPENS, TRUE_ALARM
from smokegate.history.queries import RememberedRun, RunLine
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.service.access.visitors import Visitor
from smokegate.service.pages.words import href, link, minute

WORDS = {FALSE_ALARM: "false alarm", TRUE_ALARM: "true alarm", MISSED: "missed a problem"}
_READ_ONLY = "Nobody can label runs here: smokegate serve was started without SMOKEGATE_TOKEN. "


def fitting(run: RunLine) -> list[str]:
    """The labels that a run can have."""
    if run.partial:
        return []
    if run.action in CLOSES:
        return [FALSE_ALARM, TRUE_ALARM]
    return [MISSED] if run.action in OPENS else []


def judgement(found: RememberedRun, visitor: Visitor, *, can_log_in: bool) -> Markup:
    """What was said of a run, and a form to say something else."""
    run, can_be = found.run, fitting(found.run)
    if not can_be and not run.label:
        return element("p", _unfit(run), class_="soft")
    said = _said(found) if run.label else element("p", _question(run))
    return joined(said, _way(found, can_be, visitor, can_log_in=can_log_in))


def _way(found: RememberedRun, can_be: list[str], visitor: Visitor, *, can_log_in: bool) -> Markup:
    run_id = found.run.run_id
    if visitor.form_token:
        return _form(found, can_be, visitor)
    if can_log_in:
        return element("p", link("Log in", "login", next=href("run", id=run_id)), " to label it.")
    command = element("code", f"smokegate history label {run_id} {can_be[0]}")
    return element("p", _READ_ONLY, "On a command line: ", command, class_="soft")


def _unfit(run: RunLine) -> str:
    if run.partial:
        return "Only a part of the checks ran: this verdict counts as none, and takes no label."
    return "Neither an alarm nor an open gate: an inconclusive run takes no label."


def _question(run: RunLine) -> str:
    if run.action in CLOSES:
        return "Was something wrong with the release? Nobody has said so yet."
    return "The gate opened. Was something wrong all the same?"


def _said(found: RememberedRun) -> Markup:
    by = f" by {found.author}" if found.author else ""
    head = element("b", WORDS.get(found.run.label, found.run.label).capitalize())
    when = f"{by}, {minute(found.labelled_at)}"
    note = element("p", found.note, class_="note") if found.note else ""
    return joined(element("p", "Labelled ", head, when, class_="said"), note)


def _form(found: RememberedRun, can_be: list[str], visitor: Visitor) -> Markup:
    run = found.run
    note = element(
        "label",
        element("span", "Note, why"),
        element("input", name="note", value=found.note, maxlength=f"{NOTE_CHARS}"),
    )
    buttons = [_button(each, is_set=each == run.label) for each in can_be]
    if run.label:
        buttons.append(element("button", "Remove the label", name="label", value=True))
    to = href("run", id=run.run_id) + "#label"
    return _posted(run.run_id, visitor, to, note, element("div", *buttons, class_="buttons"))


def quick(run: RunLine, visitor: Visitor, back: str) -> Markup:
    """A form of nothing but buttons, which leads back to a page; nothing for who cannot write."""
    if not visitor.form_token:
        return Markup()
    return _posted(run.run_id, visitor, back, *(_button(each, run) for each in fitting(run)))


def _button(label: str, run: RunLine | None = None, *, is_set: bool = False) -> Markup:
    """A button; in a list it also names the run to those who hear it."""
    words = WORDS[label].capitalize()
    name = f"{words}: run {run.run_id}" if run else ""
    shown = f"✓ {words}" if is_set else words
    return element("button", shown, name="label", value=label, aria_label=name)


def _posted(run_id: str, visitor: Visitor, back: str, *fields: Markup) -> Markup:
    token = element("input", type="hidden", name="form", value=visitor.form_token)
    address = href("label", run=run_id, next=back)
    return element("form", token, *fields, method="post", action=address, class_="label-form")


def shown(labels: Iterable[str]) -> str:
    """Labels in words."""
    return ", ".join(WORDS.get(each, each) for each in labels if each)
