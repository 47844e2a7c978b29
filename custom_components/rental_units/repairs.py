"""What a person must mend at the register. Units are named, people never."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import voluptuous as vol

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir

from .alerts.channels import PROVIDERS
from .app.application import application_of
from .app.units import RestoreUnit
from .const import DOMAIN, SUBENTRY_UNIT
from .forms import current_user
from .register import Register
from .register.leases import UNDO_DAYS
from .register.units import Summary
from .storage.errors import RegisterError


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a fixable issue: to bring back what is missing, or to confirm."""
    entry = hass.config_entries.async_get_entry(issue_id.removeprefix(f"{MISSING}_"))
    if (
        entry
        and issue_id.startswith(MISSING)
        and entry.state is ConfigEntryState.LOADED
    ):
        return MissingFlow(entry.runtime_data)
    return ConfirmRepairFlow()


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
            await self._register.async_erase_missing()
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
DUTIES = ("duty_unreachable", "duty_off", "silent_responders")
MISSING = "missing"
AWAY = "register_away"
KEY_LOST = "key_lost"
_MOST_NAMED = 10


@callback
def show_issues(hass: HomeAssistant, register: Register) -> None:
    """Show what the figures of a property say, and what is mended no longer."""
    for key, applies in ISSUES.items():
        units = sorted(
            register.units[unit_id].title
            for unit_id, summary in register.summaries.items()
            if unit_id in register.units and applies(summary)
        )
        show(hass, register, key, units=units)
    _show_missing(hass, register)


@callback
def show(
    hass: HomeAssistant,
    register: Register,
    key: str,
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING,
    **named: list[str],
) -> None:
    """Show an issue with what it is about, or take it back."""
    entry = register.entry
    issue_id = f"{key}_{entry.entry_id}"
    ((what, titles),) = named.items()
    if not titles:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    first = ", ".join(titles[:_MOST_NAMED])
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=severity,
        translation_key=key,
        translation_placeholders={
            "property": entry.title,
            "count": str(len(titles)),
            what: first if len(titles) <= _MOST_NAMED else f"{first}, …",
        },
    )


def _show_missing(hass: HomeAssistant, register: Register) -> None:
    """Show what has no subentry any more, until it is back, erased, or its time is over."""
    issue_id = f"{MISSING}_{register.entry.entry_id}"
    if not register.missing:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=MISSING,
        translation_placeholders=_described(register),
    )


def _described(register: Register) -> dict[str, str]:
    """Return what is missing: names of units and duties, and how many people."""
    rows = register.missing
    titles = sorted(row.title for row in rows)
    named = ", ".join(titles[:_MOST_NAMED])
    return {
        "property": register.entry.title,
        "count": str(len(rows)),
        "people": str(sum(row.people for row in rows)),
        "names": named if len(titles) <= _MOST_NAMED else f"{named}, …",
        "days": str(UNDO_DAYS),
    }


@callback
def show_away(hass: HomeAssistant, register: Register) -> None:
    """Show that people are told as they were last known, or no longer."""
    entry, failure = register.entry, register.blind
    issue_id = f"{AWAY}_{entry.entry_id}"
    if failure is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=AWAY,
        translation_placeholders={"property": entry.title, "error": str(failure)},
    )


@callback
def show_lost_key(hass: HomeAssistant, register: Register) -> None:
    """Show that encrypted rows cannot be read: their key is not there."""
    entry = register.entry
    issue_id = f"{KEY_LOST}_{entry.entry_id}"
    if not register.unreadable:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=KEY_LOST,
        translation_placeholders={
            "property": entry.title,
            "count": str(register.unreadable),
            "file": register.keys.name,
        },
    )


@callback
def show_damage(hass: HomeAssistant, register: Register) -> None:
    """Show that a damaged file was moved aside and the register begins anew."""
    entry = register.entry
    if moved := register.database.moved:
        ir.async_create_issue(
            hass,
            DOMAIN,
            f"register_damaged_{entry.entry_id}",
            # Until a person says that it was seen, also over a restart.
            is_fixable=True,
            is_persistent=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key="register_damaged",
            translation_placeholders={"property": entry.title, "file": moved.name},
        )


@callback
def forget_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Take back the issues of a property that is removed."""
    for key in (
        *ISSUES,
        *DUTIES,
        MISSING,
        KEY_LOST,
        "register_damaged",
        "register_unwritable",
        "alerts_stalled",
        "report_ends",
        "alert_missed",
        "contacts_failing",
    ):
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry_id}")
    for channel in PROVIDERS:
        for key in ("provider_failing", "provider_dead"):
            ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry_id}_{channel}")
