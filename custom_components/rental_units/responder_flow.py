"""Somebody who responds for the whole property, and when they are on duty."""

from collections.abc import Callable, Mapping
from typing import Any, override

from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.helpers import selector
from homeassistant.util.ulid import ulid_now

from .const import Duty, Reason
from .forms import RegisterFlow, Row, default_language, person_schema, shown
from .labels import async_label
from .register import queries
from .register.households import RESPONDER
from .register.people import contact_of

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


class ResponderFlow(RegisterFlow):
    """Add a responder, or change one."""

    @override
    async def _async_schema(self) -> vol.Schema:
        return _SCHEMA

    @override
    async def _async_row(self, user_input: Mapping[str, Any], key: str | None) -> Row:
        """Return the subentry. Its title is the duty in words: it must name nobody."""
        return Row(
            await async_label(self.hass, "duty", user_input["duty"]),
            {
                field: user_input[field]
                for field in ("duty", "schedule")
                if user_input.get(field)
            },
            key or ulid_now(),
        )

    @override
    def _write(
        self, key: str, user_input: Mapping[str, Any], who: str | None
    ) -> Callable[[Session], None]:
        region, language = self.hass.config.country, default_language(self.hass)

        def write(session: Session) -> None:
            person = queries.responders(session).get(key)
            contact = contact_of(user_input, RESPONDER, person, region)
            if person:
                contact.apply(person)
            else:
                person = queries.put_person(session, contact, language)
                queries.put_responder(session, key, person)
            _audit(session, who, person.id)

        return write

    @override
    def _read(
        self, key: str, who: str | None
    ) -> Callable[[Session], Mapping[str, Any]]:
        def read(session: Session) -> dict[str, Any]:
            person = queries.responders(session).get(key)
            if person is None:
                return {}
            _audit(session, who, person.id)
            return shown(person, RESPONDER)

        return read


def _audit(session: Session, who: str | None, person_id: str) -> None:
    queries.audit(
        session, who, "responder_form", Reason.MANAGEMENT, person_id=person_id
    )
