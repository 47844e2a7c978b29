"""bellows, unmodified, forms a network on the simulation, and does with it what Home Assistant would."""

import asyncio
from pathlib import Path

import pytest
from zigpy.exceptions import DeliveryError
import zigpy.types as t
from zigpy.util import convert_install_code
import zigpy.zdo.types as zdo_t

from simulator.ezsp import EzspSimulator, JoinRefusedError
from simulator.ezsp.frames import VERSIONS

from .bellows_host import BellowsHost, Heard, eui64, until

every_version = pytest.mark.parametrize("ezsp_version", VERSIONS)
#: One with the oldest structures, one before and after sl_status_t, and the newest.
some_versions = pytest.mark.parametrize("ezsp_version", [8, 13, 14, 19])


@every_version
async def test_form_and_restart(simulator: EzspSimulator) -> None:
    """A network is formed once, and found again."""
    host = BellowsHost(simulator)
    await host.start()
    formed = host.app.state
    await host.stop()
    assert simulator.ncp.commands["formNetwork"]
    simulator.ncp.commands.clear()

    host = BellowsHost(simulator)
    await host.start()
    assert not simulator.ncp.commands["formNetwork"]
    found = host.app.state
    assert found.node_info.ieee == formed.node_info.ieee == eui64(simulator.ncp.eui64)
    for name in ("pan_id", "extended_pan_id", "channel"):
        assert getattr(found.network_info, name) == getattr(formed.network_info, name)
    assert found.network_info.network_key.key == formed.network_info.network_key.key
    unknown = [name for name in simulator.ncp.commands if name.startswith("unknown")]
    assert unknown == []
    await host.stop()


async def test_over_a_socket_that_resets_on_connection(tmp_path: Path) -> None:
    """A bridge that resets by itself is taken as it is."""
    path = tmp_path / "flash.json"
    for scheme in ("tcp", "socket"):
        async with EzspSimulator(
            flash_path=path, resets_on_connect=scheme == "socket"
        ) as simulator:
            host = BellowsHost(simulator, scheme)
            await host.start()
            assert simulator.ncp.ram.network_up
            await host.stop()


@every_version
async def test_join_alarm_and_command(host: BellowsHost) -> None:
    """A smoke sensor joins and alarms, and a breaker opens."""
    smoke = await host.join("smoke")
    breaker = await host.join("breaker")
    assert host.device(smoke).model == "SmokeSensor-EF-3.0"
    assert host.device(smoke).node_desc.is_end_device
    assert host.device(breaker).node_desc.is_router

    zone = await host.enrol(smoke)
    smoke.body.device.happen("smoke")
    await zone.zone_status(0x0001)

    answer = await host.device(breaker).endpoints[1].on_off.off()
    assert answer.status == 0
    record = await breaker.wait_record(what="received", cluster=6, command=0)
    moved = await breaker.wait_record(what="did", text="supply opened")
    assert record.at < moved.at
    assert not breaker.body.device.contact.conducts


@some_versions
async def test_reports_come_as_configured(host: BellowsHost) -> None:
    """A reported attribute comes when it has changed, and only if it is bound."""
    breaker = await host.join("breaker")
    cluster = host.device(breaker).endpoints[1].on_off
    heard = Heard(cluster)
    await cluster.configure_reporting("on_off", 0, 900, 1)
    await cluster.off()
    await breaker.wait_record(what="did", text="supply opened")
    assert heard.reports == []
    await cluster.bind()
    await heard.until(lambda: ("on_off", False) in heard.reports)
    await cluster.on()
    await heard.until(lambda: ("on_off", True) in heard.reports)


@some_versions
async def test_backup_goes_to_another_coordinator(
    host: BellowsHost, ezsp_version: int
) -> None:
    """A backup holds the network with its children; restored, it is the same one."""
    smoke = await host.join("smoke")
    await host.app.backups.create_backup(load_devices=True)
    backup = host.app.backups.most_recent_backup()
    assert eui64(smoke.eui64) in backup.network_info.children

    async with EzspSimulator(ezsp_version, eui64=0x00124B00_99999999) as other:
        new = BellowsHost(other)
        await new.start()
        if ezsp_version < 9:
            # There is no token to rewrite the address in: it is burnt, once.
            backup.network_info.stack_specific["ezsp"][
                "i_understand_i_can_update_eui64_only_once_and_i_still_want_to_do_it"
            ] = True
        await new.app.backups.restore_backup(backup)
        await new.app.load_network_info(load_devices=True)
        info, old = new.app.state.network_info, backup.network_info
        assert info.pan_id == old.pan_id
        assert info.network_key.key == old.network_key.key
        assert info.network_key.tx_counter > old.network_key.tx_counter
        assert new.app.state.node_info.ieee == backup.node_info.ieee
        if ezsp_version >= 9:
            assert info.children == old.children
        await new.stop()


async def test_joining_needs_an_open_network(
    host: BellowsHost, simulator: EzspSimulator
) -> None:
    """Nobody gets into a closed network; a device that is in may come back."""
    smoke = await host.join("smoke")
    await host.app.permit(0)
    await until(lambda: not simulator.ncp.is_open)
    with pytest.raises(JoinRefusedError):
        simulator.air.join(simulator.add("smoke"))
    simulator.air.rejoin(smoke)
    await until(lambda: host.device(smoke).nwk == smoke.nwk)


async def test_joining_with_an_install_code(
    host: BellowsHost, simulator: EzspSimulator
) -> None:
    """With an install code only the device of that code gets in."""
    code = bytes.fromhex("83FED3407A939723A5C639B26916D505C3B5")
    key = convert_install_code(code)
    right = simulator.add("smoke", install_key=key.serialize())
    wrong = simulator.add("smoke", install_key=bytes(16))
    for node in (right, wrong):
        await host.app.permit_with_link_key(eui64(node.eui64), key, 60)
    await simulator.join(right)
    await host.interviewed(right)
    with pytest.raises(JoinRefusedError):
        await simulator.join(wrong)


async def test_leaving(host: BellowsHost) -> None:
    """A removed device leaves, and says so."""
    breaker = await host.join("breaker")
    await host.app.remove(eui64(breaker.eui64))
    await until(lambda: host.left and not breaker.joined)
    assert set(host.left) == {eui64(breaker.eui64)}


async def test_router_as_parent(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A child of a router is heard over it, and not without it."""
    breaker = await host.join("breaker")
    child = await host.join("hydrant", parent=breaker.nwk)
    pressure = host.device(child).endpoints[1].pressure
    assert "measured_value" in (await pressure.read_attributes(["measured_value"]))[0]
    neighbours = await host.device(breaker).zdo.Mgmt_Lqi_req(0)
    assert child.nwk in [row.nwk for row in neighbours[1].NeighborTableList]
    breaker.deaf = True
    with pytest.raises(DeliveryError):
        await pressure.read_attributes(["measured_value"])


async def test_sleepy_devices_take_their_time(host: BellowsHost) -> None:
    """A message to a sleepy device waits until the device asks."""
    smoke = await host.join("smoke", poll_seconds=0.3)
    loop = asyncio.get_running_loop()
    taken = []
    for _ in range(4):
        before = loop.time()
        await (
            host.device(smoke)
            .endpoints[1]
            .basic.read_attributes(["model"], allow_cache=False)
        )
        taken.append(loop.time() - before)
    assert max(taken) > 0.05
    assert max(taken) < 1


async def test_groups_and_broadcasts(
    host: BellowsHost, simulator: EzspSimulator
) -> None:
    """A command to a group reaches its members, a broadcast everybody who listens."""
    breakers = [await host.join("breaker") for _ in range(3)]
    group = host.app.groups.add_group(0x0002, "supplies")
    for breaker in breakers[:2]:
        await host.device(breaker).endpoints[1].add_to_group(0x0002, "supplies")
    assert group.members
    await group.endpoint.on_off.off()
    for breaker in breakers[:2]:
        await breaker.wait_record(what="did", text="supply opened")
    assert breakers[2].body.device.contact.closed

    await host.app.permit(10)
    for breaker in breakers:
        await breaker.wait_record(
            what="asked", cluster=zdo_t.ZDOCmd.Mgmt_Permit_Joining_req
        )


async def test_channel_change_and_scans(
    host: BellowsHost, simulator: EzspSimulator
) -> None:
    """The network goes to another channel; energies and other networks are found."""
    energies = await host.app.energy_scan(t.Channels.ALL_CHANNELS, 2, 1)
    assert set(energies) == set(range(11, 27))
    simulator.air.other_networks.append(
        {"channel": 20, "pan": 0x1234, "extended_pan": bytes(8), "stack_profile": 2}
    )
    found = [
        beacon async for beacon in host.app.network_scan(t.Channels.ALL_CHANNELS, 2)
    ]
    assert [beacon.pan_id for beacon in found] == [0x1234]
    await host.app.move_network_to_channel(25)
    assert simulator.ncp.flash.network["channel"] == 25
    assert host.app.state.network_info.channel == 25


async def test_counters_and_watchdog(
    host: BellowsHost, simulator: EzspSimulator
) -> None:
    """Counters count, and the watchdog is content."""
    await host.join("smoke")
    await host.app._watchdog_feed()
    counters = host.app.state.counters["ezsp_counters"]
    assert counters["APS_DATA_RX_UNICAST"].value > 0
    assert counters["APS_DATA_TX_UNICAST_SUCCESS"].value > 0
