"""Channels in the options of a property. Each can be tried before it is kept.

What is secret never goes back to the browser: an empty field means the one that is known.
"""

from collections.abc import Mapping
from typing import Any
import uuid

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import selector
from homeassistant.helpers.translation import async_get_translations

from ..app.application import DATA_APPLICATIONS
from ..app.dependents import About, Dependents, WhatDepends
from ..const import DOMAIN, LOGGER
from ..forms import current_user
from ..labels import async_viewer_language
from ..register import Audience, default_language
from ..register.addresses import KINDS, AddressKind
from ..storage.errors import RegisterError
from . import texts
from .channels import CLASSES, COMMON, PROVIDERS, chosen, settings_of
from .channels.base import Channel, Message, SendError
from .channels.setting import Setting
from .channels.webhook import Robots
from .const import ACTION_PREFIX, About as AlertAbout, Severity
from .models import Alert, Delivery
from .policies import reaching
from .runtime import engine_of

SAVE_ANYWAY = "save_anyway"
FORGET = "forget_secrets"


def _select(options: Any, key: str) -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[str(option) for option in options], translation_key=key
        )
    )


class ChannelFlow(OptionsFlow):
    """The part of the options that is about channels."""

    _channel = ""
    _provider = ""
    #: What has been entered and is right, and not stored yet.
    _entered: dict[str, Any] | None = None
    #: Why the last test has failed.
    _failed: str | None = None
    #: What the provider calls the test that it has taken.
    _reference = ""

    async def async_step_channel(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the channel, and then for its provider if there are several."""
        if user_input is not None:
            self._channel = user_input["channel"]
            self._entered = None
            if len(PROVIDERS[self._channel]) > 1:
                return await self.async_step_provider()
            self._provider = PROVIDERS[self._channel][0]
            return await self.async_step_channel_edit()
        return self._ask("channel", PROVIDERS)

    async def async_step_provider(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the provider; none takes the channel away."""
        if user_input is not None:
            self._provider = user_input["provider"]
            self._entered = None
            if self._provider == "none":
                return await self.async_step_channel_remove()
            return await self.async_step_channel_edit()
        known = settings_of(self.config_entry.options, self._channel).get("provider")
        return self._ask("provider", ("none", *PROVIDERS[self._channel]), known)

    async def async_step_channel_remove(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a channel away, once somebody has read whom it alone reaches."""
        application = self.hass.data[DATA_APPLICATIONS].get(self.config_entry.entry_id)
        if user_input is not None or application is None:
            return self._save(None)
        options = self.config_entry.options
        others = {
            audience: reaching(options, audience) - {self._channel}
            for audience in Audience
        }
        try:
            found = await application.async_fill(
                WhatDepends(About.CHANNEL, self._channel, others), current_user()
            )
        except RegisterError as err:
            return self.async_abort(reason=err.key)
        if found == Dependents():
            return self._save(None)
        return self.async_show_form(
            step_id="channel_remove",
            data_schema=vol.Schema({}),
            description_placeholders={
                "people": str(found.people),
                "duties": str(found.duties),
            },
        )

    async def async_step_channel_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for what a provider needs."""
        errors: dict[str, str] = {}
        if user_input is not None or not self._settings:
            entered = self._merged(user_input or {})
            if not (errors := self._wrong(entered)):
                self._entered = entered
                return await self.async_step_channel_test()
        # Alibaba's reports have to be set up in its console, and replies in Twilio's.
        is_alibaba = self._provider == "alibaba"
        engine = engine_of(self.hass, self.config_entry.entry_id)
        links = engine.links if engine else None
        placeholders = {
            "report_url": (links and links.report_url()) or "–",
            "answer_url": (links and links.answer_base()) or "–",
        }
        known = self._known()
        shown = {row.key: row.show(known.get(row.key)) for row in self._settings}
        return self.async_show_form(
            step_id="alibaba" if is_alibaba else "channel_edit",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(await self._async_fields(known)), user_input or shown
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_alibaba(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take what Alibaba Cloud needs."""
        return await self.async_step_channel_edit(user_input)

    async def async_step_channel_test(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Send a message to an address, if one is entered; what fails is not kept unasked."""
        errors: dict[str, str] = {}
        code = ""
        fields = self._recipients()
        if user_input is not None:
            given = {key: user_input[key] for key in fields if user_input.get(key)}
            if user_input.get(SAVE_ANYWAY) or not given:
                return self._save(self._entered)
            self._failed = None
            key = next(iter(given))
            try:
                to = self._parsed(key, given[key])
                code, reference = await self._async_send(to)
            except ServiceValidationError as err:
                errors[key] = err.translation_key or "failed"
            else:
                if not code:
                    self._reference = reference or "–"
                    return await self.async_step_channel_sent()
                self._failed = code
                errors["base"] = await self._async_said(code)
                fields[SAVE_ANYWAY] = selector.BooleanSelector()
        return self.async_show_form(
            step_id="channel_test",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Optional(key): field for key, field in fields.items()}),
                user_input or {},
            ),
            errors=errors,
            description_placeholders={"code": code},
        )

    async def async_step_channel_sent(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say that the provider has taken the test, and ask what now."""
        return self.async_show_menu(
            step_id="channel_sent",
            menu_options=["channel_save", "channel_test", "channel_edit"],
            description_placeholders={"reference": self._reference},
        )

    async def async_step_channel_save(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Keep what was entered, after a test that went through."""
        return self._save(self._entered)

    @property
    def _settings(self) -> tuple[Setting, ...]:
        return CLASSES[self._channel, self._provider].settings

    def _ask(self, field: str, options: Any, known: Any = None) -> ConfigFlowResult:
        schema = vol.Schema({vol.Required(field): _select(options, f"alert_{field}")})
        return self.async_show_form(
            step_id=field,
            data_schema=self.add_suggested_values_to_schema(schema, {field: known}),
        )

    def _known(self) -> Mapping[str, Any]:
        """Return what this provider was told; nothing of what another one was."""
        if self._entered is not None:
            return self._entered
        options = self.config_entry.options
        if chosen(options, self._channel) != self._provider:
            return {}
        return settings_of(options, self._channel)

    def _merged(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that are meant by what was entered."""
        known = self._known()
        if user_input.get(FORGET):
            known = {key: known[key] for key in known if key not in self._optional()}
        entered = {
            key: value.strip() if isinstance(value, str) else value
            for key, value in user_input.items()
        }
        merged = {
            row.key: row.merge(entered.get(row.key), known.get(row.key))
            for row in self._settings
        }
        return {
            **{key: known[key] for key in COMMON if key in known},
            "provider": self._provider,
            **{key: value for key, value in merged.items() if value},
        }

    def _wrong(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong in the settings of a provider, by field."""
        errors = {}
        for row in self._settings:
            if row.key in data:
                if key := row.wrong(self.hass, data[row.key]):
                    errors[row.key] = key
            elif row.required:
                errors[row.key] = "missing"
        return errors

    async def _async_fields(self, known: Mapping[str, Any]) -> dict[vol.Marker, Any]:
        language = await async_viewer_language(self.hass)
        fields: dict[vol.Marker, Any] = {
            (
                vol.Required
                if row.required and not (row.is_secret and known.get(row.key))
                else vol.Optional
            )(row.key): await row.async_selector(self.hass, language)
            for row in self._settings
        }
        if known.keys() & self._optional():
            fields[vol.Optional(FORGET)] = selector.BooleanSelector()
        return fields

    def _optional(self) -> set[str]:
        """Return the secrets that a provider can do without: an empty field keeps them."""
        return {row.key for row in self._settings if row.keeps and not row.required}

    # The test

    def _recipients(self) -> dict[str, selector.Selector[Any]]:
        """Return the fields in which a test's address is entered: of its kind, or a place."""
        if self._channel == "announce":
            return {"area": selector.AreaSelector()}
        if self._channel == "robot":
            rows = Robots(key="robots").show((self._entered or {}).get("robots"))
            options = [
                selector.SelectOptionDict(value=str(number), label=row["url"])
                for number, row in enumerate(rows)
            ]
            config = selector.SelectSelectorConfig(options=options)
            return {"robot": selector.SelectSelector(config)}
        return {
            key: selector.selector(dict(kind.selector))
            for key, kind in self._kinds().items()
        }

    def _kinds(self) -> dict[str, AddressKind]:
        return {kind.key: kind for kind in KINDS if self._channel in kind.channels}

    def _parsed(self, key: str, text: str) -> str:
        """Return an address as a channel takes it. Raises ServiceValidationError."""
        if kind := self._kinds().get(key):
            return kind.parse(text, self.hass.config.country) or ""
        return text

    async def _async_send(self, to: str) -> tuple[str, str | None]:
        """Send, and return why it failed, or nothing and the provider's reference.

        As an alarm would be: a template, an address or a menu that the provider does not
        take is found now. News follow where they have a template of their own.
        """
        options = self._entered or {}
        channel = CLASSES[self._channel, self._provider](self.hass, options)
        try:
            reference = await channel.async_send(self._message(to, channel))
            if options.get("news_template"):
                await channel.async_send(self._message(to, channel, is_news=True))
        except SendError as err:
            return err.reason, None
        except Exception as err:  # noqa: BLE001
            # Whatever it is, and without its text: that may hold a number.
            LOGGER.error("A test of %s failed: %s", self._channel, type(err).__name__)
            return "error", None
        return "", reference

    def _message(self, to: str, channel: Channel, *, is_news: bool = False) -> Message:
        """Return a test, whose buttons, link and keys are alive nowhere."""
        language = default_language(self.hass.config.language)
        text = texts.texts(language)
        place = self.config_entry.title
        alert = Alert(id=uuid.uuid4().hex, about=AlertAbout.PLACE)
        delivery = Delivery(id=uuid.uuid4().hex, alert_id=alert.id)
        engine = engine_of(self.hass, self.config_entry.entry_id)
        # Nobody answers for a place or a group.
        links = engine.links if engine and self._kinds() and not is_news else None
        button = f"{ACTION_PREFIX}_{links.token(delivery, 'button')}" if links else ""
        return Message(
            delivery_id=delivery.id,
            alert_id=alert.id,
            alarm_id=None,
            severity=Severity.MESSAGE if is_news else Severity.ALARM,
            hazard=None,
            drill=True,
            language=language,
            title=text["drill"] + text["test"]["title"].format(place=place),
            text=text["drill"] + text["test"]["body"].format(place=place),
            place=place,
            step=0,
            round=0,
            to=to,
            link=links.answer_url(delivery) if links else "",
            callback=links.callback_url(alert, delivery)
            if links and channel.wants_callback
            else "",
            receipt=links.token(delivery, "receipt") if links else "",
            buttons=tuple(
                (f"{button}_{answer}", answer, title)
                for answer, title in texts.buttons(alert, language)
                if links
            ),
        )

    async def _async_said(self, code: str) -> str:
        """Return the key of the words for a reason; another one is shown as it is."""
        found = await async_get_translations(self.hass, "en", "options", {DOMAIN})
        key = f"test_{code}"
        return key if f"component.{DOMAIN}.options.error.{key}" in found else "test"

    def _save(self, data: dict[str, Any] | None) -> ConfigFlowResult:
        options = self.config_entry.options
        channels = dict(options.get("channels", {}))
        channels.pop(self._channel, None)
        if data and (self._settings or data.keys() != {"provider"}):
            channels[self._channel] = data
        if engine := engine_of(self.hass, self.config_entry.entry_id):
            # Of what was kept all the same, the last that is known is that it fails.
            engine.tell_dead(self._channel, self._failed)
        return self.async_create_entry(data={**options, "channels": channels})
