"""Adding, moving and replacing coordinators, as a person would, with radios on real sockets."""

from collections.abc import AsyncGenerator
import io
from ipaddress import ip_address
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.flows.zigbee import probing
from custom_components.community_safety.flows.zigbee.adding import BACKUP_BYTES
from custom_components.community_safety.gateways.zigbee.host import forming
from custom_components.community_safety.gateways.zigbee.host.backups import (
    network_backups,
)
from custom_components.community_safety.gateways.zigbee.host.connection import Port
from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USB,
    SOURCE_USER,
    SOURCE_ZEROCONF,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.setup import async_setup_component
from simulator.ezsp import EzspSimulator

from .common import add_zigbee, port_of
from .serial_line import SerialLine

ADVANCED = {"baudrate": "115200", "flow_control": "none"}


@pytest.fixture
async def line(radio: EzspSimulator) -> AsyncGenerator[SerialLine]:
    """Return a serial line to the first coordinator."""
    async with SerialLine(radio.port) as line:
        yield line


async def go(
    hass: HomeAssistant, result: ConfigFlowResult, *steps: str
) -> ConfigFlowResult:
    """Choose one thing after the other in menus."""
    for step in steps:
        assert result["type"] is FlowResultType.MENU
        result = await hass.config_entries.flow.async_configure(
            result["flow_id"], {"next_step_id": step}
        )
    return result


async def begin(hass: HomeAssistant, *steps: str) -> ConfigFlowResult:
    """Begin to add a coordinator by hand."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    return await go(hass, result, "zigbee", *steps)


async def fill_in(
    hass: HomeAssistant, result: ConfigFlowResult, **values: Any
) -> ConfigFlowResult:
    """Fill a form in, and wait for what takes a while."""
    assert result["type"] is FlowResultType.FORM
    result = await hass.config_entries.flow.async_configure(result["flow_id"], values)
    if result["type"] is FlowResultType.SHOW_PROGRESS:
        assert result["progress_action"] == result["step_id"]
        await hass.async_block_till_done()
        result = await hass.config_entries.flow.async_configure(result["flow_id"])
    return result


async def look(hass: HomeAssistant, radio: EzspSimulator) -> ConfigFlowResult:
    """Come to the menu of a coordinator on the network."""
    result = await begin(hass, "zigbee_network")
    return await fill_in(hass, result, address=f"127.0.0.1:{radio.port}")


async def upload(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, content: str | bytes
) -> str:
    """Upload a file, and return its id."""
    assert await async_setup_component(hass, "file_upload", {})
    client = await hass_client()
    response = await client.post("/api/file_upload", data={"file": _named(content)})
    return str((await response.json())["file_id"])


def _named(content: str | bytes) -> Any:
    data = content.encode() if isinstance(content, str) else content
    file = io.BytesIO(data)
    file.name = "backup.json"
    return file


# Adding


async def test_form_a_network(hass: HomeAssistant, radio: EzspSimulator) -> None:
    """A radio without a network is looked at, gets one, and the gateway runs."""
    result = await begin(hass, "zigbee_network")
    result = await fill_in(hass, result, address="http://example")
    assert result["errors"] == {"address": "zigbee_no_address"}
    result = await fill_in(hass, result, address=f"127.0.0.1:{radio.port}")
    # A browser that is reloaded shows the same.
    result = await hass.config_entries.flow.async_configure(result["flow_id"])
    assert result["step_id"] == "zigbee_empty"
    assert result["menu_options"] == ["zigbee_form", "zigbee_upload"]
    assert result["description_placeholders"]["ieee"] == "00:12:4b:00:51:30:00:01"
    assert result["description_placeholders"]["ezsp"] == "14"

    result = await go(hass, result, "zigbee_form")
    result = await fill_in(hass, result, channel="20")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.title.startswith("Zigbee ")
    assert entry.data == {
        "dialect": "zigbee",
        "network": entry.unique_id,
        "path": f"tcp://127.0.0.1:{radio.port}",
        "baudrate": 115200,
        "flow_control": None,
    }
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.network.channel == 20
    assert entry.unique_id == (
        f"zigbee/{entry.runtime_data.network.extended_pan_id}".lower()
    )


async def test_keep_the_network(
    hass: HomeAssistant, radio: EzspSimulator, network: forming.Coordinator
) -> None:
    """The network on the radio is shown, and can be kept; it is added only once."""
    result = await look(hass, radio)
    assert result["step_id"] == "zigbee_choose"
    assert result["menu_options"] == ["zigbee_keep", "zigbee_form", "zigbee_upload"]
    info = network.network.network_info
    shown = result["description_placeholders"]
    assert shown["channel"] == "15"
    assert shown["pan_id"] == str(info.pan_id)
    assert shown["extended_pan_id"] == str(info.extended_pan_id)
    result = await go(hass, result, "zigbee_keep")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == network.unique_id
    await hass.async_block_till_done()

    result = await look(hass, radio)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_same_network_behind_another_address(
    hass: HomeAssistant, radio: EzspSimulator, network: forming.Coordinator, port: Port
) -> None:
    """A network that is known is not added a second time at another address."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=network.unique_id,
        data={
            "dialect": "zigbee",
            "network": network.unique_id,
            **Port(path="tcp://192.0.2.1:6638").as_dict(),
        },
    )
    entry.add_to_hass(hass)
    result = await look(hass, radio)
    assert result["reason"] == "already_configured"


async def test_network_that_a_gateway_had(
    hass: HomeAssistant, radio: EzspSimulator, network: forming.Coordinator, port: Port
) -> None:
    """A gateway keeps its id when it has another network: this one gets a new id."""
    MockConfigEntry(
        domain=DOMAIN,
        unique_id=network.unique_id,
        data={
            "dialect": "zigbee",
            "network": "zigbee/00:00:00:00:00:00:00:01",
            **Port(path="tcp://192.0.2.1:6638").as_dict(),
        },
    ).add_to_hass(hass)
    result = await go(hass, await look(hass, radio), "zigbee_keep")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == f"{network.unique_id}#"
    assert result["data"]["network"] == network.unique_id
    await hass.async_block_till_done()
    assert len(hass.config_entries.async_entries(DOMAIN)) == 2


async def test_serial_port(
    hass: HomeAssistant, radio: EzspSimulator, line: SerialLine
) -> None:
    """A stick on a serial port, after every mistake that can be made there."""
    result = await begin(hass, "zigbee_serial")
    result = await fill_in(hass, result, path="/dev/serial/none", advanced=ADVANCED)
    assert result["errors"] == {"base": "zigbee_cannot_connect"}
    assert "/dev/serial/none" in result["description_placeholders"]["reason"]

    result = await fill_in(hass, result, path=line.path, advanced=ADVANCED)
    assert result["step_id"] == "zigbee_empty"
    result = await go(hass, result, "zigbee_form")
    result = await fill_in(hass, result, channel="automatic")
    assert result["data"]["path"] == line.path
    await hass.async_block_till_done()
    assert result["result"].state is ConfigEntryState.LOADED

    result = await begin(hass, "zigbee_serial")
    result = await fill_in(hass, result, path=line.path, advanced=ADVANCED)
    assert result["reason"] == "already_configured"


async def test_wrong_baud_rate(hass: HomeAssistant, radio: EzspSimulator) -> None:
    """The right speed is found out, and is in the form for the next try."""
    async with SerialLine(radio.port, 57600) as line:
        result = await begin(hass, "zigbee_serial")
        result = await fill_in(
            hass,
            result,
            path=line.path,
            advanced={"baudrate": "460800", "flow_control": "software"},
        )
        assert result["errors"] == {"base": "zigbee_wrong_baudrate"}
        assert result["description_placeholders"]["reason"] == "57600"
        form = result["data_schema"]({"path": line.path, "advanced": {}})
        assert form["advanced"] == {"baudrate": "57600", "flow_control": "software"}
        result = await fill_in(hass, result, **form)
        assert result["step_id"] == "zigbee_empty"


async def test_forming_fails(hass: HomeAssistant, radio: EzspSimulator) -> None:
    """A radio that goes away while it forms a network adds nothing."""
    result = await go(hass, await look(hass, radio), "zigbee_form")
    radio.ncp.changed = radio.cut
    result = await fill_in(hass, result, channel="11")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "zigbee_lost"
    assert result["description_placeholders"]["reason"]


async def test_library_that_is_not_known(
    hass: HomeAssistant, radio: EzspSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its libraries no radio is touched."""

    async def refuse(_hass: HomeAssistant) -> None:
        raise ConfigEntryError("zigpy 9")

    monkeypatch.setattr(probing, "async_load_library", refuse)
    result = await look(hass, radio)
    assert result["errors"] == {"base": "zigbee_library"}
    assert result["description_placeholders"]["reason"] == "zigpy 9"
    assert radio.connections == 0


# Somebody else's


async def test_held_by_zha(
    hass: HomeAssistant, radio: EzspSimulator, line: SerialLine
) -> None:
    """A port of ZHA's is left alone, whatever it is called; any other one is not."""
    zha = MockConfigEntry(
        domain="zha",
        data={"device": {"path": f"socket://127.0.0.1:{radio.port}"}},
    )
    zha.add_to_hass(hass)
    result = await look(hass, radio)
    assert result["errors"] == {"base": "zigbee_held_by_zha"}

    hass.config_entries.async_update_entry(zha, data={"device": {"path": line.path}})
    result = await begin(hass, "zigbee_serial")
    result = await fill_in(hass, result, path=line.path, advanced=ADVANCED)
    assert result["errors"] == {"base": "zigbee_held_by_zha"}
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=usb_info(line.path)
    )
    assert result["reason"] == "zigbee_held_by_zha"

    hass.config_entries.async_update_entry(
        zha, data={"device": {"path": "/dev/serial/by-id/elsewhere"}}
    )
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=usb_info(line.path)
    )
    assert result["step_id"] == "zigbee_confirm"


async def test_held_by_another_integration(
    hass: HomeAssistant, radio: EzspSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant knows who uses a port, and so do we."""
    path = f"socket://127.0.0.1:{radio.port}"

    async def consumers(_hass: HomeAssistant, _ports: Any) -> Any:
        def row(title: str, *, active: bool) -> usb.SerialPortConsumer:
            return usb.SerialPortConsumer(kind="app", title=title, active=active)

        return {
            "esphome://elsewhere": [row("Elsewhere", active=True)],
            path: [row("Stopped", active=False), row("Zigbee2MQTT", active=True)],
        }

    monkeypatch.setattr(usb, "async_get_serial_port_consumers", consumers)
    result = await look(hass, radio)
    assert result["errors"] == {"base": "zigbee_held"}
    assert result["description_placeholders"]["reason"] == "Zigbee2MQTT"


# Backups


async def test_restore_from_a_file(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    radio: EzspSimulator,
    network: forming.Coordinator,
    port: Port,
) -> None:
    """A backup of the same radio is restored without questions, after bad files."""
    backup = network.network.as_open_coordinator_json()
    await forming.async_form(port, channel=26)
    result = await go(hass, await look(hass, radio), "zigbee_upload")
    for content, errors in (
        ("{", {"file": "zigbee_no_backup"}),
        (b"[" + b" " * BACKUP_BYTES + b"]", {"file": "zigbee_no_backup"}),
        ('{"metadata": {}}', {"base": "zigbee_no_backup"}),
    ):
        file = await upload(hass, hass_client, content)
        result = await fill_in(hass, result, file=file)
        assert result["errors"] == errors
    file = await upload(hass, hass_client, json.dumps(backup))
    result = await fill_in(hass, result, file=file)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == network.unique_id


async def test_replace_a_coordinator(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    network: forming.Coordinator,
    radio: EzspSimulator,
    other_radio: EzspSimulator,
) -> None:
    """A broken coordinator's gateway moves to another one with its newest backup."""
    await gateway.runtime_data.async_keep_backup()
    await radio.unplug()
    result = await look(hass, other_radio)
    assert result["menu_options"] == [
        "zigbee_form",
        "zigbee_automatic",
        "zigbee_upload",
    ]
    result = await go(hass, result, "zigbee_automatic")
    result = await fill_in(hass, result, backup=network.unique_id)
    assert result["step_id"] == "zigbee_overwrite"
    assert result["description_placeholders"]["backup_ieee"] == network.ieee
    result = await fill_in(hass, result, overwrite=False)
    assert result["errors"] == {"overwrite": "zigbee_consent"}
    result = await fill_in(hass, result, overwrite=True)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "zigbee_moved"

    await hass.async_block_till_done()
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1
    assert gateway.data["path"] == port_of(other_radio).path
    assert gateway.state is ConfigEntryState.LOADED
    assert gateway.runtime_data.network.ieee == network.ieee


async def test_automatic_backup_that_is_damaged(
    hass: HomeAssistant, radio: EzspSimulator
) -> None:
    """A backup that cannot be read is refused in the form."""
    await network_backups(hass).async_keep("zigbee/x", "Building 9", {"metadata": {}})
    result = await go(hass, await look(hass, radio), "zigbee_automatic")
    result = await fill_in(hass, result, backup="zigbee/x")
    assert result["errors"] == {"base": "zigbee_no_backup"}


# Moving


@pytest.fixture
async def moved(radio: EzspSimulator, gateway: MockConfigEntry) -> str:
    """Move the coordinator to another port, and return its address."""
    await radio.unplug()
    radio.port = 0
    await radio.plug()
    return f"127.0.0.1:{radio.port}"


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, address: str
) -> ConfigFlowResult:
    """Tell a gateway that its coordinator is elsewhere."""
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure_zigbee"
    result = await go(hass, result, "zigbee_network")
    (field,) = result["data_schema"].schema
    known = entry.data["path"].removeprefix("tcp://")
    assert field.description == {"suggested_value": known}, "what it is until now"
    return await fill_in(hass, result, address=address)


async def test_serial_port_until_now(
    hass: HomeAssistant, gateway: MockConfigEntry
) -> None:
    """The form begins with the port and the speed that the gateway has."""
    await hass.config_entries.async_unload(gateway.entry_id)
    hass.config_entries.async_update_entry(
        gateway, data={**gateway.data, "path": "/dev/ttyUSB7", "baudrate": 460800}
    )
    result = await gateway.start_reconfigure_flow(hass)
    result = await go(hass, result, "zigbee_serial")
    path, advanced = result["data_schema"].schema
    assert path.description == {"suggested_value": "/dev/ttyUSB7"}
    baudrate = next(iter(result["data_schema"].schema[advanced].schema.schema))
    assert baudrate.default() == "460800"

    result = await gateway.start_reconfigure_flow(hass)
    result = await go(hass, result, "zigbee_network")
    (field,) = result["data_schema"].schema
    assert field.description == {"suggested_value": ""}, "a serial port is no address"


async def test_move(hass: HomeAssistant, gateway: MockConfigEntry, moved: str) -> None:
    """The same network at another address is followed."""
    result = await reconfigure(hass, gateway, moved)
    assert result["reason"] == "zigbee_moved"
    await hass.async_block_till_done()
    assert gateway.data["path"] == f"tcp://{moved}"
    assert gateway.state is ConfigEntryState.LOADED
    assert gateway.runtime_data.connected


async def test_move_to_where_it_is(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """The gateway steps aside while its own radio is looked at."""
    result = await reconfigure(hass, gateway, f"localhost:{radio.port}")
    assert result["reason"] == "zigbee_moved"
    await hass.async_block_till_done()
    assert gateway.runtime_data.connected


async def test_move_to_another_network(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    moved: str,
    other_radio: EzspSimulator,
) -> None:
    """Another network, none, or nobody there: the gateway stays as it is, and runs on."""
    other = f"127.0.0.1:{other_radio.port}"
    result = await reconfigure(hass, gateway, other)
    assert result["errors"] == {"base": "zigbee_other_network"}
    await forming.async_form(port_of(other_radio), channel=11)
    result = await fill_in(hass, result, address=other)
    assert result["errors"] == {"base": "zigbee_other_network"}
    await other_radio.unplug()
    result = await fill_in(hass, result, address=other)
    assert result["errors"] == {"base": "zigbee_cannot_connect"}
    assert gateway.unique_id != other
    result = await fill_in(hass, result, address=moved)
    assert result["reason"] == "zigbee_moved"
    await hass.async_block_till_done()
    assert gateway.runtime_data.connected


async def test_move_to_another_gateways_port(
    hass: HomeAssistant, gateway: MockConfigEntry, other_radio: EzspSimulator
) -> None:
    """Two gateways cannot have the same port."""
    port = port_of(other_radio)
    await add_zigbee(hass, port, await forming.async_form(port, channel=11), "B 2")
    result = await reconfigure(hass, gateway, f"127.0.0.1:{other_radio.port}")
    assert result["reason"] == "already_configured"


# Discovery


def usb_info(
    path: str, description: str | None = "SONOFF Dongle Max"
) -> UsbServiceInfo:
    """Return what Home Assistant finds out about a stick."""
    return UsbServiceInfo(
        device=path,
        vid="10C4",
        pid="EA60",
        serial_number="1234",
        manufacturer="SONOFF",
        description=description,
    )


async def test_usb(hass: HomeAssistant, radio: EzspSimulator, line: SerialLine) -> None:
    """A stick that is plugged in is offered, and touched only after a person agrees."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=usb_info(line.path)
    )
    assert result["step_id"] == "zigbee_confirm"
    assert result["description_placeholders"]["name"] == "SONOFF Dongle Max"
    assert radio.ncp.resets == 0
    radio.fault("dead")
    result = await fill_in(hass, result)
    assert result["errors"] == {"base": "zigbee_no_answer"}
    radio.clear()
    result = await fill_in(hass, result)
    result = await go(hass, result, "zigbee_form")
    result = await fill_in(hass, result, channel="11")
    assert result["title"] == "SONOFF Dongle Max"
    assert result["result"].unique_id.startswith("zigbee/")
    await hass.async_block_till_done()

    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=usb_info(line.path)
    )
    assert result["reason"] == "already_configured"


async def test_usb_ignored(hass: HomeAssistant, line: SerialLine) -> None:
    """What a person ignores is not offered again."""
    info = usb_info(line.path, None)
    MockConfigEntry(
        domain=DOMAIN,
        source=SOURCE_IGNORE,
        unique_id=usb.usb_unique_id_from_service_info(info),
    ).add_to_hass(hass)
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=info
    )
    assert result["reason"] == "already_configured"


def found(radio: EzspSimulator | None = None, **more: Any) -> ZeroconfServiceInfo:
    """Return what a coordinator on the network announces."""
    return ZeroconfServiceInfo(
        **{
            "ip_address": ip_address("127.0.0.1"),
            "ip_addresses": [ip_address("127.0.0.1"), ip_address("192.0.2.7")],
            "port": radio.port if radio else 6053,
            "hostname": "coordinator.local.",
            "type": "_zigbee-coordinator._tcp.local.",
            "name": "Roof._zigbee-coordinator._tcp.local.",
            "properties": {"radio_type": "ezsp", "serial_number": "77"},
            **more,
        }
    )


async def test_zeroconf(hass: HomeAssistant, radio: EzspSimulator) -> None:
    """A coordinator that announces itself is offered by its name."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=found(radio)
    )
    assert result["description_placeholders"]["name"] == "Roof"
    result = await fill_in(hass, result)
    result = await go(hass, result, "zigbee_form")
    result = await fill_in(hass, result, channel="11")
    assert result["title"] == "Roof"
    assert result["data"]["path"] == f"tcp://127.0.0.1:{radio.port}"
    await hass.async_block_till_done()

    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=found(radio)
    )
    assert result["reason"] == "already_configured"


async def test_zeroconf_of_a_new_address(
    hass: HomeAssistant, radio: EzspSimulator, gateway: MockConfigEntry
) -> None:
    """A gateway that was found by its name is followed, but never away from its radio."""

    async def announce(**more: Any) -> None:
        result = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_ZEROCONF}, data=found(radio, **more)
        )
        assert result["reason"] == "already_configured"
        await hass.async_block_till_done()

    here = f"tcp://127.0.0.1:{radio.port}"
    elsewhere = {
        "ip_address": ip_address("192.0.2.9"),
        "ip_addresses": [ip_address("192.0.2.9")],
    }
    hass.config_entries.async_update_entry(
        gateway, data={**gateway.data, "announced": "77"}
    )
    assert gateway.runtime_data.connected
    await announce(**elsewhere)
    assert gateway.data["path"] == here

    await hass.config_entries.async_unload(gateway.entry_id)
    away = "tcp://192.0.2.8:6638"
    hass.config_entries.async_update_entry(gateway, data={**gateway.data, "path": away})
    await announce()
    assert gateway.data["path"] == here
    assert gateway.state is ConfigEntryState.LOADED

    # Moved by hand: nobody follows it any more.
    result = await gateway.start_reconfigure_flow(hass)
    result = await go(hass, result, "zigbee_network")
    result = await fill_in(hass, result, address=f"localhost:{radio.port}")
    assert result["reason"] == "zigbee_moved"
    await hass.async_block_till_done()
    assert "announced" not in gateway.data


@pytest.mark.parametrize(
    ("more", "path"),
    [
        (
            {
                "name": "tube_zb_gw_efr32._esphomelib._tcp.local.",
                "type": "_esphomelib._tcp.local.",
                "properties": {},
            },
            "tcp://127.0.0.1:6638",
        ),
        (
            {
                "name": "slzb-06m._slzb-06._tcp.local.",
                "type": "_slzb-06._tcp.local.",
                "port": None,
                "properties": {"radio_type": "ezsp", "name": "SLZB-06M"},
            },
            "tcp://127.0.0.1:6638",
        ),
        (
            {"ip_address": ip_address("2001:db8::7"), "port": 1234},
            "tcp://[2001:db8::7]:1234",
        ),
    ],
)
async def test_zeroconf_of_older_firmware(
    hass: HomeAssistant, more: dict[str, Any], path: str
) -> None:
    """Names and ports as they are announced in the field."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=found(**more)
    )
    assert result["step_id"] == "zigbee_confirm"
    flow: Any = next(iter(hass.config_entries.flow._progress.values()))
    assert flow._port.path == path


async def test_zeroconf_of_another_radio(hass: HomeAssistant) -> None:
    """A coordinator that does not speak EZSP is not offered."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_ZEROCONF},
        data=found(properties={"radio_type": "znp", "serial_number": "77"}),
    )
    assert result["reason"] == "zigbee_not_ezsp"


async def test_zeroconf_of_zhas_coordinator(
    hass: HomeAssistant, radio: EzspSimulator
) -> None:
    """One that ZHA has at another of its addresses is left alone."""
    MockConfigEntry(
        domain="zha",
        data={"device": {"path": f"socket://192.0.2.7:{radio.port}"}},
    ).add_to_hass(hass)
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=found(radio)
    )
    assert result["reason"] == "zigbee_held_by_zha"
