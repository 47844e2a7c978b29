"""What Community Safety asks: who may cut, restore, silence, acknowledge and reset where.

And which controller is to hold which card.

The same table answers as for the register. Neither integration imports the other: the area
is what they have in common.
"""

from collections.abc import Collection, Mapping
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import area_registry as ar

from .access_control.office import Credentials
from .access_control.sink import Sink
from .alerts.core import Alarms, core_of
from .alerts.principals import person_of
from .alerts.runtime import open_help
from .app.application import Application, applications
from .app.people import NameActors
from .app.policy import COMMANDS, Permit
from .app.work import refused
from .const import DOMAIN, Reason
from .search.pictures import DATA_PICTURES, Pictures
from .sightings.journal import journal_of
from .storage.errors import RegisterError

_PREFIX = "safety."

type _Permits = list[tuple[Application, Permit | None]]
type _Concerned = list[tuple[Application, Permit | None, list[str]]]


async def async_get_authority_provider(hass: HomeAssistant) -> Provider:
    """Return who knows the roles."""
    return Provider(hass)


async def async_take_alarms(hass: HomeAssistant, alarms: Alarms) -> None:
    """Take what is asked about alarms, and told of answers."""
    core_of(hass).take(alarms)


async def async_take_pictures(hass: HomeAssistant, pictures: Pictures) -> None:
    """Take what fetches pictures of sightings."""
    hass.data[DATA_PICTURES] = pictures


async def async_get_passage_sink(hass: HomeAssistant, credentials: Credentials) -> Sink:
    """Return who knows whose cards are whose."""
    return Sink(hass, credentials, journal_of(hass).passed)


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
        if request.who.startswith(f"{DOMAIN}:"):
            # Somebody who has answered an alert: that acknowledges, and does no more. It
            # is our own word, and needs no register.
            if request.action != "acknowledge":
                raise Unauthorized(context=request.context)
            return
        properties = self._properties()
        if not properties:
            return
        if request.action == "reset":
            self._veto(properties, request.subjects)
        user = await self._hass.auth.async_get_user(request.who)
        if user is None:
            raise Unauthorized(context=request.context)
        permits = _permits(properties, user, f"{_PREFIX}{request.action}")
        for area_id in {row.area_id for row in request.subjects}:
            concerned = _concerned(permits, area_id)
            if not _may(concerned):
                # A role that could not be read is not the same as none.
                for application, _, _ in concerned:
                    application.ensure_known(user)
                raise Unauthorized(context=request.context)

    async def async_rights(self, user_id: str) -> Mapping[str, Collection[str] | None]:
        """Return in which areas a user may do what; None: everywhere.

        Raises RegisterError while a property cannot be asked.
        """
        actions = [row for row in COMMANDS if row.startswith(_PREFIX)]
        properties = self._properties()
        if not properties:
            return {row.removeprefix(_PREFIX): None for row in actions}
        user = await self._hass.auth.async_get_user(user_id)
        if user is None:
            return {}
        rights: dict[str, Collection[str] | None] = {}
        for row in actions:
            permits = _permits(properties, user, row)
            for application, permit in permits:
                if permit is None or permit.units is not None:
                    application.ensure_known(user)
            rights[row.removeprefix(_PREFIX)] = self._areas(permits)
        return rights

    async def async_names(self, ids: Collection[str], reader: str) -> Mapping[str, str]:
        """Return the names of people of the register; each is in the audit first.

        For who may read what was done about an incident, and with an alarm for a reason
        see everybody. Raises RegisterError while a property cannot be asked.
        """
        user = await self._hass.auth.async_get_user(reader)
        names: dict[str, str] = {}
        for application in self._properties():
            permits = [
                application.permit(user, what, Reason.ALARM) if user else None
                for what in (f"{_PREFIX}read", NameActors.name)
            ]
            if all(row and row.units is None for row in permits):
                context = Context(user_id=reader)
                names |= await application.async_name(ids, context, Reason.ALARM)
        return names

    def _veto(self, properties: list[Application], subjects: Collection[Any]) -> None:
        """Raise ServiceValidationError while somebody calls for help because of these.

        Raises RegisterError while it is not known who calls: of before this start, a
        database that is away tells nothing.
        """
        keys = {
            key
            for row in subjects
            for key in (row.area_id, row.alarm_id, row.incident_id)
        }
        waiting = {place for place, about in open_help(self._hass) if keys & about}
        if waiting:
            raise refused("help_open", place=", ".join(sorted(waiting)))
        for row in properties:
            row.ensure_known()

    def _areas(self, permits: _Permits) -> Collection[str] | None:
        """Return the areas in which something is permitted; None: in all."""
        if all(permit and permit.units is None for _, permit in permits):
            return None
        if any(permit and permit.units is None for _, permit in permits):
            # Places without a unit too: they are every property's.
            areas = set(ar.async_get(self._hass).areas)
        else:
            areas = {
                unit.area_id
                for application, permit in permits
                for key in (permit.units if permit and permit.units else ())
                if (unit := application.register.units.get(key)) and unit.area_id
            }
        return {key for key in areas if _may(_concerned(permits, key))}

    def _properties(self) -> list[Application]:
        """Return all properties. Raises RegisterError if one cannot be asked."""
        entries = self._hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        if any(entry.state is not ConfigEntryState.LOADED for entry in entries):
            raise RegisterError("property_not_loaded")
        return applications(self._hass)


@callback
def _permits(properties: list[Application], user: User, command: str) -> _Permits:
    """Return what each property permits a user: asked once, for however many areas."""
    return [(row, row.permit(user, command)) for row in properties]


@callback
def _concerned(permits: _Permits, area_id: str | None) -> _Concerned:
    """Return whose an area is, with the units in it.

    That of a unit is its property's; a stairwell or shed is every property's.
    """
    found = [
        (row, permit, row.register.units_of_area(area_id) if area_id else [])
        for row, permit in permits
    ]
    return [row for row in found if row[2]] or found


@callback
def _may(concerned: _Concerned) -> bool:
    """Return if something is permitted in an area.

    Where there is no unit, it takes a role for the whole of a property.
    """
    return any(
        permit and (permit.units is None or (units and permit.covers(units)))
        for _, permit, units in concerned
    )
