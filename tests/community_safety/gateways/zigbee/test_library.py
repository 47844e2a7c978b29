"""The libraries are those of Home Assistant's ZHA, and only when they are needed."""

import subprocess
import sys
from unittest.mock import patch

import pytest

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.zigbee.host import library
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.requirements import RequirementsNotFound
from simulator.ezsp.simulator import EzspSimulator

from .common import form, zigbee_entry

HEAVY = ("zha", "zhaquirks", "zigpy", "bellows", "paho", "fastjsonschema")


def test_nothing_heavy_is_imported() -> None:
    """A house without Zigbee does not pay for it, nor one without MQTT for that."""
    code = (
        "import sys, custom_components.community_safety.config_flow\n"
        f"assert not {{name.partition('.')[0] for name in sys.modules}} & set({HEAVY})\n"
        "assert 'homeassistant.components.mqtt' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_without_a_broker(
    hass: HomeAssistant, coordinator: EzspSimulator
) -> None:
    """A house with Zigbee alone needs no MQTT."""
    entry = zigbee_entry(coordinator, await form(coordinator))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert "mqtt" not in hass.config.components
    await hass.config_entries.async_unload(entry.entry_id)


async def test_missing(hass: HomeAssistant, coordinator: EzspSimulator) -> None:
    """What cannot be installed now is tried again later."""
    entry = zigbee_entry(coordinator)
    entry.add_to_hass(hass)
    with patch.object(
        library,
        "async_get_integration_with_requirements",
        side_effect=RequirementsNotFound("zha", ["zha"]),
    ):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "zigbee_library_missing"


async def test_not_importable(hass: HomeAssistant, coordinator: EzspSimulator) -> None:
    """A package that is broken is told just so."""
    entry = zigbee_entry(coordinator)
    entry.add_to_hass(hass)
    with patch.object(library, "import_module", side_effect=ImportError("broken")):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "zigbee_library_missing"


@pytest.mark.parametrize("version", ["2.2.9", "3.0.0"])
async def test_unknown_versions(
    hass: HomeAssistant, coordinator: EzspSimulator, version: str
) -> None:
    """A version that this code does not know is refused, and a person is told."""
    entry = zigbee_entry(coordinator, await form(coordinator))
    entry.add_to_hass(hass)
    with patch.object(library, "version", return_value=version):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"zigbee_library_{entry.entry_id}"
    )
    assert issue is not None
    assert f"zha {version}" in (issue.translation_placeholders or {})["versions"]

    assert await hass.config_entries.async_reload(entry.entry_id)
    assert not ir.async_get(hass).async_get_issue(
        DOMAIN, f"zigbee_library_{entry.entry_id}"
    )
    await hass.config_entries.async_unload(entry.entry_id)
