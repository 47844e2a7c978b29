"""Whose reason goes: cards are taken from the doors first, proven, and only then forgotten."""

from typing import Any
from unittest.mock import AsyncMock

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways import contact
from custom_components.rental_units.access_control import leaving as module, outbox
from custom_components.rental_units.access_control.leaving import (
    DATA_LEAVING,
    ISSUE,
    UNREAD,
    Leaving,
)
from custom_components.rental_units.access_control.office import BEAT, DATA_CREDENTIALS
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.repairs import async_create_fix_flow
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from simulator.uhppote import Board, Fault
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Ticking, alarms_of, pass_time
from tests.rental_units.common import call, device_id

from .common import NUMBER, OTHER_NUMBER, OWN, House, settle, until

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
FILE = f"{DOMAIN}.leaving"


async def back(house: House, freezer: FrozenDateTimeFactory, board: Board) -> None:
    """Let a board that was away be seen to be so, and be back."""
    await pass_time(house.hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(house.hass, lambda: not house.device(board).available)
    board.faults.clear()
    await pass_time(house.hass, freezer, contact.RETRY_SECONDS + 1)


def issue(hass: HomeAssistant) -> ir.IssueEntry | None:
    """Return the repair about what removed properties have left."""
    return ir.async_get(hass).async_get_issue(DOMAIN, ISSUE)


async def erase(house: House, person: str) -> None:
    """Erase somebody."""
    await call(house.hass, "erase_person", {"person_id": person})


async def remove_unit(house: House, _person: str) -> None:
    """Remove the unit, with who is in it."""
    device = device_id(house.hass, house.entry, OWN)
    await call(house.hass, "remove_unit", {"device_id": device, "with_people": True})


async def undo(house: House, person: str) -> None:
    """Say that somebody has never lived there."""
    device = device_id(house.hass, house.entry, OWN)
    found = await call(
        house.hass, "get_unit", {"device_id": device, "reason": "request"}
    )
    (row,) = [row for row in found["people"] if row["person_id"] == person]
    await call(house.hass, "undo", {"command_id": row["history"][0]["command_id"]})


async def move_out(house: House, person: str) -> None:
    """Say that somebody has left."""
    await house.move_out(person)


@pytest.mark.parametrize("role", ["tenant", "landlord"])
@pytest.mark.parametrize("go", [erase, remove_unit, undo, move_out])
async def test_reason_goes_while_a_board_is_away(
    house: House, freezer: FrozenDateTimeFactory, go: Any, role: str
) -> None:
    """Whoever goes, and however: the card is known until each board has proven it gone."""
    person = await house.move_in(role=role)
    await house.issue(person)
    await house.becomes(person, "active")
    house.first.faults.add(Fault.OFFLINE)
    async with Ticking(house.hass, freezer):
        await go(house, person)
        await wait_until(house.hass, lambda: house.gate.cards == [])
        await wait_until(house.hass, lambda: house.repair() is not None)
        assert house.numbers(house.first) == [NUMBER]
        assert (await house.rows())["cards"] == 1
        await back(house, freezer, house.first)
        await wait_until(house.hass, lambda: house.first.cards == [])
        await wait_until(house.hass, lambda: house.repair() is None)
    assert "unknown_credential" not in alarms_of(house.hass, house.first)
    # Of who was erased nothing stays then.
    assert (await house.rows())["cards"] == (0 if go is erase else 1)


async def test_visitor_of_who_is_erased(house: House) -> None:
    """With the last who lives there, their visitors are let in no more."""
    person = await house.move_in()
    visit = {
        "device_id": device_id(house.hass, house.entry, OWN),
        "name": "MARK-VISITOR",
        "holder": "visitor",
        "card_number": NUMBER,
        "end": "2026-09-09T21:00:00+08:00",
    }
    await call(house.hass, "issue_card", visit)
    await wait_until(house.hass, lambda: house.numbers(house.first) == [NUMBER])
    await erase(house, person)
    await wait_until(house.hass, lambda: house.first.cards == house.gate.cards == [])


async def remove(house: House) -> None:
    """Remove the property."""
    await house.hass.config_entries.async_remove(house.entry.entry_id)


async def test_property_is_removed(house: House, hass_storage: dict[str, Any]) -> None:
    """Its people are erased at once, its cards are taken, and then nothing of it is left."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    await remove(house)
    await wait_until(house.hass, lambda: house.first.cards == house.gate.cards == [])
    await wait_until(house.hass, lambda: issue(house.hass) is None)
    await settle(house.hass)
    assert [key for key in hass_storage if house.entry.entry_id in key] == []
    assert FILE not in hass_storage


async def test_property_is_removed_while_a_board_is_away(
    house: House, freezer: FrozenDateTimeFactory, hass_storage: dict[str, Any]
) -> None:
    """What is left is a repair until the board is back; a kill in between loses nothing."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    house.first.faults.add(Fault.OFFLINE)
    async with Ticking(house.hass, freezer):
        await remove(house)
        await wait_until(house.hass, lambda: house.gate.cards == [])
        await wait_until(
            house.hass,
            lambda: len(hass_storage[FILE]["data"][house.entry.entry_id]["cards"]) == 1,
        )
        found = issue(house.hass)
        assert found
        assert found.translation_placeholders
        assert found.translation_placeholders["count"] == "1"
        assert NUMBER not in repr(hass_storage)
        # Another run has what this one knew.
        house.hass.data[DATA_LEAVING]._rows = []
        ended = AsyncMock()
        house.hass.data[DATA_LEAVING] = Leaving(house.hass, ended)
        await house.hass.data[DATA_LEAVING].async_load()
        await back(house, freezer, house.first)
        await pass_time(house.hass, freezer, module.RETRY_SECONDS)
        await wait_until(house.hass, lambda: house.first.cards == [])
        await wait_until(house.hass, lambda: issue(house.hass) is None)
        await wait_until(house.hass, lambda: ended.await_count > 0)
    assert FILE not in hass_storage


async def test_disk_is_full_when_it_is_removed(
    house: House,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is left is written as soon as there is room: a restart after that loses nothing."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    house.first.faults.add(Fault.OFFLINE)
    house.gate.faults.add(Fault.OFFLINE)
    async with Ticking(house.hass, freezer):
        with monkeypatch.context() as patch:
            patch.setattr(Store, "async_save", AsyncMock())
            await remove(house)
        assert FILE not in hass_storage
        await pass_time(house.hass, freezer, BEAT.total_seconds())
        await wait_until(house.hass, lambda: FILE in hass_storage)
    (found,) = hass_storage[FILE]["data"].values()
    assert len(found["cards"]) == 2


async def test_controller_that_fails_in_itself(
    house: House,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried again later, like one that refuses; nothing of it is logged."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    orders = house.hass.data[DATA_CREDENTIALS]
    with monkeypatch.context() as patch:
        failing = AsyncMock(side_effect=RuntimeError(NUMBER))
        patch.setattr(orders, "async_remove", failing)
        await remove(house)
        await settle(house.hass)
        await pass_time(house.hass, freezer, BEAT.total_seconds())
        await settle(house.hass)
        assert failing.await_count == 2
    assert NUMBER not in caplog.text
    async with Ticking(house.hass, freezer):
        await pass_time(house.hass, freezer, module.SUSPENDED_SECONDS)
        await wait_until(house.hass, lambda: not house.first.cards)
        await wait_until(house.hass, lambda: not house.gate.cards)


async def test_another_property_has_given_it(
    house: House, freezer: FrozenDateTimeFactory
) -> None:
    """A card that another property has given meanwhile stays; an other one is no stranger."""
    person = await house.move_in()
    await house.issue(person)
    await house.issue(person, OTHER_NUMBER)
    await wait_until(
        house.hass, lambda: house.numbers(house.gate) == [NUMBER, OTHER_NUMBER]
    )
    for board in (house.gate, house.first):
        board.faults.add(Fault.OFFLINE)
    async with Ticking(house.hass, freezer):
        await remove(house)
        await wait_until(house.hass, lambda: issue(house.hass) is not None)
        other = MockConfigEntry(domain=DOMAIN, title="Property 2")
        other.add_to_hass(house.hass)
        assert await house.hass.config_entries.async_setup(other.entry_id)
        second = House(house.hass, other, house.gateway, *house.boards)
        await second.assign(house.gate)
        staff = await call(
            house.hass,
            "issue_card",
            {
                "config_entry_id": other.entry_id,
                "name": "MARK-STAFF",
                "holder": "staff",
                "card_number": NUMBER,
                "end": "2026-12-31T00:00:00+08:00",
            },
        )
        for board in (house.gate, house.first):
            await back(house, freezer, board)

        async def is_given() -> bool:
            rows = await second.doors(staff["card_id"])
            return rows[house.controller(house.gate)]["proof"] == "proven"

        await until(house.hass, is_given)
        for _ in range(3):
            await pass_time(house.hass, freezer, module.SUSPENDED_SECONDS)
        await wait_until(house.hass, lambda: house.first.cards == [])
        await wait_until(house.hass, lambda: issue(house.hass) is None)
    assert house.numbers(house.gate) == [NUMBER]
    assert "unknown_credential" not in alarms_of(house.hass, house.gate)


async def test_forgotten_by_a_person(
    house: House, hass_storage: dict[str, Any], freezer: FrozenDateTimeFactory
) -> None:
    """Where a controller is gone for good, a person says so."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    await house.hass.config_entries.async_remove(house.gateway.entry_id)
    await remove(house)
    await settle(house.hass)
    found = issue(house.hass)
    assert found
    assert found.translation_placeholders
    assert found.translation_placeholders["count"] == "2"
    flow: Any = await async_create_fix_flow(house.hass, ISSUE, None)
    flow.hass, flow.handler, flow.issue_id = house.hass, DOMAIN, ISSUE
    assert (await flow.async_step_init())["type"] == "form"
    await flow.async_step_confirm({})
    assert issue(house.hass) is None
    assert FILE not in hass_storage


async def test_what_nobody_can_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the database or the key away, it is said that cards may still be there."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")

    def away(*_: Any, **__: Any) -> None:
        raise RegisterError("register_locked")

    monkeypatch.setattr(outbox, "left", away)
    await remove(house)
    found = ir.async_get(house.hass).async_get_issue(
        DOMAIN, f"{UNREAD}_{house.entry.entry_id}"
    )
    assert found
    assert found.is_persistent
    assert house.numbers(house.first) == [NUMBER]


async def test_card_whose_key_is_lost(
    house: House, freezer: FrozenDateTimeFactory
) -> None:
    """It cannot be taken, and is shown until a person has seen to it."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    keys = house.entry.runtime_data.keys
    await keys.async_add()
    await keys.async_keep_only_current()
    await remove(house)
    for _ in range(3):
        await pass_time(house.hass, freezer, BEAT.total_seconds())
        await settle(house.hass)
    assert issue(house.hass)
    assert house.numbers(house.first) == [NUMBER]
    await house.hass.data[DATA_LEAVING].async_forget()
    assert issue(house.hass) is None
