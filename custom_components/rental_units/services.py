"""The actions of the register, all of them."""

from homeassistant.core import HomeAssistant, SupportsResponse, callback

from .access import PUBLIC, sealed
from .actions import (
    accounts,
    cards,
    care,
    desk,
    files,
    people,
    reports,
    scores,
    sightings,
    tenancy,
    units,
    visits,
)
from .const import DOMAIN

ACTIONS = {
    **tenancy.ACTIONS,
    **people.ACTIONS,
    **visits.ACTIONS,
    **units.ACTIONS,
    **cards.ACTIONS,
    **care.ACTIONS,
    **reports.ACTIONS,
    **desk.ACTIONS,
    **scores.ACTIONS,
    **sightings.ACTIONS,
    **accounts.ACTIONS,
    **files.ACTIONS,
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action."""
    for name, action in ACTIONS.items():
        hass.services.async_register(
            DOMAIN,
            name,
            action.run,
            sealed(action.schema, () if action.is_sealed else PUBLIC),
            SupportsResponse.ONLY if action.is_question else SupportsResponse.OPTIONAL,
        )
