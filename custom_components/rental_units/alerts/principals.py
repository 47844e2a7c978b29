"""Who has set off what the core is asked to do, where that is no user of Home Assistant."""

from collections import OrderedDict

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

#: Contexts that are remembered: the core asks within a second.
MOST_CONTEXTS = 256
_DATA: HassKey[OrderedDict[str, str]] = HassKey(f"{DOMAIN}_principals")


@callback
def remember(hass: HomeAssistant, context: Context, person_id: str) -> None:
    """Note which person of the register is behind a context of ours."""
    known = hass.data.setdefault(_DATA, OrderedDict())
    known[context.id] = person_id
    while len(known) > MOST_CONTEXTS:
        known.popitem(last=False)


@callback
def person_of(hass: HomeAssistant, context: Context) -> str | None:
    """Return the id of the person behind a context; None if it is none of ours."""
    known = hass.data.get(_DATA)
    return known.get(context.id) if known else None
