"""Accounts and roles in the options: shown, given and taken, each of it in the audit."""

import json
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.rental_units.app import accounts
from custom_components.rental_units.app.accounts import GIVEN
from custom_components.rental_units.app.policy import AccountRole
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import Unauthorized

from .common import administrator, call, check_in, device_id


async def steps(hass: HomeAssistant, entry: MockConfigEntry, *data: Any) -> Any:
    """Walk through the options from their menu; return the last result."""
    flows = hass.config_entries.options
    result = await flows.async_init(entry.entry_id)
    for row in ({"next_step_id": "roles"}, *data):
        result = await flows.async_configure(result["flow_id"], row)
    return result


async def shown(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return the roles that the menu shows."""
    return str((await steps(hass, entry))["description_placeholders"]["roles"])


FOLDER = Path(accounts.__file__).parents[1]
ABORTS = json.loads((FOLDER / "translations/en.json").read_text())["options"]["abort"]
#: What the commands of the form may be refused with, and the database.
FAILURES = {
    *re.findall(r'refused\("(no_such_\w+)"', Path(accounts.__file__).read_text()),
    *re.findall(r'"(register_\w+)"', (FOLDER / "storage/errors.py").read_text()),
}
GIVE = {"next_step_id": "role_give"}
TAKE = {"next_step_id": "role_take"}


async def may_look(hass: HomeAssistant, entry: MockConfigEntry, user: MockUser) -> bool:
    """Return if a user is shown a unit."""
    look = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "request"}
    try:
        await call(hass, "get_unit", look, user=user)
    except Unauthorized:
        return False
    return True


async def test_role_of_the_property(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A manager's role holds at once, is shown with the account, and ends at once."""
    entry_options = {"keep_days": 30}
    hass.config_entries.async_update_entry(entry, options=entry_options)
    await hass.async_block_till_done()
    user = MockUser(name="Office").add_to_hass(hass)
    assert await shown(hass, entry) == "Nobody has a role yet."
    assert (await steps(hass, entry))["menu_options"] == ["role_give"]
    given = {"user_id": user.id, "role": "manager"}
    result = await steps(hass, entry, GIVE, given)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == entry_options
    assert await may_look(hass, entry, user)
    assert await shown(hass, entry) == "- Office · Property manager"
    (grant,) = (await call(hass, "get_roles", {"config_entry_id": entry.entry_id}))[
        "roles"
    ]
    result = await steps(hass, entry, TAKE, {"grants": [grant["grant_id"]]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not await may_look(hass, entry, user)
    rows = (await call(hass, "get_audit", {"config_entry_id": entry.entry_id}))["audit"]
    assert {"grant_role", "revoke_role", "get_roles"} <= {row["what"] for row in rows}


async def test_role_until_a_day(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: Any
) -> None:
    """A day that is over is asked for again; one to come is shown with the role."""
    freezer.move_to("2026-11-30 12:00:00+00:00")
    user = MockUser(name="Office").add_to_hass(hass)
    given = {"user_id": user.id, "role": "desk", "until": "2026-11-29"}
    result = await steps(hass, entry, GIVE, given)
    assert result["errors"] == {"until": "role_is_over"}
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {**given, "until": "2026-11-30"}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert await shown(hass, entry) == "- Office · Desk clerk · until 2026-11-30"


async def test_landlord(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A landlord is found by a unit; the name is shown there alone, and that is audited."""
    user = MockUser(name="Owner").add_to_hass(hass)
    MockUser(name="Owner").add_to_hass(hass)
    await check_in(hass, entry, "1-1-101", name="MARK-tenant")
    given = {"user_id": user.id, "role": "landlord"}
    unit = {"unit": device_id(hass, entry, "1-1-101")}
    result = await steps(hass, entry, GIVE, given, unit)
    assert result["errors"] == {"unit": "nobody_in_unit"}
    person = await check_in(hass, entry, "1-1-101", name="MARK-L", role="landlord")
    await check_in(
        hass, entry, "1-1-102", name="MARK-L", role="landlord", person_id=None
    )
    result = await hass.config_entries.options.async_configure(result["flow_id"], unit)
    assert result["step_id"] == "role_person"
    (option,) = result["data_schema"].schema["person_id"].config["options"]
    assert option == {"value": person, "label": "MARK-L"}
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"person_id": person}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert await may_look(hass, entry, user)
    # Two accounts of one name are told apart, and a landlord by the flats.
    roles = await shown(hass, entry)
    assert roles == f"- Owner ({user.id}) · Landlord · 1-1-101, 1-1-102"
    device = device_id(hass, entry, "1-1-101")
    await call(hass, "check_out", {"device_id": device, "person_id": person})
    assert await shown(hass, entry) == f"- Owner ({user.id}) · Landlord · 1-1-102"
    rows = (await call(hass, "get_audit", {"config_entry_id": entry.entry_id}))["audit"]
    assert ("get_unit", person) in {(row["what"], row["person_id"]) for row in rows}


async def test_who_can_have_one(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Accounts of people, and roles that are given; one that is gone keeps its id."""
    system = await hass.auth.async_create_system_user("System")
    administrator(hass)
    user = await hass.auth.async_create_user("Clerk")
    result = await steps(hass, entry, GIVE)
    fields = result["data_schema"].schema
    offered = [row["value"] for row in fields["user_id"].config["options"]]
    assert user.id in offered
    assert system.id not in offered
    assert fields["role"].config["options"] == list(GIVEN)
    assert set(AccountRole) - set(GIVEN) == {"administrator", "automation"}
    await steps(hass, entry, GIVE, {"user_id": user.id, "role": "desk"})
    await hass.auth.async_remove_user(user)
    assert await shown(hass, entry) == f"- {user.id} · Desk clerk"


async def test_property_that_cannot_be_asked(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the database, or without the property, it says so and changes nothing."""
    user = MockUser(name="Office").add_to_hass(hass)
    flows = hass.config_entries.options
    result = await steps(hass, entry, GIVE)
    await entry.runtime_data.database.async_close()
    role = {"user_id": user.id, "role": "manager"}
    result = await flows.async_configure(result["flow_id"], role)
    assert result["reason"] == "property_not_loaded"
    assert result["reason"] in ABORTS
    await hass.config_entries.async_unload(entry.entry_id)
    result = await steps(hass, entry)
    assert (result["type"], result["reason"]) == ("abort", "entry_not_loaded")
    assert {"entry_not_loaded", *FAILURES} <= ABORTS.keys()
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert await shown(hass, entry) == "Nobody has a role yet."
