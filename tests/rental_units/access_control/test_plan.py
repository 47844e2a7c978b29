"""What follows from rights and doors, at their edges."""

import pytest

from custom_components.rental_units.access_control.models import Door
from custom_components.rental_units.access_control.numbers import normal
from custom_components.rental_units.access_control.plan import (
    Right,
    Wish,
    opens,
    wishes_of,
)

HERE, THERE = ("1", "1", "101"), ("1", "2", "101")


def door(
    building: str = "",
    stairwell: str = "",
    number: str = "",
    *,
    device: str = "a",
    channel: str = "1",
) -> Door:
    """Return a door and for whom it opens."""
    return Door(
        device_id=device,
        door=channel,
        building=building,
        stairwell=stairwell,
        number=number,
    )


@pytest.mark.parametrize(
    ("assigned", "here", "there"),
    [
        (door(), True, True),
        (door("1"), True, True),
        (door("1", "1"), True, False),
        (door("1", "2"), False, True),
        (door("1", "1", "101"), True, False),
        (door("1", "1", "102"), False, False),
        (door("2"), False, False),
        (door("1", "", "101"), True, True),
    ],
)
def test_which_doors_open(assigned: Door, here: bool, there: bool) -> None:
    """A building, a stairwell or a unit of it, or everybody; who has no unit, what is shared."""
    assert opens(assigned, Right(0, 9, HERE)) is here
    assert opens(assigned, Right(0, 9, THERE)) is there
    assert opens(assigned, Right(0, 9)) is (not assigned.building)
    assert opens(assigned, Right(0, 9, None, everywhere=True))


def test_case_makes_no_difference() -> None:
    """Building A is building a, as units are unique."""
    assert opens(door("a", "b"), Right(0, 9, ("A", "B", "1")))


def test_one_end_for_several_rights() -> None:
    """A controller has the doors of now, until the first of them opens no more."""
    doors = [
        door("1", "1", channel="1"),
        door("1", "2", channel="2"),
        door(channel="3"),
    ]
    rights = [Right(0, 50, HERE), Right(10, 90, THERE)]
    assert wishes_of(rights, doors, 20) == {"a": Wish(("1", "2", "3"), 0, 50)}
    # What both open has the later end, on a controller of its own.
    doors = [door("1", "1"), door(device="b")]
    assert wishes_of(rights, doors, 20) == {
        "a": Wish(("1",), 0, 50),
        "b": Wish(("1",), 0, 90),
    }
    assert wishes_of(rights, doors, 50) == {"b": Wish(("1",), 10, 90)}
    assert wishes_of(rights, doors, 90) == {}


def test_what_is_to_begin() -> None:
    """Before anything has begun, it is what begins first."""
    doors = [door("1", "1", channel="1"), door("1", "2", channel="2")]
    rights = [Right(30, 50, HERE), Right(20, 40, THERE)]
    assert wishes_of(rights, doors, 10) == {"a": Wish(("2",), 20, 40)}


def test_no_end() -> None:
    """What has no end has none, unless another door of the controller has."""
    doors = [door("1", "1", channel="1"), door("1", "2", channel="2")]
    rights = [Right(0, None, HERE), Right(0, None, THERE)]
    assert wishes_of(rights, doors, 10) == {"a": Wish(("1", "2"), 0, None)}
    rights[1] = Right(0, 40, THERE)
    assert wishes_of(rights, doors, 10) == {"a": Wish(("1", "2"), 0, 40)}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10058400", "10058400"),
        (" 00 1005 8400 ", "10058400"),
        ("100,58400", "10058400"),
        ("１００，５８４００", "10058400"),
        ("0", None),
        ("", None),
        ("100,584", None),
        ("10-58400", None),
        ("1A", None),
        ("٣", None),
        ("1" * 21, None),
    ],
)
def test_numbers(text: str, number: str | None) -> None:
    """As it is written on a card, or no number at all."""
    assert normal(text) == number
