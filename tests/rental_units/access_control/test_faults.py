"""Boards that are written by halves, edited by others, or believe in another day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.community_safety.core import credentials
from custom_components.community_safety.gateways import contact
from custom_components.rental_units.access_control.office import Office
from custom_components.rental_units.storage.errors import RegisterError
from simulator.uhppote import Board, Card, Fault
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Ticking, alarms_of, pass_time

from .common import NUMBER, OTHER_NUMBER, House, settle, until

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def check(house: House, board: Board) -> Any:
    """Read the whole list of a board."""
    found = house.hass.data["rental_units_credentials"]
    return await found.async_check(house.controller(board))


async def test_power_cut_between_write_and_proof(
    house: House, freezer: FrozenDateTimeFactory
) -> None:
    """What was written and not read back is not proven, until it is."""
    house.first.faults.add(Fault.DIES_AFTER_WRITING)
    person = await house.move_in()
    async with Ticking(house.hass, freezer):
        await house.issue(person)
        await house.becomes(person, "unproven")
        assert house.numbers(house.first) == [NUMBER]
        await wait_until(house.hass, lambda: house.repair() is not None)
        await pass_time(house.hass, freezer, contact.ASK_SECONDS + 1)
        await wait_until(house.hass, lambda: not house.device(house.first).available)
        house.first.faults.clear()
        await pass_time(house.hass, freezer, contact.RETRY_SECONDS + 1)
        await house.becomes(person, "active")
    await wait_until(house.hass, lambda: house.repair() is None)


async def test_half_written(house: House, freezer: FrozenDateTimeFactory) -> None:
    """A card without its doors opens nothing, and is said to be unproven."""
    house.first.faults.add(Fault.HALF_WRITTEN)
    person = await house.move_in()
    async with Ticking(house.hass, freezer):
        await house.issue(person)
        await house.becomes(person, "unproven")
        assert not house.first.swipe(int(NUMBER))
        house.first.faults.clear()
        await pass_time(house.hass, freezer, credentials.SUSPENDED_SECONDS + 1)
        await house.becomes(person, "active")
    assert house.first.swipe(int(NUMBER))


async def test_wrong_clock(house: House, freezer: FrozenDateTimeFactory) -> None:
    """A board that believes in another day is a fault; at the real end its card goes all the same."""
    person = await house.move_in(end="2026-09-02")
    await house.issue(person)
    await house.becomes(person, "active")
    house.first.faults.add(Fault.CLOCK)
    house.first.offset = timedelta(days=-3)
    await pass_time(house.hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(
        house.hass, lambda: "clock_wrong" in alarms_of(house.hass, house.first)
    )
    after = datetime(2026, 9, 2, 16, 0, 31, tzinfo=UTC)
    async with Ticking(house.hass, freezer):
        freezer.move_to(after)
        async_fire_time_changed(house.hass, after)
        await wait_until(house.hass, lambda: not house.first.cards)
        await house.becomes(person, "expired")
    assert not house.first.swipe(int(NUMBER))


def _longer(board: Board) -> None:
    board.cards[0].end = date(2099, 1, 1)


def _elsewhere(board: Board) -> None:
    board.cards[0].doors = (0, 0, 0, 1)


def _deleted(board: Board) -> None:
    board.slots.clear()


@pytest.mark.parametrize("edit", [_longer, _elsewhere, _deleted])
async def test_edited_with_the_vendors_tool(
    house: House, edit: Callable[[Board], None], freezer: FrozenDateTimeFactory
) -> None:
    """What somebody has changed or deleted is put right, and proven anew."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    (before,) = house.first.cards
    wanted = before.end, before.doors
    first = house.controller(house.first)
    proven = (await house.doors(card))[first]["proven_at"]
    edit(house.first)
    freezer.tick(1)
    assert [row.number for row in (await check(house, house.first)).results] == [NUMBER]
    (there,) = house.first.cards
    assert (there.end, there.doors) == wanted

    async def proven_anew() -> bool:
        row = (await house.doors(card))[first]
        return row["proof"] == "proven" and row["proven_at"] > proven

    await until(house.hass, proven_anew)
    assert "unknown_credential" not in alarms_of(house.hass, house.first)


@pytest.mark.parametrize("stays", [False, True])
async def test_written_twice(
    house: House, freezer: FrozenDateTimeFactory, stays: bool
) -> None:
    """A number that is there twice is put right; if it cannot be, that is unproven and a repair."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    house.first.vendor_writes(
        Card(int(NUMBER), date(2026, 1, 1), date(2099, 1, 1), (0, 1, 0, 0))
    )
    if stays:
        house.first.faults.add(Fault.KEEPS_CARDS)
    # What is tried again waits, in a time that stands still else.
    async with Ticking(house.hass, freezer):
        await check(house, house.first)
        if stays:
            await house.becomes(person, "unproven")
            await wait_until(house.hass, lambda: house.repair() is not None)
            house.first.faults.clear()
            await pass_time(house.hass, freezer, credentials.SUSPENDED_SECONDS + 1)
        await house.becomes(person, "active")
    assert [row.doors for row in house.first.cards] == [(1, 0, 0, 0)]
    await wait_until(house.hass, lambda: house.repair() is None)


async def test_ended_in_the_middle_of_many(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several cards some were given when the process ended: the others follow."""
    person = await house.move_in()
    order, given = Office._async_order, 0

    async def die(office: Office, what: Any) -> Any:
        nonlocal given
        if given:
            raise RegisterError("register_locked")
        given += 1
        return await order(office, what)

    with monkeypatch.context() as patch:
        patch.setattr(Office, "_async_order", die)
        await house.issue(person)
        await house.issue(person, OTHER_NUMBER)
        for _ in range(5):
            await settle(house.hass)
        assert len(house.first.cards) + len(house.gate.cards) == 1
        await house.hass.config_entries.async_unload(house.entry.entry_id)
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    both = [NUMBER, OTHER_NUMBER]
    await wait_until(
        house.hass,
        lambda: house.numbers(house.first) == house.numbers(house.gate) == both,
    )
    await house.becomes(person, "active")
