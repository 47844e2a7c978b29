"""Duties that nobody covers, shown in the repairs before it burns."""

from datetime import datetime, timedelta
from itertools import count

from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import (
    EventStateChangedData,
    async_track_state_change_event,
    async_track_time_interval,
)

from .const import SUBENTRY_RESPONDER
from .issues import ERROR, WARNING, listed, put_issue
from .register import Register, RegisterConfigEntry
from .register.roster import gaps

#: A roster may say something else without an event of its own: it is looked at so often.
LOOK = timedelta(minutes=10)
UNREACHABLE, OFF = "duty_unreachable", "duty_off"
SILENT = "silent_responders"


@callback
def tell_apart(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    """Give a number to responders that are called the same: no title may name a person."""
    rows = entry.get_subentries_of_type(SUBENTRY_RESPONDER)
    taken = {row.title for row in rows}
    seen = set[str]()
    for row in rows:
        if row.title not in seen:
            seen.add(row.title)
            continue
        numbered = (f"{row.title} {number}" for number in count(2))
        title = next(name for name in numbered if name not in taken)
        taken.add(title)
        hass.config_entries.async_update_subentry(entry, row, title=title)


class DutyWatch:
    """Looks whether somebody would come: at each change, and every few minutes."""

    def __init__(self, hass: HomeAssistant, register: Register) -> None:
        """Initialize."""
        self._hass = hass
        self._register = register
        self._schedules = frozenset[str]()
        self._unfollow: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Begin to look, until the property is unloaded."""
        entry = self._register.entry
        entry.async_on_unload(self._register.phonebook.listen(self.look))
        entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._tick, LOOK, cancel_on_shutdown=True
            )
        )
        entry.async_on_unload(self._stop)
        self.look()

    @callback
    def look(self) -> None:
        """Show what is so now, and follow the roster of now."""
        if not self._register.phonebook.is_known:
            return
        rows = self._register.phonebook.posts()
        found = gaps(rows)
        # Of whose duty nobody is reached, that is said already.
        silent = {row.duty for row in rows} - found.unreachable
        for key, severity, concerned in (
            (
                UNREACHABLE,
                ERROR,
                (row for row in rows if row.duty in found.unreachable),
            ),
            (OFF, ERROR, (row for row in rows if row.duty in found.off)),
            (
                SILENT,
                WARNING,
                (row for row in rows if not row.is_reachable and row.duty in silent),
            ),
        ):
            titles = [row.title for row in concerned]
            said = listed(titles, "duties") if titles else None
            put_issue(self._hass, self._register.entry, key, said, severity=severity)
        self._follow()

    def _follow(self) -> None:
        schedules = frozenset(
            schedule
            for row in self._register.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
            if (schedule := row.data.get("schedule"))
        )
        if schedules == self._schedules:
            return
        self._stop()
        self._schedules = schedules
        self._unfollow = async_track_state_change_event(
            self._hass, schedules, self._changed
        )

    @callback
    def _changed(self, _event: Event[EventStateChangedData]) -> None:
        self.look()

    @callback
    def _tick(self, _now: datetime) -> None:
        self.look()

    @callback
    def _stop(self) -> None:
        if self._unfollow:
            self._unfollow()
            self._unfollow = None
