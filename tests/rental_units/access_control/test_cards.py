"""Cards in the register: who gets one, who may give it, and when it is nobody's any more."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import func, select, update

from custom_components.rental_units.access_control import numbers
from custom_components.rental_units.access_control.const import Proof
from custom_components.rental_units.access_control.models import Card, Place
from custom_components.rental_units.register.models import Person
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account, call, check_in, device_id, unit_id
from tests.rental_units.panel import panel_of

from .common import NOW, NUMBER, OTHER, OTHER_NUMBER, OWN, refusal

pytestmark = pytest.mark.usefixtures("shanghai")
SOON = NOW + timedelta(days=1)


@pytest.fixture
async def controller(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return a controller whose first door opens for everybody; nobody asks it for anything."""
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("community_safety", "x")}
    )
    door = {"config_entry_id": entry.entry_id, "device_id": device.id, "door": "1"}
    answer = await call(hass, "assign_door", door)
    # Twice is once.
    assert await call(hass, "assign_door", door) == answer
    return device.id


async def issue(hass: HomeAssistant, **data: Any) -> str:
    """Issue a card; return its id."""
    return (await call(hass, "issue_card", {"card_number": NUMBER, **data}))["card_id"]


async def cards(hass: HomeAssistant, person: str) -> list[dict[str, Any]]:
    """Return the cards of a person."""
    await hass.async_block_till_done(wait_background_tasks=True)
    return (await call(hass, "get_cards", {"person_id": person}))["cards"]


async def prove(entry: MockConfigEntry) -> None:
    """Let every controller have proven what is wanted of it, long ago."""
    await entry.runtime_data.async_run(
        lambda session: session.execute(
            update(Place).values(proof=Proof.PROVEN, proven_at=1.0)
        )
    )


async def count(entry: MockConfigEntry, model: Any, *conditions: Any) -> int:
    """Return how many rows there are."""
    query = select(func.count()).select_from(model).where(*conditions)
    return await entry.runtime_data.async_run(lambda session: session.scalar(query))


async def new_day(hass: HomeAssistant, freezer: Any, days: int) -> None:
    """Let days pass, and the next begin."""
    midnight = dt_util.start_of_local_day() + timedelta(days=days)
    freezer.move_to(midnight)
    async_fire_time_changed(hass, midnight)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_requested_and_issued(
    hass: HomeAssistant, entry: MockConfigEntry, controller: str
) -> None:
    """A request has no number; issued, it is pending at each controller until that has it."""
    person = await check_in(hass, entry, OWN)
    asked = await call(hass, "request_card", {"person_id": person})
    (row,) = await cards(hass, person)
    assert (row["state"], row["card_number"]) == ("requested", "")
    data = {"card_id": asked["card_id"]}
    assert await refusal(hass, "suspend_card", **data) == "card_is_requested"
    assert await issue(hass, **data) == asked["card_id"]
    (row,) = await cards(hass, person)
    assert (row["state"], row["pending"], row["unproven"]) == ("pending", 1, 0)
    assert row["card_number"] == "••••8400"
    assert (
        await refusal(hass, "issue_card", card_number="1", **data) == "card_is_issued"
    )
    shown = await call(hass, "get_card_doors", data)
    (place,) = shown["controllers"]
    assert (place["device_id"], place["doors"]) == (controller, ["1"])
    assert (place["proof"], place["opens"]) == ("pending", True)
    await call(hass, "revoke_card", data)
    assert await refusal(hass, "revoke_card", **data) == "card_is_revoked"
    assert await refusal(hass, "issue_card", person_id=person, card_number=NUMBER) == (
        "card_number_taken"
    )


async def test_request_that_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who revokes a request refuses it: it is history at once."""
    person = await check_in(hass, entry, OWN)
    asked = await call(hass, "request_card", {"person_id": person})
    await call(hass, "revoke_card", asked)
    (row,) = await cards(hass, person)
    assert (row["state"], bool(row["closed_at"])) == ("revoked", True)
    assert (
        await refusal(hass, "issue_card", card_number="1", **asked) == "card_is_closed"
    )


async def test_without_doors(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Where no door is assigned, a card is in the register and nowhere else."""
    person = await check_in(hass, entry, OWN)
    card = await issue(hass, person_id=person)
    (row,) = await cards(hass, person)
    assert row["state"] == "registered"
    # And revoked, it is free at once.
    await call(hass, "revoke_card", {"card_id": card})
    await issue(hass, person_id=person)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"card_number": "x"}, "card_number_invalid"),
        ({"everywhere": True}, "card_follows_lease"),
        ({"end": SOON}, "card_follows_lease"),
        ({"unit": OWN}, "card_follows_lease"),
        ({"person": "stranger"}, "no_such_person"),
        ({"person": "gone"}, "card_without_lease"),
        ({"holder": "staff"}, "card_needs_end"),
        ({"holder": "staff", "end": SOON - timedelta(days=2)}, "card_is_over"),
        ({"holder": "staff", "end": SOON, "start": SOON}, "card_is_over"),
        ({"holder": "staff", "end": SOON + timedelta(days=366)}, "card_too_long"),
        ({"holder": "visitor", "end": SOON}, "visitor_needs_unit"),
        (
            {"holder": "visitor", "end": SOON + timedelta(days=31), "unit": OWN},
            "card_too_long",
        ),
        ({"holder": "visitor", "end": SOON, "unit": OTHER}, "nobody_to_visit"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_refused(
    hass: HomeAssistant, entry: MockConfigEntry, data: dict[str, Any], key: str
) -> None:
    """What cannot be is said in words, and nothing is written."""
    people = {
        "tenant": await check_in(hass, entry, OWN),
        "gone": await check_in(hass, entry, OWN, name="MARK-G", phone="13800138003"),
        "stranger": "nobody",
    }
    device = {"device_id": device_id(hass, entry, OWN)}
    await call(hass, "check_out", {**device, "person_id": people["gone"]})
    wanted: dict[str, Any] = {"card_number": NUMBER, **data}
    wanted["person_id"] = people[wanted.pop("person", "tenant")]
    if unit := wanted.pop("unit", None):
        wanted["device_id"] = device_id(hass, entry, unit)
    assert await refusal(hass, "issue_card", **wanted) == key
    assert await count(entry, Card) == 0
    assert await count(entry, CompartmentRow) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_name_is_asked_for(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A card has a holder; whom a name of a tenant means is not guessed."""
    staff = {"config_entry_id": entry.entry_id, "holder": "staff", "end": SOON}
    assert await refusal(hass, "issue_card", card_number="1", **staff) == "name_missing"
    tenant = {"config_entry_id": entry.entry_id, "name": "MARK-X"}
    assert await refusal(hass, "request_card", **tenant) == "card_without_lease"
    assert await refusal(hass, "request_card", name="MARK-X") == "no_property"
    assert await refusal(hass, "suspend_card", card_id="x") == "no_such_card"


async def test_a_holder_stays_for_as_long(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """A visitor without a lease is in the register as long as their card is, and no longer."""
    await check_in(hass, entry, OWN)
    visit = {"device_id": device_id(hass, entry, OWN), "holder": "visitor"}
    now = dt_util.utcnow()
    await issue(hass, **visit, name="MARK-VISITOR", end=now + timedelta(days=2))
    named = Person.name == "MARK-VISITOR"
    await new_day(hass, freezer, 1)
    assert await count(entry, Person, named) == 1
    # Over, and for as long as it could be undone.
    for _ in range(3):
        await new_day(hass, freezer, 1)
    assert await count(entry, Card, Card.is_over) == 1
    assert await count(entry, CompartmentRow, CompartmentRow.kind == numbers.KIND) == 1
    for _ in range(33):
        await new_day(hass, freezer, 1)
    assert await count(entry, Card, Card.closed_at.is_not(None)) == 0
    assert await count(entry, CompartmentRow, CompartmentRow.kind == numbers.KIND) == 0
    assert await count(entry, Person, named) == 0


async def test_left_and_brought_back(
    hass: HomeAssistant, entry: MockConfigEntry, controller: str
) -> None:
    """A leaving that is undone brings the card back."""
    person = await check_in(hass, entry, OWN)
    await issue(hass, person_id=person)
    assert (await cards(hass, person))[0]["state"] == "pending"
    await prove(entry)
    assert (await cards(hass, person))[0]["state"] == "active"
    device = {"device_id": device_id(hass, entry, OWN)}
    left = await call(hass, "check_out", {**device, "person_id": person})
    assert (await cards(hass, person))[0]["state"] == "pending"
    await prove(entry)
    assert (await cards(hass, person))[0]["state"] == "expired"
    await call(hass, "undo", {"command_id": left["command_id"]})
    assert (await cards(hass, person))[0]["state"] == "pending"
    await prove(entry)
    assert (await cards(hass, person))[0]["state"] == "active"


async def test_unit_is_removed(
    hass: HomeAssistant, entry: MockConfigEntry, controller: str
) -> None:
    """With a unit its people have no card, until it is brought back."""
    person = await check_in(hass, entry, OWN)
    await issue(hass, person_id=person)
    await prove(entry)
    device = {"device_id": device_id(hass, entry, OWN)}
    removed = await call(hass, "remove_unit", {**device, "with_people": True})
    await prove(entry)
    assert (await cards(hass, person))[0]["state"] == "expired"
    await call(
        hass,
        "restore_unit",
        {"config_entry_id": entry.entry_id, "unit_id": removed["unit_id"]},
    )
    await prove(entry)
    assert (await cards(hass, person))[0]["state"] == "active"


async def test_old_cards_go(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    controller: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A card that was revoked is history for a year."""
    person = await check_in(hass, entry, OWN)
    await call(hass, "revoke_card", {"card_id": await issue(hass, person_id=person)})
    await prove(entry)
    await new_day(hass, freezer, 1)
    assert (await cards(hass, person))[0]["closed_at"]
    assert await count(entry, CompartmentRow) == 0
    await new_day(hass, freezer, 366)
    assert await cards(hass, person) == []
    assert await count(entry, Place) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_visitors_of_an_own_flat(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """A landlord says who comes and when, sees these, and nobody of another flat."""
    owner = await check_in(hass, entry, OWN, name="MARK-OWN", role="landlord")
    await check_in(hass, entry, OTHER, name="MARK-O", phone="13800138004")
    landlord = await account(hass, entry, "landlord", owner)
    panel = await panel_of(hass, entry, hass_ws_client, landlord)
    own, other = unit_id(entry, OWN), unit_id(entry, OTHER)
    visit = {"unit_id": own, "name": "MARK-V", "holder": "visitor"}
    hours = {"start": "2026-09-02T09:00:00", "end": "2026-09-02T18:00:00"}
    assert (await panel.get("visitors", unit_id=own))["visitors"] == []
    await panel.get("request_card", **visit, **hours)
    (row,) = (await panel.get("visitors", unit_id=own))["visitors"]
    assert (row["name"], row["state"], row["card_number"]) == (
        *("MARK-V", "requested", ""),
    )
    # In Shanghai.
    assert (row["start"], row["end"]) == (
        *("2026-09-02T01:00:00+00:00", "2026-09-02T10:00:00+00:00"),
    )
    await issue(hass, card_id=row["card_id"])
    (row,) = (await panel.get("visitors", unit_id=own))["visitors"]
    assert row["card_number"] == "••••8400"
    for command, data in (
        ("visitors", {"unit_id": other}),
        ("request_card", {**visit, **hours, "unit_id": other}),
        ("issue_card", {"card_id": row["card_id"], "card_number": OTHER_NUMBER}),
        ("renew_card", {"card_id": row["card_id"], "end": hours["end"]}),
    ):
        answer = await panel.ask(command, **data)
        assert answer["error"]["code"] == "unauthorized", command


async def test_renewed(
    hass: HomeAssistant, entry: MockConfigEntry, controller: str
) -> None:
    """A visitor's card ends when it is said anew, within what is allowed, and at every door."""
    await check_in(hass, entry, OWN, name="MARK-T", end="2026-12-31")
    visit = {"holder": "visitor", "name": "MARK-V", "end": SOON}
    card = await issue(hass, device_id=device_id(hass, entry, OWN), **visit)
    later = SOON + timedelta(days=20)
    assert await call(hass, "renew_card", {"card_id": card, "end": later}) == {
        "card_id": card
    }
    await hass.async_block_till_done(wait_background_tasks=True)
    (place,) = (await call(hass, "get_card_doors", {"card_id": card}))["controllers"]
    assert dt_util.parse_datetime(place["end"]) == later
    # It is what is wanted now, and nobody has proven that.
    assert place["proof"] != "proven"
    for end, why in (
        (NOW, "card_is_over"),
        (NOW + timedelta(days=32), "card_too_long"),
    ):
        data = {"card_id": card, "end": end}
        assert await refusal(hass, "renew_card", **data) == why
    # Sooner is a renewal, too.
    await call(hass, "renew_card", {"card_id": card, "end": SOON})
    await call(hass, "lose_card", {"card_id": card})
    data = {"card_id": card, "end": later}
    assert await refusal(hass, "renew_card", **data) == "card_is_lost"


async def test_that_of_a_lease_is_renewed_with_it(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Nobody gives a tenant's card an end of its own."""
    person = await check_in(hass, entry, OWN, name="MARK-T")
    data = {"card_id": await issue(hass, person_id=person), "end": SOON}
    assert await refusal(hass, "renew_card", **data) == "card_follows_lease"


async def test_landlord(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A landlord asks for cards of own flats, sees these, and reports them lost."""
    owner = await check_in(hass, entry, OWN, name="MARK-OWN", role="landlord")
    tenant = await check_in(hass, entry, OWN, name="MARK-T", phone="13800138003")
    other = await check_in(hass, entry, OTHER, name="MARK-O", phone="13800138004")
    landlord = await account(hass, entry, "landlord", owner)
    card = await issue(hass, person_id=tenant)
    others = await issue(hass, person_id=other, card_number=OTHER_NUMBER)
    await call(hass, "request_card", {"person_id": tenant}, user=landlord)
    visit = {"holder": "visitor", "name": "MARK-V", "end": SOON + timedelta(hours=1)}
    own = {"device_id": device_id(hass, entry, OWN), **visit}
    await call(hass, "request_card", own, user=landlord)
    await call(hass, "get_card_doors", {"card_id": card}, user=landlord)
    await call(hass, "lose_card", {"card_id": card}, user=landlord)
    staff = {**visit, "holder": "staff"}
    for action, data in (
        ("request_card", {"person_id": other}),
        ("request_card", {**own, "device_id": device_id(hass, entry, OTHER)}),
        ("request_card", {**staff, "config_entry_id": entry.entry_id}),
        ("request_card", {**staff, "device_id": own["device_id"]}),
        ("get_cards", {"person_id": other}),
        ("get_card_doors", {"card_id": others}),
        ("lose_card", {"card_id": others}),
        ("lose_card", {"card_id": "nothing"}),
        ("revoke_card", {"card_id": card}),
        ("issue_card", {"person_id": tenant, "card_number": "5"}),
    ):
        with pytest.raises((Unauthorized, ServiceValidationError)) as failure:
            await call(hass, action, data, user=landlord)
        assert isinstance(failure.value, Unauthorized), action
