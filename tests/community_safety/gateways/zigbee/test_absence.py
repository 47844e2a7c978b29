"""What has become of devices while Home Assistant was not running."""

from contextlib import closing
import sqlite3

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.zigbee import database_path
from custom_components.community_safety.gateways.zigbee.host import addresses
from homeassistant.core import HomeAssistant
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke
from .test_truth import restart


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("model", ["smoke", "breaker"])
async def test_another_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    model: str,
    far: bool,
) -> None:
    """The first thing that is heard from a new address may be the alarm itself."""
    router, _ = await join(hass, entry.runtime_data, coordinator, "breaker")
    node, device = await join(hass, entry.runtime_data, coordinator, model)
    await wait_until(hass, lambda: len(device.readings) > 6)

    def move() -> None:
        if far:
            node.parent = router.nwk
        coordinator.air.rejoin(node)

    zigbee = await restart(hass, entry, move)
    device = zigbee.devices[device.description.id]
    if model == "smoke":
        smoke(node)
        await wait_until(hass, lambda: device.readings.get("smoke") is True)
        assert zigbee.house.book.of_device(device.uid)
        return
    node.reporting.report(node.key("electrical.power"))
    await wait_until(hass, lambda: device.readings.get("supply") is True)
    await zigbee.async_set(device, "supply", False)
    await node.wait_record(what="received", cluster=6, command=0)


async def test_strangers_are_not_kept_without_end(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those who never say who they are make room for others, with all that they say."""
    monkeypatch.setattr(addresses, "MOST_STRANGERS", 3)
    router, _ = await join(hass, entry.runtime_data, coordinator, "breaker")
    app = entry.runtime_data.radio.app
    nodes = [coordinator.add("breaker") for _ in range(5)]
    for node in nodes:
        coordinator.air.take_address(node)
        node.joined, node.parent = True, router.nwk
        for _ in range(2 * addresses.MOST_KEPT):
            node.reporting.report(node.key("electrical.power"))
        node.deaf = True
    await wait_until(hass, lambda: nodes[-1].nwk in app._of_strangers)
    await coordinator.delivered()
    assert list(app._of_strangers) == [node.nwk for node in nodes[-3:]]
    assert all(len(kept) <= addresses.MOST_KEPT for kept in app._of_strangers.values())
    assert len(entry.runtime_data.devices) == 1


async def test_gone_for_good(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """One that left meanwhile has no readings, and does not obey: nothing is made up."""
    node, device = await join(hass, entry.runtime_data, coordinator, "breaker")
    await wait_until(hass, lambda: device.readings.get("supply") is True)
    zigbee = await restart(hass, entry, lambda: coordinator.air.leave(node))
    device = zigbee.devices[device.description.id]
    with pytest.raises(CommandError) as raised:
        await zigbee.async_set(device, "supply", False)
    assert raised.value.translation_key == "no_answer"
    assert "supply" not in device.readings


@pytest.mark.parametrize("model", ["smoke", "breaker"])
async def test_it_had_left_before(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, model: str
) -> None:
    """A restart does not make a device look alive whose leave was heard."""
    node, device = await join(hass, entry.runtime_data, coordinator, model)
    coordinator.air.leave(node)
    await wait_until(hass, lambda: not device.available)

    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    assert not device.available
    assert device.readings["unresponsive"] is True
    assert [alarm.hazard for alarm in zigbee.house.book.of_device(device.uid)] == [
        "unresponsive"
    ]
    coordinator.air.rejoin(node)
    await wait_until(hass, lambda: device.available)


async def test_the_database_has_forgotten_it(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """A device that the network does not know any more is missed, and can be deleted."""
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")

    def forget() -> None:
        with closing(sqlite3.connect(database_path(hass, entry))) as database:
            database.execute("PRAGMA foreign_keys = ON")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            database.execute(
                f"DELETE FROM devices_v{version} WHERE ieee = ?",  # noqa: S608
                (device.description.id,),
            )
            database.commit()

    zigbee = await restart(hass, entry, forget)
    known = zigbee.devices[device.description.id]
    assert not known.available
    assert known.readings["unresponsive"] is True
    assert await zigbee.async_delete(known)
    assert zigbee.devices == {}
    assert node.joined
