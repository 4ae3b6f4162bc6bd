"""Small disks that only one process sees, made in a namespace of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path


def may_mount() -> bool:
    """Whether this system lets its users make namespaces in which they may mount."""
    try:
        tried = subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


def on_a_disk(folder: Path, size_kib: int) -> tuple[str, ...]:
    """What begins a command so that it finds an empty disk of this size at `folder`."""
    mount = f'mount -t tmpfs -o size={size_kib}k none "{folder}" && exec "$@"'
    return ("unshare", "-Urm", "sh", "-c", mount, "sh")
