"""Pictures of what was seen: fetched from the camera when somebody looks, and kept nowhere.

A link to one is good once, for minutes, for whom it was made, and while the case is open.
"""

from dataclasses import dataclass
import secrets
import time
from typing import Final, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..sightings.journal import event_of

#: Seconds for which a link is good: a page asks for one, and then for the picture.
LINK_SECONDS: Final = 120
#: Links of a property that wait to be followed; of more, the oldest are forgotten.
MOST_LINKS: Final = 100


class Pictures(Protocol):
    """How Community Safety fetches pictures: `core.pictures` there."""

    @callback
    def has(self, device_id: str) -> bool:
        """Return if a device keeps pictures."""

    async def async_fetch(self, device_id: str, event: str) -> bytes:
        """Return the picture of what a camera has told of. Raises HomeAssistantError."""


DATA_PICTURES: HassKey[Pictures] = HassKey(f"{DOMAIN}_pictures")


@dataclass(frozen=True, slots=True)
class Shot:
    """A sighting that a look has shown, of which there may be a picture."""

    case_id: str
    deed_id: str
    device_id: str
    channel: str
    event_id: str


@dataclass(frozen=True, slots=True)
class _Link:
    shot: Shot
    user_id: str
    #: Monotonic time.
    ends: float


class Links:
    """The links of a property that were not followed yet. With a start they are void."""

    def __init__(self) -> None:
        """Initialize."""
        self._links: dict[str, _Link] = {}

    @callback
    def issue(self, shot: Shot, user_id: str) -> str:
        """Return the token of a new link."""
        now = time.monotonic()
        kept = [row for row in self._links.items() if row[1].ends > now]
        token = secrets.token_urlsafe(16)
        link = _Link(shot, user_id, now + LINK_SECONDS)
        self._links = dict([*kept[1 - MOST_LINKS :], (token, link)])
        return token

    @callback
    def take(self, token: str, user_id: str) -> Shot | None:
        """Return what a link is to, once; None for another's, or one that is over."""
        link = self._links.get(token)
        if link is None or link.user_id != user_id:
            return None
        del self._links[token]
        return link.shot if time.monotonic() < link.ends else None


@callback
def may_be_pictured(hass: HomeAssistant, device_id: str, event_id: str) -> bool:
    """Return if a camera may have a picture of a sighting."""
    pictures = hass.data.get(DATA_PICTURES)
    return bool(event_of(event_id) and pictures and pictures.has(device_id))
