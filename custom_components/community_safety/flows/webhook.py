"""Adding a webhook, and the devices that report to it."""

from collections.abc import Mapping
import secrets
from typing import Any

import voluptuous as vol

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, CONF_WEBHOOK_ID
from homeassistant.helpers import selector
from homeassistant.helpers.network import NoURLAvailableError

from ..const import CONF_DIALECT
from ..gateways.keys import CONF_KEY_HASH, CONF_LOCAL_ONLY, hash_of

WEBHOOK = "webhook"
KEY_BYTES = 32


class WebhookFlow(ConfigFlow):
    """Add a webhook, or change from where it is reached."""

    async def async_step_webhook(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Give it a name; its address is a secret that nobody chooses."""
        if user_input is not None:
            return self.async_create_entry(
                title=user_input[CONF_NAME],
                data={
                    CONF_DIALECT: WEBHOOK,
                    CONF_WEBHOOK_ID: webhook.async_generate_id(),
                    CONF_LOCAL_ONLY: user_input[CONF_LOCAL_ONLY],
                },
            )
        return self.async_show_form(
            step_id="webhook",
            data_schema=vol.Schema(
                {
                    vol.Required(CONF_NAME): selector.TextSelector(),
                    vol.Required(
                        CONF_LOCAL_ONLY, default=True
                    ): selector.BooleanSelector(),
                }
            ),
        )

    async def async_step_reconfigure_webhook(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change from where it is reached."""
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            return self.async_update_reload_and_abort(
                entry, data_updates=user_input, reason="webhook_changed"
            )
        return self.async_show_form(
            step_id="reconfigure_webhook",
            data_schema=vol.Schema(
                {
                    vol.Required(
                        CONF_LOCAL_ONLY, default=entry.data[CONF_LOCAL_ONLY]
                    ): selector.BooleanSelector()
                }
            ),
        )


class WebhookDeviceFlow(ConfigSubentryFlow):
    """Give a device a key, or a new one. Only its hash is kept."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._name = ""
        self._key = secrets.token_urlsafe(KEY_BYTES)

    async def async_step_user(
        self, user_input: Mapping[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Name the device."""
        if user_input is not None:
            self._name = user_input[CONF_NAME]
            return await self.async_step_key()
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema({vol.Required(CONF_NAME): selector.TextSelector()}),
        )

    async def async_step_reconfigure(
        self, user_input: Mapping[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Give it a new key: the old one counts no more."""
        self._name = self._get_reconfigure_subentry().title
        return await self.async_step_key()

    async def async_step_key(
        self, user_input: Mapping[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the key, this once."""
        if user_input is None:
            return self.async_show_form(
                step_id="key",
                data_schema=vol.Schema({}),
                description_placeholders={
                    "device": self._name,
                    "key": self._key,
                    "url": self._url(),
                },
            )
        data = {CONF_KEY_HASH: hash_of(self._key)}
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), data=data
            )
        return self.async_create_entry(title=self._name, data=data)

    def _url(self) -> str:
        data = self._get_entry().data
        webhook_id = data[CONF_WEBHOOK_ID]
        try:
            # What comes from outside is refused by one for the local network.
            return webhook.async_generate_url(
                self.hass, webhook_id, allow_external=not data[CONF_LOCAL_ONLY]
            )
        except NoURLAvailableError:
            return webhook.async_generate_path(webhook_id)
