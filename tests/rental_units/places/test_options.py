"""What the page behind every plate says, in the options."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def test_station_and_office(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Numbers are looked at and written as they are dialled anywhere; what is empty goes."""
    options = hass.config_entries.options

    async def form() -> Any:
        result: Any = await options.async_init(entry.entry_id)
        return await options.async_configure(
            result["flow_id"], {"next_step_id": "places"}
        )

    result = await form()
    wrong = {"station": " Mark Road ", "station_phone": "110x"}
    result = await options.async_configure(result["flow_id"], wrong)
    assert result["errors"] == {"station_phone": "invalid_phone"}
    about = {"station": " Mark Road ", "station_phone": "027 8765 4321"}
    result = await options.async_configure(result["flow_id"], about)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["places"] == {
        "station": "Mark Road",
        "station_phone": "+862787654321",
    }
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, "keep_days": 9}
    )
    result = await form()
    result = await options.async_configure(
        result["flow_id"], {"station": "", "meeting_point": "Lawn"}
    )
    assert entry.options["places"] == {"meeting_point": "Lawn"}
    assert entry.options["keep_days"] == 9
