"""Adding a gateway, and the thresholds of its kinds of device."""

import asyncio
from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.components import mqtt
from homeassistant.components.mqtt.models import ReceiveMessage
from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlow,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import selector
from homeassistant.helpers.service_info.mqtt import MqttServiceInfo
from homeassistant.util.json import JSON_DECODE_EXCEPTIONS, json_loads_object

from .catalogue import DEVICE_KINDS, DeviceKind
from .const import CONF_DIALECT, CONF_THRESHOLDS, CONF_TOPIC, DOMAIN
from .gateways.base import GatewayConfigEntry

#: Per dialect: the retained topic by which a gateway is recognised, and a default.
DIALECTS = {
    "native": ("gateway", "community_safety/gateway-1"),
    "zigbee2mqtt": ("bridge/info", "zigbee2mqtt"),
}
ANSWER_SECONDS = 5


class CommunitySafetyConfigFlow(ConfigFlow, domain=DOMAIN):
    """Add one gateway."""

    VERSION = 1

    def __init__(self) -> None:
        """Initialize."""
        self._dialect = ""
        self._topic = ""
        self._title = ""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: GatewayConfigEntry) -> OptionsFlow:
        return ThresholdsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the devices are reached."""
        return self.async_show_menu(step_id="user", menu_options=list(DIALECTS))

    async def async_step_native(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add a gateway that speaks our protocol."""
        return await self._async_step_topic("native", user_input)

    async def async_step_zigbee2mqtt(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the devices of a Zigbee2MQTT."""
        return await self._async_step_topic("zigbee2mqtt", user_input)

    @override
    async def async_step_mqtt(
        self, discovery_info: MqttServiceInfo
    ) -> ConfigFlowResult:
        """Offer a gateway that was seen on the broker."""
        for dialect, (announcement, _default) in DIALECTS.items():
            if discovery_info.topic.endswith(f"/{announcement}"):
                self._dialect = dialect
                self._topic = discovery_info.topic.removesuffix(f"/{announcement}")
        await self.async_set_unique_id(f"mqtt/{self._topic}")
        self._abort_if_unique_id_configured()
        self._title = _title(self._dialect, self._topic, discovery_info.payload)
        self.context["title_placeholders"] = {CONF_NAME: self._title}
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user confirm a gateway that was found."""
        if user_input is not None:
            return self._create()
        self._set_confirm_only()
        return self.async_show_form(
            step_id="confirm", description_placeholders={CONF_NAME: self._title}
        )

    @override
    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Follow a gateway to another topic. Its devices and alarms stay the same."""
        entry = self._get_reconfigure_entry()
        dialect = entry.data[CONF_DIALECT]
        errors: dict[str, str] = {}
        if user_input is not None:
            topic = user_input[CONF_TOPIC].strip("/")
            errors, _payload = await _async_probe(self.hass, dialect, topic)
            others = self._async_current_entries(include_ignore=False)
            if any(
                other.data[CONF_TOPIC] == topic and other is not entry
                for other in others
            ):
                return self.async_abort(reason="already_configured")
            if not errors:
                return self.async_update_reload_and_abort(
                    entry, data_updates={CONF_TOPIC: topic}
                )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=_topic_schema(
                (user_input or entry.data)[CONF_TOPIC],
            ),
            errors=errors,
        )

    async def _async_step_topic(
        self, dialect: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        if not await mqtt.async_wait_for_mqtt_client(self.hass):
            return self.async_abort(reason="mqtt_not_ready")
        errors: dict[str, str] = {}
        if user_input is not None:
            self._dialect = dialect
            self._topic = user_input[CONF_TOPIC].strip("/")
            await self.async_set_unique_id(f"mqtt/{self._topic}")
            self._abort_if_unique_id_configured()
            errors, payload = await _async_probe(self.hass, dialect, self._topic)
            if not errors:
                self._title = _title(dialect, self._topic, payload)
                return self._create()
        return self.async_show_form(
            step_id=dialect,
            data_schema=_topic_schema(
                (user_input or {CONF_TOPIC: DIALECTS[dialect][1]})[CONF_TOPIC]
            ),
            errors=errors,
        )

    def _create(self) -> ConfigFlowResult:
        return self.async_create_entry(
            title=self._title,
            data={CONF_DIALECT: self._dialect, CONF_TOPIC: self._topic},
        )


class ThresholdsFlow(OptionsFlow):
    """Thresholds of a kind of device, for all devices of the gateway."""

    def __init__(self) -> None:
        """Initialize."""
        self._kind: DeviceKind | None = None

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose a kind of device."""
        return self.async_show_menu(step_id="init", menu_options=list(DEVICE_KINDS))

    def __getattr__(self, name: str) -> Any:
        """Give each kind of device its step."""
        kind = DEVICE_KINDS.get(name.removeprefix("async_step_"))
        if kind is None:
            raise AttributeError(name)

        async def step(user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
            return await self._async_step_kind(kind, user_input)

        return step

    async def _async_step_kind(
        self, kind: DeviceKind, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        options = self.config_entry.options
        chosen: Mapping[str, float] = options.get(CONF_THRESHOLDS, {}).get(kind.key, {})
        settings = kind.all_settings.values()
        if user_input is not None:
            changed = {
                row.key: user_input[row.key]
                for row in settings
                if user_input[row.key] != row.default
            }
            return self.async_create_entry(
                data={
                    **options,
                    CONF_THRESHOLDS: {
                        **options.get(CONF_THRESHOLDS, {}),
                        kind.key: changed,
                    },
                }
            )
        return self.async_show_form(
            step_id=kind.key,
            data_schema=vol.Schema(
                {
                    vol.Required(
                        row.key, default=chosen.get(row.key, row.default)
                    ): selector.NumberSelector(
                        selector.NumberSelectorConfig(
                            min=row.low,
                            max=row.high,
                            step=row.step,
                            unit_of_measurement=row.unit,
                            mode=selector.NumberSelectorMode.BOX,
                        )
                    )
                    for row in settings
                }
            ),
        )


def _topic_schema(default: str) -> vol.Schema:
    return vol.Schema({vol.Required(CONF_TOPIC, default=default): str})


def _title(dialect: str, topic: str, payload: Any) -> str:
    """Return the name that a gateway gives itself, else one from its topic."""
    if dialect == "native":
        try:
            name = json_loads_object(payload).get(CONF_NAME)
        except JSON_DECODE_EXCEPTIONS:
            name = None
        if isinstance(name, str) and name:
            return name
        return topic.rpartition("/")[2]
    return "Zigbee2MQTT" if topic == DIALECTS[dialect][1] else f"Zigbee2MQTT {topic}"


async def _async_probe(
    hass: HomeAssistant, dialect: str, topic: str
) -> tuple[dict[str, str], Any]:
    """Return errors for the form, or the announcement of the gateway at a topic."""
    try:
        mqtt.util.valid_publish_topic(topic)
    except vol.Invalid:
        return {CONF_TOPIC: "invalid_topic"}, None
    heard: asyncio.Future[Any] = hass.loop.create_future()

    @callback
    def receive(message: ReceiveMessage) -> None:
        if message.payload and not heard.done():
            heard.set_result(message.payload)

    unsubscribe = await mqtt.async_subscribe(
        hass, f"{topic}/{DIALECTS[dialect][0]}", receive, qos=1, encoding=None
    )
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return {}, await heard
    except TimeoutError:
        return {"base": "no_gateway"}, None
    finally:
        unsubscribe()
