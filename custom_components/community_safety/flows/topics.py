"""What steps of gateways on MQTT have in common: topics, and who announces itself there."""

import asyncio
from types import ModuleType
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from homeassistant.config_entries import SOURCE_IGNORE, SOURCE_USER, ConfigFlow
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.importlib import async_import_module
from homeassistant.util.json import json_loads_object

from ..const import CONF_TOPIC, PROTOCOL_VERSION

if TYPE_CHECKING:
    from homeassistant.components.mqtt.models import ReceiveMessage

#: Home Assistant's own; it is imported by who needs it.
MQTT = "homeassistant.components.mqtt"
#: Per dialect: the retained topic by which a gateway is recognised, and a default.
DIALECTS = {
    "native": ("gateway", "community_safety/gateway-1"),
    "zigbee2mqtt": ("bridge/info", "zigbee2mqtt"),
    "frigate": ("available", "frigate"),
}
ANSWER_SECONDS = 5
#: What Frigate says of itself, without its cameras.
_FRIGATE_WORDS = ("online", "offline", "stopped")


async def async_mqtt(hass: HomeAssistant) -> ModuleType:
    """Return Home Assistant's MQTT, which has a client. Raises AbortFlow without one."""
    mqtt = await async_import_module(hass, MQTT)
    if not await mqtt.async_wait_for_mqtt_client(hass):
        raise AbortFlow("mqtt_not_ready")
    return mqtt


class TopicFlow(ConfigFlow):
    """Steps that look for a gateway at a topic of the broker."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._dialect = ""
        self._topic = ""
        self._title = ""

    async def _async_claim_topic(self) -> None:
        """Abort if a gateway listens at the topic, else take a unique id.

        A gateway keeps its id for life, also when it is moved to another topic:
        devices, alarms and settings are known by it. So the one that was first here may
        have left, and the next needs another id. No topic holds a number sign.
        A discovery that waits does not stop who adds the gateway by hand.
        """
        self._async_abort_entries_match({CONF_TOPIC: self._topic})
        unique_id = f"mqtt/{self._topic}"
        while entry := await self.async_set_unique_id(
            unique_id, raise_on_progress=self.source != SOURCE_USER
        ):
            if entry.source == SOURCE_IGNORE:
                self._abort_if_unique_id_configured()
                break
            unique_id += "#"

    async def _async_probe(self) -> dict[str, str]:
        """Listen for the gateway, and return errors for the form."""
        mqtt = await async_mqtt(self.hass)
        try:
            mqtt.util.valid_publish_topic(self._topic)
        except vol.Invalid:
            return {CONF_TOPIC: "invalid_topic"}
        heard: asyncio.Queue[Any] = asyncio.Queue()

        @callback
        def receive(message: ReceiveMessage) -> None:
            heard.put_nowait(message.payload)

        unsubscribe = await mqtt.async_subscribe(
            self.hass,
            f"{self._topic}/{DIALECTS[self._dialect][0]}",
            receive,
            qos=1,
            encoding=None,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._title = title_of(self._dialect, self._topic, await heard.get())
        except TimeoutError:
            return {"base": "no_gateway"}
        except ValueError as err:
            return {"base": str(err)}
        finally:
            unsubscribe()
        return {}


def title_of(dialect: str, topic: str, payload: str | bytes | bytearray) -> str:
    """Return a name for the gateway that announces itself so.

    Raises ValueError with the key of the text that says why it cannot be used.
    """
    if dialect == "frigate":
        word = (
            payload.decode("utf-8", "replace")
            if not isinstance(payload, str)
            else payload
        )
        if word not in _FRIGATE_WORDS:
            raise ValueError("not_a_gateway")
        return "Frigate" if topic == DIALECTS[dialect][1] else f"Frigate {topic}"
    try:
        message = json_loads_object(payload)
    except ValueError as err:
        raise ValueError("not_a_gateway") from err
    version = message.get("version")
    if dialect == "zigbee2mqtt":
        if not isinstance(version, str):
            raise ValueError("not_a_gateway")
        return (
            "Zigbee2MQTT" if topic == DIALECTS[dialect][1] else f"Zigbee2MQTT {topic}"
        )
    name = message.get(CONF_NAME)
    if not isinstance(version, int) or not isinstance(name, str) or not name:
        raise ValueError("not_a_gateway")
    if version != PROTOCOL_VERSION:
        raise ValueError("unsupported_version")
    return name
