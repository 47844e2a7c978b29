"""A property with units, on each kind of database."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.const import DOMAIN, SUBENTRY_UNIT
from custom_components.rental_units.register.units import unit_key, unit_title
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant


def unit(building: str, stairwell: str, number: str, **data: Any) -> ConfigSubentry:
    """Return a unit's subentry."""
    data = {"building": building, "stairwell": stairwell, "number": number, **data}
    return ConfigSubentry(
        data=MappingProxyType(data),
        subentry_type=SUBENTRY_UNIT,
        title=unit_title(data),
        unique_id=unit_key(data),
    )


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    entry = MockConfigEntry(domain=DOMAIN, title="Property 1", data={})
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry
