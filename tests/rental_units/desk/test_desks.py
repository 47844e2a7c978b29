"""Desks: whom they serve, when they are open, their queues, and who comes in."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import select

from custom_components.rental_units import async_remove_config_entry_device
from custom_components.rental_units.const import DOMAIN, SUBENTRY_RESPONDER
from custom_components.rental_units.desk.book import DeskBook
from custom_components.rental_units.desk.models import DeskArrival, DeskTicket
from custom_components.rental_units.desk.queue import KEEP_DAYS
from custom_components.rental_units.register.models import Lease
from custom_components.rental_units.register.property import CATCH_UP_SECONDS
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from tests.rental_units.common import account, audited, call, check_in, unit_id
from tests.rental_units.panel import Panel, panel_of

from .test_notices import passes

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EAST = {"name": "East gate", "level": "1", "schedule": "schedule.east"}


async def step(
    hass: HomeAssistant, entry: MockConfigEntry, data: Any, desk_id: str | None = None
) -> Any:
    """Fill in the form of a desk: that of a new one, or of one that is there."""
    flows = hass.config_entries.subentries
    context: Any = {"source": "user"}
    if desk_id:
        context = {"source": "reconfigure", "subentry_id": desk_id}
    result: Any = await flows.async_init((entry.entry_id, "desk"), context=context)
    for row in data if isinstance(data, list) else [data]:
        assert result["type"] is FlowResultType.FORM
        result = await flows.async_configure(result["flow_id"], row)
    await hass.async_block_till_done()
    return result


async def add_desk(hass: HomeAssistant, entry: MockConfigEntry, **data: Any) -> str:
    """Add a desk; return its id."""
    result = await step(hass, entry, {**EAST, **data})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    title = data.get("name", EAST["name"])
    return next(
        row.subentry_id
        for row in entry.get_subentries_of_type("desk")
        if row.title == title
    )


def state(hass: HomeAssistant, desk_id: str, kind: str, key: str) -> str:
    """Return the state of an entity of a desk."""
    entity_id = er.async_get(hass).async_get_entity_id(kind, DOMAIN, f"{desk_id}_{key}")
    assert entity_id
    return hass.states.get(entity_id).state


def device_of(hass: HomeAssistant, entry: MockConfigEntry, desk_id: str) -> str:
    """Return the device of a desk."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, desk_id), entry.entry_id
    )
    assert device
    return device.id


@sqlite_only
async def test_form(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A desk has a name of its own, a level that is called as people call it, and hours."""
    desk = {"desk": {"level_1": "Street"}}
    hass.config_entries.async_update_entry(entry, options=desk)
    desk_id = await add_desk(hass, entry)
    (row,) = entry.get_subentries_of_type("desk")
    assert row.data == {"level": "1", "schedule": "schedule.east"}
    flows = hass.config_entries.subentries
    context: Any = {"source": "user"}
    shown: Any = await flows.async_init((entry.entry_id, "desk"), context=context)
    fields = {key.schema: field for key, field in shown["data_schema"].schema.items()}
    labels = [option["label"] for option in fields["level"].config["options"]]
    assert labels == ["Street", "Level 2"]
    assert [option["label"] for option in fields["posts"].config["options"]] == [
        "fire_post",
        "police",
    ]
    for wrong, error in ((" ", "desk_name_missing"), ("EAST gate ", "desk_exists")):
        result = await step(hass, entry, {**EAST, "name": wrong})
        assert result["errors"] == {"name": error}
    # It may be called again what it is called.
    changed = {**EAST, "working_days": True, "buildings": ["1", "2"]}
    result = await step(hass, entry, changed, desk_id)
    assert (result["type"], result["reason"]) == ("abort", "reconfigure_successful")
    (row,) = entry.get_subentries_of_type("desk")
    assert row.data == {
        "level": "1",
        "schedule": "schedule.east",
        "working_days": True,
        "buildings": ["1", "2"],
    }


@sqlite_only
async def test_open_and_staffed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """By its schedule and on working days; that nobody of its staff is there, the repairs say."""
    (post, *_) = (
        row.subentry_id for row in entry.get_subentries_of_type(SUBENTRY_RESPONDER)
    )
    desk_id = await add_desk(hass, entry, working_days=True, posts=[post])

    def opened() -> tuple[str, bool]:
        issue = ir.async_get(hass).async_get_issue(
            DOMAIN, f"desks_unstaffed_{entry.entry_id}"
        )
        return state(hass, desk_id, "binary_sensor", "desk_open"), issue is not None

    # Of what cannot be read nobody says that it is open.
    assert opened() == ("unknown", False)
    hass.states.async_set("schedule.east", "on")
    await hass.async_block_till_done()
    assert opened() == ("on", False)
    hass.states.async_set("schedule.fire_post", "off")
    await passes(hass, freezer, minutes=5)
    assert opened() == ("on", True)
    shown = (await panel.follow("subscribe_desks"))["items"][desk_id]
    assert (shown["open"], shown["staffed"], shown["level_name"]) == (True, False, "")
    hass.states.async_set("schedule.east", "off")
    await hass.async_block_till_done()
    assert opened() == ("off", False)
    # A Saturday.
    hass.states.async_set("schedule.east", "on")
    await passes(hass, freezer, days=1)
    assert opened() == ("off", False)
    # Without a schedule it is always open, and follows none any more.
    await step(hass, entry, {"name": "East", "level": "2"}, desk_id)
    assert opened() == ("on", False)
    hass.states.async_set("schedule.east", "off")
    await hass.async_block_till_done()
    assert opened() == ("on", False)


@sqlite_only
async def test_comes_and_goes(
    hass: HomeAssistant, entry: MockConfigEntry, desk: DeskBook
) -> None:
    """A desk has its device and entities at once, and nothing is left of one that is removed."""
    desk_id = await add_desk(hass, entry)
    assert state(hass, desk_id, "sensor", "queue_waiting") == "0"
    assert state(hass, desk_id, "sensor", "queue_called") == "unknown"
    device = dr.async_get(hass).async_get(device_of(hass, entry, desk_id))
    assert device
    assert device.name == "East gate"
    # It goes by its form, and not by its device.
    assert not await async_remove_config_entry_device(hass, entry, device)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state(hass, desk_id, "sensor", "queue_waiting") == "0"
    hass.config_entries.async_remove_subentry(entry, desk_id)
    await hass.async_block_till_done()
    assert not [
        row
        for row in er.async_get(hass).entities.values()
        if row.unique_id.startswith(desk_id)
    ]
    assert dr.async_get(hass).async_get(device.id) is None


async def test_queue(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    hass_ws_client: WebSocketGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Numbers are called in the order in which they were taken, by several at once."""
    desk_id = await add_desk(hass, entry)
    of = {"desk_id": desk_id}
    device = {"device_id": device_of(hass, entry, desk_id)}
    # A button at the entrance.
    taken = [await call(hass, "take_number", device, user=None) for _ in range(3)]
    assert [row["number"] for row in taken] == [1, 2, 3]
    assert await panel.get("take_number", **of) == {"number": 4}
    assert state(hass, desk_id, "sensor", "queue_waiting") == "4"
    clerk = await panel_of(
        hass, entry, hass_ws_client, await account(hass, entry, "desk")
    )
    assert await panel.get("call_number", **of) == {"number": 1}
    assert await clerk.get("call_number", **of) == {"number": 2}
    freezer.tick(60)
    assert await panel.get("call_number", **of, absent=True) == {"number": 3}
    assert state(hass, desk_id, "sensor", "queue_waiting") == "1"
    assert state(hass, desk_id, "sensor", "queue_called") == "3"
    shown = (await clerk.follow("subscribe_desks"))["items"][desk_id]
    assert (shown["waiting"], shown["called"], shown["last"]) == ([4], [2, 3], 3)
    # It goes on over a restart.
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert await call(hass, "call_number", device, user=None) == {"number": 4}
    assert await panel.get("call_number", **of) == {"number": None}
    rows = await tickets(entry)
    assert [row.outcome for row in rows] == ["absent", None, "served", None]
    # Another day begins with 1, whatever was left of this one.
    await panel.get("take_number", **of)
    freezer.tick(86_400)
    await passes(hass, freezer, seconds=CATCH_UP_SECONDS + 1)
    assert await panel.get("take_number", **of) == {"number": 1}
    rows = await tickets(entry)
    assert [row.outcome for row in rows[:5]] == [
        *("absent", "served", "served", "served", "left")
    ]
    for _ in range(KEEP_DAYS):
        freezer.tick(86_400)
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert len(await tickets(entry)) == 1


async def tickets(entry: MockConfigEntry) -> list[DeskTicket]:
    """Return the numbers that are kept."""
    query = select(DeskTicket).order_by(DeskTicket.day, DeskTicket.number)
    return await entry.runtime_data.async_read(
        lambda session: list(session.scalars(query))
    )


@sqlite_only
async def test_no_such_desk(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """Neither by an id nor by a device."""
    assert await panel.refusal("take_number", desk_id="unknown") == "no_such_desk"
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "take_number", {"device_id": "unknown"})
    assert refusal.value.translation_key == "no_such_desk"


async def test_check_in(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """One step: the lease, that somebody has looked who it is, what they were told, a card."""
    desk_id = await add_desk(hass, entry)
    data = {
        "unit_id": unit_id(entry, "1-1-101"),
        "name": "MARK-A",
        "phone": "13800138001",
        "end": "2027-05-31",
        "desk_id": desk_id,
        "identified": True,
        "briefed": False,
    }
    # A number that is none: nothing of it is done.
    wrong = {**data, "card_number": "4711-x"}
    assert await panel.refusal("check_in_at_desk", **wrong) == "card_number_invalid"
    assert await rows_of(entry, Lease) == []
    answer = await panel.get("check_in_at_desk", **data, card_number="7700471199")
    (person_id,) = answer["written"]["people"]
    cards = (await panel.get("cards", person_id=person_id))["cards"]
    assert [row["card_id"] for row in cards] == [answer["written"]["card_id"]]
    (arrival,) = (await panel.get("arrivals"))["arrivals"]
    assert (arrival["name"], arrival["unit"]) == ("MARK-A", "1-1-101")
    assert (arrival["identified"], arrival["briefed"]) == (True, False)
    assert arrival["desk_id"] == desk_id
    notices = (await panel.get("notices"))["notices"]
    assert [row["kind"] for row in notices] == ["arrival", "letting"]
    # They are told what they had not been: the same arrival.
    again = {**data, "briefed": True, "confirmed": True, "person_id": person_id}
    del again["name"]
    assert (await panel.get("check_in_at_desk", **again))["written"]["card_id"] is None
    (arrival,) = (await panel.get("arrivals"))["arrivals"]
    assert arrival["briefed"]
    assert len(await audited(entry, "check_in_at_desk")) == 3
    # It goes with who was erased.
    await panel.get("erase_person", person_id=person_id)
    assert await rows_of(entry, DeskArrival) == []


async def rows_of(entry: MockConfigEntry, model: Any) -> list[Any]:
    """Return the rows of a table."""
    return await entry.runtime_data.async_read(
        lambda session: list(session.scalars(select(model)))
    )


@sqlite_only
async def test_who_may_be_the_same_is_asked_first(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """As everywhere where somebody is checked in; and at no desk that is not there."""
    person = await check_in(hass, entry, "1-1-102")
    data = {
        "unit_id": unit_id(entry, "1-1-101"),
        "name": "MARK-NAME-1",
        "phone": "13800138002",
        "identified": False,
        "briefed": True,
    }
    answer = await panel.get("check_in_at_desk", **data)
    assert answer["written"] is None
    assert [row["person_id"] for row in answer["doubts"]["same"]] == [person]
    answer = await panel.get("check_in_at_desk", **data, confirmed=True)
    assert answer["written"]["people"] != [person]
    del data["name"]
    assert await panel.refusal("check_in_at_desk", **data) == "name_missing"
    wrong = {**data, "person_id": person, "desk_id": "unknown", "confirmed": True}
    assert await panel.refusal("check_in_at_desk", **wrong) == "no_such_desk"
