"""Stands in for `smokegate run`: ends as a file says, once that is there, or when it is told to.

`said` beside that file lists what it was told, `env` the names in its environment, `child` the
process that it leaves behind where it is told to leave one.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

folder = Path(sys.argv[1])
words = sys.argv[2:]
file = Path(words[-1].removeprefix("--json="))


def end(action: str, interrupted: str = "") -> NoReturn:
    verdict = {"action": action, "reason": f"it is {action}"}
    run = {"run_id": f"run-{os.getpid()}", "version": "2.0.0", "interrupted": interrupted}
    aside = file.with_suffix(".part")
    aside.write_text(json.dumps({**run, "verdict": verdict}))
    aside.replace(file)
    os._exit(0)


if not (folder / "deaf").exists():
    signal.signal(signal.SIGTERM, lambda *_: end("inconclusive", "SIGTERM"))
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
(folder / "env").write_text("\n".join(sorted(os.environ)))
if (folder / "leaves").exists():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "child").write_text(str(left.pid))
with (folder / "said").open("a") as said:
    said.write(" ".join(words[:-1]) + "\n")
while not (folder / "ends").exists():
    time.sleep(0.02)
how = (folder / "ends").read_text()
if how == "dies":
    sys.stderr.write("smokegate: tests/smoke: there is no such folder\n")
    sys.stderr.flush()
    os._exit(2)
end(how)
