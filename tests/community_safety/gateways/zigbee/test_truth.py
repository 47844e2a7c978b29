"""What is shown is what is so, also after a time in which nobody has listened."""

import asyncio
from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke, tell


async def restart(
    hass: HomeAssistant, entry: MockConfigEntry, meanwhile: Any
) -> ZigbeeGateway:
    """Unload the gateway, let something happen, and set it up again."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    meanwhile()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    gateway: ZigbeeGateway = entry.runtime_data
    return gateway


@pytest.mark.parametrize("model", ["smoke", "charging-pile"])
async def test_hazard_began_while_away(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, model: str
) -> None:
    """On mains it is read at once, a sleeper is asked as soon as it speaks."""
    node, device = await join(hass, entry.runtime_data, coordinator, model)
    zigbee = await restart(hass, entry, lambda: smoke(node))
    device = zigbee.devices[device.description.id]
    if node.model.sleepy:
        assert "smoke" not in device.readings
        tell(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    assert [alarm.hazard for alarm in zigbee.house.book.of_device(device.uid)] == [
        "smoke"
    ]


@pytest.mark.parametrize("model", ["smoke", "charging-pile"])
async def test_hazard_ended_while_away(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, model: str
) -> None:
    """The alarm stays until its end is known, and is not raised a second time."""
    node, device = await join(hass, entry.runtime_data, coordinator, model)
    book = entry.runtime_data.house.book
    smoke(node)
    await wait_until(hass, lambda: bool(book.of_device(device.uid)))
    (alarm,) = book.of_device(device.uid)

    def clear_up() -> None:
        # It does not say so: a message that is repeated would come after the restart.
        body: Any = node.body.device
        body.smoke = False

    zigbee = await restart(hass, entry, clear_up)
    device = zigbee.devices[device.description.id]
    if node.model.sleepy:
        # It is asked as soon as it says anything at all.
        tell(node)
    await wait_until(hass, lambda: not alarm.present)
    assert book.of_device(device.uid) == [alarm]


async def test_an_alarm_of_the_database_is_not_believed(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """What zigpy remembers of a zone raises nothing, numbers of a sleeper are shown."""
    node, device = await join(hass, entry.runtime_data, coordinator, "heat")
    book = entry.runtime_data.house.book
    smoke(node)
    await wait_until(hass, lambda: bool(book.of_device(device.uid)))
    book.drop_device(device.uid)

    zigbee = await restart(hass, entry, lambda: smoke(node, False))
    device = zigbee.devices[device.description.id]
    assert "smoke" not in device.readings
    assert {"battery", "temperature"} <= device.readings.keys()
    assert not book.of_device(device.uid)


async def test_nothing_is_lost_during_the_start(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An alarm that comes before anybody listens is heard when somebody does."""
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")
    radio = entry.runtime_data.radio
    start = type(radio).start

    async def start_and_burn(self: Any) -> None:
        await start(self)
        smoke(node)
        await coordinator.delivered()
        await wait_until(hass, lambda: bool(self.app.early))

    monkeypatch.setattr(type(radio), "start", start_and_burn)
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


async def test_a_test_is_a_drill(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """The test bit makes a drill of the alarm that comes with it."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    smoke(node, testing=True)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    (alarm,) = zigbee.house.book.of_device(device.uid)
    assert alarm.drill


async def test_a_device_that_had_no_power_is_asked(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """It announces itself, and may be otherwise than before."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    await wait_until(hass, lambda: device.readings.get("supply") is True)
    before = device.reported["supply"]
    node.announce()
    await wait_until(hass, lambda: device.reported["supply"] > before)


async def test_another_address(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A device that has come back at another network address is heard and obeys."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    before = node.nwk
    coordinator.fault("address", node=node)
    assert node.nwk != before
    await wait_until(
        hass, lambda: zigbee.radio.device(device.description.id).nwk == node.nwk
    )
    await zigbee.async_set(device, "supply", False)
    await node.wait_record(what="received", cluster=6, command=0)


async def test_silence(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A mains device that says nothing is asked; without an answer it is a fault."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    await wait_until(hass, lambda: "supply" in device.readings)

    def asked() -> int:
        return sum(record.what == "asked" for record in node.records)

    async def until(proof: Callable[[], bool]) -> None:
        """Let the simulated device's own timers run, as they stand with the clock."""
        for _ in range(5000):
            if proof():
                return
            freezer.tick(0.01)
            await asyncio.sleep(0)
        raise AssertionError("it did not come to pass")

    async def pass_time(seconds: int) -> None:
        for _ in range(seconds // 5):
            freezer.tick(5)
            async_fire_time_changed(hass)
            await hass.async_block_till_done()
            # Or the watchdog would take the jump for a co-processor that hangs.
            await until(lambda: not zigbee._checking)

    before, seen = asked(), device.last_seen
    await pass_time(150)
    await until(lambda: asked() > before)
    await until(lambda: device.last_seen > seen)
    assert device.available

    coordinator.fault("silent", node=node)
    await pass_time(420)
    await until(lambda: device.readings["unresponsive"] is True)
    assert not device.available
