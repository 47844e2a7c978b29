"""What Community Safety asks: who may cut, restore, silence, acknowledge and reset where.

The same table answers as for the register. Neither integration imports the other: the area
is what they have in common.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized

from .alerts.principals import person_of
from .alerts.runtime import open_help
from .app.application import Application, applications
from .app.policy import COMMANDS
from .app.work import refused
from .const import DOMAIN
from .register.models import Person
from .storage.errors import RegisterError

_PREFIX = "safety."


async def async_get_authority_provider(hass: HomeAssistant) -> Provider:
    """Return who knows the roles."""
    return Provider(hass)


class Provider:
    """Answers by the roles that users have in the properties."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass

    def principal(self, context: Context) -> str | None:
        """Return the id of the person whose answer has set something off."""
        return person_of(self._hass, context)

    async def async_authorize(self, request: Any) -> None:
        """Return if the user's role allows the action in all of its areas.

        Without a property there is nothing to object to. Raises Unauthorized,
        ServiceValidationError for a reset while somebody there calls for help, or
        RegisterError while a property cannot be asked.
        """
        properties = self._properties()
        if not properties:
            return
        areas = {row.area_id for row in request.subjects}
        if request.action == "reset":
            self._veto(request.subjects)
        if request.who.startswith(f"{DOMAIN}:"):
            # Somebody who has answered an alert: that acknowledges, and does no more.
            if request.action != "acknowledge":
                raise Unauthorized(context=request.context)
            return
        user = await self._hass.auth.async_get_user(request.who)
        command = f"{_PREFIX}{request.action}"
        if user is None or not all(
            _may(properties, user, command, area_id) for area_id in areas
        ):
            raise Unauthorized(context=request.context)

    async def async_rights(self, user_id: str) -> Mapping[str, Collection[str] | None]:
        """Return in which areas a user may do what; None: everywhere."""
        actions = [row for row in COMMANDS if row.startswith(_PREFIX)]
        properties = self._properties()
        if not properties:
            return {row.removeprefix(_PREFIX): None for row in actions}
        user = await self._hass.auth.async_get_user(user_id)
        if user is None:
            return {}
        return {
            row.removeprefix(_PREFIX): _areas(properties, user, row) for row in actions
        }

    async def async_names(self, ids: Collection[str], reader: str) -> Mapping[str, str]:
        """Return the names of people of the register, for who may see all of them."""
        user = await self._hass.auth.async_get_user(reader)
        names: dict[str, str] = {}
        for application in self._properties():
            found = application.permit(user, "get_unit") if user else None
            if found is None or found.units is not None:
                continue

            def read(session: Session) -> list[tuple[str, str]]:
                query = select(Person.id, Person.name).where(Person.id.in_(ids))
                return [(key, name) for key, name in session.execute(query)]

            names |= dict(await application.register.async_read(read))
        return names

    def _veto(self, subjects: Collection[Any]) -> None:
        """Raise ServiceValidationError while somebody calls for help because of these."""
        keys = {
            key
            for row in subjects
            for key in (row.area_id, row.alarm_id, row.incident_id)
        }
        waiting = {place for place, about in open_help(self._hass) if keys & about}
        if waiting:
            raise refused("help_open", place=", ".join(sorted(waiting)))

    def _properties(self) -> list[Application]:
        """Return all properties. Raises RegisterError if one cannot be asked."""
        entries = self._hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        if any(entry.state is not ConfigEntryState.LOADED for entry in entries):
            raise RegisterError("property_not_loaded")
        return applications(self._hass)


@callback
def _may(
    properties: list[Application], user: User, command: str, area_id: str | None
) -> bool:
    """Return if a user may do this in an area.

    That of a unit is its property's to say; a stairwell or shed is every property's, and
    takes a role for the whole of one.
    """
    units_of = [
        (row, row.register.units_of_area(area_id) if area_id else [])
        for row in properties
    ]
    concerned = [row for row in units_of if row[1]] or units_of
    for application, units in concerned:
        found = application.permit(user, command)
        if found and (found.units is None or (units and found.covers(units))):
            return True
    return False


@callback
def _areas(
    properties: list[Application], user: User, command: str
) -> Collection[str] | None:
    """Return the areas in which a user may do this; None: in all."""
    permits = [(row, row.permit(user, command)) for row in properties]
    if all(found and found.units is None for _, found in permits):
        return None
    return {
        unit.area_id
        for application, found in permits
        if found
        for unit in application.register.units.values()
        if unit.area_id and _may(properties, user, command, unit.area_id)
    }
