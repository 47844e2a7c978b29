"""A unit with its landlord and tenants, in one form."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, override

from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector

from .const import Letting, Reason, Role
from .forms import (
    RegisterFlow,
    Row,
    async_household_selector,
    default_language,
    person_schema,
    shown,
)
from .register import queries
from .register.households import HOUSEHOLD, Occupant, in_form, write_household
from .register.models import Unit
from .register.units import UNIT_FIELDS, unit_key, unit_title

CONF_ADDRESS = "address"
CONF_LANDLORD = "landlord"
CONF_TENANTS = "tenants"

_SCHEMA = vol.Schema(
    {
        vol.Required("building"): selector.TextSelector(),
        vol.Optional("stairwell"): selector.TextSelector(),
        vol.Required("number"): selector.TextSelector(),
        vol.Optional(CONF_ADDRESS): selector.TextSelector(),
        vol.Optional("area_id"): selector.AreaSelector(),
        vol.Optional("rooms"): selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=1, max=99, step=1, mode=selector.NumberSelectorMode.BOX
            )
        ),
        vol.Optional("letting"): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[row.value for row in Letting],
                translation_key="letting",
                mode=selector.SelectSelectorMode.DROPDOWN,
            )
        ),
        # Without a default: the browser would show it, and not who is known.
        vol.Required(CONF_LANDLORD): section(
            person_schema(HOUSEHOLD), {"collapsed": False}
        ),
    }
)


class UnitFlow(RegisterFlow):
    """Add a unit, or change it and who lives in it."""

    @override
    async def _async_schema(self) -> vol.Schema:
        return _SCHEMA.extend(
            {vol.Optional(CONF_TENANTS): await async_household_selector(self.hass)}
        )

    @override
    async def _async_row(self, user_input: Mapping[str, Any], key: str | None) -> Row:
        data = unit_data(user_input)
        return Row(unit_title(data), data, unit_key(data))

    @override
    def _conflict(self, row: Row, own_key: str | None) -> dict[str, str]:
        for field in ("building", "number"):
            if not row.data.get(field):
                return {field: "missing"}
        taken = {unit.unique_id for unit in self._get_entry().subentries.values()}
        return {"number": "unit_exists"} if row.key in taken - {own_key} else {}

    @override
    def _write(
        self, key: str, user_input: Mapping[str, Any], who: str | None
    ) -> Callable[[Session], None]:
        today = self._register().today
        region, language = self.hass.config.country, default_language(self.hass)

        def write(session: Session) -> None:
            queries.put_unit(session, key, user_input.get(CONF_ADDRESS) or "")
            write_household(
                session,
                key,
                list(_occupants(user_input)),
                region=region,
                language=language,
                today=today,
            )
            queries.audit(session, who, "unit_form", Reason.MANAGEMENT, unit_id=key)

        return write

    @override
    def _read(
        self, key: str, who: str | None
    ) -> Callable[[Session], Mapping[str, Any]]:
        today = self._register().today

        def read(session: Session) -> dict[str, Any]:
            queries.audit(session, who, "unit_form", Reason.MANAGEMENT, unit_id=key)
            unit = session.get(Unit, key)
            leases = in_form(queries.leases_of(session, key, today))
            landlords = [row for row in leases if row.role == Role.LANDLORD]
            return {
                CONF_ADDRESS: unit.address if unit else "",
                CONF_LANDLORD: shown(landlords[0].person, HOUSEHOLD)
                if landlords
                else {},
                CONF_TENANTS: [
                    shown(row.person, HOUSEHOLD)
                    | {
                        field: day.isoformat()
                        for field, day in (("start", row.start), ("end", row.end))
                        if day
                    }
                    for row in leases
                    if row.role == Role.TENANT
                ],
            }

        return read


def unit_data(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a form is the unit's, and not its people's."""
    data: dict[str, Any] = {}
    for key in UNIT_FIELDS:
        value = user_input.get(key)
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, "") or key in ("building", "number"):
            data[key] = value
    if "rooms" in data:
        data["rooms"] = int(data["rooms"])
    return data


def _occupants(user_input: Mapping[str, Any]) -> Iterator[Occupant]:
    """Return the people of a form. An empty landlord is none."""
    landlord = user_input[CONF_LANDLORD]
    if any(value for key, value in landlord.items() if key != "channels"):
        yield Occupant.parse(Role.LANDLORD, landlord)
    for fields in user_input.get(CONF_TENANTS) or ():
        yield Occupant.parse(Role.TENANT, fields)
