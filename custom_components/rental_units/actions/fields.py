"""What an action is, and the fields that several have."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv

from ..const import LANGUAGES, Reason
from ..register.addresses import KINDS, PHONE_CHANNELS

ATTR_CONFIG_ENTRY_ID = "config_entry_id"
ATTR_PERSON_ID = "person_id"
ATTR_REASON = "reason"

type Fields = dict[vol.Marker, Any]

TEXT: Final = vol.All(cv.string, vol.Length(max=500))
REASON: Final[Fields] = {
    vol.Optional(ATTR_REASON, default=Reason.MANAGEMENT): vol.Coerce(Reason)
}
OF_ENTRY: Final[Fields] = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string, **REASON}
_FILE: Final = vol.Required("file")
CONTACT: Final[Fields] = {
    **{vol.Optional(kind.key): TEXT for kind in KINDS},
    vol.Optional("channels"): vol.All(
        cv.ensure_list, [vol.In([str(channel) for channel in PHONE_CHANNELS])]
    ),
    vol.Optional("language"): vol.In(LANGUAGES),
    vol.Inclusive("quiet_from", "quiet"): cv.time,
    vol.Inclusive("quiet_until", "quiet"): cv.time,
}


def file_named(endings: str, field: vol.Marker = _FILE) -> Fields:
    """Return the field of a file's name: a name only, no path."""
    name = rf"\w[\w .()（）-]*\.(?i:{endings})\Z"
    return {field: vol.All(cv.string, vol.Match(name))}


@dataclass(frozen=True, slots=True)
class Action:
    """What is called, with which fields."""

    run: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema
    #: It is called for its answer alone.
    is_question: bool = False
    #: Nothing of what it was called with is in the event of the call: not even about whom.
    is_sealed: bool = False


def why(call: ServiceCall) -> Reason:
    """Return the reason that a call gives."""
    reason: Reason = call.data[ATTR_REASON]
    return reason
