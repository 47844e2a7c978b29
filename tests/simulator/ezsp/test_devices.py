"""Each model shows what its physical device measures, and does what it is told."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from zha.application.gateway import Gateway
from zha.application.helpers import CoordinatorConfiguration, ZHAConfiguration, ZHAData

from simulator.ezsp import EzspSimulator
from simulator.ezsp.models import MODELS
from simulator.ezsp.node import Node

from .bellows_host import PATIENCE, BellowsHost, Heard, eui64, until

SOURCES = [
    (model.name, number, source)
    for model in MODELS.values()
    for number, endpoint in model.endpoints.items()
    for source in endpoint.sources
]


@pytest.mark.parametrize("name", MODELS)
async def test_readings_are_attributes(host: BellowsHost, name: str) -> None:
    """What a host reads is what the device measures."""
    node = await host.join(name)
    device = host.device(node)
    assert device.model == MODELS[name].model
    measure = node.body.device.readings
    for number, endpoint in MODELS[name].endpoints.items():
        for source in endpoint.sources:
            _, cluster_id, attribute = node.key(source.attribute, number)
            cluster = device.endpoints[number].in_clusters[cluster_id]
            before = measure()[source.reading]
            read, _ = await cluster.read_attributes([attribute], allow_cache=False)
            # The world goes on in between.
            expected = [before, measure()[source.reading]]
            if source.words:
                expected = [source.words[reading] for reading in expected]
            assert any(
                read[attribute]
                == pytest.approx(float(reading) * source.factor, rel=0.1, abs=20)
                for reading in expected
            ), source


async def test_discovery_and_writing(host: BellowsHost) -> None:
    """Attributes can be discovered; what cannot be written says so."""
    node = await host.join("breaker")
    cluster = host.device(node).endpoints[1].electrical_measurement
    found = await cluster.discover_attributes(0, 30)
    assert {row.attrid for row in found.attribute_info} >= {0x0505, 0x0508, 0x050B}
    basic = host.device(node).endpoints[1].basic
    assert (await basic.write_attributes({"model": "other"}))[0][0].status == 0x88
    switch = host.device(node).endpoints[1].on_off
    assert (await switch.write_attributes({"start_up_on_off": 1}))[0][0].status == 0
    read, failed = await switch.read_attributes([0x4003, 0x4000], allow_cache=False)
    assert read == {0x4003: 1}
    assert set(failed) == {0x4000}


async def test_smoke_until_cleared(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A zone alarms, tests itself, and is silenced."""
    node = await host.join("smoke")
    zone = await host.enrol(node)
    node.body.device.happen("smoke")
    await zone.zone_status(0x0001)
    siren = host.device(node).endpoints[1].ias_wd
    await siren.start_warning(0x10, 60, 0, 0)
    await node.wait_record(what="did", text="siren started")
    await siren.start_warning(0, 0, 0, 0)
    await node.wait_record(what="did", text="siren stopped")
    assert node.body.device.silenced
    node.body.device.clear()
    await zone.zone_status(0x0000)
    await host.device(node).endpoints[1].ias_zone.init_test_mode(10, 1)
    await zone.zone_status(0x0101)


async def test_alarm_before_enrolment_is_told_after(host: BellowsHost) -> None:
    """A zone that nobody has enrolled is quiet until somebody does."""
    node = await host.join("smoke")
    heard = Heard(host.device(node).endpoints[1].ias_zone)
    node.body.set_zone(0x0001)
    assert heard.commands == []
    zone = await host.enrol(node)
    await zone.zone_status(0x0001)


async def test_overload_on_three_phases(host: BellowsHost) -> None:
    """The currents of all phases rise, and are reported."""
    node = await host.join("breaker-3")
    cluster = host.device(node).endpoints[1].electrical_measurement
    heard = Heard(cluster)
    await cluster.bind()
    names = {"rms_current", "rms_current_ph_b", "rms_current_ph_c"}
    for name in names:
        await cluster.configure_reporting(name, 0, 900, 100)
    node.body.device.happen("overload")
    await heard.until(
        lambda: names == {name for name, value in heard.reports if value > 7000}
    )


async def test_reporting_rules_end(host: BellowsHost) -> None:
    """A rule is what was configured, and ends with a longest interval of 0xFFFF."""
    node = await host.join("hydrant")
    cluster = host.device(node).endpoints[1].pressure
    await cluster.configure_reporting("measured_value", 5, 300, 10)
    (rule,) = node.reporting.rules.values()
    assert (rule.least, rule.most, rule.change) == (5, 300, 10)
    await cluster.configure_reporting("measured_value", 5, 0xFFFF, 10)
    assert node.reporting.rules == {}


# With the library of Home Assistant's own integration, and its quirks


@pytest.fixture(scope="module", autouse=True)
def _quirks() -> None:
    """Load the quirks once; that takes seconds."""
    import zhaquirks  # noqa: PLC0415

    zhaquirks.setup(None)


@pytest.fixture
async def gateway(simulator: EzspSimulator) -> AsyncGenerator[Gateway]:
    """Return a gateway of the zha library that is open for joining."""
    data = ZHAData(
        config=ZHAConfiguration(
            coordinator_configuration=CoordinatorConfiguration(
                path=f"tcp://127.0.0.1:{simulator.port}",
                baudrate=115200,
                flow_control=None,
                radio_type="ezsp",
            )
        ),
        zigpy_config={
            "database_path": None,
            "use_thread": False,
            "ota": {"enabled": False},
            "backup_enabled": False,
            "topology_scan_enabled": False,
        },
    )
    gateway = await Gateway.async_from_config(data)
    await gateway.async_initialize()
    await gateway.async_initialize_devices_and_entities()
    await gateway.application_controller.permit(60)
    yield gateway
    await gateway.shutdown()
    for _ in range(5):
        await asyncio.sleep(0)


async def configured(gateway: Gateway, simulator: EzspSimulator, model: str) -> Node:
    """Have a node join, and wait until the library has configured it."""
    node = simulator.add(model)
    done = asyncio.Event()

    def initialized(event: Any) -> None:
        if event.device_info.ieee == eui64(node.eui64):
            done.set()

    stop = gateway.on_event("device_fully_initialized", initialized)
    await simulator.join(node)
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    stop()
    return node


async def test_zha_enrols_and_sees_smoke(
    gateway: Gateway, simulator: EzspSimulator
) -> None:
    """The library binds, enrols and configures reports by itself, and hears the alarm."""
    node = await configured(gateway, simulator, "smoke")
    assert node.attributes[1, 0x0500, 0x0000] == 1
    assert node.is_bound(1, 0x0500)
    device = gateway.devices[eui64(node.eui64)]
    zone: Any = next(
        entity
        for (platform, _), entity in device.platform_entities.items()
        if "IASZone" in type(entity).__name__
    )
    node.body.device.happen("smoke")
    await until(lambda: zone.is_on)


async def test_zha_knows_the_tuya_breaker(
    gateway: Gateway, simulator: EzspSimulator
) -> None:
    """Its quirk translates data points, and sets them."""
    node = await configured(gateway, simulator, "tuya-breaker")
    device = gateway.devices[eui64(node.eui64)]
    assert "TuyaCircuitBreaker" in device.quirk_class
    endpoint = device.device.endpoints[1]
    node.body.device.happen("overload")
    node.body.device.report()
    meter = endpoint.electrical_measurement
    await until(lambda: (meter.get("rms_current") or 0) >= 30_000)
    assert meter.get("rms_voltage") == pytest.approx(2250, rel=0.05)
    switch: Any = next(
        entity
        for (platform, _), entity in device.platform_entities.items()
        if platform == "switch" and type(entity).__name__ == "Switch"
    )
    await switch.async_turn_off()
    await node.wait_record(what="did", text="supply opened")
    await until(lambda: not endpoint.on_off.get("on_off"))


async def test_zha_knows_the_tuya_level_gauge(
    gateway: Gateway, simulator: EzspSimulator
) -> None:
    """Its quirk translates data points."""
    node = await configured(gateway, simulator, "tuya-level")
    device = gateway.devices[eui64(node.eui64)]
    assert device.quirk_applied
    node.body.device.level = node.body.device.goal = 14.0
    node.body.device.report()
    manufacturer = device.device.endpoints[1].in_clusters[0xEF00]
    await until(lambda: manufacturer.get("liquid_level_percent", 100) <= 20)
