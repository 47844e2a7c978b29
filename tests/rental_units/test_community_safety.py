"""What the roles of a property say to Community Safety, asked as it asks."""

from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import update
from sqlalchemy.orm import Session

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.authority import Action, Authority, Subject
from custom_components.rental_units.alerts.models import Delivery
from custom_components.rental_units.alerts.principals import remember
from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.policy import COMMANDS
from custom_components.rental_units.const import Role
from custom_components.rental_units.register import Recipient
from custom_components.rental_units.register.last_known import LastKnown
from custom_components.rental_units.register.models import Grant
from custom_components.rental_units.register.phonebook import People, Phonebook
from custom_components.rental_units.register.units import UnitInfo
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers.integration_platform import (
    async_process_integration_platforms,
)
from homeassistant.util import dt as dt_util

from .common import (
    account,
    add_unit,
    administrator,
    call,
    check_in,
    device_id,
    unit_id,
    without_database,
)

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
            *(Action.CONFIGURE, Action.OPEN_DOOR),
        )
        for area in (OWN, SHED)
        if await may(authority, user, action, area)
    }
    assert done == {
        *(
            (name, action, area)
            for name in ("administrator", "duty")
            for action in ("cut_off", "restore", "reset", "self_test", "open_door")
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
        ("landlord", "open_door", OWN),
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
    """The names behind ids are for who may see everybody in an alarm; it is in the audit."""
    own_id = await check_in(hass, entry, "1-1-101")
    person = f"rental_units:{own_id}"
    shown = {}
    for role in ("manager", "duty", "desk", "responder", "police", "grid_worker"):
        user = await account(hass, entry, role)
        asked = await authority.async_names([person, "rental_units:gone"], user)
        if asked:
            assert asked == {person: "MARK-NAME-1"}
            shown[role] = user.id
    assert [*shown] == ["manager", "duty", "desk"]
    data = {"config_entry_id": entry.entry_id, "reason": "inspection"}
    rows = (await call(hass, "get_audit", data))["audit"]
    named = [row for row in rows if row["why"] == "alarm"]
    assert {row["who"] for row in named} == set(shown.values())
    assert {row["person_id"] for row in named} == {own_id}


@sqlite_only
async def test_register_away(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """While nobody can be asked a restore waits, and a cut-off does not."""
    duty = await account(hass, entry, "duty")
    await hass.config_entries.async_unload(entry.entry_id)
    assert await may(authority, duty, Action.CUT_OFF, OWN)
    for action in (Action.RESTORE, Action.OPEN_DOOR):
        with pytest.raises(HomeAssistantError) as refusal:
            await may(authority, duty, action, OWN)
        assert refusal.value.translation_key == "authority_unavailable"
    # Without a property nobody objects.
    await hass.config_entries.async_remove(entry.entry_id)
    assert await may(authority, duty, Action.RESTORE, OWN)


@sqlite_only
async def test_roles_of_before(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """A start without the database knows the roles as they were; who calls for help, not."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    users = {
        "duty": await account(hass, entry, "duty"),
        "landlord": await account(hass, entry, "landlord", owner),
        "desk": await account(hass, entry, "desk"),
        "user": await account(hass, entry, "user"),
    }
    dismissed = await account(hass, entry, "duty")
    of_entry = {"config_entry_id": entry.entry_id}
    roles = (await call(hass, "get_roles", of_entry))["roles"]
    (grant,) = (row for row in roles if row["user_id"] == dismissed.id)
    # At once in the file, too: the process is killed right after it.
    file = LastKnown(hass, entry.entry_id, entry.runtime_data.keys)
    await call(hass, "revoke_role", {**of_entry, "grant_id": grant["grant_id"]})
    grants = await file.async_load_grants()
    assert grants is not None
    assert sorted(role for _, role, *_ in grants) == ["desk", "duty", "landlord"]
    assert ("landlord", owner, None) in {tuple(row) for _, *row in grants}
    users["dismissed"] = dismissed
    # Whose last day is over has no role, whatever the file still says.
    users["relief"] = relief = await account(hass, entry, "duty")
    yesterday = dt_util.now().date() - timedelta(days=1)

    def end(session: Session) -> None:
        session.execute(
            update(Grant).where(Grant.user_id == relief.id).values(until=yesterday)
        )

    await entry.runtime_data.async_run(end)
    await application_of(hass, entry.entry_id).async_read_grants()
    # A store reads once.
    file = LastKnown(hass, entry.entry_id, entry.runtime_data.keys)
    grants = await file.async_load_grants()
    assert (relief.id, "duty", None, yesterday.isoformat()) in (grants or [])
    actions = Action.CUT_OFF, Action.RESTORE
    async with without_database(hass, entry):
        done = {
            (name, action.value, area)
            for name, user in users.items()
            for action in actions
            for area in (OWN, SHED)
            if await may(authority, user, action, area)
        }
        assert done == {
            *(("duty", action, area) for action in actions for area in (OWN, SHED)),
            *(("landlord", action, OWN) for action in actions),
        }
        rights = await authority.async_rights(users["duty"])
        assert (rights[Action.RESTORE], rights[Action.CONFIGURE]) == (None, [])
        with pytest.raises(HomeAssistantError) as refusal:
            await may(authority, users["duty"], Action.RESET, OWN)
        assert refusal.value.translation_key == "authority_unavailable"


@sqlite_only
async def test_start_without_database(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Roles that could not be read are no refusal: power is cut, and not given back.

    What an administrator of Home Assistant is, is known; who calls for help is not. The
    file was written by a release that kept no roles in it.
    """
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    duty = await account(hass, entry, "duty")
    landlord = await account(hass, entry, "landlord", owner)
    admin = administrator(hass)
    context = Context()
    remember(hass, context, "person-1")
    here = [Subject(area_id=OWN, device_id=None)]
    monkeypatch.setattr(LastKnown, "async_load_grants", AsyncMock(return_value=None))
    async with without_database(hass, entry):
        for user in (duty, landlord):
            for action in Action:
                if not action.needs_answer:
                    assert await may(authority, user, action, OWN)
                    continue
                with pytest.raises(HomeAssistantError) as refusal:
                    await may(authority, user, action, OWN)
                assert refusal.value.translation_key == "authority_unavailable"
            rights = await authority.async_rights(user)
            assert rights == {
                action: [] if action.needs_answer else None for action in Action
            }
        assert await may(authority, admin, Action.RESTORE, OWN)
        with pytest.raises(HomeAssistantError) as refusal:
            await may(authority, admin, Action.RESET, OWN)
        assert refusal.value.translation_key == "authority_unavailable"
        assert await authority.async_rights(admin) == dict.fromkeys(Action)
        # Who has answered is known by our own word.
        who = await authority.async_authorize(Action.ACKNOWLEDGE, context, here)
        assert who == "rental_units:person-1"
    assert await may(authority, landlord, Action.RESTORE, OWN)
    assert not await may(authority, landlord, Action.ACKNOWLEDGE, OWN)
    assert await may(authority, admin, Action.RESET, OWN)


@sqlite_only
async def test_answered_while_another_property_is_away(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """An answer acknowledges, whatever else cannot be asked."""
    other = MockConfigEntry(domain="rental_units", title="Property 2")
    other.add_to_hass(hass)
    context = Context()
    remember(hass, context, "person-1")
    here = [Subject(area_id=OWN, device_id=None)]
    who = await authority.async_authorize(Action.ACKNOWLEDGE, context, here)
    assert who == "rental_units:person-1"


@sqlite_only
async def test_people_not_read_yet(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """Until it is read whose flats are whose, nobody is told that they have none."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    nobody = await account(hass, entry, "user")
    application = application_of(hass, entry.entry_id)
    with patch.object(Phonebook, "async_learn"):
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert application_of(hass, entry.entry_id) is not application
    assert not application_of(hass, entry.entry_id).knows(landlord)
    assert await may(authority, landlord, Action.CUT_OFF, OWN)
    with pytest.raises(HomeAssistantError):
        await may(authority, landlord, Action.RESTORE, OWN)
    # Who has no role has none: that could be read.
    assert not await may(authority, nobody, Action.CUT_OFF, OWN)
    await entry.runtime_data.phonebook.async_learn()
    assert await may(authority, landlord, Action.RESTORE, OWN)
    assert not await may(authority, landlord, Action.RESTORE, SHED)


@sqlite_only
async def test_thousands_of_units(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """What one landlord may is found without a look at everybody for each of all flats."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    manager = await account(hass, entry, "manager")
    register = entry.runtime_data
    flats = {
        key: UnitInfo(key, "2", "1", key, area_id=f"area_{key}")
        for key in map(str, range(2000))
    }
    # Two of them are one area, and one of those is somebody else's.
    flats["1"] = UnitInfo("1", "2", "1", "1", area_id="area_0")
    people = {
        key: [
            Recipient(f"{role}-{key}", "MARK", "en", role, key, ())
            for role in (Role.LANDLORD, Role.TENANT, Role.TENANT)
        ]
        for key in flats
    }
    for key in ("0", "1", "7", "1999"):
        people[key].append(Recipient(owner, "MARK", "en", Role.LANDLORD, key, ()))
    people["0"].append(Recipient(owner, "MARK", "en", Role.TENANT, "8", ()))
    register.units = flats
    register.phonebook._take(People(people))
    asked = 0
    units_of, units_of_area = register.phonebook.units_of, register.units_of_area

    def count(*args: Any, of: Any) -> Any:
        nonlocal asked
        asked += 1
        return of(*args)

    with (
        patch.object(
            register.phonebook, "units_of", lambda *args: count(*args, of=units_of)
        ),
        patch.object(
            register, "units_of_area", lambda *args: count(*args, of=units_of_area)
        ),
    ):
        rights = await authority.async_rights(landlord)
    assert rights[Action.CUT_OFF] == ["area_0", "area_1999", "area_7"]
    assert rights[Action.RESET] == []
    assert 0 < asked <= 20
    assert (await authority.async_rights(manager))[Action.RESET] is None
    # What is known of before is no answer to what is so now.
    register.units = {"7": UnitInfo("7", "2", "1", "7", area_id="area_moved")}
    assert register.units_of_area("area_7") == []
    rights = await authority.async_rights(landlord)
    assert rights[Action.CUT_OFF] == ["area_moved"]
    register.phonebook._take(People())
    assert (await authority.async_rights(landlord))[Action.CUT_OFF] == []


@sqlite_only
async def test_places_of_two_properties(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """A duty officer of one acts in its flats and in what both share, as is offered."""
    other = MockConfigEntry(domain="rental_units", title="Property 2")
    other.add_to_hass(hass)
    await hass.config_entries.async_setup(other.entry_id)
    areas = {
        name: ar.async_get(hass).async_create(name).id for name in ("A", "B", "Shed")
    }
    await add_unit(hass, entry, building="8", number="1", area_id=areas["A"])
    await add_unit(hass, other, building="9", number="1", area_id=areas["B"])
    duty = await account(hass, entry, "duty")
    wanted = sorted([areas["A"], areas["Shed"]])
    assert (await authority.async_rights(duty))[Action.RESET] == wanted
    assert [
        area
        for area in sorted(areas.values())
        if await may(authority, duty, Action.RESET, area)
    ] == wanted


@sqlite_only
async def test_who_reads_what_was_written(
    hass: HomeAssistant, entry: MockConfigEntry, authority: Authority
) -> None:
    """Notes about people are for those who look after them, and for who goes in."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    tenant = await check_in(hass, entry, "1-1-101", name="MARK-TENANT")
    readers = set()
    for role, person in (
        *((role, None) for role in ("manager", "duty", "desk", "responder", "police")),
        *((role, None) for role in ("grid_worker", "supervisor", "installer", "user")),
        ("landlord", owner),
        ("resident", tenant),
    ):
        user = await account(hass, entry, role, person)
        rights = await authority.async_rights(user)
        if rights[Action.READ] is None:
            readers.add(role)
        else:
            assert rights[Action.READ] == []
    assert readers == {"manager", "duty", "desk", "responder"}
