"""What the roles of a property say to Community Safety, asked as it asks."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.authority import Action, Authority, Subject
from custom_components.rental_units.alerts.models import Delivery
from custom_components.rental_units.alerts.principals import remember
from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.app.policy import COMMANDS
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers.integration_platform import (
    async_process_integration_platforms,
)

from .common import account, administrator, call, check_in, device_id, unit_id

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
OWN, SHED = "area_101", "area_shed"


@pytest.fixture
async def authority(hass: HomeAssistant, entry: MockConfigEntry) -> Authority:
    """Return what Community Safety asks with."""
    found = Authority(hass)

    async def take(_hass: HomeAssistant, domain: str, platform: Any) -> None:
        await found.async_take(domain, platform)

    await async_process_integration_platforms(hass, DOMAIN, take)
    await hass.async_block_till_done()
    return found


async def may(authority: Authority, user: MockUser, action: Action, area: str) -> bool:
    """Return if a user may do something in an area."""
    subject = Subject(area_id=area, device_id=None)
    try:
        await authority.async_authorize(action, Context(user_id=user.id), [subject])
    except Unauthorized:
        return False
    return True


def test_each_action_is_in_the_table() -> None:
    """What Community Safety may ask is in the table, and nothing else."""
    known = {row.removeprefix("safety.") for row in COMMANDS if "safety." in row}
    assert known == set(Action)


@sqlite_only
async def test_who_may_where(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """A landlord cuts and restores in his own flats; police change nothing."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWN", role="landlord")
    users = {
        "administrator": administrator(hass),
        "duty": await account(hass, entry, "duty"),
        "installer": await account(hass, entry, "installer"),
        "landlord": await account(hass, entry, "landlord", owner),
        "police": await account(hass, entry, "police"),
        "user": await account(hass, entry, "user"),
    }
    done = {
        (name, action.value, area)
        for name, user in users.items()
        for action in (
            *(Action.CUT_OFF, Action.RESTORE, Action.RESET, Action.SELF_TEST),
            Action.CONFIGURE,
        )
        for area in (OWN, SHED)
        if await may(authority, user, action, area)
    }
    assert done == {
        *(
            (name, action, area)
            for name in ("administrator", "duty")
            for action in ("cut_off", "restore", "reset", "self_test")
            for area in (OWN, SHED)
        ),
        *(
            (name, "configure", area)
            for name in ("administrator", "installer")
            for area in (OWN, SHED)
        ),
        *(("installer", "self_test", area) for area in (OWN, SHED)),
        ("landlord", "cut_off", OWN),
        ("landlord", "restore", OWN),
    }
    rights = await authority.async_rights(users["landlord"])
    assert {action: rights[action] for action in ("cut_off", "restore", "reset")} == {
        "cut_off": [OWN],
        "restore": [OWN],
        "reset": [],
    }
    rights = await authority.async_rights(users["duty"])
    assert [action for action in Action if rights[action] is not None] == ["configure"]
    assert set(map(tuple, (await authority.async_rights(users["user"])).values())) == {
        ()
    }
    # An automation is nobody: the cut-off of a fire asks no role.
    assert await authority.async_authorize(Action.CUT_OFF, Context(), []) is None


@sqlite_only
async def test_sold(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """Who has sold the flat restores nothing there any more."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWN", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    assert await may(authority, landlord, Action.RESTORE, OWN)
    device = device_id(hass, entry, "1-1-101")
    await call(hass, "check_out", {"device_id": device, "person_id": owner})
    assert not await may(authority, landlord, Action.RESTORE, OWN)


@sqlite_only
async def test_help_is_open(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """While somebody calls for help nobody resets the alarm there, whoever they are."""
    engine, unit = engine_of(hass, entry.entry_id), unit_id(entry, "1-1-101")
    assert engine
    answer = await call(hass, "alert", {"unit_id": unit, "severity": "alarm"})
    alert = engine.alerts[answer["alert_id"]]
    engine.helpers.call(alert, Delivery(id="d", person_id="p", unit_id=unit))
    admin = Context(user_id=administrator(hass).id)
    here = [Subject(area_id=OWN, device_id=None)]
    with pytest.raises(ServiceValidationError) as veto:
        await authority.async_authorize(Action.RESET, admin, here)
    assert veto.value.translation_placeholders == {"place": "1-1-101"}
    other = [Subject(area_id=SHED, device_id=None)]
    await authority.async_authorize(Action.RESET, admin, other)


@sqlite_only
async def test_help_next_door(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """A neighbour calls from a flat without an alarm, a responder from none at all."""
    engine, unit = engine_of(hass, entry.entry_id), unit_id(entry, "1-1-101")
    assert engine
    data = {"unit_id": unit, "alarm_id": "a1", "incident_id": "i1"}
    answer = await call(hass, "alert", data)
    alert = engine.alerts[answer["alert_id"]]
    admin = Context(user_id=administrator(hass).id)
    reset = [
        Subject(area_id=OWN, device_id=None, alarm_id="a9"),
        Subject(area_id=SHED, device_id=None, alarm_id="a1"),
        Subject(area_id=None, device_id=None, incident_id="i1"),
    ]
    for person, of in (("p", unit_id(entry, "1-1-102")), ("q", None)):
        engine.helpers.call(alert, Delivery(id=person, person_id=person, unit_id=of))
        for subject in reset:
            with pytest.raises(ServiceValidationError):
                await authority.async_authorize(Action.RESET, admin, [subject])
        engine.close_help(alert, None, who="user", note="Out")
    await authority.async_authorize(Action.RESET, admin, reset)


@sqlite_only
async def test_who_has_answered(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """An answer to an alert acknowledges, and does nothing else."""
    context = Context()
    remember(hass, context, "person-1")
    here = [Subject(area_id=OWN, device_id=None)]
    who = await authority.async_authorize(Action.ACKNOWLEDGE, context, here)
    assert who == "rental_units:person-1"
    with pytest.raises(Unauthorized):
        await authority.async_authorize(Action.RESTORE, context, here)


@sqlite_only
async def test_names(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """The names behind ids are for who may see everybody."""
    person = f"rental_units:{await check_in(hass, entry, '1-1-101')}"
    manager = await account(hass, entry, "manager")
    responder = await account(hass, entry, "responder")
    assert await authority.async_names([person], manager) == {person: "MARK-NAME-1"}
    assert await authority.async_names([person], responder) == {}


@sqlite_only
async def test_register_away(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """While nobody can be asked a restore waits, and a cut-off does not."""
    duty = await account(hass, entry, "duty")
    await hass.config_entries.async_unload(entry.entry_id)
    assert await may(authority, duty, Action.CUT_OFF, OWN)
    with pytest.raises(HomeAssistantError) as refusal:
        await may(authority, duty, Action.RESTORE, OWN)
    assert refusal.value.translation_key == "authority_unavailable"
    # Without a property nobody objects.
    await hass.config_entries.async_remove(entry.entry_id)
    assert await may(authority, duty, Action.RESTORE, OWN)
