"""Files that belong to one living process: what differs between the platforms."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":  # not run by our tests: there is no Windows machine in them

    def lock(file: IO[bytes]) -> bool:
        """Take a file for this process until it is closed; False if another has it."""
        import msvcrt

        try:
            # A byte far beyond the end, so that the file's text stays readable to others.
            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

    def publish(file: IO[bytes], unfinished: Path, path: Path) -> IO[bytes]:
        """Give a locked file its own name; it must be closed for that, and is locked again."""
        file.close()
        unfinished.rename(path)
        renamed = path.open("r+b", buffering=0)
        if not lock(renamed):
            renamed.close()
            raise BlockingIOError(f"{path} was taken by another process")
        return renamed

    def discard(file: IO[bytes], path: Path) -> None:
        """Close a locked file and remove it, in the order that Windows wants."""
        file.close()
        path.unlink(missing_ok=True)

else:

    def lock(file: IO[bytes]) -> bool:
        """Take a file for this process until it is closed; False if another has it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def publish(file: IO[bytes], unfinished: Path, path: Path) -> IO[bytes]:
        """Give a locked file its own name: under it, it is never seen without its lock."""
        unfinished.rename(path)
        _flush_folder(path.parent)
        return file

    def discard(file: IO[bytes], path: Path) -> None:
        """Remove a locked file while its lock still holds, and close it."""
        with file:
            path.unlink(missing_ok=True)

    def _flush_folder(folder: Path) -> None:
        """Put a new name on the disk too: after a power cut a file without one is lost."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
