"""Who is meant by a row of a unit's form."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .common import E164, OTHER_PHONE, call, check_in, device_id, fill_unit, unit_form
from .test_config_flow import suggested

TITLE = "1-1-101"


@pytest.fixture
def database() -> dict[str, Any]:
    """Return the data of a property on SQLite."""
    return {}


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, **changes: Any
) -> dict[str, Any]:
    """Change a unit as its form does; return its people by role."""
    flow = await unit_form(hass, entry, TITLE)
    result = await fill_unit(hass, flow, suggested(flow) | changes)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    data = {"device_id": device_id(hass, entry, TITLE), "reason": "alarm"}
    people = (await call(hass, "get_unit", data | {"reveal": True}))["people"]
    assert len({row["role"] for row in people}) == len(people)
    return {row["role"]: row for row in people}


async def test_landlord_and_tenant_with_one_number(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A landlord who is added takes no tenant's lease, though the number is the same."""
    tenant = await check_in(hass, entry, TITLE, name="MARK-T", start="2026-01-01")
    people = await change(hass, entry, landlord={"name": "MARK-L", "phone": E164})
    assert people["tenant"]["person_id"] == tenant
    assert people["tenant"]["name"] == "MARK-T"
    assert people["tenant"]["start"] == "2026-01-01"
    assert people["landlord"]["name"] == "MARK-L"
    assert people["landlord"]["start"] is None


async def test_a_name_is_corrected_and_the_number_is_masked(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """The masked number that the form shows says who it is: the lease goes on."""
    person = await check_in(hass, entry, TITLE, name="MARK-WRONG", start="2026-01-01")
    flow = await unit_form(hass, entry, TITLE)
    (tenant,) = suggested(flow)["tenants"]
    assert tenant["phone"] == "+86*******8001"
    people = await change(
        hass,
        entry,
        landlord={"name": "MARK-L", "phone": OTHER_PHONE},
        tenants=[tenant | {"name": "MARK-RIGHT"}],
    )
    assert people["tenant"]["person_id"] == person
    assert people["tenant"]["name"] == "MARK-RIGHT"
    assert people["tenant"]["start"] == "2026-01-01"
    assert [row["target"] for row in people["tenant"]["addresses"]] == [
        "+8613800138001",
        "+8613800138001",
    ]
