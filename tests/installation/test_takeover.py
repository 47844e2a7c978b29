"""What HACS has installed goes on with the Marketplace of 2026.11.

There is no way back but a backup: Home Assistant 2026.10 does not read what 2026.11 has
written of its own.
"""

import asyncio
import json
from pathlib import Path
import subprocess
import sys

import pytest

from scripts.packaging import Files

from .github import GitHub
from .home import Home
from .installers import Hacs, Marketplace
from .test_life import (
    HAS_MARKETPLACE,
    NEXT,
    OURS,
    Life,
    files,
    gateway,
    next_version,
    release,
)

__all__ = ["files", "gateway"]
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not HAS_MARKETPLACE, reason="from 2026.11"),
]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(request: pytest.FixtureRequest) -> Path:
    """Return the checkout of HACS."""
    if not (path := request.config.getoption("--hacs", None)):
        pytest.skip("--hacs names no checkout")
    return Path(path)


@pytest.fixture
def before() -> str:
    """Return the Python of the Home Assistant that had no Marketplace."""
    done = subprocess.run(
        [ROOT / "scripts/setup", "2026.10"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return f"{done.stdout.strip()}/bin/python"


def test_takeover(
    tmp_path: Path, files: Files, gateway: int, checkout: Path, before: str
) -> None:
    """Home Assistant alone is updated: all runs on, and the Marketplace updates and removes it."""
    home = tmp_path / "home"
    home.mkdir()

    async def story() -> None:
        version = json.loads(files["manifest.json"])["version"]
        with GitHub() as github:
            github.releases = [release(files, tmp_path)]
            async with Home(home, github.address) as house:
                house.python = before
                life = Life(house, Hacs(house, github, checkout), files)
                await life.installed(gateway)

                await house.stop()
                house.python = sys.executable
                await house.start()
                marketplace = Marketplace(house, github)
                await marketplace.accept()
                await life.runs(version)
                assert await house.issues() & OURS == set()
                # By HACS's records, and with its connection.
                assert await marketplace.installed_version() == version
                assert await marketplace.is_connected()
                assert not (house.custom / "hacs").exists()

                github.releases.insert(0, release(next_version(files), tmp_path))
                life.installer = marketplace
                await life.updated()
                assert await marketplace.installed_version() == NEXT
                await life.removed()

    asyncio.run(story())
