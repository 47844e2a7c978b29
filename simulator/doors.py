"""The compound's door controllers: two boards and a terminal, each with its own list of cards."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .isapi import Terminal
from .uhppote import Board

#: Where the compound is.
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Door:
    """A door: its place, its number at its controller, and its name in each language."""

    place: str
    number: int
    names: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller with its doors; the first of them is where it hangs."""

    serial: str
    names: tuple[str, str, str]
    doors: tuple[Door, ...]


def _entrance(number: int, place: str) -> Door:
    return Door(
        place, number, (f"{place} entrance", f"{place} 单元门", f"{place} 樓門")
    )


#: The first digit of a serial number is how many doors a board has.
BOARDS = (
    Controller(
        "223000011",
        ("Building 1 doors", "1 号楼门禁", "1 號樓門禁"),
        (_entrance(1, "1-1"), _entrance(2, "1-2")),
    ),
    Controller(
        "123000012",
        ("Building 2 door", "2 号楼门禁", "2 號樓門禁"),
        (_entrance(1, "2-1"),),
    ),
)
GATE = Controller(
    "DS-K1T20260101V010000CHG00000001",
    ("East gate", "东门门禁", "東門門禁"),
    (Door("gate", 1, ("East gate", "东门", "東門")),),
)
CONTROLLERS = (*BOARDS, GATE)


def _local() -> datetime:
    return datetime.now(ZONE).replace(tzinfo=None)


class Doors:
    """All of them, as long as they have power."""

    def __init__(self, language: int) -> None:
        """Initialize; the names are in this language."""
        self._language = language
        self._boards = [Board(int(row.serial), clock=_local) for row in BOARDS]
        self._gate = Terminal(GATE.serial, doors=1)
        self._all: tuple[Board | Terminal, ...] = (*self._boards, self._gate)

    async def start(self, ports: list[int]) -> None:
        """Listen at these ports: of the boards, and of the terminal."""
        for board, port in zip(self._boards, ports[:-1], strict=True):
            await board.start(port)
        await self._gate.start(ports[-1])

    async def stop(self) -> None:
        """End."""
        for controller in self._all:
            await controller.stop()

    def swipe(self, place: str | None, card: str) -> tuple[str, bool]:
        """Let somebody hold a card before a reader; return the door and if it opens.

        Raises ValueError with a text that says which doors there are.
        """
        for row, controller in zip(CONTROLLERS, self._all, strict=True):
            for door in row.doors:
                if door.place == place:
                    name = door.names[self._language]
                    if isinstance(controller, Terminal):
                        return name, controller.swipe(card, door.number)
                    return name, controller.swipe(int(card), door.number)
        known = [door.place for row in CONTROLLERS for door in row.doors]
        raise ValueError(f"No door {place}. There is: {', '.join(known)}")

    def go_on(self, days: int) -> None:
        """Let so many days pass, for the controllers alone: their clocks go ahead."""
        for controller in self._all:
            controller.offset += timedelta(days=days)
