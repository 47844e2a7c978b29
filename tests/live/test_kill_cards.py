"""Kill -9 at each step in which a card is taken: whoever has left gets in no more."""

from datetime import datetime
from pathlib import Path

import pytest

from simulator.broker import free_port
from simulator.uhppote import DELETE_CARD, GET_CARD, Board, Fault

from .process import Process

pytestmark = pytest.mark.timeout(900)

#: What a controller is to hold, and what is proven of it.
type Rows = list[tuple[int, str]]


class House(Process):
    """A Home Assistant process, and the board that it talks to."""

    def __init__(self, folder: Path, board: Board) -> None:
        """Prepare a configuration folder."""
        self.board = board
        super().__init__(
            folder,
            "tests.live.doors",
            *(str(board.serial), board.address, str(free_port())),
        )

    def rows(self) -> Rows:
        """Return what is on the disk of the newest card, by controller."""
        return self.read(
            "SELECT wanted, proof FROM card_places WHERE card_id ="
            " (SELECT id FROM cards ORDER BY created_at DESC LIMIT 1)"
        )


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
