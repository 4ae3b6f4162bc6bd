"""The interlock: what rolls back is run or asked only when nothing speaks against it, and once.

It is for a whole run whose verdict is rollback, if a usable control run opened the gate and knows
which version to go back to; never twice for one deployment.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from smokegate import command, journal
from smokegate.client.redaction import Redactor
from smokegate.client.session import learn_settings
from smokegate.errors import UsageError
from smokegate.posting import as_shown
from smokegate.results import Action, Baseline, JudgedRun, to_json
from smokegate.secret_names import is_secret_name
from smokegate.settings import Settings
from smokegate.versions import is_wanted, same_version

Refusal = Callable[[JudgedRun, Settings], str]

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+:@/-]{0,199}")
_FOLDERS = ("PWD", "OLDPWD")  # named like a password, and none


def act_on(
    run: JudgedRun,
    settings: Settings,
    environ: Mapping[str, str],
    show: Callable[[str], None],
    *,
    in_earnest: bool,
) -> str:
    """Roll back if the verdict says so and nothing speaks against it; show what is done, and why.

    Returns the version that was to be gone back to, or nothing if nothing was done: it is done only
    in earnest.
    """
    if run.verdict.action is not Action.ROLLBACK or not settings.can_roll_back:
        return ""
    why = refusal(run, settings) or (claim(run, settings) if in_earnest else "")
    if why:
        show(f"Rollback refused: {why}." if in_earnest else f"With --act, refused: {why}.")
        return ""
    back_to, redactor = _before(run).version, _redactor(settings, environ)
    words = redactor.text(_in_words(settings))
    if not in_earnest:
        show(f"With --act this would go back to version {back_to}: {words}")
        return ""
    show(f"Going back to version {back_to}: {words}")
    if settings.rollback_webhook:
        show(_asked(run, settings, redactor))
    else:
        show(_run(run, settings, environ, redactor, show))
    return back_to


def _run(
    run: JudgedRun,
    settings: Settings,
    environ: Mapping[str, str],
    redactor: Redactor,
    show: Callable[[str], None],
) -> str:
    """Run the rollback command, and say what became of it."""
    wrong = command.run(
        command_of(settings),
        environment(run, settings, environ),
        to_json(run),
        limit_s=settings.rollback_timeout_s,
        redactor=redactor,
        show=lambda line: show(f"  | {line}"),
    )
    return f"The rollback command failed: {wrong}." if wrong else "The rollback command has ended."


def _asked(run: JudgedRun, settings: Settings, redactor: Redactor) -> str:
    """Call the rollback webhook, and say what became of it."""
    from smokegate import rollback_webhook

    version, back_to = judged_version(run, settings), _before(run).version
    wrong = rollback_webhook.ask(run, settings, version=version, back_to=back_to)
    if wrong:
        return f"The rollback webhook failed: {as_shown(wrong, redactor)}."
    return "The rollback webhook has taken it."


def _in_words(settings: Settings) -> str:
    if not settings.rollback_webhook:
        return shlex.join(command_of(settings))
    from smokegate import rollback_webhook

    return rollback_webhook.in_words(settings)


def command_of(settings: Settings) -> list[str]:
    """The words of the rollback command, as a shell would divide them; none runs it."""
    try:
        return shlex.split(settings.rollback_command)
    except ValueError as error:
        raise UsageError(f"rollback_command cannot be divided into words: {error}") from None


def refusal(run: JudgedRun, settings: Settings) -> str:
    """Why nothing must be rolled back, and what to do about it; empty if it may be."""
    return next(filter(None, (reason(run, settings) for reason in _REFUSALS)), "")


def judged_version(run: JudgedRun, settings: Settings) -> str:
    """The version that the verdict is about: the one that was served, or else expected.

    Where both are one, it is written as the expected one, which is always there: a deployment must
    not have two names.
    """
    expected = settings.expect_version
    return expected if not run.version or is_wanted(run.version, expected) else run.version


def _not_called_for(run: JudgedRun, _: Settings) -> str:
    action = run.verdict.action
    return "" if action is Action.ROLLBACK else f"the verdict is {action.value}, not rollback"


def _no_way(_: JudgedRun, settings: Settings) -> str:
    words = command_of(settings)
    if settings.rollback_webhook:
        return ""
    if not words:
        return "there is no rollback_command and no rollback_webhook; set one in smokegate.toml"
    if shutil.which(words[0]) is None:
        return f"there is no program {words[0]!r}; give its whole path in rollback_command"
    return ""


def _only_a_part(run: JudgedRun, _: Settings) -> str:
    return "only a part of the checks was selected; verify with all of them" if run.partial else ""


def _no_baseline(run: JudgedRun, _: Settings) -> str:
    if run.baseline is None:
        return "there is no control run; save one before the next deployment (--save-baseline)"
    if run.baseline.unusable:
        return f"control run {run.baseline.run_id} is of no use: {run.baseline.unusable}"
    return ""


def _bad_before(run: JudgedRun, _: Settings) -> str:
    before = _before(run)
    if before.action.opens_the_gate:
        return ""
    return f"control run {before.run_id} ended as {before.action.value} too; decide by hand"


def _no_way_back(run: JudgedRun, settings: Settings) -> str:
    back_to, version = _before(run).version, judged_version(run, settings)
    if not back_to:
        return "the control run does not know which version it saw; decide by hand"
    if not version and not settings.deployment:
        return "it is not known which version was deployed; give --expect-version"
    if any(same_version(back_to, each) for each in (version, run.version)):
        seen = run.version or version
        return f"the control run saw version {seen} too, so there is none to go back to"
    odd = [each for each in (back_to, version) if each and not _VERSION.fullmatch(each)]
    return f"{odd[0]!r} does not look like a version; decide by hand" if odd else ""


def _done_before(run: JudgedRun, settings: Settings) -> str:
    record = record_of(run, settings)
    if not os.path.lexists(record):
        return ""
    return f"this deployment was acted on before; to act again, remove {record}"


_REFUSALS: tuple[Refusal, ...] = (
    _not_called_for,
    _no_way,
    _only_a_part,
    _no_baseline,
    _bad_before,
    _no_way_back,
    _done_before,
)


def _before(run: JudgedRun) -> Baseline:
    assert run.baseline is not None  # noqa: S101 - refused before
    return run.baseline


def record_of(run: JudgedRun, settings: Settings) -> Path:
    """The file that says that a deployment was acted on; its content does not matter."""
    deployment = settings.deployment or f"version {judged_version(run, settings)}"
    name = hashlib.sha256(f"{run.target}\0{deployment}".encode()).hexdigest()[:32]
    return journal.folder(settings.journal) / f"{name}.acted"


def claim(run: JudgedRun, settings: Settings) -> str:
    """Record, before it is acted on, that a deployment is; why that cannot be, or nothing."""
    record = record_of(run, settings)
    try:
        record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        record.touch(exist_ok=False)  # with nothing in it: a disk that is full takes that whole
    except OSError as error:
        done_before = _done_before(run, settings)
        return done_before or f"{record} cannot be written: {error.strerror}"
    return ""


def environment(run: JudgedRun, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What the command finds in its environment."""
    return {
        **environ,
        "SMOKEGATE_RUN_ID": run.run_id,
        "SMOKEGATE_VERDICT": run.verdict.action.value,
        "SMOKEGATE_TARGET": run.target,
        "SMOKEGATE_VERSION": judged_version(run, settings),
        "SMOKEGATE_ROLLBACK_TO": _before(run).version,
    }


def _redactor(settings: Settings, environ: Mapping[str, str]) -> Redactor:
    redactor = Redactor()
    learn_settings(redactor, settings)
    named = {name: value for name, value in environ.items() if name not in _FOLDERS}
    redactor.learn(named, sent=True)
    words = command_of(settings)
    redactor.learn_text(" ".join(words).encode())  # --token=VALUE
    for option, value in pairwise(words):
        if option.startswith("-") and "=" not in option and is_secret_name(option):
            redactor.add(value)
    return redactor
