"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import os
from pathlib import Path


def write_named(path: Path, content: bytes) -> None:
    """Write the file that a person named: whole, in place of the one that is there.

    A link stays one. What is no file, such as a device or a pipe, must not be replaced and is
    written to. Raises `OSError`.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        write_whole(path.resolve(), content)


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file aside, flush it to disk, and put it in place of whatever is there.

    `mode` is before the umask. Raises `OSError`; what was there then stays.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    aside.unlink(missing_ok=True)  # of a process that died, or a link that leads elsewhere
    try:
        with open(aside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
