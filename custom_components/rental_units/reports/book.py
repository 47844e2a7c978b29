"""The reports of one property: taken, kept, and told of by who shows them."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
import time
from typing import Final

from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from ..alerts.const import Severity
from ..alerts.engine import Request
from ..alerts.runtime import engine_of
from ..const import CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS, DOMAIN, LOGGER, Reason
from ..issues import WARNING, put_issue
from ..places.book import PlaceBook
from ..places.rows import PlaceInfo
from ..places.texts import title
from ..public.pages import emergency_number
from ..register import RegisterConfigEntry, default_language, queries
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..storage.vault import Vault
from ..telling import tell
from . import rows
from .const import (
    CONF_KEEP_PHOTO_DAYS,
    CONF_REPORTS,
    DEFAULT_KEEP_PHOTO_DAYS,
    HOURS,
    Category,
    PhotoKind,
    State,
)
from .models import HazardReport
from .photos import Cleaner, Photo, PhotoFiles
from .rows import Brief, New, Stored
from .texts import texts

DATA_REPORTS: HassKey[dict[str, ReportBook]] = HassKey(f"{DOMAIN}_reports")
#: How often it is looked if something is due by now.
LOOK: Final = timedelta(minutes=5)
#: What is told besides the states: a report was due, and nobody has mended it.
OVERDUE: Final = "overdue"
_PURPOSE: Final = "report"

type Listener = Callable[[Brief, str], None]


def folder_of(hass: HomeAssistant, entry_id: str) -> Path:
    """Return the folder of a property's photos. Home Assistant serves none of it."""
    return Path(hass.config.path(DOMAIN, "photos", entry_id))


class ReportBook:
    """The reports of a property."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, places: PlaceBook
    ) -> None:
        """Initialize; `async_start` reads the reports."""
        self._hass = hass
        self.entry = entry
        self.places = places
        self.register = places.register
        self.cleaner = Cleaner()
        self.files = PhotoFiles(folder_of(hass, entry.entry_id))
        self.reports: Mapping[str, Brief] = {}
        #: Whether it is known what is open.
        self.is_known = False
        self._overdue: frozenset[str] = frozenset()
        self._listeners: list[Listener] = []
        self._change_listeners: list[CALLBACK_TYPE] = []
        self._reading = asyncio.Lock()

    @property
    def vault(self) -> Vault:
        """Return the vault with the keys of the photos."""
        return Vault(self.register.keys)

    async def async_start(self) -> None:
        """Read the reports. Raises RegisterError; none is known while the database is away."""
        if self.register.blind:
            return
        self.reports = await self.register.async_read(rows.read, long=True)
        self.is_known = True
        self._overdue = self._overdue_of(time.time())
        self._show()
        self.register.listen_day(self._async_purge)
        self.entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._look, LOOK, cancel_on_shutdown=True
            )
        )
        await self._async_sweep()

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow reports and their places. Raises RegisterError."""
        kinds = {Kind.REPORT_CHANGED, Kind.PLACE_CHANGED}
        kinds |= {Kind.UNIT_CHANGED, Kind.UNIT_REMOVED, Kind.UNIT_RESTORED}
        if any(row.kind in kinds for row in happened):
            await self._async_read()

    async def _async_read(self) -> None:
        # One at a time: what was read earlier must not be shown later.
        async with self._reading:
            found = await self.register.async_read(rows.read, long=True)
            before, self.reports = self.reports, found
        for report in found.values():
            known = before.get(report.id)
            # What was merged with it may have made it a danger.
            if (
                known is None
                or known.state is not report.state
                or known.danger is not report.danger
            ):
                self._tell(report, report.state)
        self._look()

    async def _async_follow(self) -> None:
        try:
            await self._async_read()
        except RegisterError as err:
            # It is written: it is shown with the next one.
            LOGGER.warning("The reports could not be read: %s", err.key)

    # Who shows them

    @callback
    def listen(self, told: Listener) -> CALLBACK_TYPE:
        """Call `told` with a report and the state that it has come to, or `overdue`."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    @callback
    def listen_change(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when the figures may be others."""
        self._change_listeners.append(update)
        return lambda: self._change_listeners.remove(update)

    @property
    def open(self) -> list[Brief]:
        """Return the reports about which somebody has to do something, the most urgent first."""
        found = [row for row in self.reports.values() if row.is_open]
        return sorted(found, key=lambda row: (not row.danger, row.due_at))

    @property
    def overdue(self) -> frozenset[str]:
        """Return the ids of those that should have been mended by now."""
        return self._overdue

    def name_of(self, report: Brief, language: str | None = None) -> str:
        """Return what a report is called in a list: the hazard, and the place.

        In the language of who reads, or of the house.
        """
        language = language or default_language(self._hass.config.language)
        text = texts(language)
        return str(text["item"]).format(
            category=text["category"][report.category],
            place=title(report.place, language),
        )

    def due_at(self, category: Category, now: float) -> float:
        """Return until when a hazard is to be mended, in Unix time."""
        own: Mapping[str, int] = self.entry.options.get(CONF_REPORTS, {})
        return now + own.get(category, HOURS[category]) * 3600

    @property
    def keep_photo_days(self) -> int:
        """Return the days after its end that photos of a report are kept."""
        own: Mapping[str, int] = self.entry.options.get(CONF_REPORTS, {})
        return own.get(CONF_KEEP_PHOTO_DAYS, DEFAULT_KEEP_PHOTO_DAYS)

    def _overdue_of(self, now: float) -> frozenset[str]:
        return frozenset(row.id for row in self.reports.values() if row.is_overdue(now))

    @callback
    def _look(self, _now: datetime | None = None) -> None:
        before, self._overdue = self._overdue, self._overdue_of(time.time())
        for report_id in sorted(self._overdue - before):
            self._tell(self.reports[report_id], OVERDUE)
        self._show()

    def _tell(self, report: Brief, what: str) -> None:
        tell(self._listeners, report, what)

    def _show(self) -> None:
        late = len(self._overdue)
        put_issue(
            self._hass,
            self.entry,
            "reports_overdue",
            {"count": str(late)} if late else None,
            severity=WARNING,
        )
        tell(self._change_listeners)

    # What people send

    def receipt(self, nonce: str) -> tuple[str, str]:
        """Return the token of a form's receipt, and the digest that it is found by.

        A form that is sent twice has one receipt, also over a restart.
        """
        token = self.places.links.digest(f"{_PURPOSE} token", nonce)[:32]
        return token, self.digest(token)

    def digest(self, token: str) -> str:
        """Return what the token of a receipt is found by."""
        return self.places.links.digest(_PURPOSE, token)

    async def async_alarm(self, place: PlaceInfo, category: Category) -> bool:
        """Tell who is on duty of a danger to life; return if they are being told.

        It waits for no photo and no database: the alerts have their own ways.
        """
        engine = engine_of(self._hass, self.entry.entry_id)
        if engine is None:
            LOGGER.error("A danger to life was reported, and there are no alerts")
            return False
        language = default_language(self._hass.config.language)
        text, name = texts(language), title(place, language)
        request = Request(
            severity=Severity.ALARM,
            unit_ids=(place.unit_id,) if place.unit_id else (),
            area_ids=(place.area_id,) if place.area_id else (),
            place=name,
            message=text["alert"].format(
                place=name,
                category=text["category"][category],
                number=emergency_number(self._hass.config.country),
            ),
            audience=("responders",),
        )
        try:
            await engine.async_raise(request)
        except HomeAssistantError as err:
            LOGGER.error(
                "A danger to life was reported, and nobody could be told: %s",
                type(err).__name__,
            )
            return False
        return True

    async def async_store(self, photos: Sequence[Photo]) -> list[Stored]:
        """Write photos to files; none is left if one cannot be. Raises RegisterError."""
        stored: list[Stored] = []
        try:
            for photo in photos:
                photo_id, key = await self._hass.async_add_executor_job(
                    self.files.write, photo.jpeg
                )
                stored.append(
                    Stored(photo_id, key, photo.fingerprint, photo.width, photo.height)
                )
        except OSError as err:
            LOGGER.error("A photo could not be written: %s", err.strerror)
            await self.async_remove([row.id for row in stored])
            raise RegisterError("photo_unwritable") from None
        return stored

    async def async_let_go(self, stored: Sequence[Stored]) -> None:
        """Delete the files of photos that were to be referred to, unless they are.

        A database that is lost in the middle of a commit says that nothing was written, and
        may be wrong. What it cannot be asked now, `_async_sweep` does.
        """
        ids = [row.id for row in stored]
        try:
            known = await self.register.async_read(rows.known_photos) if ids else ()
        except RegisterError:
            return
        await self.async_remove([key for key in ids if key not in known])

    async def async_remove(self, photo_ids: Sequence[str]) -> None:
        """Delete the files of photos that have no row (any more)."""

        def remove() -> None:
            for photo_id in photo_ids:
                self.files.remove(photo_id)

        if photo_ids:
            await self._hass.async_add_executor_job(remove)

    async def async_show(self, photo_id: str, key: str) -> bytes | None:
        """Return a photo; None if its file is gone or damaged."""
        return await self._hass.async_add_executor_job(self.files.read, photo_id, key)

    async def async_with_photos[T](
        self,
        photos: Sequence[Photo],
        do: Callable[[list[Stored]], Callable[[Session], T]],
    ) -> T:
        """Run on the database what refers to photos; without it, they are not kept.

        Raises RegisterError, and what it raises.
        """
        stored = await self.async_store(photos)
        try:
            return await self.register.async_run(do(stored))
        except Exception:
            # Of one that is cancelled it is not known if it will be written: see _async_sweep.
            await self.async_let_go(stored)
            raise

    async def async_file(self, new: New, photos: Sequence[Photo]) -> bool:
        """Write a report that somebody has sent; return False if its place is gone.

        Raises RegisterError.
        """
        unused = list[str]()

        def work(stored: list[Stored]) -> Callable[[Session], bool]:
            def write(session: Session) -> bool:
                report = rows.write(session, self.vault, new, stored)
                known = {row.id for row in report.photos} if report else set()
                unused.extend(row.id for row in stored if row.id not in known)
                if report is None:
                    return False
                _audit(session, "file_report", report)
                return True

            return write

        written = await self.async_with_photos(photos, work)
        # It was sent twice, or for nothing.
        await self.async_remove(unused)
        await self._async_follow()
        return written

    async def async_answer(
        self,
        digest: str,
        to: State | None,
        text: str = "",
        photos: Sequence[Photo] = (),
        form: str = "",
    ) -> bool:
        """Take what the holder of a receipt says; return False if there is no such report.

        `to` is confirmed or reopened, None where something is added: by a form, once. What
        was merged speaks for the report that goes on; its photos stay its own.
        Raises RegisterError, rows.WrongStateError, rows.TooManyPhotosError.
        """
        now = time.time()
        added = self.places.links.digest(f"{_PURPOSE} added", f"{digest} {form}")
        deed = rows.Deed(now, note=text, digest=None if to else added)

        def work(stored: list[Stored]) -> Callable[[Session], bool]:
            def write(session: Session) -> bool:
                own = rows.by_digest(session, digest)
                if own is None:
                    return False
                report = rows.leading(session, own)
                if to is State.REOPENED:
                    due_at = self.due_at(Category(report.category), now)
                    rows.reopen(session, report, due_at, deed)
                elif to:
                    rows.change(session, report, to, deed)
                else:
                    rows.note(session, report, "added", deed)
                    if State(report.state) not in ADDABLE:
                        raise rows.WrongStateError
                    rows.add_photos(
                        session,
                        self.vault,
                        own,
                        stored,
                        kind=PhotoKind.BEFORE,
                        now=now,
                    )
                    report.version += 1
                _audit(session, "answer_report", report)
                return True

            return write

        try:
            found = await self.async_with_photos(photos, work)
        except rows.SentTwiceError:
            return True
        await self._async_follow()
        return found

    async def _async_purge(self) -> None:
        options = self.entry.options
        gone = await self.register.async_run(
            partial(
                rows.purge,
                now=time.time(),
                keep_photo_days=self.keep_photo_days,
                keep_days=options.get(CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS),
            )
        )
        await self.async_remove(gone)
        await self._async_sweep()
        await self._async_follow()

    async def _async_sweep(self) -> None:
        """Delete files that nobody can open: what a crash, or a place that went, has left."""
        if await self.register.database.async_leftovers():
            # A damaged database that was moved aside may be mended, and holds keys.
            return
        known = await self.register.async_read(rows.known_photos)
        try:
            found = await self._hass.async_add_executor_job(self.files.sweep, known)
        except OSError as err:
            LOGGER.error("The folder of the photos cannot be read: %s", err.strerror)
            return
        if found:
            LOGGER.info("%s photos were left over, and are deleted", found)


#: States in which something can be added.
ADDABLE: Final = frozenset({State.NEW, State.ASSIGNED, State.REOPENED, State.MENDED})


def _audit(session: Session, what: str, report: HazardReport) -> None:
    queries.audit(session, None, what, Reason.REQUEST, unit_id=report.place.unit_id)


@callback
def book_of_receipt(hass: HomeAssistant) -> list[ReportBook]:
    """Return the books of all properties: a receipt says of none whose it is."""
    return list(hass.data.get(DATA_REPORTS, {}).values())


@callback
def open_in_units(
    hass: HomeAssistant, entry_id: str, unit_ids: Collection[str], language: str
) -> list[str] | None:
    """Return the open reports of units, for who reads there; None while they are not known."""
    book = hass.data[DATA_REPORTS].get(entry_id)
    if book is None or not book.is_known:
        return None
    words = texts(language)
    return [
        words["followed"].format(
            item=book.name_of(row, language), state=words["state"][row.state]
        )
        for row in book.open
        if row.place.unit_id in unit_ids
    ]
