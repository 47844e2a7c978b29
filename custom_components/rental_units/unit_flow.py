"""A unit with its landlord and tenants, in one form of the options."""

from collections.abc import Iterator, Mapping
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.data_entry_flow import section
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, selector

from .app.application import Application
from .app.dependents import About, WhatDepends
from .app.tenancy import ChangedMeanwhileError, SaveHousehold, Seen, ShowHousehold
from .app.units import RemovedUnits, RemoveUnit, RestoreUnit
from .app.work import Command
from .const import DOMAIN, Letting, Role
from .forms import (
    async_changes,
    async_household_selector,
    current_user,
    loaded_application,
    person_schema,
    shown,
)
from .register.households import HOUSEHOLD, LEASE, Occupant
from .register.leases import UNDO_DAYS
from .register.models import Lease
from .register.units import UNIT_FIELDS
from .storage.errors import RegisterError

CONF_ADDRESS = "address"
CONF_LANDLORD = "landlord"
CONF_TENANTS = "tenants"
CONF_UNIT = "unit"

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


#: A unit is chosen by its device: that is searched, and quick with thousands.
_CHOICE = vol.Schema(
    {
        vol.Required(CONF_UNIT): selector.DeviceSelector(
            selector.DeviceSelectorConfig(integration=DOMAIN)
        )
    }
)
#: What a form says, and does not fail with.
_TROUBLE = (RegisterError, ServiceValidationError)
#: Errors that are about a field.
_FIELD_OF = {
    "building_missing": "building",
    "number_missing": "number",
    "unit_exists": "number",
}


class UnitOptionsFlow(OptionsFlow):
    """The part of the options that is about units, each with who lives in it."""

    _unit_id: str | None = None
    _title = ""
    #: What the form has shown, by its versions.
    _seen: Seen | None = None

    async def async_step_units(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is to be done with which."""
        options = ["unit_add", "unit_change", "unit_remove"]
        try:
            removed = await self._async_fill(RemovedUnits())
        except _TROUBLE as err:
            return self.async_abort(reason=err.translation_key or "failed")
        return self.async_show_menu(
            step_id="units",
            menu_options=[*options, "unit_restore"] if removed else options,
        )

    async def async_step_unit_add(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add a unit with its people."""
        self._application()
        return await self._async_save("unit_add", user_input)

    async def async_step_unit_change(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the unit that is to be changed."""
        if (form := self._choose("unit_change", user_input)) is None:
            return await self.async_step_unit_edit()
        return form

    async def async_step_unit_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change a unit with its people. To show them is a read of personal data."""
        if user_input is not None:
            return await self._async_save("unit_edit", user_input)
        try:
            values = await self._async_read()
        except _TROUBLE as err:
            return self.async_abort(reason=err.translation_key or "failed")
        return await self._async_show("unit_edit", values, {})

    async def async_step_unit_remove(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the unit that is to be removed."""
        if (form := self._choose("unit_remove", user_input)) is None:
            return await self.async_step_unit_remove_confirm()
        return form

    async def async_step_unit_remove_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Remove a unit, once somebody has read what goes with it."""
        assert self._unit_id
        try:
            if user_input is not None:
                await self._async_fill(RemoveUnit(self._unit_id, with_people=True))
                return self._done()
            found = await self._async_fill(WhatDepends(About.UNIT, self._unit_id))
        except _TROUBLE as err:
            return self.async_abort(reason=err.translation_key or "failed")
        return self.async_show_form(
            step_id="unit_remove_confirm",
            data_schema=vol.Schema({}),
            description_placeholders={
                "unit": self._title,
                "people": str(found.people),
                "days": str(UNDO_DAYS),
            },
        )

    async def async_step_unit_restore(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Bring a unit back that was removed."""
        errors = {}
        try:
            if user_input is not None:
                try:
                    await self._async_fill(RestoreUnit(user_input[CONF_UNIT]))
                except ServiceValidationError as err:
                    errors[CONF_UNIT] = err.translation_key or "failed"
                else:
                    return self._done()
            removed = await self._async_fill(RemovedUnits())
        except _TROUBLE as err:
            return self.async_abort(reason=err.translation_key or "failed")
        choice = selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[
                    selector.SelectOptionDict(value=unit_id, label=title)
                    for unit_id, title, *_ in removed
                ],
                mode=selector.SelectSelectorMode.DROPDOWN,
            )
        )
        return self.async_show_form(
            step_id="unit_restore",
            data_schema=vol.Schema({vol.Required(CONF_UNIT): choice}),
            errors=errors,
            description_placeholders={"days": str(UNDO_DAYS)},
        )

    def _choose(
        self, step: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult | None:
        """Take the unit that was chosen; return the form if there is none yet."""
        units = self._application().register.units
        if user_input is not None:
            device = dr.async_get(self.hass).async_get(user_input[CONF_UNIT])
            keys = {key for _, key, *_ in device.identifiers} if device else set()
            self._unit_id = next(iter(keys & units.keys()), None)
            if self._unit_id:
                self._title = units[self._unit_id].title
                return None
            return self._ask_for_unit(step, "no_such_unit")
        return self._ask_for_unit(step)

    def _ask_for_unit(self, step: str, error: str | None = None) -> ConfigFlowResult:
        errors = {CONF_UNIT: error} if error else {}
        return self.async_show_form(step_id=step, data_schema=_CHOICE, errors=errors)

    async def _async_save(
        self, step: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Write what the form says, or show it."""
        if user_input is None:
            return await self._async_show(step, None, {})
        try:
            await self._async_fill(
                SaveHousehold(
                    self._unit_id if step == "unit_edit" else None,
                    user_input,
                    user_input.get(CONF_ADDRESS) or "",
                    list(_occupants(user_input)),
                    self._seen,
                )
            )
        except ChangedMeanwhileError as err:
            # What is there now, and not what was entered: it was entered for something else.
            changes = await async_changes(self.hass, err)
            errors = {"base": "changed_meanwhile"}
            return await self._async_show(
                step, await self._async_read(), errors, changes
            )
        except _TROUBLE as err:
            key = err.translation_key or "failed"
            errors = {_FIELD_OF.get(key, "base"): key}
            return await self._async_show(step, user_input, errors)
        return self._done()

    async def _async_show(
        self,
        step: str,
        values: Mapping[str, Any] | None,
        errors: dict[str, str],
        changes: str = "",
    ) -> ConfigFlowResult:
        schema = _SCHEMA.extend(
            {vol.Optional(CONF_TENANTS): await async_household_selector(self.hass)}
        )
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={"changes": changes},
        )

    async def _async_read(self) -> dict[str, Any]:
        """Return what is known of the unit and its people, for the form."""
        assert self._unit_id
        unit, leases, self._seen = await self._async_fill(ShowHousehold(self._unit_id))
        landlords = [_shown(row) for row in leases if row.role == Role.LANDLORD]
        return {
            **{key: getattr(unit, key) for key in UNIT_FIELDS if getattr(unit, key)},
            CONF_ADDRESS: unit.address,
            CONF_LANDLORD: landlords[0] if landlords else {},
            CONF_TENANTS: [_shown(row) for row in leases if row.role == Role.TENANT],
        }

    async def _async_fill[T](self, command: Command[T]) -> T:
        return await self._application().async_fill(command, current_user())

    def _application(self) -> Application:
        """Return the property. Raises AbortFlow if it is not loaded."""
        return loaded_application(self.hass, self.config_entry)

    def _done(self) -> ConfigFlowResult:
        """End the flow; the options are as they were."""
        return self.async_create_entry(data=dict(self.config_entry.options))


def _shown(lease: Lease) -> dict[str, Any]:
    """Return what the form shows of a lease."""
    keys = LEASE if lease.role == Role.TENANT else ("left_on",)
    days = {key: getattr(lease, key) for key in keys}
    return shown(lease.person, HOUSEHOLD) | {
        key: day.isoformat() for key, day in days.items() if day
    }


def _occupants(user_input: Mapping[str, Any]) -> Iterator[Occupant]:
    """Return the people of a form. An empty landlord is none."""
    landlord = user_input[CONF_LANDLORD]
    if any(value for key, value in landlord.items() if key != "channels"):
        yield Occupant.parse(Role.LANDLORD, landlord)
    for fields in user_input.get(CONF_TENANTS) or ():
        yield Occupant.parse(Role.TENANT, fields)
