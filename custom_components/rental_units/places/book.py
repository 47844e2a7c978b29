"""The places of one property in memory: who scans a plate waits for no database.

A page behind a code is open to everybody, so nothing that is asked there writes: scans are
counted here, and written together.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
import secrets
import time
from typing import Final

from sqlalchemy.orm import Session

from homeassistant.components import tag
from homeassistant.const import CONF_NAME
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS, DOMAIN, LOGGER
from ..public.links import Links
from ..register import Register, RegisterConfigEntry
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from . import rows
from .const import CONF_PLACES, TOKEN_BYTES, PlaceKind
from .rows import PlaceInfo

DATA_BOOKS: HassKey[dict[str, PlaceBook]] = HassKey(f"{DOMAIN}_places")
#: What the address of a page begins with: a token follows.
CODE_PATH: Final = "/api/q"
#: Scans are written together, so many seconds after the first; a place's tag is told of one
#: in as many: whoever loads a page again and again starts no automation each time.
WRITE_SECONDS: Final = 30.0
TAG_SECONDS: Final = 30.0
#: What could not be read is read again after so many.
READ_SECONDS: Final = 10.0
_PURPOSE: Final = "place"
_KINDS: Final = {
    *(Kind.UNIT_ADDED, Kind.UNIT_CHANGED, Kind.UNIT_REMOVED, Kind.UNIT_RESTORED),
    Kind.PLACE_CHANGED,
}


class PlaceBook:
    """The places of a property, and the codes on their plates."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
    ) -> None:
        """Initialize; `async_start` reads the places."""
        self._hass = hass
        self.entry = entry
        self.register = register
        self.links = Links(hass, entry.entry_id)
        self.places: Mapping[str, PlaceInfo] = {}
        #: By the digest of its token, the id of each valid code and of its place.
        self._codes: Mapping[str, tuple[str, str]] = {}
        #: Whether it is known which codes are valid.
        self.is_known = False
        self._scans: dict[str, tuple[int, float]] = {}
        #: When the tag of a place was told of a scan last, by the machine's own clock.
        self._told: dict[str, float] = {}
        self._cancel: CALLBACK_TYPE | None = None
        self._cancel_read: CALLBACK_TYPE | None = None
        self._reading = asyncio.Lock()

    async def async_start(self) -> None:
        """Read the places. Raises RegisterError; nothing is known while the database is away."""
        await self.links.async_load()
        if self.register.blind:
            return
        await self._async_read()
        self.register.listen_day(self._async_purge)

    async def async_stop(self) -> None:
        """Write what was counted."""
        if self._cancel_read:
            self._cancel_read()
            self._cancel_read = None
        if self._cancel:
            self._cancel()
            await self._async_write()

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow units and places. Raises RegisterError."""
        if any(row.kind in _KINDS for row in happened):
            try:
                await self._async_read()
            except RegisterError:
                # A code that was revoked opens nothing, even if nobody can read which.
                self._codes, self.is_known = {}, False
                self._read_later()
                raise

    async def _async_read(self) -> None:
        # One at a time: what was read earlier must not bring back what was revoked since.
        async with self._reading:
            await self.register.async_run(rows.reconcile)
            found = await self.register.async_read(rows.read, long=True)
            before, self.places, self._codes = self.places, found.places, found.codes
            self.is_known = True
            gone = before.keys() - found.places.keys()
            await _async_forget_tags(self._hass, [before[row].tag_id for row in gone])

    @callback
    def positions(self) -> dict[str, tuple[float, float]]:
        """Return the latitude and longitude of units by their ids, and of buildings by their names."""
        return {
            row.unit_id or row.building: (row.latitude, row.longitude)
            for row in self.places.values()
            if row.latitude is not None
            and row.longitude is not None
            and (row.unit_id or row.kind is PlaceKind.BUILDING)
        }

    @callback
    def _read_later(self) -> None:
        if self._cancel_read is None:
            self._cancel_read = async_call_later(
                self._hass, READ_SECONDS, self._async_read_again
            )

    async def _async_read_again(self, _now: datetime) -> None:
        self._cancel_read = None
        try:
            await self._async_read()
        except RegisterError:
            self._read_later()

    async def _async_purge(self) -> None:
        days = self.entry.options.get(CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS)
        before = time.time() - days * 86_400
        await self.register.async_run(partial(rows.purge_visits, before=before))

    # Codes

    def new_token(self) -> tuple[str, str]:
        """Return a token and the digest by which it is found."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        return token, self.digest(token)

    def digest(self, token: str) -> str:
        """Return what a token is found by, which is kept instead of it."""
        return self.links.digest(_PURPOSE, token)

    def address(self, token: str) -> str:
        """Return what a code says; empty where nobody outside could open it."""
        return self.links.absolute(f"{CODE_PATH}/{token}")

    @callback
    def find(self, token: str) -> PlaceInfo | None:
        """Return the place of a valid code."""
        found = self._codes.get(self.digest(token))
        return self.places.get(found[1]) if found else None

    @callback
    def revoked(self, place_ids: Collection[str], but: Collection[str] = ()) -> None:
        """Let the codes of these places open nothing, except those of these digests.

        The book hears of it too, but what has happened may not be readable just now.
        """
        self._codes = {
            digest: row
            for digest, row in self._codes.items()
            if digest in but or row[1] not in place_ids
        }

    @callback
    def units_in(self, place: PlaceInfo) -> list[str]:
        """Return the units that a place is, or that are in a building or stairwell."""
        if place.unit_id:
            return [place.unit_id]
        if place.kind not in (PlaceKind.BUILDING, PlaceKind.STAIRWELL):
            return []
        return [
            row.unit_id
            for row in self.places.values()
            if row.unit_id
            and row.building.casefold() == place.building.casefold()
            and (
                place.kind is PlaceKind.BUILDING
                or row.stairwell.casefold() == place.stairwell.casefold()
            )
        ]

    @property
    def about(self) -> Mapping[str, str]:
        """Return what the options say of station, office and meeting point."""
        found: Mapping[str, str] = self.entry.options.get(CONF_PLACES, {})
        return found

    # Scans

    @callback
    def scanned(self, token: str, place: PlaceInfo) -> None:
        """Count the scan of a place's code, and let its tag be scanned."""
        code_id, _ = self._codes[self.digest(token)]
        count, _ = self._scans.get(code_id, (0, 0.0))
        self._scans[code_id] = count + 1, time.time()
        if self._cancel is None:
            self._cancel = async_call_later(
                self._hass, WRITE_SECONDS, self._async_write
            )
        machine = time.monotonic()
        if machine - self._told.get(place.id, -TAG_SECONDS) >= TAG_SECONDS:
            self._told[place.id] = machine
            self.entry.async_create_background_task(
                self._hass, self._async_scan_tag(place.tag_id), "rental units scan"
            )

    async def _async_write(self, _now: datetime | None = None) -> None:
        self._cancel = None
        scans, self._scans = self._scans, {}
        counted = [(code_id, *row) for code_id, row in scans.items()]

        def write(session: Session) -> None:
            rows.count_scans(session, counted)

        try:
            await self.register.async_run(write)
        except RegisterError as err:
            # They are no deeds: what is lost is that a plate still hangs there.
            LOGGER.warning("%s scans were not counted: %s", len(counted), err.key)

    # Tags

    async def async_name_tag(self, place: PlaceInfo, name: str) -> None:
        """Make the tag of a place, so that it can be chosen before anybody has scanned it."""
        tags = self._hass.data[tag.TAG_DATA]
        if place.tag_id in tags.data:
            return
        try:
            await tags.async_create_item({tag.TAG_ID: place.tag_id, CONF_NAME: name})
        except HomeAssistantError as err:
            # Somebody else has made it just now. The sheets are printed all the same: the
            # codes of before are void.
            LOGGER.debug("A tag was not made: %s", type(err).__name__)

    async def _async_scan_tag(self, tag_id: str) -> None:
        try:
            await tag.async_scan_tag(self._hass, tag_id, None)
        except HomeAssistantError as err:
            LOGGER.debug("A tag was not told of a scan: %s", type(err).__name__)


async def _async_forget_tags(hass: HomeAssistant, tag_ids: Iterable[str]) -> None:
    tags = hass.data[tag.TAG_DATA]
    for tag_id in tag_ids:
        if tag_id in tags.data:
            await tags.async_delete_item(tag_id)


async def async_remove_tags(hass: HomeAssistant, register: Register) -> None:
    """Remove the tags of a property's places, before its database is erased."""
    try:
        found = await register.database.async_read(rows.tags, long=True)
    except RegisterError as err:
        LOGGER.warning("Tags of a removed property stay: %s", err.key)
    else:
        await _async_forget_tags(hass, found)


@callback
def book_of(hass: HomeAssistant, token: str) -> tuple[PlaceBook, PlaceInfo] | None:
    """Return the place of a code, of whichever property it is."""
    for book in hass.data[DATA_BOOKS].values():
        if place := book.find(token):
            return book, place
    return None
