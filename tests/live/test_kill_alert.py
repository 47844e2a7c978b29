"""Kill -9 at each state of a delivery: none is lost, nobody is called twice for one attempt."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
import os
from pathlib import Path
import sqlite3
import sys
import time
from typing import Any

import pytest

from simulator.broker import free_port
from tests.rental_units.alerts.providers import Provider

ROOT = Path(__file__).parents[2]
#: Real seconds; a busy machine takes a minute to start a house.
PATIENCE = 120
pytestmark = pytest.mark.timeout(600)
CHANNELS = {"sms", "call", "webhook"}


class Property:
    """A Home Assistant process, and the provider it talks to."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        """Prepare a configuration folder."""
        self.folder = folder
        self.provider = provider
        (folder / "configuration.yaml").write_text("logger:\n  default: error\n")
        (folder / "custom_components").mkdir()
        (folder / "custom_components" / "rental_units").symlink_to(
            ROOT / "custom_components" / "rental_units"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process; it is not waited for: it may be killed before it is set up."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.live.property"),
            *(self.folder, self.provider.url),
            cwd=ROOT,
            env={**os.environ, "SETUP_PORT": str(free_port())},
            stdout=asyncio.subprocess.PIPE,
        )

    async def set_up(self) -> None:
        """Wait until it is set up."""
        assert self._process
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE):
            assert await self._process.stdout.readline() == b"set up\n"

    async def kill(self) -> None:
        """Kill -9."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def terminate(self) -> None:
        """Stop it as a system does that shuts down."""
        assert self._process
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0

    @property
    def database(self) -> Path:
        """Return the register's file."""
        return self.folder / "rental_units_01placeholder.db"

    def kept(self) -> str:
        """Return what is in the file of what is not written; empty if there is none."""
        try:
            file = self.folder / ".storage/rental_units.01placeholder.unwritten"
            return file.read_text()
        except FileNotFoundError:
            return ""

    def rows(self) -> dict[str, tuple[str, int, str | None, float | None]]:
        """Return state, attempts, reason and time of each delivery on disk, by channel."""
        uri = f"file:{self.database}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as database:
                return {
                    row[0]: tuple(row[1:])
                    for row in database.execute(
                        "SELECT channel, state, attempts, reason, due_at FROM deliveries"
                    )
                }
        except sqlite3.OperationalError:
            return {}

    async def until(self, proof: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the rows on disk satisfy something."""
        async with asyncio.timeout(PATIENCE):
            while not proof(rows := await asyncio.to_thread(self.rows)):
                pass
        return rows

    def attempts(self) -> Counter[str]:
        """Return how many attempts came to the provider, by channel."""
        return Counter(item["path"].split("/")[1] for item in self.provider.heard)


@pytest.fixture
async def flats(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[Property]:
    """Return a property, not started yet."""
    provider = Provider()
    await provider.start()
    folder = tmp_path / "property"
    folder.mkdir()
    flats = Property(folder, provider)
    yield flats
    await flats.kill()
    await provider.close()


def all_in(*states: str) -> Callable[[dict[str, Any]], bool]:
    """Return the proof that all three deliveries are in one of these states."""
    return lambda rows: (
        set(rows) == CHANNELS and all(row[0] in states for row in rows.values())
    )


def waiting(rows: dict[str, Any]) -> bool:
    """Return if all three were tried, and none is about to be: that would count as a try.

    Two seconds, in which a busy machine has read this and killed.
    """
    return all_in("queued")(rows) and all(
        row[1] and (row[3] or 0) > time.time() + 2 for row in rows.values()
    )


async def test_killed_while_queued(flats: Property) -> None:
    """The provider was away: each is tried again after the restart, and comes once."""
    await flats.provider.stop()
    await flats.start()
    await flats.until(waiting)
    await flats.kill()
    assert flats.attempts() == {}

    await flats.provider.start()
    await flats.start()
    await flats.until(all_in("sent"))
    assert flats.attempts() == dict.fromkeys(CHANNELS, 1)


async def test_killed_while_sending(flats: Property) -> None:
    """In the provider's hands: a call may be under way, so it is not made again.

    The webhook takes its key, and is asked once more with the same.
    """
    flats.provider.hold = asyncio.Event()
    await flats.start()
    await flats.until(all_in("sending"))
    async with asyncio.timeout(PATIENCE):
        while set(flats.attempts()) != CHANNELS:
            await flats.provider.news.wait()
            flats.provider.news.clear()
    await flats.kill()
    flats.provider.hold.set()
    flats.provider.hold = None

    await flats.start()
    rows = await flats.until(all_in("sent"))
    assert flats.attempts() == {"sms": 1, "call": 1, "webhook": 2}
    assert rows["call"][:3] == ("sent", 1, "unknown")
    assert rows["sms"][:3] == ("sent", 1, "unknown")
    keys = {
        item["headers"]["Idempotency-Key"]
        for item in flats.provider.heard
        if item["path"] == "/webhook"
    }
    assert len(keys) == 1


async def test_killed_after_sending(flats: Property) -> None:
    """Sent is sent."""
    await flats.start()
    await flats.until(all_in("sent"))
    await flats.kill()
    await flats.start()
    await flats.set_up()
    await flats.until(all_in("sent"))
    assert flats.attempts() == dict.fromkeys(CHANNELS, 1)


async def test_killed_between_tries(flats: Property) -> None:
    """Refused once, then killed: the next try is made after the restart."""
    flats.provider.status = 500
    await flats.start()
    await flats.until(waiting)
    await flats.kill()
    flats.provider.status = 200
    flats.provider.heard.clear()
    await flats.start()
    await flats.until(all_in("sent"))
    assert flats.attempts() == dict.fromkeys(CHANNELS, 1)


@pytest.mark.parametrize("stop", ["kill", "terminate"])
async def test_stopped_while_the_register_is_locked(flats: Property, stop: str) -> None:
    """What was sent and could not be written is known at the next start: nobody is called twice."""
    flats.provider.status = 500
    await flats.start()
    await flats.set_up()
    await flats.until(waiting)
    with closing(sqlite3.connect(flats.database, autocommit=True)) as other:
        other.execute("BEGIN EXCLUSIVE")
        flats.provider.heard.clear()
        flats.provider.status = 200
        async with asyncio.timeout(PATIENCE):
            while '\\"sent\\"' not in (kept := await asyncio.to_thread(flats.kept)) or (
                kept.count('\\"sent\\"') < len(CHANNELS)
            ):
                pass
        await getattr(flats, stop)()
        assert flats.kept()
        assert all_in("queued", "sending")(flats.rows())
        other.execute("ROLLBACK")

    await flats.start()
    await flats.set_up()
    rows = await flats.until(all_in("sent"))
    assert flats.attempts() == dict.fromkeys(CHANNELS, 1)
    assert not flats.kept()
    assert {row[2] for row in rows.values()} <= {None, "http_500"}
