"""Issues of a property in the repairs. Units and duties are named in them, people never."""

from collections.abc import Collection, Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

ERROR, WARNING = ir.IssueSeverity.ERROR, ir.IssueSeverity.WARNING
_MOST_NAMED = 10


@callback
def put_issue(
    hass: HomeAssistant,
    entry: ConfigEntry,
    key: str,
    placeholders: Mapping[str, str] | None,
    *,
    severity: ir.IssueSeverity = ERROR,
    about: str = "",
    fixable: bool = False,
    until_seen: bool = False,
) -> None:
    """Show an issue with what it says beside the property; without that, take it back.

    `about` tells several of one kind apart. One that is there `until_seen` stays, also
    over a restart, until a person confirms it.
    """
    issue_id = "_".join(filter(None, (key, entry.entry_id, about)))
    if placeholders is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=fixable or until_seen,
        is_persistent=until_seen,
        severity=severity,
        translation_key=key,
        translation_placeholders={"property": entry.title, **placeholders},
    )


def listed(titles: Collection[str], what: str = "names") -> dict[str, str]:
    """Return how many there are, and the first of their names, as placeholders."""
    named = ", ".join(sorted(titles)[:_MOST_NAMED])
    more = ", …" if len(titles) > _MOST_NAMED else ""
    return {"count": str(len(titles)), what: named + more}


@callback
def forget_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Take back the issues of a property that is removed."""
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and entry_id in issue_id:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
