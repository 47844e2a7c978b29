"""Deleting and disabling what is open or cut off: people are told first, and it stays visible."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.community_safety import open_alarms
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.alarm import Alarm, Outcome
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.latches import Latch
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, add_gateway, wait_until

UID = f"mqtt/{BASE}"


@pytest.fixture
async def alarm(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> Alarm:
    """Return an open alarm."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    return alarm


def is_open(hass: HomeAssistant, alarm: Alarm) -> bool:
    """Return if an alarm is there to be seen."""
    return alarm.id in hass.data[DATA_HOUSE].book.open


async def visible(hass: HomeAssistant) -> list[str]:
    """Return the hazards that people see."""
    answer = await hass.services.async_call(
        DOMAIN, "get_alarms", {}, blocking=True, return_response=True
    )
    assert answer
    return [row["hazard"] for row in answer["alarms"]]  # type: ignore[call-overload, index, union-attr]


async def test_device(
    hass: HomeAssistant,
    alarm: Alarm,
    peer: Peer,
    gateway: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first attempt says what is open; the second within a minute deletes."""
    await peer.send(f"{BASE}/smoke-1/config", "", retain=True)
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)

    async def delete() -> tuple[bool, str]:
        await client.send_json_auto_id(
            {
                "type": "config/device_registry/remove_config_entry",
                "config_entry_id": gateway.entry_id,
                "device_id": alarm.device_id,
            }
        )
        answer = await client.receive_json()
        return answer["success"], str(answer.get("error"))

    with monkeypatch.context() as patch:
        patch.setattr(open_alarms, "CONFIRM_SECONDS", -1)
        for _ in range(2):
            done, why = await delete()
            assert (done, "Smoke" in why) == (False, True)
            assert is_open(hass, alarm)
    assert await delete() == (True, "None")
    assert not is_open(hass, alarm)


async def test_disabled_device(
    hass: HomeAssistant, alarm: Alarm, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Its entities go; people are told that it is watched all the same, until it is over."""
    registry, issues = dr.async_get(hass), ir.async_get(hass)
    key = f"device_disabled_with_alarms_{alarm.device}"
    user = dr.DeviceEntryDisabler.USER
    registry.async_update_device(str(alarm.device_id), disabled_by=user)
    await hass.async_block_till_done()
    issue = issues.async_get_issue(DOMAIN, key)
    assert issue
    assert issue.translation_placeholders == {"device": "Smoke 1", "what": "Smoke"}
    assert await visible(hass) == ["smoke"]
    registry.async_update_device(str(alarm.device_id), disabled_by=None)
    await hass.async_block_till_done()
    assert not issues.async_get_issue(DOMAIN, key)

    registry.async_update_device(str(alarm.device_id), disabled_by=user)
    await hass.async_block_till_done()
    assert issues.async_get_issue(DOMAIN, key)
    await peer.state("smoke-1", smoke=False)
    hass.data[DATA_HOUSE].book.reset(alarm, "somebody", outcome=Outcome.REAL)
    await peer.settled()
    assert not issues.async_get_issue(DOMAIN, key)


async def test_disabled_gateway(
    hass: HomeAssistant, alarm: Alarm, gateway: MockConfigEntry
) -> None:
    """A disabled gateway's alarms are told of, and seen, until it is enabled again."""
    issues = ir.async_get(hass)
    key = f"disabled_with_alarms_{UID}"
    await hass.config_entries.async_set_disabled_by(
        gateway.entry_id, ConfigEntryDisabler.USER
    )
    issue = issues.async_get_issue(DOMAIN, key)
    assert issue
    assert issue.translation_placeholders == {
        "gateway": "Building 1",
        "what": "Smoke",
    }
    assert await visible(hass) == ["smoke"]
    await hass.config_entries.async_set_disabled_by(gateway.entry_id, None)
    await hass.async_block_till_done()
    assert not issues.async_get_issue(DOMAIN, key)
    assert is_open(hass, alarm)


async def test_without_an_alarm(hass: HomeAssistant, gateway: MockConfigEntry) -> None:
    """What has no open alarm is disabled and deleted without a word."""
    await hass.config_entries.async_set_disabled_by(
        gateway.entry_id, ConfigEntryDisabler.USER
    )
    await hass.config_entries.async_remove(gateway.entry_id)
    assert not [key for key in ir.async_get(hass).issues if "with_alarms" in key[1]]


async def test_deleted_gateway(
    hass: HomeAssistant,
    alarm: Alarm,
    gateway: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Its alarms stay until a person has confirmed that they may go."""
    assert await async_setup_component(hass, "repairs", {})
    await hass.config_entries.async_remove(gateway.entry_id)
    key = f"{open_alarms.REMOVED}{UID}"
    assert ir.async_get(hass).async_get_issue(DOMAIN, key)
    assert await visible(hass) == ["smoke"]
    client = await hass_client()
    start = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": key}
    )
    flow = await start.json()
    assert (flow["step_id"], flow["description_placeholders"]["what"]) == (
        "confirm",
        "Smoke",
    )
    assert is_open(hass, alarm)
    done = await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})
    assert (await done.json())["type"] == "create_entry"
    assert not is_open(hass, alarm)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, key)


async def test_deleted_by_mistake(
    hass: HomeAssistant, alarm: Alarm, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A gateway that is added again finds its alarm, and the repair is over."""
    await hass.config_entries.async_remove(gateway.entry_id)
    await add_gateway(hass)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, f"{open_alarms.REMOVED}{UID}")
    assert is_open(hass, alarm)


@pytest.fixture
async def latch(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, hass_admin_user: MockUser
) -> Latch:
    """Return what a fire has cut off, whose alarm is over and reset."""
    await peer.config("pile", "charging_pile", ["supply_1", "temperature"])
    await peer.state("pile", supply_1=True, temperature=20)
    peer.obedient_breaker("pile")
    house = hass.data[DATA_HOUSE]
    await peer.state("pile", temperature=90)
    await wait_until(
        hass, lambda: [row.proven for row in house.latches.rows.values()] == [True]
    )
    await peer.state("pile", temperature=20)
    (alarm,) = house.book.open.values()
    house.book.reset(alarm, hass_admin_user.id, outcome=Outcome.REAL)
    assert not house.book.open
    (latch,) = house.latches.rows.values()
    return latch


async def test_gateway_with_a_supply_that_is_off(
    hass: HomeAssistant, gateway: MockConfigEntry, latch: Latch
) -> None:
    """The alarm is reset, and what it has cut is kept off: it is no open door to delete."""
    issues = ir.async_get(hass)
    await hass.config_entries.async_set_disabled_by(
        gateway.entry_id, ConfigEntryDisabler.USER
    )
    issue = issues.async_get_issue(DOMAIN, f"disabled_with_alarms_{UID}")
    assert issue and issue.translation_placeholders
    assert issue.translation_placeholders["what"] == "Pile 1 is still off"
    await hass.config_entries.async_remove(gateway.entry_id)
    issue = issues.async_get_issue(DOMAIN, f"{open_alarms.REMOVED}{UID}")
    assert issue and issue.translation_placeholders
    assert issue.translation_placeholders["what"] == "Pile 1 is still off"
    await add_gateway(hass)
    latches = hass.data[DATA_HOUSE].latches
    with pytest.raises(HomeAssistantError):
        latches.check_closing(latch.supply, "Pile")


@pytest.mark.parametrize("loaded", [True, False])
async def test_device_with_a_supply_that_is_off(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    latch: Latch,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
    loaded: bool,
) -> None:
    """The first attempt says so, also where its gateway is not loaded."""
    assert await async_setup_component(hass, "config", {})
    device_id = gateway.runtime_data.devices["pile"].device_id
    await peer.send(f"{BASE}/pile/config", "", retain=True)
    if not loaded:
        assert await hass.config_entries.async_unload(gateway.entry_id)
    client = await hass_ws_client(hass)
    latches = hass.data[DATA_HOUSE].latches
    refused = await client.remove_device(device_id)
    assert "Pile 1 is still off" in str(refused["error"])
    assert latches.rows
    assert (await client.remove_device(device_id))["success"]
    assert not latches.rows
