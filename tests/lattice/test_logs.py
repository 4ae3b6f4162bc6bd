import json
import subprocess
import sys

LOGGED = """
import logging
import structlog
from lattice.logs import log_as_json

log_as_json()
log = structlog.get_logger("lattice")
log.info("begun", tenants=3)
log.debug("nothing to see")
try:
    password = "not-to-be-seen"
    raise ValueError("went wrong")
except ValueError:
    log.exception("unexpected error", path="/x")
logging.getLogger("uvicorn.error").error("from the server: %s", 7)
logging.getLogger("uvicorn.error").info("nothing to see")
logging.getLogger("uvicorn.access").info("nothing to see")
"""


def test_every_line_is_one_object_on_stderr_and_shows_no_variables() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOGGED], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == ""
    begun, unexpected, foreign = (json.loads(line) for line in ended.stderr.splitlines())
    assert (begun["event"], begun["level"], begun["tenants"]) == ("begun", "info", 3)
    assert begun["timestamp"].endswith("Z")
    assert "ValueError: went wrong" in unexpected["exception"]
    assert (foreign["event"], foreign["level"]) == ("from the server: 7", "error")
    assert "not-to-be-seen" not in ended.stderr.replace('password = "not-to-be-seen"', "")
