"""The picture of a sighting, behind a link that a search has given: see search/pictures.py."""

from http import HTTPStatus
import time
from typing import Final

from aiohttp import web

from homeassistant.components.http import KEY_HASS, KEY_HASS_USER
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError

from .app.application import application_of
from .app.search import SeePicture
from .const import LOGGER
from .public.pages import PICTURE_HEADERS
from .public.views import SecretView
from .reports.photos import Cleaner
from .search.book import DATA_SEARCHES
from .search.const import WHY
from .search.pictures import DATA_PICTURES
from .sightings.journal import event_of

_PATH: Final = "/api/rental_units/sighting"


def picture_path(entry_id: str, token: str) -> str:
    """Return the path of a link, which is to be signed for whom it is."""
    return f"{_PATH}/{entry_id}/{token}"


class SightingPictureView(SecretView):
    """GET answers with the picture, once, to whom the link was signed for.

    It is in the case and in the audit before it is fetched, and written anew: a camera may
    send anything.
    """

    url = _PATH + "/{entry_id}/{token}"
    name = "api:rental_units:sighting"

    def __init__(self) -> None:
        """Initialize."""
        self._cleaner = Cleaner()

    async def get(
        self, request: web.Request, entry_id: str, token: str
    ) -> web.Response:
        """Show it."""
        hass, user = request.app[KEY_HASS], request.get(KEY_HASS_USER)
        # Home Assistant's own look at the signature says who that is.
        if user is None:
            return _nothing(HTTPStatus.UNAUTHORIZED)
        book = hass.data[DATA_SEARCHES].get(entry_id)
        pictures = hass.data.get(DATA_PICTURES)
        shot = book.links.take(token, user.id) if book else None
        case = book.cases.get(shot.case_id) if book and shot else None
        event = event_of(shot.event_id) if shot else None
        if not (book and shot and case and event and pictures):
            return _nothing(HTTPStatus.NOT_FOUND)
        try:
            await application_of(hass, entry_id).async_do(
                SeePicture(book.vault, shot, is_shown=True),
                Context(user_id=user.id),
                WHY[case.kind],
            )
        except HomeAssistantError:
            return _nothing(HTTPStatus.FORBIDDEN)
        try:
            content = await pictures.async_fetch(shot.device_id, event)
            photo = await self._cleaner.async_clean(content)
        except HomeAssistantError as err:
            LOGGER.debug("A picture of a sighting: %s", type(err).__name__)
            return _nothing(HTTPStatus.BAD_GATEWAY)
        case = book.cases.get(shot.case_id)
        if case is None or not case.is_open(time.time()):
            # It was closed while the camera was asked.
            return _nothing(HTTPStatus.FORBIDDEN)
        return web.Response(
            body=photo.jpeg, content_type="image/jpeg", headers=PICTURE_HEADERS
        )


def _nothing(status: HTTPStatus) -> web.Response:
    return web.Response(status=status, headers=PICTURE_HEADERS)
