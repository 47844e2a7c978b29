"""The scores of one property: facts are gathered day by day, and shown by who shows them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
import time
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_KEEP_AUDIT_DAYS, DEFAULT_KEEP_AUDIT_DAYS, DOMAIN, LOGGER
from ..places.book import DATA_BOOKS, PlaceBook
from ..register import RegisterConfigEntry
from ..storage.events import DomainEvent, Kind
from ..telling import tell
from . import facts, notes, records, rows, sheets
from .catalogue import Check
from .const import RecordKind, Source, State, Why
from .facts import Alarms, AlarmsUnknownError, Whose
from .models import ScoreSample, ScoreSheet
from .periods import bounds, month_of
from .sheets import SheetError

DATA_SCORES: HassKey[dict[str, ScoreBook]] = HassKey(f"{DOMAIN}_scores")
_DAY: Final = 86_400
#: Days that samples are kept: a sheet is read anew until it is open.
_KEEP_SAMPLE_DAYS: Final = 800


@dataclass(frozen=True, slots=True)
class Brief:
    """A sheet as everybody of the house may see it."""

    month: str
    state: State
    #: Of one that is frozen, if all was known.
    score: str | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What entities show."""

    sheets: Mapping[str, Brief] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @property
    def last(self) -> Brief | None:
        """Return the last month that is frozen."""
        frozen = [row for row in self.sheets.values() if row.state is State.FROZEN]
        return max(frozen, key=lambda row: row.month, default=None)


#: The last of so many working days after a day, and whether holidays on the way are assumed.
type WorkingDay = Callable[[date, int], tuple[date, bool]]


class ScoreBook:
    """The scores of a property."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        places: PlaceBook,
        working_day: WorkingDay,
    ) -> None:
        """Initialize; `async_start` reads them."""
        self.working_day = working_day
        self._hass = hass
        self.entry = entry
        self.places = places
        self.register = places.register
        self.figures = Figures()
        #: Whether it is known how they stand.
        self.is_known = False
        self._change_listeners: list[CALLBACK_TYPE] = []

    async def async_start(self) -> None:
        """Read the scores. Raises RegisterError; none are known while the database is away."""
        if self.register.blind:
            return
        self.figures = await self.register.async_read(read_figures, long=True)
        self.is_known = True
        self.register.listen_day(self.async_day)

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow the scores. Raises RegisterError."""
        if any(row.kind == Kind.SCORES_CHANGED for row in happened):
            await self._async_read()

    async def _async_read(self) -> None:
        self.figures = await self.register.async_read(read_figures, long=True)
        tell(self._change_listeners)

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when the figures may be others."""
        self._change_listeners.append(update)
        return lambda: self._change_listeners.remove(update)

    # What is read elsewhere

    @callback
    def whose(self) -> Whose:
        """Return what tells whose an area is."""
        entries = self._hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        books = self._hass.data[DATA_BOOKS].values()
        others = [book for book in books if book.entry is not self.entry]
        return facts.whose_areas(
            _areas(self.places),
            {area for book in others for area in _areas(book)},
            is_only=len(entries) == 1,
        )

    async def async_alarms(self, month: str) -> Alarms | Why:
        """Return the alarms of a month, or why they are not known."""
        begin, _ = bounds(month)
        try:
            return await facts.async_alarms(self._hass, begin, self.whose())
        except AlarmsUnknownError as err:
            return err.why

    @property
    def whose_sheet(self) -> sheets.Of:
        """Return whose the sheets are, for their records."""
        return sheets.Of(self.entry.entry_id, self.entry.title)

    @property
    def units(self) -> int:
        """Return how many units the register has."""
        return len(self.register.units)

    # Once a day

    async def async_day(self) -> None:
        """Look at what is a matter of the moment, and read the facts of all drafts anew.

        Raises RegisterError.
        """
        today, now = self.register.today, time.time()
        month = month_of(today)
        alarms = {month: await self.async_alarms(month)}
        cameras = facts.cameras_now(self._hass, self.whose(), alarms[month])

        def look(session: Session) -> list[str]:
            cards = facts.cards_now(session, now)
            for source, seen in (
                (Source.UNPROVEN_CARDS, cards),
                (Source.SHORT_RECORDINGS, cameras),
            ):
                facts.put_sample(session, today, source, seen, now)
            self._purge(session, now)
            if rows.catalogue_for(session, month):
                sheets.begin(session, month)
            drafts = select(ScoreSheet.month).where(ScoreSheet.state == State.DRAFT)
            return sorted(session.scalars(drafts))

        for draft in await self.register.async_run(look):
            if draft not in alarms:
                alarms[draft] = await self.async_alarms(draft)
            await self.register.async_run(
                partial(
                    self._measure,
                    month=draft,
                    alarms=alarms[draft],
                    units=self.units,
                    now=now,
                )
            )
        await self._async_read()

    @staticmethod
    def _measure(
        session: Session, month: str, alarms: Alarms | Why, units: int, now: float
    ) -> None:
        sheet = sheets.find(session, month)
        if sheet is None or sheet.state != State.DRAFT:
            # Somebody has opened it meanwhile.
            return
        try:
            sheets.measure_sheet(session, sheet, alarms, units, now)
        except SheetError:
            LOGGER.debug("There is no table of criteria for %s", month)

    def _purge(self, session: Session, now: float) -> None:
        keep = self.entry.options.get(CONF_KEEP_AUDIT_DAYS, DEFAULT_KEEP_AUDIT_DAYS)
        notes.purge(session, now - keep * _DAY)
        session.execute(
            delete(ScoreSample).where(ScoreSample.at < now - _KEEP_SAMPLE_DAYS * _DAY)
        )


def _areas(places: PlaceBook) -> Collection[str]:
    units = (row.area_id for row in places.register.units.values())
    spots = (row.area_id for row in places.places.values())
    return {area for area in (*units, *spots) if area}


def read_figures(session: Session) -> Figures:
    """Return what entities show."""
    found: dict[str, Brief] = {}
    bodies = {
        row.period: records.body_of(row)
        for row in records.all_of(session, RecordKind.SHEET)
    }
    for sheet in session.scalars(select(ScoreSheet)):
        body = bodies.get(sheet.month, {})
        found[sheet.month] = Brief(
            sheet.month, State(sheet.state), body.get("score"), sheet.due_on
        )
    return Figures(found, _checks(session))


def _checks(session: Session) -> tuple[Check, ...]:
    """Return the days of the calendar, by the newest table."""
    known = rows.catalogues(session)
    return rows.catalogue_of(known[0]).checks if known else ()
