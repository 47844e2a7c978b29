"""Adding a camera and changing how it is wired, as a person would."""

import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.flows import vzenith as flow
from custom_components.community_safety.gateways.vzenith import words
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from simulator.vzenith import LAYOUTS, Camera, Fault
from tests.common import Peer

from .common import add_camera, data_of


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not listen long, and hear a camera more often than it speaks."""
    monkeypatch.setattr(flow, "HEARD_SECONDS", 2)
    monkeypatch.setattr("simulator.vzenith.BEAT_SECONDS", 0.2)


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Choose the camera in the menu."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": "vzenith"}
    )


async def fill_in(
    hass: HomeAssistant, result: ConfigFlowResult, **data: Any
) -> ConfigFlowResult:
    """Enter how it is."""
    assert result["type"] is FlowResultType.FORM
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"direction": "in", "open_output": 0, **data}
    )


async def test_added_after_every_error(hass: HomeAssistant, camera: Camera) -> None:
    """What is wrong is said, and can be mended in the same form."""
    result = await begin(hass)
    own = {"serial": camera.serial.upper()}
    result = await fill_in(hass, result, **own, close_output=0)
    assert result["errors"] == {"close_output": "vzenith_same_output"}
    result = await fill_in(hass, result, serial="00000000-00000000")
    assert result["errors"] == {"serial": "vzenith_not_heard"}
    assert result["description_placeholders"]["heard"] == camera.serial
    result = await fill_in(hass, result, **own, url="http://x/y")
    assert result["errors"] == {"url": "isapi_address"}
    result = await fill_in(hass, result, **own, url=camera.url)
    assert result["errors"] == {"base": "vzenith_login_missing"}
    login = {"url": camera.url, "username": "admin", "password": "wrong"}
    result = await fill_in(hass, result, **own, **login)
    assert result["errors"] == {"base": "vzenith_login"}
    camera.faults.add(Fault.NO_PAGES)
    login["password"] = "admin"
    result = await fill_in(hass, result, **own, **login)
    assert result["errors"] == {"base": "vzenith_pages"}
    assert result["description_placeholders"]["reason"] == "HTTP 503"
    camera.faults.clear()
    result = await fill_in(hass, result, **own, close_output=1, arm_input=1, **login)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == data_of(camera, **login)
    assert result["result"].unique_id == f"vzenith/{camera.serial}"


async def test_topics_and_no_pages(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry, broker_port: int
) -> None:
    """Its topics are heard, not entered; without pages nothing of them is kept."""
    camera = Camera(broker_port, layout=LAYOUTS[3])
    await camera.start()
    result = await fill_in(hass, await begin(hass), serial=camera.serial, username="x")
    assert result["data"] == {
        "dialect": "vzenith",
        "serial": camera.serial,
        "topic": f"/{camera.serial}/device",
        "direction": "in",
        "open_output": 0,
    }
    await camera.stop()


async def test_who_does_not_speak(
    hass: HomeAssistant, camera: Camera, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nonsense is no camera, and what was said at whatever time is none that is there."""
    serial = "00000000-00000000"
    left = [b"{", json.dumps({"sn": serial}).encode()]
    for number, payload in enumerate(left):
        topic = f"device/{number}/message/up/keep_alive"
        await peer.send(topic, payload, retain=True)
    camera.faults.add(Fault.OFFLINE)
    taken: list[bytes] = []
    unpack = words.unpack

    def noted(payload: bytes) -> dict[str, Any]:
        taken.append(payload)
        return unpack(payload)

    monkeypatch.setattr(words, "unpack", noted)
    result = await fill_in(hass, await begin(hass), serial=serial)
    assert result["errors"] == {"serial": "vzenith_not_heard"}
    assert result["description_placeholders"]["heard"] == "–"
    assert sorted(taken) == left


@pytest.mark.usefixtures("entry")
async def test_added_twice(hass: HomeAssistant, camera: Camera) -> None:
    """A camera has one gateway."""
    result = await fill_in(hass, await begin(hass), serial=camera.serial)
    assert result["reason"] == "already_configured"


async def test_without_mqtt(hass: HomeAssistant) -> None:
    """There is nothing to hear it by."""
    assert (await begin(hass))["reason"] == "mqtt_not_ready"


async def test_reconfigured(hass: HomeAssistant, camera: Camera) -> None:
    """The wiring changes; a password that is not entered stays with its pages alone.

    One that was refused before is tried once more.
    """
    login = {"url": camera.url, "username": "admin", "password": "admin"}
    entry = await add_camera(hass, camera, **login, refused=True)
    result = await entry.start_reconfigure_flow(hass)
    suggested = {
        str(key): (key.description or {}).get("suggested_value")
        for key in result["data_schema"].schema
    }
    assert suggested["url"] == camera.url
    assert suggested["password"] is None
    result = await fill_in(hass, result, url=camera.url, username="other")
    assert result["errors"] == {"base": "vzenith_login_missing"}
    result = await fill_in(hass, result, url=camera.url, username="admin", arm_input=2)
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {
        **{
            key: value
            for key, value in data_of(camera).items()
            if key != "close_output"
        },
        "arm_input": 2,
        **login,
    }
    await hass.async_block_till_done()
    result = await entry.start_reconfigure_flow(hass)
    result = await fill_in(hass, result, direction="both")
    assert result["reason"] == "reconfigure_successful"
    assert "password" not in entry.data
