"""Adding a Vzenith camera: hear it speak, and say how its barrier is wired."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import callback
from homeassistant.helpers import selector
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.importlib import async_import_module

from ..const import (
    CONF_ARM_INPUT,
    CONF_CLOSE_OUTPUT,
    CONF_DIALECT,
    CONF_DIRECTION,
    CONF_OPEN_OUTPUT,
    CONF_SERIAL,
    CONF_TOPIC,
    DOMAIN,
)
from .login import PASSWORD, USERNAME, LoginFlow, origin
from .topics import async_mqtt

if TYPE_CHECKING:
    from homeassistant.components.mqtt.models import ReceiveMessage

VZENITH = "vzenith"
#: What it needs of the cameras' pages is imported by who adds one.
_PACKAGE = f"custom_components.{DOMAIN}.gateways.{VZENITH}"
#: A camera beats every ten seconds.
HEARD_SECONDS = 12
_DIRECTIONS = ("both", "in", "out")

_PORT = selector.NumberSelector(
    selector.NumberSelectorConfig(min=0, max=3, mode=selector.NumberSelectorMode.BOX)
)
_WIRING = {
    vol.Required(CONF_DIRECTION, default="both"): selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=list(_DIRECTIONS), translation_key="gate_direction"
        )
    ),
    vol.Required(CONF_OPEN_OUTPUT, default=0): _PORT,
    vol.Optional(CONF_CLOSE_OUTPUT): _PORT,
    vol.Optional(CONF_ARM_INPUT): _PORT,
    vol.Optional(CONF_URL): selector.TextSelector(),
    vol.Optional(CONF_USERNAME): USERNAME,
    vol.Optional(CONF_PASSWORD): PASSWORD,
}
_PORTS = (CONF_OPEN_OUTPUT, CONF_CLOSE_OUTPUT, CONF_ARM_INPUT)
_SCHEMA = vol.Schema({vol.Required(CONF_SERIAL): selector.TextSelector(), **_WIRING})


class VzenithFlow(LoginFlow):
    """The steps of a Vzenith camera."""

    async def async_step_vzenith(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which camera, and how its barrier is wired; it must be heard."""
        await async_mqtt(self.hass)
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            serial = user_input[CONF_SERIAL].strip().lower()
            await self.async_set_unique_id(
                f"{VZENITH}/{serial}", raise_on_progress=False
            )
            self._abort_if_unique_id_configured()
            data, errors, words = await self._async_wired(user_input, {})
            if not errors:
                heard = await self._async_hear(serial)
                if layout := heard.get(serial):
                    return self.async_create_entry(
                        title=f"Vzenith {serial}",
                        data={
                            CONF_DIALECT: VZENITH,
                            **data,
                            CONF_SERIAL: serial,
                            CONF_TOPIC: layout,
                        },
                    )
                errors = {CONF_SERIAL: "vzenith_not_heard"}
                words = {"heard": ", ".join(sorted(heard)) or "–"}
        return self.show_login(VZENITH, _SCHEMA, user_input or {}, errors, words)

    async def async_step_reconfigure_vzenith(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say anew how the barrier is wired, and where the pages are."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            data, errors, words = await self._async_wired(user_input, entry.data)
            if not errors:
                kept = {key: entry.data[key] for key in (CONF_SERIAL, CONF_TOPIC)}
                return self.async_update_reload_and_abort(
                    entry, data={CONF_DIALECT: VZENITH, **data, **kept}
                )
        return self.show_login(
            "reconfigure_vzenith",
            vol.Schema(_WIRING),
            user_input or entry.data,
            errors,
            {"device": entry.title, **words},
        )

    async def _async_wired(
        self, user_input: Mapping[str, Any], known: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
        """Return what to keep; or the errors for the form, and what they need.

        A password that is not entered anew stays that of the same pages.
        """
        data = {
            key: int(value) if key in _PORTS else value
            for key, value in user_input.items()
        }
        if data.get(CONF_CLOSE_OUTPUT) == data[CONF_OPEN_OUTPUT]:
            return data, {CONF_CLOSE_OUTPUT: "vzenith_same_output"}, {}
        if not data.get(CONF_URL):
            for key in (CONF_URL, CONF_USERNAME, CONF_PASSWORD):
                data.pop(key, None)
            return data, {}, {}
        try:
            data[CONF_URL] = origin(str(data[CONF_URL]))
        except ValueError:
            return data, {CONF_URL: "isapi_address"}, {}
        if (
            self.source == SOURCE_RECONFIGURE
            and CONF_PASSWORD not in data
            and all(
                data.get(key) == known.get(key) for key in (CONF_URL, CONF_USERNAME)
            )
        ):
            data[CONF_PASSWORD] = known[CONF_PASSWORD]
        if not data.get(CONF_USERNAME) or not data.get(CONF_PASSWORD):
            return data, {"base": "vzenith_login_missing"}, {}
        pages = await async_import_module(self.hass, f"{_PACKAGE}.web")
        web = pages.Web(
            async_get_clientsession(self.hass, verify_ssl=False),
            data[CONF_URL],
            data[CONF_USERNAME],
            data[CONF_PASSWORD],
        )
        try:
            await web.count()
        except pages.LoginError:
            return data, {"base": "vzenith_login"}, {}
        except pages.WebError as err:
            return data, {"base": "vzenith_pages"}, {"reason": str(err)}
        return data, {}, {}

    async def _async_hear(self, serial: str) -> dict[str, str]:
        """Listen until a camera speaks; return what its topics begin with, and others'."""
        mqtt = await async_mqtt(self.hass)
        words = await async_import_module(self.hass, f"{_PACKAGE}.words")
        heard: dict[str, str] = {}
        is_there = asyncio.Event()

        @callback
        def receive(message: ReceiveMessage) -> None:
            try:
                found = words.unpack(message.payload)["sn"]
            except ValueError:
                return
            if message.retain or not words.SERIAL.fullmatch(found):
                return
            heard[found] = message.topic.partition("/message/")[0]
            if found == serial:
                is_there.set()

        undo = [
            await mqtt.async_subscribe(self.hass, topic, receive, qos=0, encoding=None)
            for topic in words.ANY_CAMERA
        ]
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                await is_there.wait()
        except TimeoutError:
            pass
        finally:
            for item in undo:
                item()
        return heard
