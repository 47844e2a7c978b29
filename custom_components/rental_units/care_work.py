"""What people do about watches, whichever door they come by.

It is checked and written by a command, and done to the watch in memory with it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import Any, Final

from homeassistant.core import Context, HomeAssistant

from .app.application import Application
from .app.care import (
    ChangeWatch,
    GetWatch,
    GetWatches,
    Named,
    RevokeWatch,
    StartWatch,
    StateWatch,
    perinatal_end,
)
from .app.work import Command, refused
from .care import heard
from .care.book import DATA_CARE, PORTION, CareBook, answer as say
from .care.const import Because, Count, Deed
from .care.heard import Evidence, How
from .care.shown import ORDER, detail, stand
from .care.ward import Ward
from .care.watch import (
    CARDS,
    MOST_SOURCES,
    Answer,
    Outcome,
    Sensitivity,
    SourceKind,
    Watch,
)
from .const import Reason

_COUNTED: Final = {Outcome.NEEDLESS: Count.NEEDLESS, Outcome.REAL: Count.REAL}


@dataclass(frozen=True, slots=True)
class Sources:
    """By what somebody is to be heard."""

    things: Mapping[str, Evidence]
    #: Their cards at doors too.
    cards: bool = False

    @property
    def kinds(self) -> dict[str, SourceKind]:
        """Return them as a watch knows them."""
        kinds = {key: row.kind for key, row in self.things.items()}
        return {**kinds, CARDS: SourceKind.DOOR} if self.cards else kinds


def sources_of(
    hass: HomeAssistant, rows: Sequence[Mapping[str, Any]], *, cards: bool
) -> Sources:
    """Return what is said somebody is to be heard by. Raises ServiceValidationError."""
    things = dict[str, Evidence]()
    for row in rows:
        entity_id, how = row["entity_id"], How(row["how"])
        if how not in heard.ways(entity_id):
            raise refused("care_wrong_way")
        key = heard.key_of(hass, entity_id)
        if key == entity_id and hass.states.get(entity_id) is None:
            raise refused("care_no_source")
        least = float(row.get("least", 0.0))
        if (how in (How.RISE, How.JUMP)) is not (least > 0):
            raise refused("care_wrong_way")
        things[key] = Evidence(SourceKind(row["kind"]), how, least)
    found = Sources(things, cards)
    if not any(row.kind is SourceKind.INSIDE for row in things.values()):
        raise refused("care_nothing_inside")
    if len(found.kinds) > MOST_SOURCES:
        raise refused("care_too_many", most=str(MOST_SOURCES))
    return found


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody who does something about watches of a property."""

    hass: HomeAssistant
    application: Application
    context: Context
    why: Reason = Reason.MANAGEMENT

    @property
    def book(self) -> CareBook:
        """Return the watches."""
        return self.hass.data[DATA_CARE][self.application.register.entry.entry_id]

    async def async_find(
        self, command: str, person_id: str | None, unit_id: str | None
    ) -> str:
        """Return the watch over somebody, or the one in a unit.

        Raises Unauthorized before it is said if there is one; ServiceValidationError for none,
        or for several in a unit.
        """
        found = [
            row
            for row in self.book.facts.values()
            if row.person_id == person_id or row.unit_id == unit_id
        ]
        units = {unit_id} if unit_id else {row.unit_id for row in found}
        await self.application.async_authorize(
            self.context, command, self.why, units or None
        )
        if not found:
            raise refused("no_such_watch")
        if len(found) > 1:
            raise refused("care_several")
        return found[0].id

    async def async_start(
        self,
        person_id: str,
        unit_id: str,
        sources: Sources,
        contacts: Sequence[Named],
        *,
        until: date | None = None,
        because: Because = Because.ALONE,
        born: date | None = None,
        sensitivity: Sensitivity = Sensitivity.NORMAL,
        places: Sequence[str] = (),
        in_charge: str | None = None,
    ) -> str:
        """Begin a watch; return its id. Raises as Application.async_do."""
        if because is Because.PERINATAL and until is None:
            if born is None:
                raise refused("care_no_birth")
            until = perinatal_end(born)

        def make(watch: Watch, now: float) -> Ward:
            watch.hear_by(sources.kinds, now)
            watch.sensitivity = sensitivity
            ward = Ward(watch, sources.things, because, tuple(places))
            ward.note(Deed.BEGUN, now, self.context.user_id)
            return ward

        return await self._async_do(
            StartWatch(
                self.book.vault,
                person_id,
                unit_id,
                self.book.begin(make),
                contacts,
                until,
                in_charge or self.context.user_id,
            )
        )

    async def async_change(
        self,
        watch_id: str,
        *,
        sources: Sources | None = None,
        sensitivity: Sensitivity | None = None,
        places: Sequence[str] | None = None,
        contacts: Sequence[Named] | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a watch. Raises as Application.async_do."""

        def change(ward: Ward, now: float) -> None:
            if sources:
                ward.evidence = sources.things
                ward.watch.hear_by(sources.kinds, now)
                ward.meters.clear()
            if sensitivity:
                ward.watch.sensitivity = sensitivity
            if places is not None:
                ward.places = tuple(places)
            ward.note(Deed.CHANGED, now, self.context.user_id)

        book, changed = self.book, said or {}
        await self._async_change(
            watch_id,
            ChangeWatch.name,
            change,
            lambda text: ChangeWatch(book.vault, watch_id, text, contacts, changed),
        )

    async def async_revoke(self, watch_id: str) -> None:
        """End a watch, with all that was learned. Raises as Application.async_do."""
        await self._async_do(RevokeWatch(watch_id))

    async def async_answer(self, watch_id: str, answer: Answer) -> None:
        """Answer for somebody, who has been spoken to. Raises as Application.async_do."""
        ward = self.book.wards.get(watch_id)
        was_told = ward is not None and ward.watch.kept.told_at is not None
        is_counted = was_told and answer is not Answer.HELP

        def change(ward: Ward, now: float) -> None:
            say(ward, answer, now)
            self._note(ward, Deed(answer), now)

        await self._async_state(
            watch_id,
            "care_answer",
            change,
            Count.NEEDLESS if is_counted else None,
        )

    async def async_away(
        self, watch_id: str, until: float | None = None, *, back: bool = False
    ) -> None:
        """Know that somebody is out, or back again. Raises as Application.async_do."""

        def change(ward: Ward, now: float) -> None:
            if back:
                say(ward, Answer.FINE, now)
            else:
                ward.watch.leave(now, until)
            self._note(ward, Deed.FINE if back else Deed.OUT, now)

        await self._async_state(watch_id, "care_away", change)

    async def async_pause(self, watch_id: str, until: float | None) -> None:
        """Watch no more until a time, or again from now. Raises as Application.async_do."""

        def change(ward: Ward, now: float) -> None:
            ward.watch.pause(until, now)
            self._note(ward, Deed.PAUSED, now)

        await self._async_state(watch_id, "care_pause", change)

    async def async_guests(self, watch_id: str, until: float | None) -> None:
        """Know that others are there until a time, or are gone. Raises as Application.async_do."""

        def change(ward: Ward, now: float) -> None:
            ward.watch.have_guests(until or now, now)
            self._note(ward, Deed.GUESTS, now)

        await self._async_state(watch_id, "care_guests", change)

    async def async_close(self, watch_id: str, outcome: Outcome) -> None:
        """Say what was found after others were told. Raises as Application.async_do."""

        def change(ward: Ward, now: float) -> None:
            if ward.watch.kept.told_at is None:
                raise refused("care_not_told")
            ward.watch.close(outcome, now)
            self._note(ward, Deed(outcome), now)

        await self._async_state(watch_id, "care_close", change, _COUNTED[outcome])

    async def async_list(self) -> list[dict[str, Any]]:
        """Return who is watched, and how it stands. Raises as Application.async_do."""
        rows = await self._async_do(GetWatches())
        found = list[dict[str, Any]]()
        for some in batched(rows.items(), PORTION, strict=False):
            found += [{**row, **stand(self.book, key)} for key, row in some]
            await asyncio.sleep(0)
        return sorted(found, key=lambda row: ORDER.index(row["state"]))

    async def async_get(self, watch_id: str) -> dict[str, Any]:
        """Return all of one watch. Raises as Application.async_do."""
        row = await self._async_do(GetWatch(watch_id))
        return {**row, **stand(self.book, watch_id), **detail(self.book, watch_id)}

    def _note(self, ward: Ward, what: Deed, now: float) -> None:
        ward.note(what, now, self.context.user_id)

    async def _async_state(
        self,
        watch_id: str,
        state: str,
        change: Callable[[Ward, float], None],
        count: Count | None = None,
    ) -> None:
        def counted(ward: Ward, now: float) -> None:
            change(ward, now)
            if count:
                ward.count(self.book.month, count)

        box = self.book.vault
        await self._async_change(
            watch_id,
            state,
            counted,
            lambda text: StateWatch(box, watch_id, state, text, count),
        )

    async def _async_change(
        self,
        watch_id: str,
        what: str,
        change: Callable[[Ward, float], None],
        command: Callable[[str], ChangeWatch | StateWatch],
    ) -> None:
        # Who may not ask does not learn either how it stands, or if there is one.
        facts = self.book.facts.get(watch_id)
        units = (facts.unit_id,) if facts else None
        await self.application.async_authorize(self.context, what, self.why, units)
        if facts is None:
            raise refused("no_such_watch")
        if watch_id not in self.book.wards:
            raise refused("care_unreadable")
        await self.book.async_change(
            watch_id, change, lambda text: self._async_do(command(text))
        )

    async def _async_do[T](self, command: Command[T]) -> T:
        return await self.application.async_do(command, self.context, self.why)
