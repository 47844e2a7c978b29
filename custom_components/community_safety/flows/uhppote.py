"""Adding UHPPOTE boards: find them, or enter their addresses, and hear each answer."""

import asyncio
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_PROTOCOL
from homeassistant.helpers import selector
from homeassistant.helpers.importlib import async_import_module

from ..const import CONF_BOARDS, CONF_DIALECT, CONF_EVENT_PORT, DOMAIN

UHPPOTE = "uhppote"
#: It has a library of its own, which is imported by who needs it.
BOARD = f"custom_components.{DOMAIN}.gateways.uhppote.board"

CONF_ADDRESSES = "addresses"


class UhppoteFlow(ConfigFlow):
    """The steps of UHPPOTE boards."""

    async def async_step_uhppote(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where the boards are; those that answer in the own network are proposed."""
        board = await async_import_module(self.hass, BOARD)
        errors: dict[str, str] = {}
        missing = ""
        if user_input is not None:
            port = int(user_input[CONF_EVENT_PORT])
            # Who has left a form behind may begin anew.
            await self.async_set_unique_id(f"{UHPPOTE}/{port}", raise_on_progress=False)
            self._abort_if_unique_id_configured()
            boards, errors, missing = await self._async_identify(user_input, {})
            if not errors:
                return self.async_create_entry(
                    title="UHPPOTE",
                    data={
                        CONF_DIALECT: UHPPOTE,
                        CONF_PROTOCOL: user_input[CONF_PROTOCOL],
                        CONF_EVENT_PORT: port,
                        CONF_BOARDS: boards,
                    },
                )
        values = user_input or {CONF_ADDRESSES: await board.async_search()}
        schema = _SCHEMA.extend(
            {
                vol.Required(
                    CONF_EVENT_PORT, default=board.EVENT_PORT
                ): selector.NumberSelector(
                    selector.NumberSelectorConfig(
                        min=1, max=65535, mode=selector.NumberSelectorMode.BOX
                    )
                )
            }
        )
        return self.async_show_form(
            step_id=UHPPOTE,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={"missing": missing},
        )

    async def async_step_reconfigure_uhppote(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add boards, take some away, or follow them to other addresses."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        missing = ""
        known: Mapping[str, str] = entry.data[CONF_BOARDS]
        if user_input is not None:
            # One that is off just now stays where it is.
            boards, errors, missing = await self._async_identify(
                user_input, {address: serial for serial, address in known.items()}
            )
            if not errors:
                return self.async_update_reload_and_abort(
                    entry,
                    data_updates={
                        CONF_PROTOCOL: user_input[CONF_PROTOCOL],
                        CONF_BOARDS: boards,
                    },
                )
        values = user_input or {**entry.data, CONF_ADDRESSES: list(known.values())}
        return self.async_show_form(
            step_id="reconfigure_uhppote",
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, values),
            errors=errors,
            description_placeholders={"missing": missing},
        )

    async def _async_identify(
        self, user_input: Mapping[str, Any], known: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, str], str]:
        """Return the addresses of the boards by serial number, and errors for the form.

        The last is which addresses those are about.
        """
        board = await async_import_module(self.hass, BOARD)
        try:
            addresses = [_address(text) for text in user_input[CONF_ADDRESSES]]
        except ValueError:
            addresses = []
        if not addresses:
            return {}, {CONF_ADDRESSES: "uhppote_address"}, ""
        found = await asyncio.gather(
            *(
                board.async_identify(address, user_input[CONF_PROTOCOL])
                for address in addresses
            ),
            return_exceptions=True,
        )
        boards: dict[str, str] = {}
        missing: list[str] = []
        for address, answer in zip(addresses, found, strict=True):
            if isinstance(answer, int):
                boards[str(answer)] = address
            elif isinstance(answer, board.BoardError):
                if serial := known.get(address):
                    boards.setdefault(serial, address)
                else:
                    missing.append(address)
            else:
                raise answer
        if missing:
            return {}, {"base": "uhppote_no_answer"}, ", ".join(missing)
        others = {
            serial
            for entry in self._async_current_entries(include_ignore=False)
            if entry.data.get(CONF_DIALECT) == UHPPOTE
            and entry.unique_id != self._own_id
            for serial in entry.data[CONF_BOARDS]
        }
        if taken := others & boards.keys():
            return {}, {"base": "uhppote_taken"}, ", ".join(sorted(taken))
        return boards, {}, ""

    @property
    def _own_id(self) -> str | None:
        """Return the unique id of the gateway that is added or changed."""
        if self.source == SOURCE_RECONFIGURE:
            return self._get_reconfigure_entry().unique_id
        return self.unique_id


def _address(text: str) -> str:
    """Return an address with its port. Raises ValueError for what is none."""
    host, _, port = text.strip().partition(":")
    number = int(port) if port else 60000
    if not 0 < number < 65536:
        raise ValueError(text)
    return f"{IPv4Address(host)}:{number}"


_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_ADDRESSES): selector.TextSelector(
            selector.TextSelectorConfig(multiple=True)
        ),
        vol.Required(CONF_PROTOCOL, default="udp"): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=["udp", "tcp"], translation_key="uhppote_protocol"
            )
        ),
    }
)
