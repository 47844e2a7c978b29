"""The office of one property: it plans, has controllers asked, and writes down what they prove.

Who gives cards to controllers is Community Safety; this is all that it is told, and it is
told in the process alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import batched, islice
import time
from typing import Any, Final, Protocol

from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.json import JsonValueType

from ..const import CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS, DOMAIN, LOGGER
from ..issues import listed, put_issue
from ..register import Register, RegisterConfigEntry
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..storage.vault import Vault
from . import numbers, outbox
from .const import AWAY, KEY_LOST, NO_ANSWER, REFUSED, SHOWN_DIGITS, Medium
from .outbox import Fact, Order

#: How often it is looked what is due.
BEAT: Final = timedelta(seconds=30)
#: Cards that are planned, and what was found of them is written, in one transaction.
PORTION: Final = 50
#: Orders that are read at once.
MOST_ORDERS: Final = 100
#: Key of the repair.
UNPROVEN: Final = "cards_unproven"


class Credentials(Protocol):
    """How Community Safety gives and takes cards, and reads lists: `core.credentials` there."""

    async def async_put(
        self,
        device_id: str,
        *,
        number: str,
        begin: datetime,
        end: datetime,
        doors: Iterable[str],
    ) -> Any:
        """Give a card; return its result."""

    async def async_remove(self, device_id: str, *, number: str) -> Any:
        """Take a card; return its result."""

    async def async_check(self, device_id: str) -> Any:
        """Read a list, and put it right."""

    def takes(self, device_id: str) -> str | None:
        """Return what a device has a list of, a word of Medium; None if it is not there."""


class Answers(Protocol):
    """Who answers Community Safety for all properties."""

    def answer(self) -> None:
        """Have lists read again of which nobody could say what they are to hold."""


DATA_OFFICES: HassKey[dict[str, Office]] = HassKey(f"{DOMAIN}_access_control")
DATA_CREDENTIALS: HassKey[Credentials] = HassKey(f"{DOMAIN}_credentials")
DATA_SINK: HassKey[Answers] = HassKey(f"{DOMAIN}_sink")


@dataclass(frozen=True, slots=True)
class Found:
    """How a controller's list was found, and the ends of the numbers that nobody has given."""

    at: float
    count: int
    unknown: tuple[str, ...] = field(default=())


def medium_of(hass: HomeAssistant, device_id: str) -> Medium | None:
    """Return what a device of Community Safety has a list of; None for one that has none."""
    if (credentials := hass.data.get(DATA_CREDENTIALS)) is None:
        # Nobody knows better yet.
        return Medium.CARD
    found = credentials.takes(device_id)
    return Medium(found) if found else None


def fact_of(result: Any) -> Fact:
    """Return what a result of Community Safety comes to."""
    if result.status == "confirmed":
        return Fact(is_there=result.held is not None)
    if result.status == "sent":
        return Fact(is_there=None, is_sent=True)
    reason = str(result.reason) if result.reason else NO_ANSWER
    return Fact(is_there=None, reason=reason, is_overtaken=reason == "overtaken")


async def async_fact_of(order: Awaitable[Any]) -> Fact:
    """Have Community Safety carry out an order; return what was proven."""
    try:
        return fact_of(await order)
    except HomeAssistantError as err:
        return Fact(is_there=None, reason=err.translation_key or REFUSED)
    except Exception as err:  # noqa: BLE001
        # Not with its text: it may hold the number.
        LOGGER.error("A card could not be ordered: %s", type(err))
        return Fact(is_there=None, reason=REFUSED)


def _note_all(
    session: Session, found: Iterable[tuple[tuple[str, str], tuple[Order, Fact]]]
) -> None:
    for _key, (order, fact) in found:
        outbox.note(session, order, fact, time.time())


class Office:
    """The cards of one property, as long as it is loaded."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._entry = entry
        self._register = register
        self._box = Vault(register.keys)
        self._turning = self._again = False
        #: Doors are others' now: all cards are to be planned anew.
        self._is_stale = False
        #: Controllers that are being asked.
        self._serving: set[str] = set()
        #: What was proven, and could not be written down yet, by card and controller.
        self._unwritten: dict[tuple[str, str], tuple[Order, Fact]] = {}
        self._writing = asyncio.Lock()
        #: What controllers were last said to be to hold, by number.
        self._asked: dict[str, Mapping[str, Order]] = {}
        #: How lists were found in this run.
        self.found: dict[str, Found] = {}

    @callback
    def start(self) -> None:
        """Take up what an earlier run has left, and go on with it."""
        if self._register.blind:
            # It begins anew once the database is back.
            return
        self._register.listen_day(self._async_new_day)
        self._entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._beat, BEAT, cancel_on_shutdown=True
            )
        )
        self._entry.async_create_background_task(
            self._hass, self._async_take_up(), "rental units cards"
        )

    async def _async_take_up(self) -> None:
        try:
            await self._async_plan(outbox.all_open)
        except RegisterError as err:
            LOGGER.warning("Cards are planned later: %s", err.key)
        self.wake()
        if sink := self._hass.data.get(DATA_SINK):
            sink.answer()

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Plan what has changed. Raises RegisterError: then it is told again.

        Of a door that may be all cards: who assigns it does not wait for that, and who
        assigns many has them planned together. A start plans all.
        """
        if any(row.kind == Kind.DOORS_CHANGED for row in happened):
            self._is_stale = True
        else:
            await self._async_plan(partial(outbox.concerned, happened=happened))
        self.wake()

    async def _async_plan(self, find: Callable[[Session], list[str]]) -> None:
        """Plan cards, a few at a time: an alert that is written down waits for no more."""
        for ids in batched(
            await self._register.async_read(find, long=True), PORTION, strict=False
        ):
            await self._register.async_run(
                partial(outbox.plan_those, card_ids=ids, now=time.time())
            )

    async def _async_new_day(self) -> None:
        keep = self._entry.options.get(CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS)
        await self._async_plan(outbox.all_open)
        await self._register.async_run(
            partial(outbox.purge, now=time.time(), keep_days=keep)
        )
        self.wake()

    # What is ordered

    @callback
    def _beat(self, _now: datetime) -> None:
        self.wake()

    @callback
    def wake(self) -> None:
        """See what is due, now or once more when that is done."""
        if self._turning:
            self._again = True
        elif self._hass.is_running and not self._register.blind:
            # Before that, controllers may not be set up yet.
            self._turning = True
            self._entry.async_create_background_task(
                self._hass, self._async_turn(), "rental units orders"
            )

    async def _async_turn(self) -> None:
        try:
            while True:
                self._again = False
                await self._async_look()
                if not self._again:
                    break
        except RegisterError as err:
            # It is due until it is done.
            LOGGER.debug("Cards are ordered later: %s", err.key)
        finally:
            self._turning = False

    async def _async_look(self) -> None:
        await self._async_write()
        if self._is_stale:
            self._is_stale = False
            try:
                await self._async_plan(outbox.all_open)
            except RegisterError:
                self._is_stale = True
                raise
        devices = await self._register.async_run(
            partial(outbox.devices_due, now=time.time())
        )
        if DATA_CREDENTIALS in self._hass.data:
            for device_id in set(devices) - self._serving:
                self._serving.add(device_id)
                self._entry.async_create_background_task(
                    self._hass, self._async_serve(device_id), "rental units controller"
                )
        await self._async_show()

    async def _async_serve(self, device_id: str) -> None:
        """Have a controller do what is due there, one card after the other."""
        try:
            while await self._async_serve_some(device_id):
                pass
        except RegisterError as err:
            LOGGER.debug("Cards of a controller are ordered later: %s", err.key)
            return
        finally:
            self._serving.discard(device_id)
        # The end may have come together with something new.
        self.wake()

    async def _async_serve_some(self, device_id: str) -> bool:
        """Return if there may be more to do."""
        due = await self._register.async_read(
            lambda session: outbox.orders(
                session, self._box, device_id, time.time(), MOST_ORDERS
            )
        )
        for order in due:
            if not await self._register.async_read(
                partial(outbox.is_current, order=order)
            ):
                # Something else was decided meanwhile.
                continue
            fact = await self._async_order(order)
            self._unwritten[order.card_id, device_id] = order, fact
            await self._async_write()
            if fact.is_there is None and fact.reason in AWAY:
                await self._register.async_run(
                    partial(
                        outbox.put_off,
                        device_id=device_id,
                        reason=fact.reason,
                        now=time.time(),
                    )
                )
                return False
        return bool(due)

    async def _async_order(self, order: Order) -> Fact:
        """Have a card given or taken; return what was proven."""
        if order.number is None:
            return Fact(is_there=None, reason=KEY_LOST)
        credentials = self._hass.data[DATA_CREDENTIALS]
        if not order.wanted or order.end <= time.time():
            return await async_fact_of(
                credentials.async_remove(order.device_id, number=order.number)
            )
        return await async_fact_of(
            credentials.async_put(
                order.device_id,
                number=order.number,
                begin=dt_util.utc_from_timestamp(order.begin),
                end=dt_util.utc_from_timestamp(order.end),
                doors=order.doors,
            )
        )

    async def _async_write(self) -> None:
        """Write down what was proven. Raises RegisterError; it is written later then.

        What many controllers prove at the same time is written together, and once: each of
        them waits here.
        """
        async with self._writing:
            while some := list(islice(self._unwritten.items(), PORTION)):
                await self._register.async_run(partial(_note_all, found=some))
                for key, row in some:
                    if self._unwritten.get(key) == row:
                        del self._unwritten[key]

    # What Community Safety asks and tells

    async def async_wanted(self, device_id: str) -> list[Order] | None:
        """Return what a controller is to hold; None: nothing of this property is there.

        Raises RegisterError.
        """
        now = time.time()
        rows = await self._register.async_read(
            lambda session: outbox.wanted(session, self._box, device_id, now),
            long=True,
        )
        if rows is None:
            self._asked.pop(device_id, None)
        else:
            self._asked[device_id] = {row.number: row for row in rows if row.number}
        return rows

    async def async_numbers(self, device_id: str) -> set[str]:
        """Return the numbers of cards that are to be at a controller. Raises RegisterError."""
        rows = await self._register.async_read(
            lambda session: outbox.wanted(session, self._box, device_id, time.time()),
            long=True,
        )
        return {row.number for row in rows or () if row.number and row.wanted}

    @callback
    def proved(self, result: Any) -> None:
        """Take what became of a card whose end had come, or that was tried again."""
        fact, device_id, number = fact_of(result), result.device_id, result.number
        asked = self._asked.get(device_id, {}).get(number)

        def write(session: Session) -> None:
            order = asked
            if not fact.is_there:
                # Its end may have come while nobody had asked; and what is gone is gone.
                order = outbox.order_of(session, self._box, device_id, number)
            if order:
                outbox.note(session, order, fact, time.time())

        self._note(write)

    @callback
    def checked(self, difference: Any) -> None:
        """Take how the list of a controller was found."""
        device_id = difference.device_id
        asked = self._asked.get(device_id)
        if asked is None:
            return
        self.found[device_id] = Found(
            time.time(),
            difference.count,
            tuple(row.number[-SHOWN_DIGITS:] for row in difference.unknown),
        )
        facts = {
            **dict.fromkeys(difference.there, Fact(is_there=True)),
            **dict.fromkeys(difference.gone, Fact(is_there=False)),
            **{row.number: fact_of(row) for row in difference.results},
        }
        found = [
            (order, fact)
            for number, fact in facts.items()
            if (order := asked.get(number))
        ]
        self._note(
            *(
                partial(outbox.note_list, found=some, now=time.time())
                for some in batched(found, PORTION, strict=False)
            )
        )

    def _note(self, *portions: Callable[[Session], None]) -> None:
        self._entry.async_create_background_task(
            self._hass, self._async_note(portions), "rental units proof"
        )

    async def _async_note(self, portions: Sequence[Callable[[Session], None]]) -> None:
        try:
            for write in portions:
                await self._register.async_run(write)
        except RegisterError as err:
            # What is not known to be proven is ordered again.
            LOGGER.warning("What a controller has proven is not written: %s", err.key)
        self.wake()

    # What people see

    def lists(self) -> list[dict[str, JsonValueType]]:
        """Return how the lists of controllers were found in this run, for an answer."""
        return [
            {
                "device_id": device_id,
                "at": dt_util.utc_from_timestamp(row.at).isoformat(),
                "count": row.count,
                "unknown": [numbers.mask(digits) for digits in row.unknown],
            }
            for device_id, row in self.found.items()
        ]

    async def _async_show(self) -> None:
        """Show what is not proven as a repair, until it is."""
        found = await self._register.async_read(outbox.unproven)
        registry = dr.async_get(self._hass)
        names = [
            (device.name_by_user or device.name or "?")
            if (device := registry.async_get(device_id))
            else "?"
            for device_id in found
        ]
        said = (
            {**listed(names, "controllers"), "count": str(sum(found.values()))}
            if found
            else None
        )
        put_issue(self._hass, self._entry, UNPROVEN, said)
