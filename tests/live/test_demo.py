"""The whole demo as a newcomer starts it: every process, every message is real."""

from collections.abc import Generator
from pathlib import Path
import re

import pytest

from simulator.mobile import WAYS
from simulator.residents import RESIDENTS, masked
from tests.conftest import COMPLAINT

from .demo import Demo

UNIT = "1-1-201"
CONCERNED = [row for row in RESIDENTS if row.place == UNIT or row.role == "fire_post"]

pytestmark = pytest.mark.timeout(300)


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
    # A real process on the real Home Assistant: nothing deprecated, nothing that blocks.
    assert [line for line in log.splitlines() if COMPLAINT.search(line)] == []
    written = {
        path: path.read_bytes()
        for path in demo.config.rglob("*")
        if path.is_file() and not path.name.startswith("rental_units_")
    }
    assert any(path.name == "home-assistant_v2.db" for path in written)
    for path, content in written.items():
        for row in RESIDENTS:
            assert row.number.encode() not in content, path
