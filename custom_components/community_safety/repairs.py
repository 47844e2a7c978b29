"""What a person must mend at the software. Faults of equipment are alarms, not repairs."""

from typing import TYPE_CHECKING, Any

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

if TYPE_CHECKING:
    from .gateways.base import GatewayConfigEntry


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a fixable issue: a person confirms to have done it."""
    return ConfirmRepairFlow()


@callback
def show_version(
    hass: HomeAssistant, entry: GatewayConfigEntry, version: int | None
) -> None:
    """Show that a gateway speaks a version that is not supported; with None no longer."""
    issue_id = f"unsupported_version_{entry.entry_id}"
    if version is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="unsupported_version",
        translation_placeholders={"gateway": entry.title, "version": str(version)},
    )
