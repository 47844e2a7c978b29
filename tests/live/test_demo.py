"""The whole demo as a newcomer starts it: every process, every message is real."""

from collections.abc import Generator
import os
from pathlib import Path
import re
import signal
import subprocess
import sys

import pytest

from simulator.broker import free_port
from simulator.mobile import WAYS
from simulator.residents import RESIDENTS, masked

ROOT = Path(__file__).parents[2]
UNIT = "1-1-201"
CONCERNED = [row for row in RESIDENTS if row.place == UNIT or row.role == "fire_post"]

pytestmark = pytest.mark.timeout(300)


class Demo:
    """The demo in a folder of its own."""

    def __init__(self, folder: Path, language: str) -> None:
        """Start it, and wait until it is ready."""
        self.config = folder / "config"
        self._env = {**os.environ, "DEMO_FOLDER": str(folder)}
        self._process = subprocess.Popen(
            self._command("--port", str(free_port()), "--language", language),
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.rstrip().endswith("Ready"):
                break
        assert self._process.poll() is None, "".join(said)

    def run(self, *arguments: str) -> str:
        """Let something happen; return its timeline."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> int:
        """End it; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=90)
        return self._process.returncode

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "simulator.demo", *arguments]


@pytest.fixture
def demo(
    tmp_path: Path, socket_enabled: None, request: pytest.FixtureRequest
) -> Generator[Demo]:
    """Return the demo, ready."""
    demo = Demo(tmp_path / "demo", getattr(request, "param", "en"))
    try:
        yield demo
    finally:
        assert demo.stop() == 0


def at(story: str, what: str) -> int:
    """Return when something has happened, in milliseconds."""
    found = re.search(rf"^ *\+(\d+) ms  {what}", story, re.MULTILINE)
    assert found, f"{what!r} is not in\n{story}"
    return int(found[1])


def test_fire_in_a_unit(demo: Demo) -> None:
    """Power off and proven, four people told over three channels, one answers, it stops."""
    story = demo.run("smoke", UNIT)
    raised = at(story, "Alarm raised: alarm smoke")
    told = [
        at(story, f"{row.names[0]}: {way}")
        for row in CONCERNED
        for way in ("push", re.escape(f"SMS {masked(row.number)}"), "call ")
    ]
    assert len(told) == len(CONCERNED) * len(WAYS) == 12
    # GB/T 45839-2025 5.10.4
    assert max(told) - raised < 15_000
    at(story, "Cut-off of Breaker supply: confirmed")
    pressed = at(story, f"Landlord of {UNIT} presses “I'm on my way” in the app")
    stopped = at(story, "Alert acknowledged: the escalation stops")
    assert max(told) <= pressed <= stopped <= at(story, "Alarm acknowledged")

    story = demo.run("clear", "--false-alarm")
    # With the property office and the four neighbours of the stairwell.
    assert f"“False alarm: {UNIT}” is told to 9 people" in story

    log = (demo.config / "home-assistant.log").read_text("utf-8")
    assert " ERROR " not in log
    written = {
        path: path.read_bytes()
        for path in demo.config.rglob("*")
        if path.is_file() and not path.name.startswith("rental_units_")
    }
    assert any(path.name == "home-assistant_v2.db" for path in written)
    for path, content in written.items():
        for row in RESIDENTS:
            assert row.number.encode() not in content, path
