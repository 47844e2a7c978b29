"""Where Zigbee2MQTT comes from."""

from pathlib import Path
import subprocess

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def zigbee2mqtt() -> str:
    """Return the program that runs Zigbee2MQTT."""
    found = subprocess.run(
        [ROOT / "scripts/zigbee2mqtt"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        why = found.stderr.strip().rpartition("\n")[2]
        pytest.skip(f"the real Zigbee2MQTT cannot be had here: {why}")
    return found.stdout.strip()


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Physical devices have timers: their mechanisms."""
    return True
