"""The command line: arguments in, exit code out.

Exit codes of `run` and `demo`: 0 go on, 5 monitor under --strict, 10 investigate, 20 roll back,
30 no verdict, 2 wrong use. Any other code is not from here.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from smokegate import __version__, streams
from smokegate.arguments import SUITES_FOLDER, described
from smokegate.audit.arguments import add_audit
from smokegate.errors import SmokegateError, UsageError
from smokegate.fleet.arguments import add_fleet
from smokegate.history.arguments import add_history
from smokegate.locations.arguments import add_locations, add_worker
from smokegate.notify.arguments import add_notify
from smokegate.scaffold.arguments import add_init
from smokegate.service.arguments import add_serve
from smokegate.signals import Insistence, handled
from smokegate.watch.arguments import add_watch

if TYPE_CHECKING:
    from smokegate.settings import Settings

EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 30
# Objects made: what is imported stays, and looking through it for garbage takes a tenth of a run.
_COLLECT_AFTER = 50_000

_RUN_HELP = """\
Verify a deployment: run the smoke suites against it and say what to do.

example:
  PRODUCTION_URL=https://api.example.com smokegate run
  smokegate run --url https://api.example.com --expect-version 1.4.2 --strict
"""
_EXIT_HELP = """\
exit codes:
  0 proceed or monitor   5 monitor with --strict   10 investigate
  20 roll back           30 no verdict             2 wrong use
"""
_described = partial(described, exits=_EXIT_HELP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        with handled(Insistence(_interrupt, _end_at_once)):
            streams.open_missing()
            given = sys.argv[1:] if arguments is None else arguments
            only = given[0] if given and given[0] in _COMMANDS else ""
            return _dispatch(parser(only).parse_args(given))
    except UsageError as error:
        streams.say(f"smokegate: {error}")
        return EXIT_USAGE
    except SmokegateError as error:
        streams.say(f"smokegate: {error}")
        return EXIT_INCONCLUSIVE
    except KeyboardInterrupt:
        streams.say("smokegate: interrupted, no verdict")
        return EXIT_INCONCLUSIVE
    except Exception:  # a bug of ours is no verdict, and must not look like one
        streams.say(f"{traceback.format_exc()}smokegate: a bug, no verdict; please report it")
        return EXIT_INCONCLUSIVE
    finally:
        streams.flush()


def run_and_exit() -> NoReturn:
    """Run a command and end the process, whatever its checks have left running in it."""
    gc.set_threshold(_COLLECT_AFTER)
    with handled(_heed_no_more):
        os._exit(main())


def _heed_no_more(*_: object) -> None:
    """Let the exit code stand: it is decided, and nothing is left to interrupt."""


def _interrupt(_name: str) -> NoReturn:
    raise KeyboardInterrupt


def _end_at_once(name: str) -> NoReturn:
    streams.say_at_once(f"smokegate: {name}, the second signal, ended it at once: no verdict")
    os._exit(EXIT_INCONCLUSIVE)


def parser(only: str = "") -> argparse.ArgumentParser:
    """Build the parser of all commands, or of one alone, which takes half the time."""
    root = argparse.ArgumentParser(
        prog="smokegate",
        description="Says after a deployment, with evidence, whether to proceed or roll back.",
        epilog=_EXIT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"smokegate {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (add, _) in _COMMANDS.items():
        if only in ("", name):
            add(commands)
    return root


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        **_described(
            "Start Lattice API from this checkout, verify it, stop it.\n\nexample:\n"
            "  smokegate demo\n",
            "verify a Lattice API that is started for it",
        ),
    )
    _add_output(demo)


def _add_sweep(commands: Any) -> None:
    sweep = commands.add_parser(
        "sweep",
        **_described(
            "Remove what runs that were killed left at their targets.\n"
            "Exits 0 when nothing is left, 1 otherwise.\n\nexample:\n  smokegate sweep\n",
            "remove what killed runs left behind",
            exits="exit codes:\n  0 nothing is left   1 something is   2 wrong use\n",
        ),
    )
    sweep.add_argument("paths", nargs="*", metavar="PATH", help="suites with the removers")
    sweep.add_argument("--url", help="sweep only what was left at this target")
    sweep.add_argument("--ca-file", metavar="FILE", help="trust this authority")


def _add_explain(commands: Any) -> None:
    explain = commands.add_parser(
        "explain",
        **_described(
            "Derive a verdict again from the evidence in run.json, and look whether that was\n"
            "altered. With signing_key set, its signature is checked as well.\n\nexample:\n"
            "  smokegate explain tests/smoke/results/run_20260131_120000.json\n",
            "derive a verdict again from its evidence",
            exits="exit codes:\n  0 the same verdict   1 not, or altered   2 not a run\n",
        ),
    )
    explain.add_argument("file", metavar="RUN.json", help="- is standard input")


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", **_described(_RUN_HELP, "verify a deployment"))
    run.add_argument(
        "paths", nargs="*", metavar="PATH", help=f"suites to run (default: {SUITES_FOLDER})"
    )
    run.add_argument("--url", help="the target (default: PRODUCTION_URL)")
    run.add_argument("--targets", metavar="FILE", help="a file of many targets, to run --target of")
    run.add_argument("--target", metavar="NAME", help="which of --targets")
    run.add_argument("--suite", choices=("health", "workflows"), help="run only this suite")
    run.add_argument("-k", dest="words", metavar="WORDS", help="run only checks with these words")
    run.add_argument(
        "--expect-version", metavar="VERSION", help="what it should serve; auto: as CI or git says"
    )
    run.add_argument(
        "--wait", type=float, metavar="SECONDS", help="time the target may take to settle (10)"
    )
    run.add_argument(
        "--deployed-at", metavar="MOMENT", help="when it was deployed, as in 2026-01-31T12:00:00Z"
    )
    run.add_argument("--environment", metavar="NAME", help="shown in reports (production)")
    run.add_argument("--timeout", type=float, metavar="SECONDS", help="limit for a request (30)")
    run.add_argument(
        "--ca-file", metavar="FILE", help="trust this authority instead of the system's"
    )
    run.add_argument(
        "--baseline", metavar="FILE", help="compare with this run from before the deployment"
    )
    run.add_argument(
        "--save-baseline", metavar="FILE", help="write this run there, to compare the next with"
    )
    run.add_argument(
        "--act", action="store_true", help="run rollback_command if the verdict is rollback"
    )
    run.add_argument("--strict", action="store_true", default=None, help="monitor exits 5, not 0")
    run.add_argument("--list", action="store_true", help="list the checks and exit")
    add_locations(run)
    _add_output(run)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", metavar="DIR", help="where the result files go")
    parser.add_argument("--json", metavar="FILE", help="write the run there too; - is stdout")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every exchange")


# What has no name of its own on the command line.
_PLACES = {
    "words": "-k",
    "paths": "PATH",
    "file": "RUN.json",
    "run": "RUN",
    "check": "CHECK",
    "version": "VERSION",
    "directory": "DIR",
}


def _refuse_empty(arguments: argparse.Namespace) -> None:
    """Refuse an option without a value: in a pipeline that is a variable that is not set."""
    for name, value in vars(arguments).items():
        if value == "" or (isinstance(value, list) and "" in value):
            option = _PLACES.get(name) or f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is empty: leave it out, or give it a value")


def _dispatch(arguments: argparse.Namespace) -> int:
    _refuse_empty(arguments)
    _, command = _COMMANDS[arguments.command]
    return command(arguments)


def _run(arguments: argparse.Namespace) -> int:
    options = {
        "url": arguments.url,
        "expect_version": arguments.expect_version,
        "wait_s": arguments.wait,
        "environment": arguments.environment,
        "deployed_at": arguments.deployed_at,
        "timeout_s": arguments.timeout,
        "ca_file": arguments.ca_file,
        "strict": arguments.strict,
        "results": arguments.results,
    }
    paths, configured = _what_to_run(arguments, options)
    if arguments.list:
        return _list(paths, configured, arguments.suite or "", arguments.words or "")
    from smokegate.verification import Verification

    return Verification(
        paths,
        suite=arguments.suite or "",
        words=arguments.words or "",
        json_file=arguments.json or "",
        verbose=arguments.verbose,
        baseline=arguments.baseline or "",
        save_baseline=arguments.save_baseline or "",
        act=arguments.act,
        **_verifier(arguments),
    ).run(configured)


def _what_to_run(
    arguments: argparse.Namespace, options: dict[str, Any]
) -> tuple[list[Path], Settings]:
    """The suites and the settings: those of a target of several, or of the one there is."""
    from smokegate import settings

    paths = [Path(path) for path in arguments.paths]
    if arguments.target and not arguments.targets:
        raise UsageError("--target: give --targets, the file that has it")
    if not arguments.targets:
        return paths or [Path(SUITES_FOLDER)], settings.load(options, os.environ)
    from smokegate import targets

    found = targets.one(Path(arguments.targets), arguments.target or "", os.environ)
    return paths or list(found.paths), settings.with_options(found.settings, options, os.environ)


def _verifier(arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.locations:
        if arguments.quorum:
            raise UsageError("--quorum: it is of --locations: give those too")
        return {}
    try:
        from smokegate.locations.driver import Driver
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install smokegate[locations]") from None
    return {"verifier": Driver(arguments.locations, arguments.quorum or "all").verify}


def _worker(arguments: argparse.Namespace) -> int:
    from smokegate import settings

    try:
        from smokegate.locations import worker
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install smokegate[locations]") from None
    return worker.run(arguments, settings.load({}, os.environ), os.environ)


def _list(paths: list[Path], settings: Settings, suite: str, words: str) -> int:
    from smokegate.reports.outlet import Outlet
    from smokegate.verification import load

    plan = load(paths, settings, suite, words)
    outlet = Outlet(sys.stdout)
    for check in plan.checks:
        outlet.line(f"{check.id}  {check.title}")
    if not plan.checks:
        streams.say("smokegate: no check was selected")
    for missing in plan.missing_suites:
        streams.say(f"smokegate: {missing.reason}")
    return EXIT_INCONCLUSIVE if plan.missing_suites else 0


def _demo(arguments: argparse.Namespace) -> int:
    from smokegate import demo
    from smokegate.verification import Verification

    return demo.run(
        lambda settings, paths, stop: Verification(
            paths, json_file=arguments.json or "", verbose=arguments.verbose, before_exit=stop
        ).run(settings),
        results=arguments.results,
        progress=sys.stderr if arguments.json == "-" else sys.stdout,
    )


def _explain(arguments: argparse.Namespace) -> int:
    from smokegate import explain, settings

    return explain.run(arguments.file, settings.load({}, os.environ), sys.stdout)


def _audit(arguments: argparse.Namespace) -> int:
    from smokegate import settings
    from smokegate.audit.command import Command
    from smokegate.verification import give_up

    stream = sys.stderr if arguments.json == "-" else sys.stdout
    command = Command(
        [Path(path) for path in arguments.paths or [SUITES_FOLDER]],
        recording=arguments.recording or "",
        save_recording=arguments.save_recording or "",
        openapi=arguments.openapi or "",
        json_file=arguments.json or "",
        html_file=arguments.html or "",
        live=arguments.live,
        benign_runs=arguments.runs if arguments.benign else 0,
        owns=arguments.i_own_this_target,
        fail_under=arguments.fail_under,
        processes=arguments.processes,
        verbose=arguments.verbose,
    )
    if arguments.demo:
        from smokegate import demo

        if arguments.recording or arguments.url:
            raise UsageError("audit: --demo is its own target: leave --url and --recording out")
        return demo.run(
            lambda configured, _, stop: command.run(configured, stream, give_up(stop)),
            results=None,
            progress=stream,
        )
    given = {"url": arguments.url, "ca_file": arguments.ca_file}
    return command.run(settings.load(given, os.environ), stream, give_up(lambda: None))


def _fleet(arguments: argparse.Namespace) -> int:
    from smokegate.fleet import command
    from smokegate.verification import give_up

    return command.run(arguments, os.environ, give_up(lambda: None))


def _serve(arguments: argparse.Namespace) -> int:
    from smokegate import settings

    try:
        from smokegate.service import server
    except ModuleNotFoundError as error:
        raise UsageError(f"serve: {error.name} is missing: install smokegate[serve]") from None
    return server.run(arguments, settings.load({}, os.environ), _say_at_once)


def _say_at_once(line: str) -> None:
    from smokegate.reports.outlet import Outlet

    Outlet(sys.stdout).line(line)


def _history(arguments: argparse.Namespace) -> int:
    from smokegate import settings
    from smokegate.history import commands

    return commands.run(arguments, settings.load({}, os.environ), sys.stdout)


def _notify(_: argparse.Namespace) -> int:
    from smokegate import settings
    from smokegate.notify import command

    return command.test(settings.load({}, os.environ), sys.stdout)


def _watch(arguments: argparse.Namespace) -> int:
    from smokegate import settings
    from smokegate.verification import give_up
    from smokegate.watch import command

    options = ("url", "expect_version", "environment", "ca_file", "strict", "results")
    given = {name: getattr(arguments, name) for name in options}
    paths = [Path(path) for path in arguments.paths or [SUITES_FOLDER]]
    return command.run(arguments, paths, settings.load(given, os.environ), give_up(lambda: None))


def _init(arguments: argparse.Namespace) -> int:
    from smokegate import settings
    from smokegate.scaffold import command

    configured = settings.load({"ca_file": arguments.ca_file}, os.environ)
    return command.run(arguments, configured, _say_at_once)


def _sweep(arguments: argparse.Namespace) -> int:
    from smokegate import gate, settings
    from smokegate.reports.escaping import one_line
    from smokegate.reports.outlet import Outlet
    from smokegate.resources import removers_in

    configured = settings.load({"url": arguments.url, "ca_file": arguments.ca_file}, os.environ)
    left = gate.sweep(
        configured,
        lambda suites: removers_in(arguments.paths or suites),
        only_at=configured.url if arguments.url else "",
        tell=Outlet(sys.stdout).line,
    )
    for line in left:
        streams.say(f"left: {one_line(line)}")
    if not left:
        Outlet(sys.stdout).line("nothing of ours is left")
    return 1 if left else 0


def _until_told(serve: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Serve until a signal: one that comes while it starts tells it to end as well."""
    try:
        return serve(arguments)
    except KeyboardInterrupt:
        return 0


# In the order of the help: what adds the arguments of a command, and what does it.
_COMMANDS: dict[str, tuple[Callable[[Any], None], Callable[[argparse.Namespace], int]]] = {
    "run": (_add_run, _run),
    "demo": (_add_demo, _demo),
    "sweep": (_add_sweep, _sweep),
    "explain": (_add_explain, _explain),
    "audit": (add_audit, _audit),
    "serve": (add_serve, partial(_until_told, _serve)),
    "history": (add_history, _history),
    "fleet": (add_fleet, _fleet),
    "notify": (add_notify, _notify),
    "watch": (add_watch, _watch),
    "init": (add_init, _init),
    "worker": (add_worker, partial(_until_told, _worker)),
}


if __name__ == "__main__":
    run_and_exit()
