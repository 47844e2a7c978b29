"""A gateway on Home Assistant's MQTT integration, whatever its dialect."""

from abc import abstractmethod
from typing import Any, override

from homeassistant.components import mqtt
from homeassistant.components.mqtt.models import ReceiveMessage
from homeassistant.core import callback
from homeassistant.exceptions import ConfigEntryNotReady, HomeAssistantError
from homeassistant.helpers.json import json_dumps

from ..const import CONF_TOPIC, DOMAIN
from ..core.device import SafetyDevice
from .base import CommandError, Gateway
from .messages import ITSELF, UNKNOWN


class MqttGateway(Gateway):
    """Subscribes below one topic, and knows if the broker and the bridge are there.

    A dialect says what its topics are, and what a message means.
    """

    #: Topics below the base topic, with their QoS.
    subscriptions: tuple[tuple[str, int], ...]

    @property
    def base_topic(self) -> str:
        """Return the topic below which everything happens."""
        return str(self.entry.data[CONF_TOPIC])

    @override
    async def async_start(self) -> None:
        if not await mqtt.async_wait_for_mqtt_client(self.hass):
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN, translation_key="mqtt_not_ready"
            )
        self._bridge_online = False
        self.on_unload(
            mqtt.async_subscribe_connection_status(self.hass, self._link_changed)
        )
        for topic, qos in self.subscriptions:
            self.on_unload(
                await mqtt.async_subscribe(
                    self.hass,
                    f"{self.base_topic}/{topic}",
                    self._receive,
                    qos=qos,
                    encoding=None,
                )
            )

    @abstractmethod
    def receive(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take a message; `topic` is below the base topic. Raises ValueError."""

    @callback
    def set_bridge_online(self, online: bool) -> None:
        """Set what the bridge's own status says."""
        self._bridge_online = online
        self._link_changed()

    async def async_publish(
        self, device: SafetyDevice, topic: str, message: dict[str, Any]
    ) -> None:
        """Publish below the base topic, QoS 1. Raises CommandError.

        Without a connection nothing is published: the client would keep the message,
        and an old command must not arrive minutes later.
        """
        if not mqtt.is_connected(self.hass):
            raise CommandError(device, "not_connected", "the broker is away")
        try:
            await mqtt.async_publish(
                self.hass, f"{self.base_topic}/{topic}", json_dumps(message), qos=1
            )
        except HomeAssistantError as err:
            raise CommandError(device, "not_connected", str(err)) from err

    @override
    @callback
    def update_availability(self, device: SafetyDevice) -> None:
        was_available = device.available
        super().update_availability(device)
        if device.available and not was_available:
            # It may have lost its list meanwhile.
            self.house.credentials.look_again(device)

    @callback
    def _receive(self, message: ReceiveMessage) -> None:
        topic = message.topic[len(self.base_topic) + 1 :]
        try:
            self.receive(topic, message.payload, retained=message.retain)  # type: ignore[arg-type]
        except ValueError as err:
            device, slash, _ = topic.rpartition("/")
            who = device if device in self.devices else UNKNOWN if slash else ITSELF
            self.refuse(who, str(err))

    @callback
    def _link_changed(self, _connected: bool | None = None) -> None:
        if not mqtt.is_connected(self.hass):
            # It may be gone when the broker is back: its retained status tells.
            self._bridge_online = False
        self.set_connected(self._bridge_online)
