"""What was seen, on its way to the database: in portions, and behind whatever is urgent.

It outlives its properties' config entries: who passes while one is loaded anew waits. What
waits is in memory alone, and its device is told that it was taken when it is on the disk: so
whatever ends meanwhile, the device tells it again.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
import time
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ..access_control import numbers
from ..const import DOMAIN, LOGGER
from ..register import Register
from ..storage.errors import RegisterError
from ..storage.vault import RULES, Compartment, Vault
from ..telling import tell
from . import store
from .models import SeenKind
from .store import Seen

#: So long the first of a portion waits, in seconds: a commit for each who passes would wear
#: out a card of flash memory, and keep the one thread that writes.
FLUSH_SECONDS: Final = 1.0
#: And so long until a database that is away is tried again.
RETRY_SECONDS: Final = 5.0
#: Rows of one transaction, written or purged: whoever waits to write is next after them.
PORTION: Final = 50
#: What a camera may say of how somebody or something looks: attributes of a passage.
LOOKS: Final = ("colour", "age_group")
#: What waits in memory for each property at the most. More is left to the devices.
MOST_WAITING: Final = 20_000
_DAY: Final = 86_400

#: Called with what tells the sightings from others that were written just now.
type Written = Callable[[Collection[str]], None]

DATA_JOURNAL: HassKey[Journal] = HassKey(f"{DOMAIN}_journal")


@callback
def journal_of(hass: HomeAssistant) -> Journal:
    """Return the journal of this Home Assistant."""
    if DATA_JOURNAL not in hass.data:
        hass.data[DATA_JOURNAL] = Journal(hass)
    return hass.data[DATA_JOURNAL]


def seen_of(passage: Any) -> Seen | None:
    """Return what a passage of Community Safety comes to; None for no device."""
    if passage.device_id is None:
        return None
    stamp = passage.stamp or (passage.at if passage.late else None)
    # One that has begun to count anew has the same numbers at other times.
    index = f"{passage.index}@{stamp.timestamp():.0f}" if stamp else str(passage.index)
    decision = str(passage.decision)
    card = numbers.normal(passage.number) if passage.means == "card" else None
    looks = {key: getattr(passage, key) for key in LOOKS}
    return Seen(
        device_id=passage.device_id,
        channel=passage.door,
        # A camera tells what it has read wrong once more, by its event.
        event_id=f"{passage.means} {passage.event}" if passage.event else index,
        corrected=passage.corrected and passage.event is not None,
        at=passage.at.timestamp(),
        # What is no number is a plate, as it was read.
        kind=SeenKind.CARD if card else SeenKind.PLATE,
        number=card or passage.number.strip().upper() or None,
        decision=decision,
        # One that was only seen was neither let in nor refused.
        granted=None if decision == "seen" else passage.granted,
        inwards=passage.inwards,
        category=passage.category,
        attributes={key: str(value) for key, value in looks.items() if value} or None,
    )


def event_of(event_id: str) -> str | None:
    """Return the camera's own event of a sighting, None where it told none: see `seen_of`."""
    return event_id.partition(" ")[2] or None


class Journal:
    """What is to be written down, for all properties."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._lines: dict[str, _Line] = {}

    @callback
    def attach(self, register: Register) -> None:
        """Write into the database of a property, until it is detached."""
        if register.blind:
            # It begins anew once the database is back.
            return
        register.listen_day(partial(async_purge, register))
        self._line(register.entry.entry_id).attach(register)

    @callback
    def listen(self, entry_id: str, written: Written) -> CALLBACK_TYPE:
        """Call `written` with the event ids of what is on the disk now; return what ends it."""
        listeners = self._line(entry_id).listeners
        listeners.append(written)
        return lambda: listeners.remove(written)

    async def async_detach(self, entry_id: str) -> None:
        """Write what waits; what cannot be written waits on."""
        if line := self._lines.get(entry_id):
            await line.async_detach()

    @callback
    def forget(self, entry_id: str) -> None:
        """Drop what waits for a property that is removed: it is nobody's."""
        if line := self._lines.pop(entry_id, None):
            line.drop()

    @callback
    def passed(self, passage: Any) -> asyncio.Future[Any] | None:
        """Take a passage; the future is done when it is on the disk, None if nobody keeps it."""
        return self.take(seen) if (seen := seen_of(passage)) else None

    @callback
    def take(self, seen: Seen) -> asyncio.Future[Any] | None:
        """Take what was seen, as `passed`."""
        futures = [
            self._line(row.entry_id).put(seen)
            for row in self._hass.config_entries.async_entries(
                DOMAIN, include_ignore=False, include_disabled=False
            )
        ]
        if len(futures) > 1:
            return asyncio.gather(*futures)
        return futures[0] if futures else None

    def _line(self, entry_id: str) -> _Line:
        if entry_id not in self._lines:
            self._lines[entry_id] = _Line(self._hass)
        return self._lines[entry_id]


class _Line:
    """What waits for one property, the oldest first."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._register: Register | None = None
        self._waiting: list[tuple[Seen, asyncio.Future[None]]] = []
        self._writing = asyncio.Lock()
        self._cancel: CALLBACK_TYPE | None = None
        #: Rows of the next transaction.
        self._most = PORTION
        self._is_full = False
        self.listeners: list[Written] = []

    @callback
    def attach(self, register: Register) -> None:
        self._register = register
        if self._waiting:
            self._later(0)

    async def async_detach(self) -> None:
        await self._async_write()
        self._register = None
        self._stop()

    @callback
    def drop(self) -> None:
        self._stop()
        self._register = None
        self._done(list(self._waiting))

    @callback
    def put(self, seen: Seen) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._hass.loop.create_future()
        if len(self._waiting) >= MOST_WAITING:
            if not self._is_full:
                LOGGER.error("Passages wait for the database, and no more can")
            self._is_full = True
            future.cancel()
            return future
        self._waiting.append((seen, future))
        if self._cancel is None and self._register:
            self._later(FLUSH_SECONDS)
        return future

    def _later(self, seconds: float) -> None:
        self._stop()
        self._cancel = async_call_later(self._hass, seconds, self._begin)

    def _stop(self) -> None:
        if self._cancel:
            self._cancel()
            self._cancel = None

    @callback
    def _begin(self, _now: datetime) -> None:
        self._cancel = None
        self._hass.async_create_background_task(
            self._async_write(), f"{DOMAIN} sightings"
        )

    async def _async_write(self) -> None:
        """Write what waits, in portions; what cannot be written is tried again."""
        async with self._writing:
            self._stop()
            while self._waiting and self._register:
                rows = self._waiting[: self._most]
                try:
                    await self._async_write_some(
                        self._register, [seen for seen, _ in rows]
                    )
                except RegisterError as err:
                    if not self._set_aside(rows, err):
                        self._later(RETRY_SECONDS)
                        return
                    continue
                self._is_full = False
                self._done(rows)
                tell(self.listeners, {seen.event_id for seen, _ in rows})
            self._most = PORTION

    async def _async_write_some(self, register: Register, rows: Sequence[Seen]) -> None:
        entries = self._hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        await register.async_run(
            partial(
                store.write,
                box=Vault(register.keys),
                rows=rows,
                is_only=len(entries) == 1,
            )
        )

    def _set_aside(
        self, rows: Sequence[tuple[Seen, asyncio.Future[None]]], err: RegisterError
    ) -> bool:
        """Find the row that no database takes, and leave it out; return if that may help."""
        if err.key != "register_failed":
            LOGGER.debug("Passages are written later: %s", err.key)
            return False
        if len(rows) > 1:
            self._most = 1
            return True
        LOGGER.error("A passage cannot be written down")
        rows[0][1].cancel()
        self._done(rows)
        return True

    def _done(self, rows: Sequence[tuple[Seen, asyncio.Future[None]]]) -> None:
        del self._waiting[: len(rows)]
        for _, future in rows:
            if not future.done():
                future.set_result(None)


async def async_purge(register: Register, before: float | None = None) -> int:
    """Drop what need not be kept any more, a little at a time; return how many sightings.

    It is what was seen `before` a Unix time; if there is none, what is older than the rules
    allow. Raises RegisterError.
    """
    if before is None:
        before = time.time() - RULES[Compartment.SIGHTINGS].keep_days * _DAY
    # Whoever waits to write is next: they queue for the one thread that does.
    count = 0
    while gone := await register.async_run(
        partial(store.purge, before=before, most=PORTION)
    ):
        count += gone
    for ids in batched(
        await register.async_read(store.unseen, long=True), PORTION, strict=False
    ):
        await register.async_run(partial(store.drop_unseen, ids=ids))
    await register.async_run(store.drop_sources)
    return count
