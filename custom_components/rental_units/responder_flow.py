"""Somebody who responds for the whole property, and when they are on duty."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import selector
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.ulid import ulid_now

from .const import DOMAIN, Duty, Reason
from .forms import (
    RESPONDER,
    current_user,
    default_language,
    person_schema,
    register_of,
    shown,
    unmasked,
)
from .register import queries
from .register.models import Person
from .register.people import parse_contact

_SCHEMA = vol.Schema(
    {
        vol.Required("duty"): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[duty.value for duty in Duty], translation_key="duty"
            )
        ),
        vol.Optional("schedule"): selector.EntitySelector(
            selector.EntitySelectorConfig(
                domain=["schedule", "calendar", "input_boolean", "binary_sensor"]
            )
        ),
    }
).extend(person_schema(RESPONDER, required=["name"]).schema)


class ResponderFlow(ConfigSubentryFlow):
    """Add a responder, or change one."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add a responder."""
        errors = {}
        if user_input is not None:
            key = ulid_now()
            errors = await self._async_store(f"{queries.PENDING}{key}", user_input)
            if not errors:
                return self.async_create_entry(
                    title=await self._async_title(user_input),
                    data=_duty(user_input),
                    unique_id=key,
                )
        return self._show("user", user_input, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a responder."""
        subentry = self._get_reconfigure_subentry()
        if user_input is None:
            try:
                values = await self._async_values(subentry.subentry_id)
            except HomeAssistantError as err:
                return self.async_abort(reason=err.translation_key or "failed")
            return self._show("reconfigure", {**subentry.data, **values}, {})
        if errors := await self._async_store(subentry.subentry_id, user_input):
            return self._show("reconfigure", user_input, errors)
        return self.async_update_and_abort(
            self._get_entry(),
            subentry,
            title=await self._async_title(user_input),
            data=_duty(user_input),
        )

    def _show(
        self, step: str, values: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, values),
            errors=errors,
        )

    async def _async_title(self, user_input: Mapping[str, Any]) -> str:
        """Return the duty in words: a title must not name the person."""
        texts = await async_get_translations(
            self.hass, self.hass.config.language, "selector", {DOMAIN}
        )
        duty: str = user_input["duty"]
        return texts.get(f"component.{DOMAIN}.selector.duty.options.{duty}", duty)

    async def _async_store(
        self, key: str, user_input: Mapping[str, Any]
    ) -> dict[str, str]:
        """Write the person of the form; return errors for it."""
        who, region = current_user(), self.hass.config.country
        language = default_language(self.hass)

        def write(session: Session) -> None:
            known = queries.responders(session).get(key)
            fields = unmasked(
                {field: user_input.get(field) or "" for field in RESPONDER}, known
            )
            contact = parse_contact(
                {**fields, "channels": user_input.get("channels")}, region
            )
            if known:
                contact.apply(known)
                person = known
            else:
                person = queries.put_person(session, contact, language)
            queries.put_responder(session, key, person)
            queries.audit(
                session,
                who,
                "responder_form",
                Reason.MANAGEMENT,
                person_id=person.id,
            )

        try:
            await register_of(self).async_run(write)
        except HomeAssistantError as err:
            return {"base": err.translation_key or "failed"}
        return {}

    async def _async_values(self, key: str) -> dict[str, Any]:
        """Return what is known of the person, which is a read of personal data."""
        who = current_user()

        def read(session: Session) -> Person | None:
            person = queries.responders(session).get(key)
            queries.audit(
                session,
                who,
                "responder_form",
                Reason.MANAGEMENT,
                person_id=person.id if person else None,
            )
            return person

        person = await register_of(self).async_run(read)
        return shown(person) if person else {}


def _duty(user_input: Mapping[str, Any]) -> dict[str, Any]:
    return {key: user_input[key] for key in ("duty", "schedule") if user_input.get(key)}
