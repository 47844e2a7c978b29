"""The options of the desk."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def form(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Open the form."""
    options = hass.config_entries.options
    result: Any = await options.async_init(entry.entry_id)
    return await options.async_configure(result["flow_id"], {"next_step_id": "desk"})


def suggested(result: Any) -> dict[str, Any]:
    """Return what a form suggests."""
    return {
        key.schema: key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description
    }


async def test_rules(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What is asked for, in how many days, and which days are off: kept, and shown again."""
    result = await form(hass, entry)
    assert suggested(result) == {
        "notices": ["arrival", "departure", "address", "letting"],
        "arrival": 3,
        "departure": 3,
        "address": 10,
        "letting": 15,
    }
    said = {
        "notices": ["arrival"],
        "arrival": 2,
        "departure": 3,
        "address": 10,
        "letting": 15,
    }
    for wrong, errors in (
        ({"days_off": "5 February"}, {"days_off": "invalid_days"}),
        ({"days_off": "2027-02-11/2027-02-05"}, {"days_off": "invalid_days"}),
        ({"days_worked": "2027-02-06/2029-02-06"}, {"days_worked": "invalid_days"}),
        (
            {"days_off": "2027-02-05/2027-02-11", "days_worked": "2027-02-06"},
            {"days_worked": "day_off_and_worked"},
        ),
    ):
        result = await hass.config_entries.options.async_configure(
            result["flow_id"], said | wrong
        )
        assert result["errors"] == errors | {"base": "see_field"}
        assert suggested(result) == said | wrong
    right = {"days_off": "2027-02-05/2027-02-11，2027-04-05", "days_worked": ""}
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], said | right
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["desk"] == said | right
    assert suggested(await form(hass, entry)) == said | right


async def test_another_country(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Where the laws are others, nothing is asked for until somebody says so."""
    hass.config.country = "AT"
    assert suggested(await form(hass, entry))["notices"] == []
