"""Places follow the register, and have what people say of them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from sqlalchemy import func, select, update

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import RemovePlace, SavePlace
from custom_components.rental_units.const import PartyKind
from custom_components.rental_units.places.book import PlaceBook
from custom_components.rental_units.places.models import (
    PlaceCode,
    PlaceParty,
    SitePlace,
    Visit,
)
from custom_components.rental_units.register.models import Person
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from tests.rental_units.common import (
    E164,
    PHONE,
    account,
    audited,
    call,
    check_in,
    device_id,
)
from tests.rental_units.panel import Panel

from .conftest import Plates, ids_of

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def test_places_follow_the_units(
    hass: HomeAssistant, entry: MockConfigEntry, stairs: None, book: PlaceBook
) -> None:
    """Each unit is a place, with its building and stairwell; a removed one is none."""
    assert set(await ids_of(hass, entry)) == {
        *("building 1", "stairwell 1-1", "stairwell 1-2"),
        *("unit 1-1-101", "unit 1-1-102", "unit 1-2-101"),
        *("building 9", "unit 9-1"),
    }
    before = await ids_of(hass, entry)
    device = {"device_id": device_id(hass, entry, "1-2-101")}
    await call(hass, "update_unit", {**device, "number": "102", "stairwell": "3"})
    await call(hass, "update_unit", {**device, "address": "1 Mark Street"})
    after = await ids_of(hass, entry)
    assert after["unit 1-3-102"] == before["unit 1-2-101"]
    assert "stairwell 1-3" in after
    # A plate may hang there.
    assert "stairwell 1-2" in after
    assert book.places[after["unit 1-3-102"]].address == "1 Mark Street"

    removed = await call(hass, "remove_unit", device)
    assert "unit 1-3-102" not in await ids_of(hass, entry)
    assert after["unit 1-3-102"] not in book.places
    of_entry = {"config_entry_id": entry.entry_id, "unit_id": removed["unit_id"]}
    await call(hass, "restore_unit", of_entry)
    assert (await ids_of(hass, entry))["unit 1-3-102"] == after["unit 1-3-102"]

    # Another start finds them, and adds nothing.
    await hass.config_entries.async_reload(entry.entry_id)
    assert await ids_of(hass, entry) == after


async def test_a_place_of_its_own(panel: Panel) -> None:
    """What is no unit is added, changed and removed in the panel; who is late is told so."""
    new = {
        "kind": "charging",
        "name": "North shed",
        "building": "1",
        "address": "1 Mark Street, shed",
        "storey": -1,
        "latitude": 30.5,
        "longitude": 114.3,
        "grade": "yellow",
    }
    place_id = (await panel.get("save_place", **new))["written"]
    shown = await panel.get("place", place_id=place_id)
    assert {key: shown[key] for key in new} == new
    assert (shown["version"], shown["code"], shown["sockets"]) == (1, None, None)
    assert await panel.refusal("save_place", **new) == "place_exists"
    changed = {"place_id": place_id, "latitude": None, "longitude": None}
    assert (await panel.get("save_place", **changed, version=1))["written"] == place_id
    late = await panel.get("save_place", place_id=place_id, name="x", version=1)
    assert late["written"] is None
    assert late["conflict"]["latitude"] is None
    assert late["conflict"]["name"] == "North shed"
    listed = (await panel.get("place_list"))["places"]
    assert "Mark Street" not in repr(listed)
    await panel.get("remove_place", place_id=place_id)
    assert await panel.refusal("place", place_id=place_id) == "no_such_place"
    assert await panel.refusal("remove_place", place_id=place_id) == "no_such_place"


@sqlite_only
@pytest.mark.parametrize(
    ("place", "fields", "key"),
    [
        (None, {"name": "x"}, "kind_missing"),
        (None, {"kind": "shared_place"}, "name_missing"),
        (None, {"kind": "stairwell", "building": "7"}, "stairwell_missing"),
        (None, {"kind": "building", "name": "7"}, "building_missing"),
        (None, {"kind": "unit", "building": "7"}, "place_is_no_unit"),
        (None, {"kind": "shared_place", "name": "x", "latitude": 1}, "half_a_position"),
        (None, {"kind": "building", "building": "1"}, "place_exists"),
        ("unit 1-1-101", {"kind": "shared_place", "name": "x"}, "place_of_unit"),
        ("unit 1-1-101", {"address": "elsewhere"}, "place_of_unit"),
        ("stairwell 1-1", {"kind": "shop"}, "place_is_no_unit"),
        ("none", {"storey": 1}, "no_such_place"),
    ],
)
async def test_what_is_no_place(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    place: str | None,
    fields: dict[str, Any],
    key: str,
) -> None:
    """What cannot be is refused, and changes nothing."""
    before = await ids_of(hass, entry)
    if place:
        fields = {**fields, "place_id": before.get(place, "none")}
    assert await panel.refusal("save_place", **fields) == key
    assert await ids_of(hass, entry) == before
    for wrong in ({"latitude": 91}, {"storey": "3"}, {"grade": "pink"}):
        assert "Invalid value" in await panel.refusal(
            "save_place", **{**fields, **wrong}
        )


@sqlite_only
async def test_a_shop_is_a_unit(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A unit is a flat or a shop, on a floor, and somewhere; its names are the register's."""
    place_id = (await ids_of(hass, entry))["unit 1-1-101"]
    where = {"storey": 1, "latitude": 30.5, "longitude": 114.3}
    await panel.get("save_place", place_id=place_id, kind="shop", **where)
    assert (await ids_of(hass, entry))["shop 1-1-101"] == place_id
    assert await panel.refusal("remove_place", place_id=place_id) == "place_of_unit"
    stairwell = (await ids_of(hass, entry))["stairwell 1-1"]
    assert await panel.refusal("remove_place", place_id=stairwell) == "place_of_units"


async def test_who_answers_for_a_place(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    panel_for: Callable[[MockUser], Awaitable[Panel]],
) -> None:
    """An organisation is a party like a person, and is not masked; it stays as long as it answers."""
    place_id = (await ids_of(hass, entry))["building 1"]
    of = {"place_id": place_id}
    organisation = {"name": "MARK-COMPANY", "phone": PHONE, "organisation": True}
    await panel.get("put_place_party", **of, **organisation, role="operator")
    person = await check_in(
        hass, entry, "1-1-101", name="MARK-OWNER", phone="13800138002"
    )
    party = await panel.get("put_place_party", **of, person_id=person)
    # Once more is no second one.
    again = await panel.get("put_place_party", **of, person_id=person, role="owner")
    assert again == party
    police = await panel_for(await account(hass, entry, "police"))
    shown = (await police.get("place", **of, reason="inspection"))["parties"]
    assert {
        (row["kind"], row["role"], row["name"], *row["reached"]) for row in shown
    } == {
        (PartyKind.ORGANISATION, "operator", "MARK-COMPANY", E164),
        (PartyKind.PERSON, "owner", "M**", "+86*******8002"),
    }
    assert await panel.refusal("put_place_party", **of, person_id="x") == (
        "no_such_person"
    )

    async def people() -> int:
        query = select(func.count()).select_from(Person)
        return await entry.runtime_data.async_run(lambda session: session.scalar(query))

    assert await people() == 2
    # They are one and the same: each answers for it once.
    company = next(row for row in shown if row["kind"] == PartyKind.ORGANISATION)
    merged = {"person_id": person, "duplicate_id": company["person_id"]}
    await call(hass, "merge_people", merged)
    (left,) = (await panel.get("place", **of))["parties"]
    await call(hass, "check_out", {"device_id": device_id(hass, entry, "1-1-101")})
    await panel.get("remove_place_party", party_id=left["party_id"])
    assert await panel.refusal("remove_place_party", party_id=left["party_id"]) == (
        "no_such_party"
    )


@sqlite_only
async def test_nobody_is_unmasked_by_being_entered_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    panel_for: Callable[[MockUser], Awaitable[Panel]],
) -> None:
    """A tenant who is entered once more, as an organisation, is a person as before."""
    await check_in(hass, entry, "1-1-101", name="MARK-OWNER", phone=PHONE)
    of = {"place_id": (await ids_of(hass, entry))["building 1"]}
    again = {"name": "MARK-OWNER", "phone": PHONE, "organisation": True}
    await panel.get("put_place_party", **of, **again)
    police = await panel_for(await account(hass, entry, "police"))
    (row,) = (await police.get("place", **of, reason="inspection"))["parties"]
    assert (row["kind"], row["name"]) == (PartyKind.PERSON, "M**")
    assert E164 not in row["reached"]


@sqlite_only
async def test_who_only_answers_for_a_place_goes_with_it(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """Nobody is kept for a place that there is not any more."""
    shed = (await panel.get("save_place", kind="shared_place", name="Shed"))["written"]
    company = {"name": "MARK-COMPANY", "phone": PHONE, "organisation": True}
    await panel.get("put_place_party", place_id=shed, **company)
    application = application_of(hass, entry.entry_id)
    await application.async_fill(RemovePlace(shed), None)
    models = (Person, PlaceParty)
    for model in models:
        query = select(func.count()).select_from(model)
        assert not await entry.runtime_data.async_run(
            lambda session, query=query: session.scalar(query)
        )


async def test_visits(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel_for: Callable[[MockUser], Awaitable[Panel]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who was there is written down, and if the plate was scanned for it; it ends with its time."""
    code = (await plates("unit 1-1-101"))["unit 1-1-101"]
    police = await account(hass, entry, "police")
    panel = await panel_for(police)
    visit = {
        "finding": "hazard",
        "note": "Bikes in the stairwell",
        "reason": "inspection",
    }
    assert await panel.refusal("visit_place", code=code, finding="hazard") == (
        "needs_reason"
    )
    await panel.get("visit_place", code=code, **visit)
    place_id = (await ids_of(hass, entry))["unit 1-1-101"]
    await panel.get("visit_place", place_id=place_id, **visit)
    shown = await panel.get("place", code=code, reason="inspection")
    assert sorted(row["was_there"] for row in shown["visits"]) == [False, True]
    assert {
        (row["finding"], row["note"], shown["accounts"][row["who"]])
        for row in shown["visits"]
    } == {("hazard", "Bikes in the stairwell", police.name)}
    freezer.tick(timedelta(days=366))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    query = select(func.count()).select_from(Visit)
    assert not await entry.runtime_data.async_run(lambda session: session.scalar(query))


@pytest.mark.parametrize("role", ["police", "grid_worker"])
async def test_reveal_at_the_door(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel_for: Callable[[MockUser], Awaitable[Panel]],
    role: str,
) -> None:
    """The police and grid workers are shown names and numbers of the unit whose plate they scan, for a reason."""
    await check_in(hass, entry, "1-1-101", name="MARK-HERE")
    await check_in(hass, entry, "1-1-102", name="MARK-THERE", phone="13800138002")
    codes = await plates("unit 1-1-101", "stairwell 1-1")
    police = await account(hass, entry, role)
    panel = await panel_for(police)
    asked = {"code": codes["unit 1-1-101"], "reason": "inspection"}
    unit = await panel.get("place", **asked)
    of_unit = {"unit_id": unit["unit_id"], "reason": "inspection"}
    file = await panel.get("unit", **of_unit)
    device = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "inspection"}
    # By an action they are shown no more than by the page.
    action = await call(hass, "get_unit", device, user=police)
    person_id = file["people"][0]["person_id"]
    person = await panel.get("person", person_id=person_id, reason="inspection")
    found = await panel.get("search", query="MARK-HERE", reason="inspection")
    masked = repr((unit, file, action, person, found))
    assert E164 not in masked
    assert "MARK" not in masked
    assert masked.count("M**") == 4
    assert not await audited(entry, "reveal_at_place")
    (row,) = (await panel.get("reveal_at_place", **asked))["people"]
    assert (row["name"], row["addresses"][0]["target"]) == ("MARK-HERE", E164)
    # One for the unit, and one for each person who was named, with who asked and why.
    assert {
        (one.who, one.why, one.unit_id, one.person_id)
        for one in await audited(entry, "reveal_at_place")
    } == {
        (police.id, "inspection", unit["unit_id"], None),
        (police.id, "inspection", unit["unit_id"], person_id),
    }
    assert await panel.refusal(
        "reveal_at_place", code=asked["code"], reason="management"
    ) == ("needs_reason")
    # By an id nobody is shown, nor by what was guessed, nor the whole stairwell.
    assert "Invalid value" in await panel.refusal(
        "reveal_at_place", place_id=unit["place_id"], reason="inspection"
    )
    for code, key in (
        (codes["stairwell 1-1"], "place_is_no_unit"),
        ("x", "no_such_place"),
    ):
        assert await panel.refusal("reveal_at_place", **{**asked, "code": code}) == key
    other = {**asked, "code": (await plates("unit 1-1-102"))["unit 1-1-102"]}
    await plates("unit 1-1-101")
    assert await panel.refusal("reveal_at_place", **asked) == "no_such_place"
    # Revoked just now, and not heard of yet.
    await entry.runtime_data.async_run(
        lambda session: session.execute(update(PlaceCode).values(revoked_at=1.0))
    )
    assert await panel.refusal("reveal_at_place", **other) == "no_such_place"


@sqlite_only
async def test_unit_that_goes_takes_its_place(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """A unit that is gone for good leaves no place behind."""
    await call(hass, "remove_unit", {"device_id": device_id(hass, entry, "1-1-101")})
    freezer.tick(timedelta(days=40))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    query = select(func.count()).where(SitePlace.unit_id.is_not(None))
    assert (
        await entry.runtime_data.async_run(lambda session: session.scalar(query)) == 2
    )


@sqlite_only
async def test_saved_by_nobody(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A command that is refused is refused in the application, whoever asks."""
    application = application_of(hass, entry.entry_id)
    with pytest.raises(ServiceValidationError):
        await application.async_fill(
            SavePlace({"kind": "shared_place", "name": " "}), None
        )
