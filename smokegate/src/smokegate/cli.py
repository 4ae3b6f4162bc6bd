"""The command line: arguments in, exit code out.

Exit codes of `run` and `demo`: 0 go on, 5 monitor under --strict, 10 investigate, 20 roll back,
30 no verdict, 2 wrong use. Any other code is not from here.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from smokegate import __version__
from smokegate.errors import SmokegateError, UsageError

if TYPE_CHECKING:
    from smokegate.engine import Plan
    from smokegate.results import JudgedRun
    from smokegate.settings import Settings

EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 30
SUITES_FOLDER = "tests/smoke"

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    _open_missing_streams()
    try:
        with _terminated_as_interrupted():
            return _dispatch(parser().parse_args(arguments))
    except UsageError as error:
        _say(f"smokegate: {error}")
        return EXIT_USAGE
    except SmokegateError as error:
        _say(f"smokegate: {error}")
        return EXIT_INCONCLUSIVE
    except KeyboardInterrupt:
        _say("smokegate: interrupted, no verdict")
        return EXIT_INCONCLUSIVE
    except Exception:  # a bug of ours is no verdict, and must not look like one
        _say(f"{traceback.format_exc()}smokegate: internal error, no verdict; please report it")
        return EXIT_INCONCLUSIVE
    finally:
        _flush()


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    root = argparse.ArgumentParser(
        prog="smokegate",
        description="Says after a deployment, with evidence, whether to proceed or roll back.",
        epilog=_EXIT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"smokegate {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_run(commands.add_parser("run", **_described(_RUN_HELP, "verify a deployment")))
    demo = commands.add_parser(
        "demo",
        **_described(
            "Start Lattice API from this checkout, verify it, stop it.\n\nexample:\n"
            "  smokegate demo\n",
            "verify a Lattice API that is started for it",
        ),
    )
    _add_output(demo)
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
    return root


def _described(description: str, short: str, *, exits: str = _EXIT_HELP) -> dict[str, Any]:
    return {
        "description": description,
        "help": short,
        "epilog": exits,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "paths", nargs="*", metavar="PATH", help=f"suites to run (default: {SUITES_FOLDER})"
    )
    run.add_argument("--url", help="the target (default: PRODUCTION_URL)")
    run.add_argument("--suite", choices=("health", "workflows"), help="run only this suite")
    run.add_argument("-k", dest="words", metavar="WORDS", help="run only checks with these words")
    run.add_argument("--expect-version", metavar="VERSION", help="what the target should serve")
    run.add_argument("--environment", metavar="NAME", help="shown in reports (production)")
    run.add_argument("--timeout", type=float, metavar="SECONDS", help="limit for a request (30)")
    run.add_argument(
        "--ca-file", metavar="FILE", help="trust this authority instead of the system's"
    )
    run.add_argument("--strict", action="store_true", default=None, help="monitor exits 5, not 0")
    run.add_argument("--list", action="store_true", help="list the checks and exit")
    _add_output(run)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", metavar="DIR", help="where the result files go")
    parser.add_argument("--json", metavar="FILE", help="write the run there too; - is stdout")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every exchange")


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "run":
        return _run(arguments)
    if arguments.command == "demo":
        return _demo(arguments)
    return _sweep(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from smokegate import settings

    configured = settings.load(
        {
            "url": arguments.url,
            "expect_version": arguments.expect_version,
            "environment": arguments.environment,
            "timeout_s": arguments.timeout,
            "ca_file": arguments.ca_file,
            "strict": arguments.strict,
            "results": arguments.results,
        },
        os.environ,
    )
    paths = [Path(path) for path in arguments.paths or [SUITES_FOLDER]]
    if arguments.list:
        return _list(_load(paths, configured, arguments.suite, arguments.words))
    return verify_and_report(
        configured,
        paths,
        suite=arguments.suite or "",
        words=arguments.words or "",
        json_file=arguments.json or "",
        verbose=arguments.verbose,
    )


def verify_and_report(
    settings: Settings,
    paths: list[Path],
    *,
    suite: str = "",
    words: str = "",
    json_file: str = "",
    verbose: bool = False,
) -> int:
    """Verify, show and write the results, and return the verdict's exit code."""
    from smokegate import gate
    from smokegate.reports.terminal import Terminal
    from smokegate.verdict import exit_code

    stream = sys.stderr if json_file == "-" else sys.stdout
    terminal = Terminal(stream, verbose=verbose)
    run = gate.verify(
        settings,
        lambda: _load(paths, settings, suite, words),
        terminal.listen,
        suites=[str(path.resolve()) for path in paths],
    )
    terminal.finish(run)
    _publish(run, settings, json_file, stream)
    return exit_code(run.verdict, strict=settings.strict)


def _publish(run: JudgedRun, settings: Settings, json_file: str, stream: TextIO) -> None:
    """Give the run to every outlet; what one cannot do is said and changes no verdict."""
    outlets = [
        partial(_write_results, run, Path(settings.results), stream),
        partial(_write_json, run, json_file),
        partial(_tell_github, run, stream),
    ]
    for outlet in outlets:
        try:
            outlet()
        except OSError as error:
            _say(f"smokegate: {error}")
        except Exception:  # a report's bug must not turn a verdict into none
            _say(f"{traceback.format_exc()}smokegate: internal error in a report; please report it")


def _write_results(run: JudgedRun, folder: Path, stream: TextIO) -> None:
    from smokegate.reports import files

    written = files.write_all(run, folder)
    names = ", ".join(sorted(path.name for path in written))
    print(f"Results in {folder}: {names}", file=stream)


def _write_json(run: JudgedRun, json_file: str) -> None:
    from smokegate.reports import files
    from smokegate.results import to_json

    if json_file == "-":
        sys.stdout.buffer.write(to_json(run))
        sys.stdout.buffer.flush()
    elif json_file:
        files.write_json(run, Path(json_file))


def _tell_github(run: JudgedRun, stream: TextIO) -> None:
    if os.environ.get("GITHUB_ACTIONS"):
        from smokegate.reports import github

        github.publish(run, os.environ, stream)


def _load(paths: list[Path], settings: Settings, suite: str | None, words: str | None) -> Plan:
    from smokegate import engine

    select = engine.select_by_words(words) if words else None
    return engine.load(paths, settings, suite=suite or "", select=select)


def _list(plan: Plan) -> int:
    for check in plan.checks:
        print(f"{check.id}  {check.title}")  # noqa: T201
    for missing in plan.missing_suites:
        _say(f"smokegate: {missing.reason}")
    return EXIT_INCONCLUSIVE if plan.missing_suites else 0


def _demo(arguments: argparse.Namespace) -> int:
    from smokegate import demo

    return demo.run(
        lambda settings, paths: verify_and_report(
            settings, paths, json_file=arguments.json or "", verbose=arguments.verbose
        ),
        results=arguments.results,
        progress=sys.stderr if arguments.json == "-" else sys.stdout,
    )


def _sweep(arguments: argparse.Namespace) -> int:
    from smokegate import gate, settings
    from smokegate.resources import removers_in

    configured = settings.load({"url": arguments.url, "ca_file": arguments.ca_file}, os.environ)
    left = gate.sweep(configured, lambda suites: removers_in(arguments.paths or suites))
    for line in left:
        _say(f"left: {line}")
    if not left:
        print("nothing of ours is left")  # noqa: T201
    return 1 if left else 0


def _say(line: str) -> None:
    """Say something on standard error, as far as that can be written to."""
    try:
        print(line, file=sys.stderr)  # noqa: T201
    except (OSError, ValueError):
        return  # there is nobody left to tell


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Make SIGTERM end what runs as Ctrl-C does, where the engine does not take care of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _open_missing_streams() -> None:
    """Give programs that are started without output (cron, daemons) one that goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _flush() -> None:
    """Flush the output here: at exit a closed pipe would turn the verdict's code into another."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
