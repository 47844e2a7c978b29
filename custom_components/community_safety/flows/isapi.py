"""Adding a Hikvision terminal: where it is, and as whom we log in to it."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.helpers import selector
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..const import CONF_DIALECT, CONF_DOORS, CONF_REFUSED
from ..gateways.isapi.terminal import (
    LockedError,
    LoginError,
    RefusedError,
    Terminal,
    TerminalError,
    rows,
)
from .login import PASSWORD, USERNAME, LoginFlow, origin

ISAPI = "isapi"

_LOGIN = {
    vol.Required(CONF_USERNAME): USERNAME,
    vol.Required(CONF_PASSWORD): PASSWORD,
}
_SCHEMA = vol.Schema({vol.Required(CONF_URL): selector.TextSelector(), **_LOGIN})


class IsapiFlow(LoginFlow):
    """The steps of a Hikvision terminal."""

    async def async_step_isapi(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where it is; it says itself who it is."""
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            data, info, errors, words = await self._async_log_in(user_input)
            if not errors:
                await self.async_set_unique_id(
                    f"{ISAPI}/{info['serialNumber']}", raise_on_progress=False
                )
                self._abort_if_unique_id_configured()
                return self.async_create_entry(
                    title=str(info.get("model") or "Hikvision"),
                    data={CONF_DIALECT: ISAPI, **data},
                )
        return self.show_login(
            ISAPI, _SCHEMA, user_input or {CONF_USERNAME: "admin"}, errors, words
        )

    async def async_step_reconfigure_isapi(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Follow a terminal to another address, or see which doors it has now."""
        return await self._async_change_isapi("reconfigure_isapi", _SCHEMA, user_input)

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for another log-in, because that which we have was refused."""
        schema = vol.Schema(_LOGIN)
        return await self._async_change_isapi("reauth_confirm", schema, user_input)

    async def _async_change_isapi(
        self, step: str, schema: vol.Schema, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Try what was entered, and take it if it is the same terminal that lets us in."""
        entry, known = self.asked_for, self.asked_for.data
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            data, info, errors, words = await self._async_log_in(
                {CONF_URL: known[CONF_URL], **user_input}
            )
            if not errors and entry.unique_id != f"{ISAPI}/{info['serialNumber']}":
                errors = {"base": "isapi_another"}
            if not errors:
                return self.async_update_reload_and_abort(
                    entry, data_updates={**data, CONF_REFUSED: False}
                )
        values = user_input or {key: known[key] for key in (CONF_URL, CONF_USERNAME)}
        return self.show_login(
            step, schema, values, errors, {"device": entry.title, **words}
        )

    async def _async_log_in(
        self, user_input: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, str], dict[str, str]]:
        """Try a log-in, once.

        Returns what to keep and what the terminal says of itself; or the errors for the
        form, and what they need.
        """
        data = dict(user_input)
        try:
            data[CONF_URL] = origin(user_input[CONF_URL])
        except ValueError:
            return {}, {}, {CONF_URL: "isapi_address"}, {}
        terminal = Terminal(
            async_get_clientsession(self.hass, verify_ssl=False),
            data[CONF_URL],
            data[CONF_USERNAME],
            data[CONF_PASSWORD],
        )
        error, words = "", {}
        info: dict[str, Any] = {}
        try:
            info = await terminal.get("System/deviceInfo")
            status = await terminal.get("AccessControl/AcsWorkStatus")
            data[CONF_DOORS] = len(rows(status.get("doorLockStatus")))
            if not data[CONF_DOORS] or not info.get("serialNumber"):
                error = "isapi_no_doors"
        except LockedError as err:
            error, words = "isapi_locked", {"minutes": f"{-(-err.seconds // 60):.0f}"}
        except LoginError as err:
            left = "?" if err.left is None else str(err.left)
            error, words = "isapi_login", {"left": left}
        except RefusedError as err:
            error = (
                "isapi_not_activated" if err.says("notActivated") else "isapi_no_doors"
            )
        except TerminalError as err:
            error, words = "isapi_no_answer", {"reason": str(err)}
        return data, info, {"base": error} if error else {}, words
