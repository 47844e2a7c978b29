"""Fields of people, for every form that asks for one."""

from collections.abc import Iterable, Mapping
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.components.http import KEY_HASS_USER
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryFlow
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers import selector
from homeassistant.helpers.http import current_request

from .const import LANGUAGES, Channel
from .register import Register
from .register.models import Person
from .register.people import PHONE_CHANNELS, mask

FIELDS: dict[str, selector.Selector[Any]] = {
    "name": selector.TextSelector(),
    "phone": selector.TextSelector(
        selector.TextSelectorConfig(type=selector.TextSelectorType.TEL)
    ),
    "channels": selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[channel.value for channel in PHONE_CHANNELS],
            multiple=True,
            translation_key="channels",
        )
    ),
    "push": selector.DeviceSelector(
        selector.DeviceSelectorConfig(integration="mobile_app")
    ),
    "email": selector.TextSelector(
        selector.TextSelectorConfig(type=selector.TextSelectorType.EMAIL)
    ),
    "notify": selector.EntitySelector(
        selector.EntitySelectorConfig(domain=["notify", "script"])
    ),
    "webhook": selector.TextSelector(
        selector.TextSelectorConfig(type=selector.TextSelectorType.URL)
    ),
    "language": selector.LanguageSelector(
        selector.LanguageSelectorConfig(languages=list(LANGUAGES))
    ),
    "quiet_from": selector.TimeSelector(),
    "quiet_until": selector.TimeSelector(),
    "start": selector.DateSelector(),
    "end": selector.DateSelector(),
}
#: What the form of a unit asks of each person; update_contact knows the rest.
HOUSEHOLD = ("name", "phone", "channels", "push")
LEASE = ("start", "end")
#: What is asked of a responder.
RESPONDER = (*HOUSEHOLD, "email", "notify", "webhook", "language")


def person_schema(keys: Iterable[str], required: Iterable[str] = ()) -> vol.Schema:
    """Return the form of a person."""
    return vol.Schema(
        {
            (vol.Required if key in required else vol.Optional)(key): FIELDS[key]
            for key in keys
        }
    )


def household_selector() -> selector.ObjectSelector:
    """Return the list of tenants, each with a lease."""
    return selector.ObjectSelector(
        selector.ObjectSelectorConfig(
            multiple=True,
            label_field="name",
            translation_key="tenants",
            fields={
                key: {"selector": FIELDS[key], "required": key == "name"}
                for key in (*HOUSEHOLD, *LEASE)
            },
        )
    )


def shown(person: Person) -> dict[str, Any]:
    """Return what a form shows of a person: phone numbers are masked.

    A masked number that comes back means the one that is known.
    """
    by_channel = {row.channel: row.target for row in person.addresses}
    phones = [channel for channel in PHONE_CHANNELS if channel in by_channel]
    values: dict[str, Any] = {"name": person.name, "language": person.language}
    if phones:
        values["phone"] = mask(by_channel[phones[0]])
        values["channels"] = [channel.value for channel in phones]
    for channel in (Channel.PUSH, Channel.EMAIL, Channel.NOTIFY, Channel.WEBHOOK):
        if channel in by_channel:
            values[channel.value] = by_channel[channel]
    return values


def unmasked(data: Mapping[str, Any], person: Person | None) -> dict[str, Any]:
    """Return a form's fields with the known number in place of its mask.

    A field that was emptied is absent: it is said to be empty.
    """
    values = dict(data)
    if person:
        phones = {
            mask(row.target): row.target
            for row in person.addresses
            if row.channel in PHONE_CHANNELS
        }
        if values.get("phone") in phones:
            values["phone"] = phones[values["phone"]]
    return values


def default_language(hass: HomeAssistant) -> str:
    """Return the language for somebody of whom none is known."""
    language = hass.config.language
    if language in LANGUAGES:
        return language
    return "zh-Hans" if language.startswith("zh") else "en"


def current_user() -> str | None:
    """Return the id of the user at the browser; a flow itself does not know."""
    request = current_request.get()
    user: User | None = request.get(KEY_HASS_USER) if request else None
    return user.id if user else None


def register_of(flow: ConfigSubentryFlow) -> Register:
    """Return the register of a flow's property. Raises AbortFlow if it is not loaded."""
    entry = flow._get_entry()  # noqa: SLF001
    if entry.state is not ConfigEntryState.LOADED:
        raise AbortFlow("entry_not_loaded")
    register: Register = entry.runtime_data
    return register
