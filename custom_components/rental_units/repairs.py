"""What a person must mend at the register. Units are named, people never."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .register import Register
from .register.units import Summary


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a fixable issue: a person confirms to have seen it."""
    return ConfirmRepairFlow()


#: Issues by what makes a unit count for them.
ISSUES: dict[str, Callable[[Summary], bool]] = {
    "unreachable_people": lambda summary: summary.unreachable > 0,
    "no_working_channel": lambda summary: summary.without_channel > 0,
    "no_landlord": lambda summary: summary.tenants > 0 and not summary.landlords,
    "overdue_tenants": lambda summary: summary.overdue > 0,
}
RESPONDERS = "silent_responders"
_MOST_NAMED = 10


@callback
def show_issues(hass: HomeAssistant, register: Register) -> None:
    """Show what the figures of a property say, and what is mended no longer."""
    entry = register.entry
    for key, applies in ISSUES.items():
        units = sorted(
            register.units[unit_id].title
            for unit_id, summary in register.summaries.items()
            if unit_id in register.units and applies(summary)
        )
        _show(hass, register, key, "units", units)
    duties = sorted(
        entry.subentries[key].title
        for key in register.silent_responders & entry.subentries.keys()
    )
    _show(hass, register, RESPONDERS, "duties", duties)


def _show(
    hass: HomeAssistant, register: Register, key: str, what: str, titles: list[str]
) -> None:
    """Show an issue with what it is about, or take it back."""
    entry = register.entry
    issue_id = f"{key}_{entry.entry_id}"
    if not titles:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    named = ", ".join(titles[:_MOST_NAMED])
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders={
            "property": entry.title,
            "count": str(len(titles)),
            what: named if len(titles) <= _MOST_NAMED else f"{named}, …",
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
        RESPONDERS,
        "register_damaged",
        "register_unwritable",
        "alerts_stalled",
    ):
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry_id}")
