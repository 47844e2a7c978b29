"""Visitors by a code: whom a landlord lets in, how far, and for how long."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.cards import GetVisitors
from custom_components.rental_units.app.visitors import (
    CODES,
    MOST_A_DAY,
    MOST_DAYS_AHEAD,
    MOST_HOURS,
    MOST_OPEN,
)
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.util import dt as dt_util
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Ticking
from tests.rental_units.common import account, call, device_id, unit_id
from tests.rental_units.panel import panel_of

from .common import NOW, OTHER, OWN, House, settle

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Landlord:
    """The landlord of a unit, with an account."""

    def __init__(self, house: House, person: str, user: MockUser) -> None:
        """Initialize."""
        self.house, self.person, self.user = house, person, user

    async def invite(self, title: str = OWN, **data: Any) -> Any:
        """Let somebody in."""
        return await call(
            self.house.hass,
            "invite_visitor",
            {
                "device_id": device_id(self.house.hass, self.house.entry, title),
                "name": "MARK-VISITOR",
                "end": NOW + timedelta(hours=3),
                **data,
            },
            user=self.user,
        )

    async def visitors(self) -> Any:
        """Return the visits."""
        application = application_of(self.house.hass, self.house.entry.entry_id)
        unit = unit_id(self.house.entry, OWN)
        context = Context(user_id=self.user.id)
        return await application.async_do(GetVisitors(unit), context)


@pytest.fixture
async def landlord(house: House) -> Landlord:
    """Return the landlord of a unit in which a tenant lives."""
    person = await house.move_in(role="landlord", end=None, name="MARK-OWNER")
    await house.move_in(name="MARK-TENANT", phone="13800138003")
    user = await account(house.hass, house.entry, "landlord", person)
    return Landlord(house, person, user)


async def test_code(
    house: House, landlord: Landlord, freezer: FrozenDateTimeFactory
) -> None:
    """It opens the way to the flat until its end, and not the flat itself."""
    await house.assign(house.first, "2", building="1", stairwell="1", number="101")
    invited = await landlord.invite()
    code = invited["code"]
    assert int(code) in CODES
    await wait_until(house.hass, lambda: house.numbers(house.first) == [code])
    (card,) = house.first.cards
    assert card.doors == (1, 0, 0, 0)
    assert house.numbers(house.gate) == [code]
    assert house.numbers(house.second) == []
    (row,) = await landlord.visitors()
    assert row["name"] == "MARK-VISITOR"
    assert code not in repr(row)
    async with Ticking(house.hass, freezer):
        freezer.move_to(NOW + timedelta(hours=3, seconds=31))
        async_fire_time_changed(house.hass)
        await wait_until(house.hass, lambda: not house.first.cards)
        await wait_until(house.hass, lambda: not house.gate.cards)


async def test_ended_by_the_landlord(house: House, landlord: Landlord) -> None:
    """Who is not to come any more is let in no more; a tenant's card is none of a visit."""
    invited = await landlord.invite()
    await wait_until(house.hass, lambda: bool(house.first.cards))
    visit = {"card_id": invited["card_id"]}
    await call(house.hass, "end_visit", visit, user=landlord.user)
    await wait_until(house.hass, lambda: not house.first.cards)
    tenant = await house.issue(landlord.person, "1")
    with pytest.raises(Unauthorized):
        await call(house.hass, "end_visit", {"card_id": tenant}, user=landlord.user)
    with pytest.raises(ServiceValidationError):
        await call(house.hass, "end_visit", {"card_id": tenant})


@pytest.mark.parametrize("how", ["sold", "erased"])
async def test_ends_with_the_landlord(
    house: House, landlord: Landlord, how: str
) -> None:
    """Who has no flat any more has no visitors there, though tenants stay."""
    await landlord.invite()
    await wait_until(house.hass, lambda: bool(house.first.cards))
    if how == "sold":
        await house.move_out(landlord.person)
    else:
        await call(house.hass, "erase_person", {"person_id": landlord.person})
    await wait_until(house.hass, lambda: not house.first.cards)
    await wait_until(house.hass, lambda: not house.gate.cards)


async def test_merged_landlord(house: House, landlord: Landlord) -> None:
    """The visitors of a duplicate are those of who is kept."""
    kept = await house.move_in(
        role="landlord", end=None, name="MARK-OWNER-2", phone="13800138007"
    )
    invited = await landlord.invite()
    await wait_until(house.hass, lambda: bool(house.first.cards))
    merge = {"person_id": kept, "duplicate_id": landlord.person}
    await call(house.hass, "merge_people", merge)
    await settle(house.hass)
    assert house.numbers(house.first) == [invited["code"]]


async def refusal(landlord: Landlord, **data: Any) -> str | None:
    """Return why a visitor is refused."""
    with pytest.raises(ServiceValidationError) as failure:
        await landlord.invite(**data)
    return failure.value.translation_key


async def test_limits(
    house: House, landlord: Landlord, freezer: FrozenDateTimeFactory
) -> None:
    """Hours, days ahead, and how many at a time and in a day."""

    def after(**more: float) -> datetime:
        return dt_util.utcnow() + timedelta(**more)

    assert await refusal(landlord, end=after(hours=MOST_HOURS, minutes=1)) == (
        "visit_too_long"
    )
    assert await refusal(landlord, end=after(hours=-1)) == "card_is_over"
    far = {
        "start": after(days=MOST_DAYS_AHEAD, minutes=1),
        "end": after(days=MOST_DAYS_AHEAD, hours=1),
    }
    assert await refusal(landlord, **far) == "visit_too_far"
    later = {"start": after(hours=1), "end": after(hours=2)}
    visits = [await landlord.invite(**later) for _ in range(MOST_OPEN)]
    assert await refusal(landlord, **later) == "too_many_visits"
    for _ in range(MOST_A_DAY - MOST_OPEN):
        ended = {"card_id": visits.pop()["card_id"]}
        await call(house.hass, "end_visit", ended, user=landlord.user)
        visits.append(await landlord.invite(**later))
    ended = {"card_id": visits.pop()["card_id"]}
    await call(house.hass, "end_visit", ended, user=landlord.user)
    assert await refusal(landlord, **later) == "too_many_visits_today"


async def test_own_units_alone(house: House, landlord: Landlord) -> None:
    """Nobody lets visitors into another's; who manages does for the property."""
    with pytest.raises(Unauthorized):
        await landlord.invite(OTHER)
    tenant = await house.move_in(OTHER, phone="13800138005")
    resident = await account(house.hass, house.entry, "resident", tenant)
    with pytest.raises(Unauthorized):
        await Landlord(house, tenant, resident).invite(OTHER)
    desk = await account(house.hass, house.entry, "desk")
    await Landlord(house, "", desk).invite(OTHER)
    await wait_until(house.hass, lambda: bool(house.second.cards))


async def test_in_a_panel(
    house: House, landlord: Landlord, hass_ws_client: WebSocketGenerator
) -> None:
    """The landlord's page does the same."""
    panel = await panel_of(house.hass, house.entry, hass_ws_client, landlord.user)
    unit = {"unit_id": unit_id(house.entry, OWN)}
    invited = await panel.get(
        "invite_visitor",
        **unit,
        name="MARK-VISITOR",
        end=(NOW + timedelta(hours=3)).isoformat(),
    )
    await wait_until(
        house.hass, lambda: house.numbers(house.first) == [invited["code"]]
    )
    (row,) = (await panel.get("visitors", **unit))["visitors"]
    assert row["card_id"] == invited["card_id"]
    await panel.get("end_visit", card_id=invited["card_id"])
    await wait_until(house.hass, lambda: not house.first.cards)
