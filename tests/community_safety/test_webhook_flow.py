"""Adding a webhook and its devices: a key is shown once, and only its hash is kept."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.keys import hash_of
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return a webhook that was added by hand."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "webhook"})
    assert result["step_id"] == "webhook"
    result = await flow.async_configure(
        result["flow_id"], {"name": "Gauges", "local_only": False}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Gauges"
    await hass.async_block_till_done()
    entry: Any = result["result"]
    assert len(entry.data["webhook_id"]) == 64
    assert {**entry.data, "webhook_id": ""} == {
        "dialect": "webhook",
        "webhook_id": "",
        "local_only": False,
    }
    return entry  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("url", "begin"),
    [("https://home.example", "https://home.example/api"), (None, "/api")],
)
async def test_a_device(
    hass: HomeAssistant, entry: MockConfigEntry, url: str | None, begin: str
) -> None:
    """It gets a key, and a new one that ends the old one."""
    await hass.config.async_update(external_url=url, internal_url=url)
    # Without it nobody knows of any address.
    hass.config.api = None
    subentries = hass.config_entries.subentries
    result = await subentries.async_init(
        (entry.entry_id, "webhook"), context={"source": SOURCE_USER}
    )
    assert result["step_id"] == "user"
    result = await subentries.async_configure(result["flow_id"], {"name": "Tank"})
    shown = result["description_placeholders"]
    assert shown
    assert shown["device"] == "Tank"
    assert shown["url"] == f"{begin}/webhook/{entry.data['webhook_id']}"
    assert len(shown["key"]) >= 43
    result = await subentries.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (row,) = entry.subentries.values()
    assert row.title == "Tank"
    assert row.data == {"key_hash": hash_of(shown["key"])}

    result = await subentries.async_init(
        (entry.entry_id, "webhook"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": row.subentry_id},
    )
    anew = result["description_placeholders"]
    assert anew
    assert anew["key"] != shown["key"]
    assert row.data == {"key_hash": hash_of(shown["key"])}
    result = await subentries.async_configure(result["flow_id"], {})
    assert result["reason"] == "reconfigure_successful"
    assert row.data == {"key_hash": hash_of(anew["key"])}


async def test_from_where(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Address and keys stay."""
    webhook_id = entry.data["webhook_id"]
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id},
    )
    assert result["step_id"] == "reconfigure_webhook"
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"local_only": True}
    )
    assert result["reason"] == "webhook_changed"
    await hass.async_block_till_done()
    assert entry.data == {
        "dialect": "webhook",
        "webhook_id": webhook_id,
        "local_only": True,
    }
    assert entry.runtime_data.connected
