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


def on_a_disk(folder: Path, size_kib: int, *, keep_user: bool = False) -> tuple[str, ...]:
    """What begins a command so that it finds an empty disk of this size at `folder`.

    The command believes to be root, unless it keeps its user.
    """
    mount = f'mount -t tmpfs -o size={size_kib}k,mode=700 none "{folder}" && exec "$@"'
    as_whom = ("-Um", "--map-user=65534", "--map-group=65534", "--keep-caps")
    return ("unshare", *(as_whom if keep_user else ("-Urm",)), "sh", "-c", mount, "sh")
