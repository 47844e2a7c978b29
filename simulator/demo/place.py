"""Where the demo keeps its things, and what a second terminal has to know of it."""

from collections.abc import Iterator
import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
#: Another folder is another demo.
DEMO = Path(os.environ.get("DEMO_FOLDER") or REPOSITORY / "demo")
CONFIG = DEMO / "config"
LOGS = DEMO / "logs"
HA_LOG = CONFIG / "home-assistant.log"
#: Present while the demo runs: its process, ports and access token.
RUN_FILE = DEMO / "run.json"
#: What has been set up already, and the access token.
STATE_FILE = DEMO / "state.json"


def read(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file, nothing if there is none or it is broken."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError, ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that only its owner can read: it holds an access token."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(content, file, indent=1)
    new.replace(path)


@contextlib.contextmanager
def demo_lock() -> Iterator[bool]:
    """Hold the demo's folder while it runs; False if another process holds it."""
    DEMO.mkdir(exist_ok=True)
    with (DEMO / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def running() -> dict[str, Any] | None:
    """Return what is known of the demo that runs, None if none does."""
    run = read(RUN_FILE)
    try:
        os.kill(run["pid"], 0)
    except KeyError, OSError:
        return None
    return run
