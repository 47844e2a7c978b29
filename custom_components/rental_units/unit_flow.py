"""A unit with its landlord and tenants, in one form."""

from collections.abc import Iterator, Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector

from .app.tenancy import SaveHousehold, Seen, ShowHousehold
from .app.work import Command
from .const import Letting, Role
from .forms import (
    RegisterFlow,
    Row,
    async_household_selector,
    current_user,
    person_schema,
    shown,
)
from .register.households import HOUSEHOLD, LEASE, Occupant
from .register.models import Lease
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
            person_schema((*HOUSEHOLD, "left_on")), {"collapsed": False}
        ),
    }
)


class UnitFlow(RegisterFlow):
    """Add a unit, or change it and who lives in it."""

    #: What the form has shown, by its versions.
    _seen: Seen | None = None

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
    def _save(self, key: str, user_input: Mapping[str, Any]) -> Command[str]:
        return SaveHousehold(
            key,
            user_input.get(CONF_ADDRESS) or "",
            list(_occupants(user_input)),
            self._seen,
        )

    @override
    async def _async_read(self, key: str) -> Mapping[str, Any]:
        unit, leases, self._seen = await self._application().async_fill(
            ShowHousehold(key), current_user()
        )
        landlords = [_shown(row) for row in leases if row.role == Role.LANDLORD]
        return {
            CONF_ADDRESS: unit.address if unit else "",
            CONF_LANDLORD: landlords[0] if landlords else {},
            CONF_TENANTS: [_shown(row) for row in leases if row.role == Role.TENANT],
        }


def _shown(lease: Lease) -> dict[str, Any]:
    """Return what the form shows of a lease."""
    keys = LEASE if lease.role == Role.TENANT else ("left_on",)
    days = {key: getattr(lease, key) for key in keys}
    return shown(lease.person, HOUSEHOLD) | {
        key: day.isoformat() for key, day in days.items() if day
    }


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
