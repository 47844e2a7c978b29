"""Adding a Frigate: its topic on the broker, and where and as whom it is asked over HTTP."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowResult
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.helpers import selector

from ..const import CONF_DIALECT, CONF_PERSONS, CONF_REFUSED, CONF_TOPIC
from ..gateways.frigate.server import FrigateError, LoginError, RefusedError, new_server
from .login import PASSWORD, USERNAME, LoginFlow, address
from .topics import TopicFlow, async_mqtt

FRIGATE = "frigate"
#: What Frigate's own documentation has in its examples.
DEFAULTS = {CONF_TOPIC: "frigate", CONF_URL: "http://frigate.local:5000"}

_LOGIN: dict[vol.Marker, Any] = {
    vol.Optional(CONF_USERNAME): USERNAME,
    vol.Optional(CONF_PASSWORD): PASSWORD,
}
_SERVER = {
    vol.Required(CONF_URL): selector.TextSelector(),
    **_LOGIN,
    vol.Required(CONF_PERSONS, default=True): selector.BooleanSelector(),
}
#: What nobody is asked for anew, where only the log-in is.
_KEPT = (CONF_URL, CONF_PERSONS)
_SCHEMA = vol.Schema({vol.Required(CONF_TOPIC): selector.TextSelector(), **_SERVER})
_FOUND = vol.Schema(_SERVER)


class FrigateFlow(TopicFlow, LoginFlow):
    """The steps of a Frigate."""

    async def async_step_frigate(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where it is, on the broker and over HTTP."""
        await async_mqtt(self.hass)
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            self._dialect, self._topic = FRIGATE, user_input[CONF_TOPIC].strip("/ ")
            await self._async_claim_topic()
            data, errors, words = await self._async_try(user_input)
            if not errors:
                return self._create_frigate(data)
        return self.show_login(FRIGATE, _SCHEMA, user_input or DEFAULTS, errors, words)

    async def async_step_found_frigate(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the rest of one that was seen on the broker."""
        # Another gateway may have been moved here since this one was found.
        self._async_abort_entries_match({CONF_TOPIC: self._topic})
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            data, errors, words = await self._async_try(user_input)
            if not errors:
                return self._create_frigate(data)
        words = {"topic": self._topic, **words}
        return self.show_login(
            "found_frigate", _FOUND, user_input or DEFAULTS, errors, words
        )

    def _create_frigate(self, data: Mapping[str, Any]) -> ConfigFlowResult:
        return self.async_create_entry(
            title=self._title, data={CONF_DIALECT: FRIGATE, **data}
        )

    async def async_step_reconfigure_frigate(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Follow it to another topic or address. Its cameras and alarms stay the same."""
        step = "reconfigure_frigate"
        return await self._async_change_frigate(step, _SCHEMA, user_input)

    async def async_step_reauth_frigate(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for another log-in, because that which we have was refused."""
        schema = vol.Schema(_LOGIN)
        return await self._async_change_frigate("reauth_frigate", schema, user_input)

    async def _async_change_frigate(
        self, step: str, schema: vol.Schema, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        entry, known = self.asked_for, self.asked_for.data
        is_reauth = self.source == SOURCE_REAUTH
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            kept = {key: known[key] for key in _KEPT if key in known}
            entered = {**kept, **user_input}
            if not is_reauth and _is_same(known, entered):
                # It is not shown, so it need not be entered anew.
                entered.setdefault(CONF_PASSWORD, known.get(CONF_PASSWORD))
            topic = user_input.get(CONF_TOPIC, known[CONF_TOPIC])
            self._dialect, self._topic = FRIGATE, topic.strip("/ ")
            if self._topic != known[CONF_TOPIC]:
                self._async_abort_entries_match({CONF_TOPIC: self._topic})
            data, errors, words = await self._async_try(entered, listen=not is_reauth)
            if not errors:
                return self.async_update_reload_and_abort(
                    entry, data={CONF_DIALECT: FRIGATE, **data, CONF_REFUSED: False}
                )
        return self.show_login(
            step, schema, user_input or known, errors, {"device": entry.title, **words}
        )

    async def _async_try(
        self, user_input: Mapping[str, Any], *, listen: bool = True
    ) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
        """Try what was entered: both ways must lead to one Frigate.

        Returns what to keep; or the errors for the form, and what they need.
        """
        # What is left empty is not there.
        data = {
            key: value for key, value in user_input.items() if value not in ("", None)
        }
        data[CONF_TOPIC] = self._topic
        try:
            data[CONF_URL] = address(data[CONF_URL])
        except ValueError:
            return {}, {CONF_URL: "frigate_address"}, {}
        if listen and (errors := await self._async_probe()):
            return {}, errors, {}
        server = new_server(self.hass, data)
        error, words = "", {}
        try:
            config = await server.get("config")
            prefix = config["mqtt"].get("topic_prefix", DEFAULTS[CONF_TOPIC])
            if prefix != self._topic:
                error, words = "frigate_another", {"prefix": str(prefix)}
            elif not config["cameras"]:
                error = "frigate_no_cameras"
        except LoginError:
            error = "frigate_login"
        except RefusedError, AttributeError, KeyError, TypeError:
            error = "frigate_no_frigate"
        except FrigateError as err:
            error, words = "frigate_no_answer", {"reason": str(err)}
        finally:
            server.close()
        return data, {"base": error} if error else {}, words


def _is_same(known: Mapping[str, Any], entered: Mapping[str, Any]) -> bool:
    """Return if the same user logs in at the same place."""
    try:
        place = address(entered[CONF_URL])
    except ValueError:
        return False
    return place == known[CONF_URL] and (
        entered.get(CONF_USERNAME) == known.get(CONF_USERNAME)
    )
