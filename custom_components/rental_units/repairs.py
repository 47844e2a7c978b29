"""What a person must mend at the register. Units are named, people never."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, override

import voluptuous as vol

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import DOMAIN as HOMEASSISTANT_DOMAIN, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError

from .access_control.leaving import DATA_LEAVING, ISSUE
from .app.application import application_of
from .app.units import EraseMissing, RestoreUnit
from .const import SUBENTRY_UNIT
from .forms import current_user
from .issues import WARNING, listed, put_issue
from .register import Register
from .register.leases import UNDO_DAYS
from .register.units import Summary
from .sidecar import RESTART_REQUIRED
from .storage.errors import RegisterError


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a fixable issue: to bring back what is missing, or to confirm."""
    if issue_id == RESTART_REQUIRED:
        return RestartFlow()
    if issue_id == ISSUE:
        return LeavingFlow()
    entry = hass.config_entries.async_get_entry(issue_id.removeprefix(f"{MISSING}_"))
    if (
        entry
        and issue_id.startswith(MISSING)
        and entry.state is ConfigEntryState.LOADED
    ):
        return MissingFlow(entry.runtime_data)
    return ConfirmRepairFlow()


class RestartFlow(ConfirmRepairFlow):
    """Restarts Home Assistant, once a person has confirmed it."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        if user_input is not None:
            await self.hass.services.async_call(HOMEASSISTANT_DOMAIN, "restart")
        return await super().async_step_confirm(user_input)


class LeavingFlow(ConfirmRepairFlow):
    """Forgets cards that removed properties have left at controllers, where a person says so."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        if user_input is not None:
            await self.hass.data[DATA_LEAVING].async_forget()
        return await super().async_step_confirm(user_input)


class MissingFlow(RepairsFlow):
    """Units and responders that went missing, and nobody has removed."""

    def __init__(self, register: Register) -> None:
        """Initialize."""
        super().__init__()
        self._register = register

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask what is to become of them."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["restore", "erase"],
            description_placeholders=_described(self._register),
        )

    async def async_step_restore(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Bring them back; a unit that was entered anew meanwhile stays as it is."""
        application = application_of(self.hass, self._register.entry.entry_id)
        for row in self._register.missing:
            if row.kind != SUBENTRY_UNIT:
                continue
            try:
                with suppress(ServiceValidationError):
                    await application.async_fill(RestoreUnit(row.id), current_user())
            except RegisterError as err:
                return self.async_abort(reason=err.key)
        self._register.restore_responders()
        return self.async_create_entry(data={})

    async def async_step_erase(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Remove them for good, once a person has confirmed it."""
        if user_input is None:
            return self.async_show_form(
                step_id="erase",
                data_schema=vol.Schema({}),
                description_placeholders=_described(self._register),
            )
        try:
            application = application_of(self.hass, self._register.entry.entry_id)
            user_id = current_user()
            await application.async_fill(EraseMissing(), user_id)
            await self._register.database.async_checkpoint()
            # An export that cannot be deleted stays in the list of files.
            await application.async_remove_files(user_id)
            await self._register.async_sync()
        except RegisterError as err:
            return self.async_abort(reason=err.key)
        return self.async_create_entry(data={})


#: Issues by what makes a unit count for them.
ISSUES: dict[str, Callable[[Summary], bool]] = {
    "unreachable_people": lambda summary: summary.unreachable > 0,
    "no_working_channel": lambda summary: summary.without_channel > 0,
    "no_landlord": lambda summary: summary.tenants > 0 and not summary.landlords,
    "overdue_tenants": lambda summary: summary.overdue > 0,
}
MISSING = "missing"


@callback
def show_issues(hass: HomeAssistant, register: Register) -> None:
    """Show what the figures of a property say, and what is mended no longer."""
    for key, applies in ISSUES.items():
        units = [
            register.units[unit_id].title
            for unit_id, summary in register.summaries.items()
            if unit_id in register.units and applies(summary)
        ]
        said = listed(units, "units") if units else None
        put_issue(hass, register.entry, key, said, severity=WARNING)
    # Until it is back, erased, or its time is over.
    missing = _described(register) if register.missing else None
    put_issue(hass, register.entry, MISSING, missing, fixable=True)


def _described(register: Register) -> dict[str, str]:
    """Return what is missing: names of units and duties, and how many people."""
    return {
        "property": register.entry.title,
        **listed([row.title for row in register.missing]),
        "people": str(sum(row.people for row in register.missing)),
        "days": str(UNDO_DAYS),
    }


@callback
def show_start(hass: HomeAssistant, register: Register) -> None:
    """Show what the start has found: people who are told as they were last known only.

    Encrypted rows whose key is not there, and a damaged file that was moved aside: the
    register begins anew.
    """
    entry, failure = register.entry, register.blind
    away = {"error": str(failure)} if failure else None
    put_issue(hass, entry, "register_away", away)
    lost = {"count": str(register.unreadable), "file": register.keys.name}
    put_issue(hass, entry, "key_lost", lost if register.unreadable else None)
    if moved := register.database.moved:
        put_issue(
            hass, entry, "register_damaged", {"file": moved.name}, until_seen=True
        )
