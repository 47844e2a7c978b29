"""Fields of people, and what the forms that ask for people have in common."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.components.http import KEY_HASS_USER
from homeassistant.components.websocket_api import current_connection
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import selector
from homeassistant.helpers.http import current_request

from .app.application import Application, application_of
from .app.tenancy import ChangedMeanwhileError
from .app.work import Command
from .const import LANGUAGES
from .labels import async_labels, async_select, async_viewer_language
from .register import default_language as language_of, queries
from .register.addresses import KINDS, PHONE_CHANNELS, by_kind
from .register.households import HOUSEHOLD, LEASE
from .register.models import Person
from .register.people import quiet_of

FIELDS: dict[str, selector.Selector[Any]] = {
    "name": selector.TextSelector(),
    **{kind.key: selector.selector(dict(kind.selector)) for kind in KINDS},
    "channels": selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[channel.value for channel in PHONE_CHANNELS],
            multiple=True,
            translation_key="channels",
        )
    ),
    "language": selector.LanguageSelector(
        selector.LanguageSelectorConfig(languages=list(LANGUAGES), native_name=True)
    ),
    "quiet_from": selector.TimeSelector(),
    "quiet_until": selector.TimeSelector(),
    "start": selector.DateSelector(),
    "end": selector.DateSelector(),
    "left_on": selector.DateSelector(),
}
#: The error of who has not seen what is there now.
CHANGED = "person_changed"
#: A number is for all uses if nobody says otherwise.
_DEFAULTS = {"channels": [str(channel) for channel in PHONE_CHANNELS]}


def person_schema(keys: Iterable[str], required: Iterable[str] = ()) -> vol.Schema:
    """Return the form of a person."""
    return vol.Schema(
        {
            (vol.Required if key in required else vol.Optional)(
                key, default=_DEFAULTS.get(key, vol.UNDEFINED)
            ): FIELDS[key]
            for key in keys
        }
    )


async def async_household_selector(hass: HomeAssistant) -> selector.ObjectSelector:
    """Return the list of tenants, each with a lease."""
    channels = await async_select(hass, PHONE_CHANNELS, "channels")
    fields = {**FIELDS, "channels": channels}
    return selector.ObjectSelector(
        selector.ObjectSelectorConfig(
            multiple=True,
            label_field="name",
            translation_key="tenants",
            fields={
                key: {"selector": fields[key], "required": key == "name"}
                if key not in _DEFAULTS
                else {"selector": fields[key], "default": _DEFAULTS[key]}
                for key in (*HOUSEHOLD, *LEASE)
            },
        )
    )


def shown(person: Person, keys: Iterable[str]) -> dict[str, Any]:
    """Return what a form with these fields shows of a person: of some addresses a mask.

    What is shown in their place and comes back means the one that is known.
    """
    quiet = [hour.isoformat() for hour in quiet_of(person) if hour]
    used = {row.channel for row in person.addresses}
    values: dict[str, Any] = {
        "name": person.name,
        "language": person.language,
        "channels": [channel.value for channel in PHONE_CHANNELS if channel in used],
        **dict(zip(("quiet_from", "quiet_until"), quiet, strict=False)),
    }
    for kind, target in by_kind(person.addresses):
        values.setdefault(kind.key, kind.hide(target))
    return {key: values[key] for key in keys if values.get(key)}


def default_language(hass: HomeAssistant) -> str:
    """Return the language for somebody of whom none is known."""
    return language_of(hass.config.language)


def current_user() -> str | None:
    """Return the id of the user at the browser; a flow itself does not know."""
    if connection := current_connection.get():
        return str(connection.user.id)
    request = current_request.get()
    user: User | None = request.get(KEY_HASS_USER) if request else None
    return user.id if user else None


async def async_changes(hass: HomeAssistant, err: ChangedMeanwhileError) -> str:
    """Return what has changed meanwhile, in the language of who looks."""
    language = await async_viewer_language(hass)
    labels = await async_labels(hass, "lease_change", language)
    lines = [
        f"{row.name}: {label}" if row.name else label
        for row in err.differences
        if (label := labels.get(row.what, row.what))
    ]
    return "\n".join(f"- {line}" for line in lines)


def loaded_application(hass: HomeAssistant, entry: ConfigEntry) -> Application:
    """Return the property of a form. Raises AbortFlow if it is not loaded."""
    if entry.state is not ConfigEntryState.LOADED:
        raise AbortFlow("entry_not_loaded")
    return application_of(hass, entry.entry_id)


@dataclass(frozen=True, slots=True)
class Row:
    """What of a form becomes its subentry: nothing personal."""

    title: str
    data: dict[str, Any]
    key: str


class RegisterFlow(ConfigSubentryFlow):
    """A subentry whose people go into the register, and nowhere else."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add one."""
        self._application()
        if user_input is None:
            return await self._async_show("user", None, {})
        row = await self._async_row(user_input, None)
        errors = await self._async_store(f"{queries.PENDING}{row.key}", user_input)
        if errors:
            return await self._async_show("user", user_input, errors)
        return self.async_create_entry(
            title=row.title, data=row.data, unique_id=row.key
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change one. To show its people is a read of personal data."""
        self._application()
        subentry = self._get_reconfigure_subentry()
        if user_input is None:
            return await self._async_show_known(subentry, {})
        row = await self._async_row(user_input, subentry.unique_id)
        errors = await self._async_store(subentry.subentry_id, user_input)
        if CHANGED in errors.values():
            # What is there now, and not what was entered for something else.
            return await self._async_show_known(subentry, errors)
        if errors:
            return await self._async_show("reconfigure", user_input, errors)
        result = self.async_update_and_abort(
            self._get_entry(),
            subentry,
            title=row.title,
            data=row.data,
            unique_id=row.key,
        )
        # Where only people have changed, the entry has not, and nobody else would tell.
        await self._application().register.async_sync()
        return result

    async def _async_show_known(
        self, subentry: ConfigSubentry, errors: dict[str, str]
    ) -> SubentryFlowResult:
        try:
            values = await self._async_read(subentry.subentry_id)
        except HomeAssistantError as err:
            return self.async_abort(reason=err.translation_key or "failed")
        return await self._async_show(
            "reconfigure", {**subentry.data, **values}, errors
        )

    @abstractmethod
    async def _async_row(self, user_input: Mapping[str, Any], key: str | None) -> Row:
        """Return the subentry of a form, whose unique id has been `key`."""

    @abstractmethod
    def _save(self, key: str, user_input: Mapping[str, Any]) -> Command[str]:
        """Return the command that writes the people of a form."""

    @abstractmethod
    async def _async_read(self, key: str) -> Mapping[str, Any]:
        """Return the people for a form. Raises RegisterError."""

    @abstractmethod
    async def _async_schema(self) -> vol.Schema:
        """Return the form."""

    async def _async_show(
        self, step: str, values: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(
                await self._async_schema(), values
            ),
            errors=errors,
        )

    async def _async_store(
        self, key: str, user_input: Mapping[str, Any]
    ) -> dict[str, str]:
        """Write the people of a form; return errors for it."""
        try:
            await self._application().async_fill(
                self._save(key, user_input), current_user()
            )
        except HomeAssistantError as err:
            return {"base": err.translation_key or "failed"}
        return {}

    def _application(self) -> Application:
        """Return the property. Raises AbortFlow if it is not loaded."""
        return loaded_application(self.hass, self._get_entry())
