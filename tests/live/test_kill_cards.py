"""Kill -9 at each step in which a card is taken: whoever has left gets in no more."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
import os
from pathlib import Path
import sqlite3
import sys

import pytest

from simulator.broker import free_port
from simulator.uhppote import DELETE_CARD, GET_CARD, Board, Fault

ROOT = Path(__file__).parents[2]
#: Real seconds; a busy machine takes a minute to start a house.
PATIENCE = 120
pytestmark = pytest.mark.timeout(900)

#: What a controller is to hold, and what is proven of it.
type Rows = list[tuple[int, str]]


class House:
    """A Home Assistant process, and the board that it talks to."""

    def __init__(self, folder: Path, board: Board) -> None:
        """Prepare a configuration folder."""
        self.folder, self.board = folder, board
        (folder / "configuration.yaml").write_text("logger:\n  default: error\n")
        (folder / "custom_components").mkdir()
        for domain in ("community_safety", "rental_units"):
            (folder / "custom_components" / domain).symlink_to(
                ROOT / "custom_components" / domain
            )
        self._event_port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it is set up."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.live.doors", self.folder),
            *(str(self.board.serial), self.board.address, str(self._event_port)),
            cwd=ROOT,
            env={**os.environ, "SETUP_PORT": str(free_port())},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE):
            assert await self._process.stdout.readline() == b"set up\n"

    def tell(self, line: str) -> None:
        """Have it do something."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())

    def kill(self) -> None:
        """Kill -9, at once."""
        assert self._process
        if self._process.returncode is None:
            self._process.kill()

    async def dead(self) -> None:
        """Wait until it has ended."""
        assert self._process
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    async def terminate(self) -> None:
        """Stop it as a system does that shuts down."""
        assert self._process
        self._process.terminate()
        await self.dead()
        assert self._process.returncode == 0

    def rows(self) -> Rows:
        """Return what is on the disk of the newest card, by controller."""
        path = self.folder / "rental_units_01placeholder.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(
                "SELECT wanted, proof FROM card_places WHERE card_id ="
                " (SELECT id FROM cards ORDER BY created_at DESC LIMIT 1)"
            ).fetchall()

    async def until(self, proof: Callable[[], bool]) -> None:
        """Wait until something is so, as long as the process does what it does."""
        async with asyncio.timeout(PATIENCE):
            while not proof():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def asked(house: House) -> None:
    """Die when the board was asked to delete the card, and has not."""

    def on_asked(function: int) -> None:
        if function == DELETE_CARD:
            house.board.faults.add(Fault.KEEPS_CARDS)
            house.kill()

    house.board.on_asked = on_asked


def done(house: House) -> None:
    """Die when the board has deleted the card, and nobody heard its answer."""

    def on_asked(function: int) -> None:
        if function == DELETE_CARD:
            house.kill()

    house.board.on_asked = on_asked


def read_back(house: House) -> None:
    """Die when it is read back that the card is gone, and nobody has written that down."""
    deleted = False

    def on_asked(function: int) -> None:
        nonlocal deleted
        if deleted and function == GET_CARD:
            house.kill()
        deleted = deleted or function == DELETE_CARD

    house.board.on_asked = on_asked


def away(house: House) -> None:
    """Let the board be away, and die when it is on the disk that the card is to be taken."""
    house.board.faults.add(Fault.OFFLINE)


@pytest.mark.usefixtures("socket_enabled")
async def test_killed_while_a_card_is_taken(tmp_path: Path) -> None:
    """With the next start the card is gone, and that is proven; others' are as they were."""
    board = Board(clock=datetime.now)
    await board.start()
    house = House(tmp_path, board)
    try:
        await house.start()
        # What is known of devices comes to the disk when it stops.
        await house.terminate()
        for number, step in enumerate((asked, done, read_back, away), 10058400):
            await house.start()
            house.tell(f"arrive {number}")
            await house.until(
                lambda wanted=number: [row.number for row in board.cards] == [wanted]
            )
            await house.until(lambda: house.rows() == [(1, "proven")])
            step(house)
            house.tell("leave")
            if step is away:
                await house.until(lambda: house.rows()[0][0] == 0)
                house.kill()
            await house.dead()
            assert house.rows()[0] != (0, "proven")
            board.on_asked = lambda _function: None
            board.faults.clear()
            is_there = step in (asked, away)
            assert bool(board.cards) is is_there

            await house.start()
            await house.until(lambda: house.rows() == [(0, "proven")])
            assert board.cards == []
            assert not board.swipe(number)
            await house.terminate()
    finally:
        house.kill()
        await house.dead()
        await board.stop()
