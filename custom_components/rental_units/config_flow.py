"""Adding a property: its name, and where its people are kept."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.helpers import selector

from .alerts.channel_flow import ChannelFlow
from .alerts.policy_flow import PolicyFlow
from .const import (
    CONF_DATABASE,
    CONF_KEEP_AUDIT_DAYS,
    CONF_KEEP_DAYS,
    CONF_URL,
    DEFAULT_KEEP_AUDIT_DAYS,
    DEFAULT_KEEP_DAYS,
    DOMAIN,
    SUBENTRY_DESK,
    SUBENTRY_RESPONDER,
)
from .desk_flow import DeskFlow
from .desk_subentry_flow import DeskSubentryFlow
from .places.const import (
    CONF_MEETING_POINT,
    CONF_OFFICE_PHONE,
    CONF_PLACES,
    CONF_STATION,
    CONF_STATION_PHONE,
)
from .register import RegisterConfigEntry, takeover
from .register.addresses import parse_phone
from .reports.const import (
    CONF_KEEP_PHOTO_DAYS,
    CONF_REPORTS,
    DEFAULT_KEEP_PHOTO_DAYS,
    HOURS,
    MOST_HOURS,
)
from .responder_flow import ResponderFlow
from .roles_flow import RolesFlow
from .storage.engine import probe
from .storage.errors import RegisterError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
#: What an address looks like; texts that are translated must not hold one.
EXAMPLE = "postgresql://user:password@192.0.2.7:5432/rental_units"

_USER = vol.Schema(
    {
        vol.Required(CONF_NAME): selector.TextSelector(),
        vol.Required(CONF_DATABASE, default=SQLITE): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[SQLITE, POSTGRESQL], translation_key=CONF_DATABASE
            )
        ),
    }
)
# The address holds a password.
_URL = vol.Schema(
    {
        vol.Required(CONF_URL): selector.TextSelector(
            selector.TextSelectorConfig(type=selector.TextSelectorType.PASSWORD)
        )
    }
)
_DAYS = selector.NumberSelector(
    selector.NumberSelectorConfig(
        min=1,
        max=36500,
        step=1,
        mode=selector.NumberSelectorMode.BOX,
        unit_of_measurement="d",
    )
)
_TELEPHONE = selector.TextSelector(
    selector.TextSelectorConfig(type=selector.TextSelectorType.TEL)
)
_OPTIONS = {
    CONF_KEEP_DAYS: DEFAULT_KEEP_DAYS,
    CONF_KEEP_AUDIT_DAYS: DEFAULT_KEEP_AUDIT_DAYS,
}

_PLACES = vol.Schema(
    {
        vol.Optional(CONF_STATION): selector.TextSelector(),
        vol.Optional(CONF_STATION_PHONE): _TELEPHONE,
        vol.Optional(CONF_OFFICE_PHONE): _TELEPHONE,
        vol.Optional(CONF_MEETING_POINT): selector.TextSelector(),
    }
)

_REPORTS = vol.Schema(
    {
        **{
            vol.Required(str(category)): selector.NumberSelector(
                selector.NumberSelectorConfig(
                    min=1,
                    max=MOST_HOURS,
                    mode=selector.NumberSelectorMode.BOX,
                    unit_of_measurement="h",
                )
            )
            for category in HOURS
        },
        vol.Required(CONF_KEEP_PHOTO_DAYS): selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=30,
                max=3650,
                mode=selector.NumberSelectorMode.BOX,
                unit_of_measurement="d",
            )
        ),
    }
)

#: How many fields a phone shows of a form at once.
FIELDS_IN_VIEW = 4


class RentalUnitsConfigFlow(ConfigFlow, domain=DOMAIN):
    """Add a property, or follow its database to another address."""

    VERSION = 1
    MINOR_VERSION = takeover.MINOR_VERSION

    def __init__(self) -> None:
        """Initialize."""
        self._name = ""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: RegisterConfigEntry) -> OptionsFlow:
        return PropertyOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: RegisterConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        return {SUBENTRY_RESPONDER: ResponderFlow, SUBENTRY_DESK: DeskSubentryFlow}

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the name and the kind of database."""
        errors = {}
        if user_input is not None:
            self._name = user_input[CONF_NAME].strip()
            if not self._name:
                errors[CONF_NAME] = "name_missing"
            else:
                # Who has left a form behind may begin anew.
                await self.async_set_unique_id(
                    self._name.casefold(), raise_on_progress=False
                )
                self._abort_if_unique_id_configured()
                if user_input[CONF_DATABASE] == POSTGRESQL:
                    return await self.async_step_postgresql()
                return self.async_create_entry(title=self._name, data={})
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_USER, user_input),
            errors=errors,
        )

    async def async_step_postgresql(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address of a PostgreSQL, and try it."""
        if user_input is not None and not (errors := await self._async_try(user_input)):
            return self.async_create_entry(title=self._name, data=user_input)
        return self._show_url("postgresql", user_input, errors if user_input else {})

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Follow a PostgreSQL that has moved. Its people must have moved with it."""
        entry = self._get_reconfigure_entry()
        if CONF_URL not in entry.data:
            return self.async_abort(reason="nothing_to_reconfigure")
        if user_input is not None and not (errors := await self._async_try(user_input)):
            return self._take(entry, user_input)
        return self._show_url("reconfigure", user_input, errors if user_input else {})

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask anew, where a PostgreSQL refuses its user."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address with its new password."""
        if user_input is not None and not (errors := await self._async_try(user_input)):
            return self._take(self._get_reauth_entry(), user_input)
        return self._show_url(
            "reauth_confirm", user_input, errors if user_input else {}
        )

    def _take(
        self, entry: RegisterConfigEntry, data: dict[str, Any]
    ) -> ConfigFlowResult:
        # What listens for updates takes settings, and is not there while a register is
        # not set up: another database is opened by a reload.
        result = self.async_update_and_abort(entry, data=data)
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result

    def _show_url(
        self, step: str, user_input: dict[str, Any] | None, errors: dict[str, str]
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            # After a mistake, what was just entered: a long address to correct.
            data_schema=self.add_suggested_values_to_schema(_URL, user_input),
            errors=errors,
            description_placeholders={"example": EXAMPLE},
        )

    async def _async_try(self, user_input: dict[str, Any]) -> dict[str, str]:
        """Connect, and return errors for the form."""
        try:
            await self.hass.async_add_executor_job(probe, user_input[CONF_URL])
        except RegisterError as err:
            return {CONF_URL: err.key}
        return {}


class PropertyOptionsFlow(RolesFlow, DeskFlow, PolicyFlow, ChannelFlow):
    """Units, places, desks, how long people are kept, how they are alerted, and who may do what."""

    @callback
    @override
    def async_show_form(
        self, *, errors: dict[str, str] | None = None, **form: Any
    ) -> ConfigFlowResult:
        """Show a form; a long one says at its head that a field further down is wrong.

        The frontend goes to the first field, and not to the one with the error.
        """
        long = len(form["data_schema"].schema) > FIELDS_IN_VIEW
        if long and errors and "base" not in errors:
            errors = {**errors, "base": "see_field"}
        return super().async_show_form(errors=errors, **form)

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is to be changed."""
        return self.async_show_menu(
            step_id="init",
            menu_options=[
                *("units", "places", "desk", "reports", "roles", "retention"),
                *("policy", "channel"),
            ],
        )

    async def async_step_places(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what the page behind a plate says of the whole property."""
        errors, options = {}, self.config_entry.options
        if user_input is not None:
            about = {key: text.strip() for key, text in user_input.items()}
            for key in (CONF_STATION_PHONE, CONF_OFFICE_PHONE):
                try:
                    if about.get(key):
                        about[key] = parse_phone(about[key], self.hass.config.country)
                except ValueError:
                    errors[key] = "invalid_phone"
            if not errors:
                about = {key: text for key, text in about.items() if text}
                return self.async_create_entry(data={**options, CONF_PLACES: about})
        return self.async_show_form(
            step_id="places",
            data_schema=self.add_suggested_values_to_schema(
                _PLACES, user_input or options.get(CONF_PLACES)
            ),
            errors=errors,
        )

    async def async_step_reports(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask in how many hours a hazard is to be mended, and how long photos are kept."""
        options = self.config_entry.options
        if user_input is not None:
            said = {key: int(value) for key, value in user_input.items()}
            return self.async_create_entry(data={**options, CONF_REPORTS: said})
        known = {str(key): hours for key, hours in HOURS.items()}
        known[CONF_KEEP_PHOTO_DAYS] = DEFAULT_KEEP_PHOTO_DAYS
        return self.async_show_form(
            step_id="reports",
            data_schema=self.add_suggested_values_to_schema(
                _REPORTS, {**known, **options.get(CONF_REPORTS, {})}
            ),
        )

    async def async_step_retention(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the periods."""
        if user_input is not None:
            days = {key: int(value) for key, value in user_input.items()}
            return self.async_create_entry(data={**self.config_entry.options, **days})
        return self.async_show_form(
            step_id="retention",
            data_schema=vol.Schema(
                {
                    vol.Required(
                        key, default=self.config_entry.options.get(key, default)
                    ): _DAYS
                    for key, default in _OPTIONS.items()
                }
            ),
        )
