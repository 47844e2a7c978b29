"""What the flows of devices with a log-in of their own have in common."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from yarl import URL

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_PASSWORD
from homeassistant.helpers import selector

USERNAME = selector.TextSelector(selector.TextSelectorConfig(autocomplete="username"))
PASSWORD = selector.TextSelector(
    selector.TextSelectorConfig(
        type=selector.TextSelectorType.PASSWORD, autocomplete="current-password"
    )
)


#: What the texts of errors have room for, as long as there is none.
_NOTHING = {"heard": "", "left": "?", "minutes": "", "prefix": "", "reason": ""}


class LoginFlow(ConfigFlow):
    """A flow that asks for a log-in."""

    @property
    def asked_for(self) -> ConfigEntry:
        """Return the entry whose log-in was refused, or that somebody changes."""
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        return self._get_reconfigure_entry()

    def show_login(
        self,
        step: str,
        schema: vol.Schema,
        values: Mapping[str, Any],
        errors: dict[str, str],
        words: Mapping[str, str],
    ) -> ConfigFlowResult:
        """Show a form with what was entered, but for a password: it may be wrong, or ours.

        `words` are what its texts need, and those of its errors.
        """
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(
                schema,
                {key: value for key, value in values.items() if key != CONF_PASSWORD},
            ),
            errors=errors,
            description_placeholders={**_NOTHING, **words},
        )


def address(text: str) -> str:
    """Return an address as a URL; it may be below a path. Raises ValueError for what is none."""
    text = text.strip()
    url = URL(text if "://" in text else f"http://{text}")
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(text)
    if url.user or url.query_string or url.fragment:
        raise ValueError(text)
    return str(url).rstrip("/")


def origin(text: str) -> str:
    """Return an address without a path as a URL. Raises ValueError for what is none."""
    url = URL(address(text))
    if url.path not in ("", "/"):
        raise ValueError(text)
    return str(url.origin())
