"""A process that ends at any step, and a database that does not take it: nothing is lost."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.rental_units.access_control import outbox
from custom_components.rental_units.access_control.office import BEAT, Office
from custom_components.rental_units.app.application import Application
from custom_components.rental_units.storage.errors import RegisterError
from simulator.uhppote import DELETE_CARD, PUT_CARD
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import pass_time

from .common import NUMBER, House, settle, until

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def nothing(*_args: Any, **_more: Any) -> None:
    """Do nothing: the process has ended."""


def not_now(*_args: Any, **_more: Any) -> None:
    """Do nothing either."""


def full(*_args: Any, **_more: Any) -> None:
    """Fail as a database whose disk is full."""
    raise RegisterError("register_full")


async def async_full(*_args: Any, **_more: Any) -> None:
    """Fail, in a coroutine."""
    full()


@pytest.mark.parametrize(
    ("target", "name", "dead"),
    [
        # The lease has ended, and nobody was told.
        (Application, "async_tell", nothing),
        # Told, and not planned: the listener hears of it again.
        (outbox, "plan_those", full),
        # Planned, and not ordered.
        (Office, "wake", not_now),
        # Read from the outbox, and not ordered.
        (Office, "_async_order", async_full),
        # Ordered and done, and not written down.
        (outbox, "note", full),
    ],
)
async def test_ended_in_the_middle(
    house: House, monkeypatch: pytest.MonkeyPatch, target: Any, name: str, dead: Any
) -> None:
    """Whoever leaves has no card after the next start, whatever came in between."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    with monkeypatch.context() as patch:
        patch.setattr(target, name, dead)
        await house.move_out(person)
        for _ in range(5):
            await settle(house.hass)
        assert await house.state(person) != "expired"
        await house.hass.config_entries.async_unload(house.entry.entry_id)
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.becomes(person, "expired")
    assert house.first.cards == house.gate.cards == []


async def test_doors_that_are_planned_later(
    house: House, monkeypatch: pytest.MonkeyPatch, freezer: FrozenDateTimeFactory
) -> None:
    """Who assigns a door waits for no card; what could not be planned is planned with the next beat."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "all_open", full)
        await house.assign(house.second)
        await settle(house.hass)
        assert house.numbers(house.second) == []
    await pass_time(house.hass, freezer, BEAT.total_seconds())
    await wait_until(house.hass, lambda: house.numbers(house.second) == [NUMBER])
    await house.becomes(person, "active")


async def test_doors_and_the_process_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A door that was assigned as it ended is planned with the next start."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "all_open", full)
        await house.assign(house.second)
        await settle(house.hass)
        await house.hass.config_entries.async_unload(house.entry.entry_id)
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await wait_until(house.hass, lambda: house.numbers(house.second) == [NUMBER])


async def test_proof_that_cannot_be_written(
    house: House, monkeypatch: pytest.MonkeyPatch, freezer: FrozenDateTimeFactory
) -> None:
    """It is written later, and no board is asked again for what it has done."""
    person = await house.move_in()
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "note", full)
        await house.issue(person)
        await wait_until(
            house.hass,
            lambda: house.numbers(house.first) == house.numbers(house.gate) == [NUMBER],
        )
        await settle(house.hass)
        for _ in range(3):
            await pass_time(house.hass, freezer, BEAT.total_seconds())
            await settle(house.hass)
        assert await house.state(person) == "pending"
        assert house.first.asked.count(PUT_CARD) == 1
    await settle(house.hass)
    await pass_time(house.hass, freezer, BEAT.total_seconds())
    await house.becomes(person, "active")
    assert house.first.asked.count(PUT_CARD) == house.gate.asked.count(PUT_CARD) == 1


async def test_each_proof_is_written_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty controllers prove something at the same time: none writes what the others have."""
    written: list[str] = []

    def note(_session: Any, order: outbox.Order, *_args: Any) -> None:
        written.append(order.device_id)

    monkeypatch.setattr(outbox, "note", note)
    office, fact = house.office, outbox.Fact(is_there=True)
    devices = [f"device {number}" for number in range(40)]

    async def proven(device: str) -> None:
        order = outbox.Order("card", device, 1, True, 0.0, 1.0, frozenset(), None)
        office._unwritten["card", device] = order, fact
        await office._async_write()
        assert ("card", device) not in office._unwritten

    await asyncio.gather(*map(proven, devices))
    assert sorted(written) == sorted(devices)


async def test_suspended_while_it_is_given(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided last is what is proven, whatever a board is doing meanwhile."""
    person = await house.move_in()
    suspending: list[Any] = []

    def asked(function: int) -> None:
        if function == PUT_CARD and not suspending:
            suspending.append(house.hass.async_create_task(suspend()))

    async def suspend() -> None:
        (card,) = await house.cards(person)
        await house.decide("suspend", card["card_id"])

    house.first.on_asked = asked
    await house.issue(person)
    await wait_until(house.hass, lambda: bool(suspending))
    await suspending[0]
    await house.becomes(person, "suspended")
    assert house.first.cards == house.gate.cards == []


async def test_one_that_is_lost_goes_first(house: House) -> None:
    """Whoever is let in no more is not behind those who are let in."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    order: list[int] = []
    house.first.on_asked = order.append
    await house.hass.config_entries.async_unload(house.gateway.entry_id)
    await house.issue(person, "1")
    await house.decide("lose", card)
    assert await house.hass.config_entries.async_setup(house.gateway.entry_id)

    async def done() -> bool:
        return {row["state"] for row in await house.cards(person)} == {"lost", "active"}

    await until(house.hass, done)
    asked = [row for row in order if row in (PUT_CARD, DELETE_CARD)]
    assert asked.index(DELETE_CARD) < asked.index(PUT_CARD)
