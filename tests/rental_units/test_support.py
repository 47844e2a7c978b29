"""Diagnostics, system health and repairs: counts, and units, but no people."""

import threading

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.rental_units.alerts.runtime import DATA_ENGINES
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.issues import put_issue
from custom_components.rental_units.repairs import async_create_fix_flow
from homeassistant.components.repairs import ConfirmRepairFlow
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .common import OTHER_PHONE, call, check_in, device_id


def issues(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return the units that each issue names."""
    return {
        str(issue.translation_key): told["units"]
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
        and "units" in (told := issue.translation_placeholders or {})
    }


async def test_repairs(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What lacks is shown until it is mended."""
    assert issues(hass, entry) == {}
    person = await check_in(
        hass, entry, "1-1-101", phone="", start="2019-01-01", end="2020-01-01"
    )
    assert issues(hass, entry) == {
        "no_landlord": "1-1-101",
        "overdue_tenants": "1-1-101",
        "unreachable_people": "1-1-101",
    }
    await call(hass, "update_contact", {"person_id": person, "phone": OTHER_PHONE})
    await check_in(hass, entry, "1-1-101", name="MARK-L", role="landlord")
    # A number is no use as long as nobody carries text messages or calls.
    assert issues(hass, entry) == {
        "overdue_tenants": "1-1-101",
        "no_working_channel": "1-1-101",
    }
    script = {"provider": "script", "script": "script.own"}
    hass.config_entries.async_update_entry(entry, options={"channels": {"sms": script}})
    await hass.async_block_till_done()
    assert issues(hass, entry) == {"overdue_tenants": "1-1-101"}
    # Nor is a channel that no step of the alarm's policy uses for a tenant.
    for audience, names in (
        (["landlord"], "1-1-101"),
        (["tenants"], "1-1-101"),
        ([], ""),
    ):
        steps = [{"after": 0, "channels": ["sms"], "audience": audience}]
        hass.config_entries.async_update_entry(
            entry,
            options={**entry.options, "policies": {"alarm": {"steps": steps}}},
        )
        await hass.async_block_till_done()
        assert issues(hass, entry).get("no_working_channel", "") == names
    await call(hass, "check_out", {"device_id": device_id(hass, entry, "1-1-101")})
    assert issues(hass, entry) == {}
    flow = await async_create_fix_flow(hass, "register_damaged", None)
    assert isinstance(flow, ConfirmRepairFlow)


async def test_figures(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Diagnostics and system health count."""
    await check_in(hass, entry, "1-1-101")
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert diagnostics["rows"] == {
        "units": 3,
        "persons": 1,
        "addresses": 2,
        "leases": 1,
        "responders": 0,
        "consents": 0,
        "audit": 1,
    }
    assert diagnostics["units"] == {
        "all": 3,
        "in_an_area": 1,
        "occupied": 1,
        "complete": 0,
        "without_landlord": 3,
        "with_overdue_tenants": 0,
        "with_unreachable_people": 0,
        "without_channel": 1,
    }
    assert diagnostics["duties"] == {"fire_post": 1, "police": 1}
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    assert await get_system_health_info(hass, DOMAIN) == {
        "properties": "1/1",
        "units": 3,
        "occupied": 1,
        "incomplete": 3,
    }
    await entry.runtime_data.database.async_close()
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert diagnostics["rows"] == "property_not_loaded"


async def test_home_assistant_ends(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """It does not wait ten seconds for threads of ours, and all is on disk."""

    def threads() -> list[str]:
        return [
            row.name
            for row in threading.enumerate()
            if entry.entry_id.lower() in row.name
        ]

    assert threads()
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert threads() == []
    assert hass.data[DATA_ENGINES] == {}


async def test_issues_go_with_their_property(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Whatever there is of a property in the repairs is gone with it, and nothing of another."""
    other = MockConfigEntry(domain=DOMAIN, title="Property 2")
    for row in (entry, other):
        put_issue(hass, row, "register_away", {"error": "x"})
        put_issue(hass, row, "provider_dead", {"channel": "sms"}, about="sms")
        put_issue(hass, row, "alert_missed", {"place": "x"}, until_seen=True)
    await hass.config_entries.async_remove(entry.entry_id)
    left = [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN]
    assert len(left) == 3
    assert all(other.entry_id in key for key in left)
