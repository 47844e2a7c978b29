"""A network and those who join it: actions, what is shown, repairs, diagnostics, backups."""

from datetime import timedelta
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import voluptuous as vol

from custom_components.community_safety import backup as backup_platform
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.zigbee.host import forming
from custom_components.community_safety.gateways.zigbee.host.backups import (
    network_backups,
)
from custom_components.community_safety.system_health import async_get_info
from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from simulator.ezsp import EzspSimulator
from tests.common import wait_until

from .common import add_zigbee, port_of

#: 16 bytes and their CRC: the example of Zigbee's base device behaviour, and its key.
INSTALL_CODE = "83FED3407A939723A5C639B26916D505C3B5"
STORED = f"{DOMAIN}.zigbee_backups"
LINK_KEY = bytes.fromhex("66b6900981e1ee3ca4206b6b861c02bb")


def state(hass: HomeAssistant, entry: MockConfigEntry, platform: str, key: str) -> Any:
    """Return the state of an entity of the gateway."""
    entity_id = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"{entry.unique_id}/{key}"
    )
    return hass.states.get(entity_id or "")


async def act(
    hass: HomeAssistant, entry: MockConfigEntry, name: str, **data: Any
) -> Any:
    """Call an action with a gateway for its target."""
    return await hass.services.async_call(
        DOMAIN,
        name,
        {"device_id": entry.runtime_data.device.device_id, **data},
        blocking=True,
        return_response=name in ("energy_scan", "backup_network"),
    )


async def join(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    radio: EzspSimulator,
    model: str,
    **options: Any,
) -> str:
    """Open the network and let a device join; return its address once it is ready."""
    await act(hass, entry, "permit_join")
    node = await radio.join(radio.add(model, **options))
    address = node.eui64.to_bytes(8).hex(":")
    await wait_until(hass, lambda: address in entry.runtime_data.devices)
    return address


async def test_joining(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """People see that the network is open, until when, and how far a device is."""
    assert state(hass, gateway, "binary_sensor", "open_for_joining").state == "off"
    assert state(hass, gateway, "sensor", "joining_until").state == "unknown"
    stages: list[tuple[str, Any]] = []

    def watch(event: Any) -> None:
        row = event.data["new_state"].attributes
        if row.get("event_type"):
            stages.append((row["event_type"], row.get("kind")))

    hass.bus.async_listen("state_changed", watch)
    button = er.async_get(hass).async_get_entity_id(
        "button", DOMAIN, f"{gateway.unique_id}/permit_join"
    )
    await hass.services.async_call(
        "button", "press", {"entity_id": button}, blocking=True
    )
    assert radio.ncp.is_open
    assert state(hass, gateway, "binary_sensor", "open_for_joining").state == "on"
    until = state(hass, gateway, "sensor", "joining_until").state
    assert until > dt_util.utcnow().isoformat()

    address = await join(hass, gateway, radio, "breaker")
    await wait_until(hass, lambda: len(stages) >= 3)
    assert stages == [
        ("joined", None),
        ("interviewed", None),
        ("ready", "breaker_monitor"),
    ]
    shown = state(hass, gateway, "event", "joining").attributes
    assert shown["address"] == address
    assert shown["model"] == "BM-63Z"
    assert shown["device_id"] == gateway.runtime_data.devices[address].device_id

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=181))
    await hass.async_block_till_done()
    assert state(hass, gateway, "binary_sensor", "open_for_joining").state == "off"


async def test_lost_radio_closes_the_network(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """A radio that starts anew lets nobody in, and nothing says that it does."""
    await act(hass, gateway, "permit_join", duration=60)
    assert state(hass, gateway, "binary_sensor", "open_for_joining").state == "on"
    await radio.unplug()
    await wait_until(hass, lambda: not gateway.runtime_data.connected)
    assert state(hass, gateway, "binary_sensor", "open_for_joining").state == (
        "unavailable"
    )
    await radio.plug()
    await wait_until(hass, lambda: gateway.runtime_data.connected)
    assert state(hass, gateway, "binary_sensor", "open_for_joining").state == "off"


async def test_permit_by_one_router(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """Only the chosen router opens, not the coordinator."""
    address = await join(hass, gateway, radio, "breaker")
    await act(hass, gateway, "permit_join", duration=1)
    device = gateway.runtime_data.devices[address]
    await act(hass, gateway, "permit_join", router=device.device_id)
    node = radio.node(int(address.replace(":", ""), 16))
    await node.wait_record(what="asked", cluster=0x0036)

    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "permit_join", router="nobody")
    assert raised.value.translation_key == "zigbee_not_in_network"


@pytest.mark.parametrize("way", ["code", "qr"])
async def test_permit_with_an_install_code(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator, way: str
) -> None:
    """A device with an install code joins with the key that follows from it."""
    node = radio.add("smoke", install_key=LINK_KEY)
    address = node.eui64.to_bytes(8).hex(":")
    data = {
        "code": {"address": address.upper(), "install_code": INSTALL_CODE},
        "qr": {"qr_code": f"Z:{address.replace(':', '')}$I:{INSTALL_CODE}"},
    }[way]
    await act(hass, gateway, "permit_join", **data)
    await radio.join(node)
    await wait_until(hass, lambda: address in gateway.runtime_data.devices)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"install_code": INSTALL_CODE}, "zigbee_code_needs_address"),
        ({"address": "00158d0000000001"}, "zigbee_address_needs_code"),
    ],
)
async def test_codes_that_are_incomplete(
    hass: HomeAssistant, gateway: MockConfigEntry, data: dict[str, str], key: str
) -> None:
    """Code and address go together."""
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "permit_join", **data)
    assert raised.value.translation_key == key


async def test_bad_codes_and_addresses(
    hass: HomeAssistant, gateway: MockConfigEntry
) -> None:
    """What is no code, no QR text and no address is told."""
    with pytest.raises(vol.Invalid):
        await act(hass, gateway, "remove_device", address="no address")
    for data in (
        {"qr_code": "https://example.com"},
        {"address": "00158d0000000001", "install_code": "00" * 18},
    ):
        with pytest.raises(HomeAssistantError) as raised:
            await act(hass, gateway, "permit_join", **data)
        assert raised.value.translation_key == "zigbee_failed"


async def test_two_networks(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    radio: EzspSimulator,
    other_radio: EzspSimulator,
) -> None:
    """Two networks open together; a code, or a device, is for one of them."""
    port = port_of(other_radio)
    other = await add_zigbee(hass, port, await forming.async_form(port, 20), "B 2")
    both = [
        gateway.runtime_data.device.device_id,
        other.runtime_data.device.device_id,
    ]
    await hass.services.async_call(
        DOMAIN, "permit_join", {"device_id": both}, blocking=True
    )
    assert radio.ncp.is_open
    assert other_radio.ncp.is_open
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "permit_join", device_id=both, qr_code="x")
    assert raised.value.translation_key == "zigbee_one_network"


async def test_remove_and_reinterview(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """A device is asked anew what it is, and leaves when it is told to."""
    address = await join(hass, gateway, radio, "breaker")
    device_id = gateway.runtime_data.devices[address].device_id
    node = radio.node(int(address.replace(":", ""), 16))
    node.records.clear()
    stages: list[str] = []
    gateway.runtime_data.on_join(lambda _address, stage: stages.append(stage))
    await act(hass, gateway, "reinterview", device_id=device_id)
    await node.wait_record(what="asked", cluster=0x0005)
    await wait_until(hass, lambda: "ready" in stages)

    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "remove_device", address="00:15:8d:00:00:00:00:99")
    assert raised.value.translation_key == "zigbee_not_in_network"
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "remove_device")
    assert raised.value.translation_key == "nothing_in_target"
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "energy_scan", device_id=device_id)
    assert raised.value.translation_key == "nothing_in_target"

    await act(hass, gateway, "remove_device", address=address)
    await wait_until(hass, lambda: address not in gateway.runtime_data.devices)
    await wait_until(hass, lambda: not node.joined)
    assert dr.async_get(hass).async_get(device_id) is None


async def test_scan_change_and_back_up(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    radio: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The channels are looked at, the network moves, and its backup is returned."""
    monkeypatch.setattr("zigpy.application.CHANNEL_CHANGE_BROADCAST_DELAY_S", 0)
    monkeypatch.setattr("zigpy.application.CHANNEL_CHANGE_SETTINGS_RELOAD_DELAY_S", 0)
    (scan,) = (await act(hass, gateway, "energy_scan"))["networks"]
    assert scan["channel"] == 15
    assert list(scan["energy"]) == [str(channel) for channel in range(11, 27)]
    assert all(0 <= percent <= 100 for percent in scan["energy"].values())

    await act(hass, gateway, "change_channel", channel=25)
    assert gateway.runtime_data.network.channel == 25
    (row,) = (await act(hass, gateway, "backup_network"))["networks"]
    assert row["name"] == "Building 1"
    backup = forming.parse_backup(row["backup"])
    assert backup.network_info.channel == 25
    kept = await network_backups(hass).async_all()
    assert kept[gateway.unique_id]["backup"] == row["backup"]


@pytest.mark.parametrize(
    "name", ["permit_join", "remove_device", "reinterview", "backup_network"]
)
async def test_only_for_administrators(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    hass_read_only_user: User,
    name: str,
) -> None:
    """Who belongs to a network is for an administrator to say."""
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            name,
            {"device_id": gateway.runtime_data.device.device_id},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
            return_response=name == "backup_network",
        )


async def test_gateway_of_another_kind(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """A gateway on MQTT has no Zigbee network that could be opened."""
    other = dr.async_get(hass).async_get_or_create(
        config_entry_id=gateway.entry_id, identifiers={(DOMAIN, "mqtt/x")}
    )
    house = gateway.runtime_data.house
    foreign: Any = (object(), object())
    house._devices["mqtt/x"] = foreign
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, gateway, "permit_join", device_id=other.id)
    assert raised.value.translation_key == "nothing_in_target"
    del house._devices["mqtt/x"]


# Backups


async def test_backups(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    radio: EzspSimulator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Home Assistant's backup holds the network as it is, or as it was last seen."""
    await wait_until(hass, lambda: STORED in hass_storage)  # Made at the start.
    del hass_storage[STORED]
    await backup_platform.async_pre_backup(hass)
    assert gateway.unique_id in hass_storage[STORED]["data"]

    await radio.unplug()
    await wait_until(hass, lambda: not gateway.runtime_data.connected)
    await backup_platform.async_pre_backup(hass)
    await backup_platform.async_post_backup(hass)
    assert "the network could not be read for the backup" in caplog.text
    assert gateway.unique_id in hass_storage[STORED]["data"]


# What is shown


async def test_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
) -> None:
    """Counters and topology, and neither keys nor addresses."""
    address = await join(hass, gateway, radio, "breaker")
    await gateway.runtime_data.radio.app.topology.scan()
    gateway.runtime_data.refuse("00:15:8d:00:00:00:00:99", "unusable message")
    found = await get_diagnostics_for_config_entry(hass, hass_client, gateway)
    shown = found["gateway"]
    assert shown["network"]["channel"] == 15
    assert shown["counters"]
    assert found["refused"][0]["device"] == "an unknown device"
    own = gateway.runtime_data.device.device_id
    breaker = gateway.runtime_data.devices[address].device_id
    assert [row["ieee"] for row in shown["topology"][own]] == [breaker]
    text = json.dumps(found).lower()
    info = network.network.network_info
    for secret in (
        address,
        network.ieee,
        str(info.extended_pan_id).lower(),
        info.network_key.key.serialize().hex(),
        str(info.network_key.key).lower(),
        str(radio.port),
    ):
        assert secret not in text


async def test_system_health(hass: HomeAssistant, gateway: MockConfigEntry) -> None:
    """Channels that disturb each other can be seen, and so can the libraries."""
    info = await async_get_info(hass)
    assert info["zigbee_channels"] == "15"
    assert info["zigbee_libraries"].startswith("zha ")
