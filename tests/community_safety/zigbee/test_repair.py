"""A coordinator without its network, and what a person does about that in the repair."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety import repairs
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.zigbee import database_path
from custom_components.community_safety.gateways.zigbee.host import forming
from custom_components.community_safety.gateways.zigbee.host.backups import (
    DATA_BACKUPS,
    network_backups,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from simulator.ezsp import EzspSimulator
from tests.common import wait_until
from tests.community_safety.gateways.zigbee.common import smoke

from .common import add_zigbee, port_of
from .test_network import STORED, join


async def fix(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> tuple[Any, Any]:
    """Begin to fix a network, and return a function to go on with, and the first step."""
    assert await async_setup_component(hass, "repairs", {})
    client = await hass_client()
    url = "/api/repairs/issues/fix"

    async def go(flow_id: str = "", **data: Any) -> Any:
        response = await client.post(f"{url}/{flow_id}".rstrip("/"), json=data)
        return await response.json()

    issue_id = f"zigbee_inconsistent_{entry.entry_id}"
    return go, await go(handler=DOMAIN, issue_id=issue_id)


async def stop(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Unload a gateway once it has the backup that it makes after its start."""
    await entry.runtime_data.async_keep_backup()
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.fixture
async def changed(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> MockConfigEntry:
    """Return a gateway whose coordinator was given another network meanwhile."""
    await stop(hass, gateway)
    await forming.async_form(port_of(radio), channel=26)
    await hass.config_entries.async_setup(gateway.entry_id)
    assert gateway.state is ConfigEntryState.SETUP_ERROR
    return gateway


def issue(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    """Return the issue that people see."""
    return ir.async_get(hass).async_get_issue(
        DOMAIN, f"zigbee_inconsistent_{entry.entry_id}"
    )


async def exchange(radio: EzspSimulator, other_radio: EzspSimulator) -> None:
    """Plug another coordinator in where the first one was."""
    await radio.stop()
    await other_radio.unplug()
    await other_radio.plug(radio.port)


async def finish(hass: HomeAssistant, go: Any, flow: Any) -> None:
    """Wait until the coordinator has its network, and the gateway runs again."""
    if flow["type"] == "progress":
        await hass.async_block_till_done()
        flow = await go(flow["flow_id"])
    assert flow["type"] == "create_entry"
    await hass.async_block_till_done()


async def test_restore_the_network(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    network: forming.Coordinator,
) -> None:
    """The coordinator gets its network back, and the gateway runs again."""
    assert issue(hass, changed)
    go, flow = await fix(hass, hass_client, changed)
    assert flow["type"] == "menu"
    assert flow["menu_options"] == ["zigbee_restore", "zigbee_keep", "zigbee_form"]
    flow = await go(flow["flow_id"], next_step_id="zigbee_restore")
    assert flow["progress_action"] == "zigbee_restoring"
    await finish(hass, go, flow)
    assert changed.state is ConfigEntryState.LOADED
    assert changed.runtime_data.network.channel == 15
    assert changed.data["network"] == network.unique_id
    assert issue(hass, changed) is None


async def test_emptied_coordinator(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
) -> None:
    """A coordinator that was emptied stays so until a person has chosen."""
    await stop(hass, gateway)
    async with forming._radio(port_of(radio)) as app:
        await app.reset_network_info()
    for _try in range(2):
        await hass.config_entries.async_reload(gateway.entry_id)
        assert gateway.state is ConfigEntryState.SETUP_ERROR
        assert issue(hass, gateway)
    assert (await forming.async_probe(port_of(radio))).network is None

    go, flow = await fix(hass, hass_client, gateway)
    assert flow["menu_options"] == ["zigbee_restore", "zigbee_form"]
    await finish(hass, go, await go(flow["flow_id"], next_step_id="zigbee_restore"))
    assert gateway.runtime_data.network.ieee == network.ieee
    assert gateway.data["network"] == network.unique_id


async def test_exchanged_while_it_runs(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    radio: EzspSimulator,
    other_radio: EzspSimulator,
) -> None:
    """An empty coordinator in the place of one that runs is told, and stays empty."""
    before = other_radio.ncp.eui64
    await exchange(radio, other_radio)
    await wait_until(hass, lambda: issue(hass, gateway) is not None)
    assert not gateway.runtime_data.connected
    await hass.config_entries.async_unload(gateway.entry_id)
    found = await forming.async_probe(port_of(other_radio))
    assert found.network is None
    assert other_radio.ncp.eui64 == before


async def test_restore_to_an_exchanged_coordinator(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    other_radio: EzspSimulator,
    radio: EzspSimulator,
) -> None:
    """Another stick at the same port takes the old one's address only with consent."""
    await exchange(radio, other_radio)
    go, flow = await fix(hass, hass_client, changed)
    flow = await go(flow["flow_id"], next_step_id="zigbee_restore")
    assert flow["step_id"] == "zigbee_overwrite"
    assert flow["errors"] == {}
    flow = await go(flow["flow_id"], overwrite=False)
    assert flow["errors"] == {"overwrite": "zigbee_consent"}
    await finish(hass, go, await go(flow["flow_id"], overwrite=True))
    assert changed.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("lost", [False, True])
async def test_keep_another_network(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
    other_radio: EzspSimulator,
    lost: bool,
) -> None:
    """The gateway stays what it is with another network on another coordinator.

    That holds without zigpy's database as well: the network is compared with the entry's.
    """
    found = await forming.async_form(port_of(other_radio), channel=25)
    await exchange(radio, other_radio)
    if lost:
        database_path(hass, changed).unlink()
        await hass.config_entries.async_reload(changed.entry_id)
        assert changed.state is ConfigEntryState.SETUP_ERROR
        assert issue(hass, changed)
    go, flow = await fix(hass, hass_client, changed)
    await finish(hass, go, await go(flow["flow_id"], next_step_id="zigbee_keep"))
    assert changed.state is ConfigEntryState.LOADED
    assert changed.data["network"] == found.unique_id
    assert changed.unique_id == network.unique_id
    assert changed.runtime_data.network.ieee == found.ieee
    assert not changed.runtime_data.ignored
    await join(hass, changed, other_radio, "smoke")

    kept = await network_backups(hass).async_all()
    assert set(kept) == {network.unique_id, found.unique_id}


async def test_form_another_network(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
    other_radio: EzspSimulator,
) -> None:
    """A device that is paired anew is the same device; its gateway can be restarted."""
    address = await join(hass, gateway, radio, "smoke")
    device = gateway.runtime_data.devices[address].device_id
    await stop(hass, gateway)
    await exchange(radio, other_radio)
    await hass.config_entries.async_setup(gateway.entry_id)
    go, flow = await fix(hass, hass_client, gateway)
    flow = await go(flow["flow_id"], next_step_id="zigbee_form")
    assert flow["step_id"] == "zigbee_form"
    flow = await go(flow["flow_id"], channel="20")
    assert flow["progress_action"] == "zigbee_forming"
    await finish(hass, go, flow)
    assert gateway.runtime_data.network.channel == 20
    assert gateway.data["network"] not in (network.unique_id, None)

    assert not gateway.runtime_data.devices[address].online
    # The simulated air draws the same lots: this one gets the network address of the first.
    await join(hass, gateway, other_radio, "breaker", eui64=0x00158D00_51320001)
    stages: list[tuple[str, str]] = []
    gateway.runtime_data.on_join(lambda *stage: stages.append(stage))
    eui64 = int(address.replace(":", ""), 16)
    await join(hass, gateway, other_radio, "smoke", eui64=eui64)
    await wait_until(hass, lambda: (address, "ready") in stages)
    found = gateway.runtime_data.devices[address]
    assert found.device_id == device
    smoke(other_radio.node(eui64))
    await wait_until(hass, lambda: found.readings.get("smoke"))
    assert await hass.config_entries.async_reload(gateway.entry_id)
    assert gateway.runtime_data.devices[address].online


async def test_network_of_another_gateway(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: MockConfigEntry,
    radio: EzspSimulator,
    other_radio: EzspSimulator,
) -> None:
    """Two coordinators that were mixed up: none takes the other's network."""
    port = port_of(other_radio)
    await add_zigbee(hass, port, await forming.async_form(port, channel=11), "B 2")
    await stop(hass, gateway)
    await exchange(radio, other_radio)
    await hass.config_entries.async_setup(gateway.entry_id)
    _go, flow = await fix(hass, hass_client, gateway)
    assert flow["menu_options"] == ["zigbee_restore", "zigbee_form"]


async def test_keep_other_settings(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
) -> None:
    """The same network with other settings can be taken as it is."""
    await stop(hass, gateway)
    info = network.network.network_info.replace(channel=20)
    await forming.async_restore(
        port_of(radio), network.network.replace(network_info=info)
    )
    await hass.config_entries.async_setup(gateway.entry_id)
    assert gateway.state is ConfigEntryState.SETUP_ERROR
    go, flow = await fix(hass, hass_client, gateway)
    await finish(hass, go, await go(flow["flow_id"], next_step_id="zigbee_keep"))
    assert gateway.runtime_data.connected
    assert gateway.runtime_data.network.channel == 20
    assert gateway.data["network"] == network.unique_id


@pytest.mark.parametrize("damaged", [False, True])
async def test_nothing_to_restore(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    hass_storage: dict[str, Any],
    damaged: bool,
) -> None:
    """Without a backup that can be read, a restore is not offered."""
    if damaged:
        for row in hass_storage[STORED]["data"].values():
            row["backup"] = {"metadata": {}}
    else:
        del hass_storage[STORED]
    del hass.data[DATA_BACKUPS]
    _go, flow = await fix(hass, hass_client, changed)
    assert flow["menu_options"] == ["zigbee_keep", "zigbee_form"]


async def test_repair_that_is_closed(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
) -> None:
    """Who closes the repair after the right coordinator was plugged in has mended it."""
    _go, flow = await fix(hass, hass_client, changed)
    await forming.async_restore(port_of(radio), network.network)
    client = await hass_client()
    await client.delete(f"/api/repairs/issues/fix/{flow['flow_id']}")
    await hass.async_block_till_done()
    assert changed.state is ConfigEntryState.LOADED
    assert issue(hass, changed) is None


async def test_coordinator_that_is_away(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    radio: EzspSimulator,
) -> None:
    """A coordinator that cannot be reached cannot be mended."""
    await radio.unplug()
    _go, flow = await fix(hass, hass_client, changed)
    assert flow["reason"] == "zigbee_cannot_connect"
    assert str(radio.port) in flow["description_placeholders"]["reason"]


async def test_coordinator_that_is_unplugged(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
) -> None:
    """Until the network was seen again, the gateway has the one that it had."""
    go, flow = await fix(hass, hass_client, changed)
    await radio.unplug()
    flow = await go(flow["flow_id"], next_step_id="zigbee_keep")
    assert flow["reason"] == "zigbee_cannot_connect"
    assert changed.data["network"] == network.unique_id


async def test_gateway_that_is_removed(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, changed: MockConfigEntry
) -> None:
    """A repair of a gateway that is no more can be closed."""
    _go, flow = await fix(hass, hass_client, changed)
    await hass.config_entries.async_remove(changed.entry_id)
    client = await hass_client()
    response = await client.delete(f"/api/repairs/issues/fix/{flow['flow_id']}")
    assert response.status == 200
    assert issue(hass, changed) is None


async def test_coordinator_that_goes_away(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    radio: EzspSimulator,
) -> None:
    """A cable that is pulled in the middle is told, and the next start goes on."""
    go, flow = await fix(hass, hass_client, changed)

    def cut_once() -> None:
        radio.ncp.changed = lambda: None
        radio.cut()

    radio.ncp.changed = cut_once
    flow = await go(flow["flow_id"], next_step_id="zigbee_restore")
    await hass.async_block_till_done()
    flow = await go(flow["flow_id"])
    assert flow["reason"] == "zigbee_lost"
    await hass.async_block_till_done()
    assert changed.state in (ConfigEntryState.LOADED, ConfigEntryState.SETUP_ERROR)


async def test_library_that_is_not_known(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    changed: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without its libraries no radio is touched."""

    async def refuse(_hass: HomeAssistant) -> None:
        raise ConfigEntryError("zigpy 9")

    monkeypatch.setattr(repairs, "async_load_library", refuse)
    _go, flow = await fix(hass, hass_client, changed)
    assert flow["reason"] == "zigbee_library"
