"""A unit with its landlord and tenants, in one form."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.data_entry_flow import section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import selector

from .const import Letting, Reason, Role
from .forms import (
    HOUSEHOLD,
    current_user,
    default_language,
    household_selector,
    person_schema,
    register_of,
    shown,
)
from .register import queries
from .register.households import Occupant, write_household
from .register.models import Lease, Unit
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
                options=[row.value for row in Letting], translation_key="letting"
            )
        ),
        # No default: the frontend would show that, and not what is known.
        vol.Optional(CONF_LANDLORD): section(
            person_schema(HOUSEHOLD), {"collapsed": False}
        ),
        vol.Optional(CONF_TENANTS): household_selector(),
    }
)


class UnitFlow(ConfigSubentryFlow):
    """Add a unit, or change it."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add a unit."""
        errors = {}
        if user_input is not None:
            data = unit_data(user_input)
            errors = await self._async_store(
                f"{queries.PENDING}{unit_key(data)}", user_input, data, None
            )
            if not errors:
                return self.async_create_entry(
                    title=unit_title(data), data=data, unique_id=unit_key(data)
                )
        return self._show("user", user_input, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a unit, or who lives in it."""
        subentry = self._get_reconfigure_subentry()
        if user_input is None:
            try:
                values = await self._async_values(subentry.subentry_id)
            except HomeAssistantError as err:
                return self.async_abort(reason=err.translation_key or "failed")
            return self._show("reconfigure", {**subentry.data, **values}, {})
        data = unit_data(user_input)
        errors = await self._async_store(
            subentry.subentry_id, user_input, data, subentry.unique_id
        )
        if errors:
            return self._show("reconfigure", user_input, errors)
        register = register_of(self)
        result = self.async_update_and_abort(
            self._get_entry(),
            subentry,
            title=unit_title(data),
            unique_id=unit_key(data),
            data=data,
        )
        await register.async_refresh([subentry.subentry_id])
        return result

    def _show(
        self, step: str, values: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, values),
            errors=errors,
        )

    async def _async_store(
        self,
        unit_id: str,
        user_input: Mapping[str, Any],
        data: Mapping[str, Any],
        own_key: str | None,
    ) -> dict[str, str]:
        """Write the people of the form; return errors for it."""
        register = register_of(self)
        taken = {row.unique_id for row in self._get_entry().subentries.values()}
        if unit_key(data) in taken - {own_key}:
            return {"number": "unit_exists"}
        who, today = current_user(), register.today
        region, language = self.hass.config.country, default_language(self.hass)

        def write(session: Session) -> None:
            queries.put_unit(session, unit_id, user_input.get(CONF_ADDRESS) or "")
            write_household(
                session,
                unit_id,
                list(_occupants(user_input)),
                region=region,
                language=language,
                today=today,
            )
            queries.audit(session, who, "unit_form", Reason.MANAGEMENT, unit_id=unit_id)

        try:
            await register.async_run(write)
        except HomeAssistantError as err:
            return {"base": err.translation_key or "failed"}
        return {}

    async def _async_values(self, unit_id: str) -> dict[str, Any]:
        """Return what is known of the people, which is a read of personal data."""
        register, who = register_of(self), current_user()

        def read(session: Session) -> tuple[str, list[Lease]]:
            queries.audit(session, who, "unit_form", Reason.MANAGEMENT, unit_id=unit_id)
            unit = session.get(Unit, unit_id)
            leases = queries.leases_of(session, unit_id, register.today)
            return unit.address if unit else "", list(leases)

        address, leases = await register.async_run(read)
        landlord = next((row for row in leases if row.role == Role.LANDLORD), None)
        return {
            CONF_ADDRESS: address,
            CONF_LANDLORD: _row(landlord, HOUSEHOLD) if landlord else {},
            CONF_TENANTS: [
                _row(row, HOUSEHOLD)
                | {
                    key: day.isoformat()
                    for key, day in (("start", row.start), ("end", row.end))
                    if day
                }
                for row in leases
                if row.role == Role.TENANT
            ],
        }


def unit_data(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a form is the unit's, and not its people's."""
    data = {}
    for key in UNIT_FIELDS:
        if (value := user_input.get(key)) not in (None, ""):
            data[key] = value.strip() if isinstance(value, str) else value
    if "rooms" in data:
        data["rooms"] = int(data["rooms"])
    return data


def _occupants(user_input: Mapping[str, Any]) -> Iterator[Occupant]:
    if user_input.get(CONF_LANDLORD, {}).get("name"):
        yield Occupant.parse(Role.LANDLORD, user_input[CONF_LANDLORD])
    for fields in user_input.get(CONF_TENANTS) or ():
        yield Occupant.parse(Role.TENANT, fields)


def _row(lease: Lease, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in shown(lease.person).items() if key in keys}
