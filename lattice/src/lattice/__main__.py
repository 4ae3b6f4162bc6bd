"""The command line: `python -m lattice serve` and `python -m lattice migrate`."""

import argparse
import gc
import sys
from collections.abc import Sequence

PORT_MAX = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; return the exit code: 2 for what cannot be used."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return 2
    # Late, because it takes most of the start: a wrong option is answered at once. Nothing becomes
    # garbage meanwhile, and looking for it would take a tenth of the time.
    gc.disable()
    from lattice.server import migrate, serve

    if options.command == "migrate":
        return migrate()
    return serve(options.host, options.port, dev=options.dev, listener_fd=options.listener)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lattice", description="Lattice API: lattices, and paths through them."
    )
    commands = parser.add_subparsers(dest="command")
    serve = commands.add_parser(
        "serve", help="serve the API", epilog="Everything else is set by LATTICE_* variables."
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on [%(default)s]")
    serve.add_argument(
        "--port", default=8000, type=_port, help="port to listen on, 0 for a free one [%(default)s]"
    )
    serve.add_argument(
        "--dev", action="store_true", help="development: make up a secret, allow a local page"
    )
    # Of the processes that `serve` itself starts when there are to be several.
    serve.add_argument("--listener", type=int, help=argparse.SUPPRESS)
    commands.add_parser(
        "migrate",
        help="bring the database to the schema of this version",
        epilog="The database is LATTICE_DATABASE_URL; what is there stays.",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > PORT_MAX:
        msg = f"a port is a number from 0 to {PORT_MAX}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
