"""What goes on at one board: its doors, its events, its clock."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address
import time
from typing import TYPE_CHECKING, Any, override

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ...catalogue.measurements import Value
from ...const import DOMAIN, LOGGER
from ...core.device import DeviceDescription, SafetyDevice
from ...core.passages import Decision, Passage
from ..base import Problem
from ..contact import SET_SECONDS, WRONG_SECONDS, Contact
from .board import Board, BoardError, as_datetime, doors_of

if TYPE_CHECKING:
    from .gateway import UhppoteGateway

#: A board is to send its state this often by itself, in seconds.
PUSH_SECONDS = 20
#: A board that answers and has sent nothing for so long, in seconds, cannot reach us.
UNHEARD_SECONDS = 180
#: A board tells that somebody opens its box, and never that it is closed: shown for so long.
TAMPER_SECONDS = 600
#: Modes of a door.
NORMALLY_OPEN, CONTROLLED = 1, 3
#: Seconds for which a door is unlocked where the board does not say.
USUAL_DELAY = 5
#: Key of the problem that nothing comes by itself.
NO_EVENTS = "uhppote_no_events"

#: Key of the problem that a board does not do the anti-pass-back that it is to do.
PASSBACK = "uhppote_passback"
#: Which readers a card must be read at by turns, by their number on the wire.
_PASSBACKS: Mapping[int | None, str] = {
    0: "off",
    1: "readers_1_2_and_3_4",
    2: "readers_13_24",
    3: "readers_1_23",
    4: "readers_1_234",
}

#: What a board answers for an event that newer ones have overwritten.
_OVERWRITTEN = 0xFF
#: Reasons of events, from the documentation of uhppoted. What an expired card is refused
#: with is written nowhere: whatever is no swipe that went well is a refusal.
_POWER_ON, _FORCED, _TAMPER = 28, 38, 41
#: The type of events that are swipes.
_SWIPE = 1
_DECISIONS: Mapping[int, Decision] = {
    1: Decision.GRANTED,
    5: Decision.OTHER,
    6: Decision.NOT_ALLOWED,
    7: Decision.PIN,
    8: Decision.ANTI_PASSBACK,
    9: Decision.OTHER,
    10: Decision.OTHER,
    11: Decision.CLOSED,
    12: Decision.INTERLOCK,
    13: Decision.NOT_NOW,
    15: Decision.NOT_NOW,
    18: Decision.UNKNOWN,
    33: Decision.INTERLOCK,
}
#: Boards say 1 for in and 2 for out; where 0 is said, nobody knows.
_INWARDS = {1: True, 2: False}


class Controller(Contact):
    """One board, as long as its config entry is loaded."""

    _gateway: UhppoteGateway

    def __init__(self, gateway: UhppoteGateway, board: Board) -> None:
        """Initialize; the device is there at once, and nothing is known of it."""
        super().__init__(gateway, f"Board {board.serial}")
        self.board = board
        self.doors = range(1, doors_of(board.serial) + 1)
        self._modes: dict[int, int] = {}
        self._delays: dict[int, int] = {}
        #: The number of the anti-pass-back that it says it does, None while it does not say;
        #: and if it has ever said one.
        self._passback: int | None = None
        self._knows_passback = False
        #: Nobody sets it while another does: what a person was told is so would not be.
        self._setting_passback = asyncio.Lock()
        #: Index of the last event that was taken; None until the board was asked.
        self._index: int | None = None
        #: That of the last one that the board has, as far as it was asked.
        self._last = 0
        self._confirmed = 0
        self._catching_up = False
        #: Monotonic time at which it last sent something by itself.
        self._heard = 0.0
        self._end_tamper: CALLBACK_TYPE | None = None
        known = gateway.devices.get(str(board.serial))
        self._is_new = known is None
        self.device: SafetyDevice = gateway.add_device(
            self._description(known.description.firmware if known else None)
        )

    def _description(self, firmware: str | None = None) -> DeviceDescription:
        serial = str(self.board.serial)
        return self.describe(
            serial,
            serial,
            # No board tells it.
            model=None,
            firmware=firmware,
            interval=PUSH_SECONDS,
        )

    # Contact

    @callback
    @override
    def start(self) -> None:
        self._heard = time.monotonic()
        if self.device.monitor.severity("tamper"):
            # From an earlier run: the board does not tell that it is over.
            self._end_tamper_later()
        super().start()

    @callback
    @override
    def stop(self) -> None:
        super().stop()
        if self._end_tamper:
            self._end_tamper()

    @property
    @override
    def _others(self) -> Iterable[Contact]:
        return [row for row in self._gateway.controllers if row is not self]

    @override
    async def _async_connect(self) -> None:
        answer = await self.board.ask("get_controller")
        self.device = self._gateway.add_device(self._description(answer.version))
        if self._gateway.event_port:
            await self.board.order("set_listener", "ok", *self._listener, PUSH_SECONDS)
        await self.board.order("record_special_events", "updated", True)
        status = await self.board.ask("get_status")
        last = status.event_index
        if self._index is None:
            self._gateway.house.passages.begin_anew(self.device)
            # What was before us is nobody's business, whoever has told it of an index.
            known = (await self.board.ask("get_event_index")).event_index
            known = last if self._is_new else known or last
            self._index = known if known <= last else 0
        elif last < self._index:
            # It has begun anew, and may have forgotten more than its events.
            self._index = 0
            self._gateway.house.credentials.look_again(self.device)
        self._answered()
        await self.async_refresh(self.doors)
        # Last: boards that do not know of it keep us waiting, and doors do not wait.
        await self._async_see_to_passback()

    @override
    async def _async_ask(self) -> None:
        await self.async_refresh(self.doors)
        if self._knows_passback:
            await self._async_see_to_passback()
        await self._async_look_after()

    @property
    def _listener(self) -> tuple[IPv4Address, int]:
        """Return where the board is to send its events. Raises BoardError."""
        return self.board.own_address(), self._gateway.event_port

    async def _async_look_after(self) -> None:
        """See that events come by themselves, and that the board knows which were taken."""
        silent = time.monotonic() - self._heard
        if not self._gateway.event_port:
            # That is known already.
            silent = 0
        if silent > UNHEARD_SECONDS:
            self._gateway.add_problem(
                Problem(
                    key=NO_EVENTS,
                    device_id=self.device.description.id,
                    placeholders={"device": self.device.name},
                )
            )
        if silent > 2 * PUSH_SECONDS:
            # Another program may have told it to send elsewhere, or it has forgotten all.
            answer = await self.board.ask("get_listener")
            if (answer.address, answer.port) != self._listener:
                self._again = True
                self._soon()
                self._gateway.house.credentials.look_again(self.device)
        if self._index is not None:
            taken = self._gateway.house.passages.taken(self.device, self._index)
            if taken != self._confirmed:
                await self.board.ask("set_event_index", taken)
                self._confirmed = taken

    # State

    async def async_refresh(self, doors: Iterable[int]) -> None:
        """Ask how things are, and for the modes of some doors. Raises BoardError."""
        doors = tuple(doors)
        for door in doors:
            answer = await self.board.ask("get_door_control", door)
            self._modes[door], self._delays[door] = answer.mode, answer.delay
        status = await self.board.ask("get_status")
        if await self._async_set_clock(status):
            status = await self.board.ask("get_status")
        self._show(
            status,
            {
                f"locked_{door}": not (
                    self._modes[door] == NORMALLY_OPEN
                    and bool(status.relays & 1 << (door - 1))
                )
                for door in doors
            },
        )
        self._catch_up(status.event_index)

    async def _async_set_clock(self, status: Any) -> bool:
        """Set a clock that is off, in our time zone: the board knows none."""
        offset = _offset(status)
        if offset is not None and abs(offset) <= SET_SECONDS:
            return False
        if not self._is_ours_right(offset):
            return False
        await self.board.ask("set_time", dt_util.now().replace(tzinfo=None))
        return True

    @callback
    def _show(self, status: Any, more: Mapping[str, Value]) -> None:
        """Take the state that a board answers or sends."""
        self.clock_offset = _offset(status)
        wrong = self.clock_offset is None or abs(self.clock_offset) > WRONG_SECONDS
        readings: dict[str, Value] = {
            "clock_wrong": wrong,
            "trouble": status.system_error != 0,
            **more,
        }
        for door in self.doors:
            is_open = bool(getattr(status, f"door_{door}_open"))
            if not is_open:
                self._forced.discard(door)
            readings[f"door_open_{door}"] = is_open
            readings[f"door_forced_{door}"] = door in self._forced
        self.device.update(readings)

    @override
    async def async_lock(self, door: int, locked: bool) -> None:
        if door not in self._delays:
            answer = await self.board.ask("get_door_control", door)
            self._delays[door] = answer.delay
        mode = CONTROLLED if locked else NORMALLY_OPEN
        answer = await self.board.ask(
            "set_door_control", door, mode, self._delays[door] or USUAL_DELAY
        )
        if answer.mode != mode:
            raise BoardError("the mode of the door was refused")

    @override
    async def async_open(self, door: int) -> bool:
        await self.board.order("open_door", "opened", door)
        status = await self.board.ask("get_status")
        return bool(status.relays & 1 << (door - 1))

    # Anti-pass-back

    @property
    def passback(self) -> str | None:
        """Return which it says that it does; None if it does not say, or what nobody knows."""
        return _PASSBACKS.get(self._passback)

    async def _async_see_to_passback(self) -> None:
        """Ask which it does, and put right what a person has chosen otherwise.

        It may have forgotten all, or the maker's tool has changed it. Boards that do not
        know of it do not answer: one that is off does not answer anything else either.
        """
        async with self._setting_passback:
            try:
                await self._async_read_passback()
                wanted = self.device.settings.passback
                is_known = wanted in _PASSBACKS.values()
                if wanted is not None and is_known and self.passback != wanted:
                    await self._async_order_passback(wanted)
            except BoardError as err:
                LOGGER.debug("%s: its anti-pass-back: %s", self._name, err)
        self._tell_passback()

    async def _async_read_passback(self) -> None:
        self._passback = None
        answer = await self.board.ask("get_antipassback")
        self._passback, self._knows_passback = answer.antipassback, True
        # Who shows it hears of it.
        self.device.update({})

    async def _async_order_passback(self, option: str) -> None:
        mode = next(key for key, name in _PASSBACKS.items() if name == option)
        await self.board.order("set_antipassback", "ok", mode)
        await self._async_read_passback()

    async def async_set_passback(self, option: str) -> None:
        """Have a card be read at readers by turns, from now on.

        Raises BoardError if it is not read back; what was chosen before is still wanted then.
        """
        async with self._setting_passback:
            await self._async_order_passback(option)
            if self.passback != option:
                raise BoardError("its anti-pass-back is still another one")
            self.device.settings.passback = option
        self._tell_passback()

    def _tell_passback(self) -> None:
        """Tell a person if it does another one than was chosen."""
        wanted, key = self.device.settings.passback, self.device.description.id
        if wanted in (None, self.passback):
            self._gateway.end_problem(PASSBACK, key)
        elif self._passback is not None:
            self._gateway.add_problem(
                Problem(
                    key=PASSBACK,
                    device_id=key,
                    placeholders={"device": self.device.name},
                )
            )

    # Events

    @callback
    def take(self, event: Any) -> None:
        """Take what the board sent by itself: its state, with its last event."""
        self._heard = time.monotonic()
        self._was_heard = True
        self._gateway.end_problem(NO_EVENTS, self.device.description.id)
        if not self._connected:
            # It is back sooner than it was asked again.
            self._soon()
            return
        self._happened_now(event)
        self._show(event, {})
        if self.device.readings.get("clock_wrong") or any(
            mode == NORMALLY_OPEN and not event.relays & 1 << (door - 1)
            for door, mode in self._modes.items()
        ):
            # Somebody may have locked what is to be open.
            self._soon()

    def _happened_now(self, event: Any) -> None:
        index = event.event_index
        if self._index is None or index == self._index:
            return
        if index == self._index + 1 and not self._catching_up:
            self._index = index
            self._happened(
                index=index,
                door=event.event_door,
                number=event.event_card,
                direction=event.event_direction,
                kind=event.event_type,
                reason=event.event_reason,
                stamp=event.event_timestamp,
            )
        else:
            # Some were lost on the way, or the board has begun anew: it is asked which.
            self._soon()

    @callback
    def _catch_up(self, last: int) -> None:
        """Fetch the events that were not heard; they may be thousands, and doors do not wait."""
        if self._index is None:
            return
        self._last = last
        if last < self._index:
            self.connect_again()
        elif self._index < last and not self._catching_up:
            self._catching_up = True
            self._gateway.entry.async_create_background_task(
                self._gateway.hass,
                self._async_catch_up(),
                f"{DOMAIN} events of board {self.board.serial}",
            )

    async def _async_catch_up(self) -> None:
        try:
            while self._index is not None and self._index < self._last:
                await self._async_fetch(self._index + 1)
        except BoardError as err:
            # The next turn goes on with it.
            LOGGER.debug("Board %s: %s", self.board.serial, err)
        finally:
            self._catching_up = False

    async def _async_fetch(self, index: int) -> None:
        """Take one event, or see how many are lost. Raises BoardError."""
        event = await self.board.ask("get_event", index)
        lost = 0
        if event.event_type == _OVERWRITTEN:
            oldest = await self.board.ask("get_event", 0)
            lost = max(oldest.index - index, 1)
        if self._index != index - 1:
            # The board has begun anew meanwhile.
            return
        if lost:
            self._gateway.discarded["overwritten events"] += lost
            self._index = index - 1 + lost
            return
        self._index = index
        if event.index != index:
            self._gateway.discarded["missing events"] += 1
        else:
            self._happened(
                index=index,
                door=event.door,
                number=event.card,
                direction=event.direction,
                kind=event.event_type,
                reason=event.reason,
                stamp=event.timestamp,
                late=True,
            )

    def _happened(
        self,
        *,
        index: int,
        door: int,
        number: int,
        direction: int,
        kind: int,
        reason: int,
        stamp: datetime | None,
        late: bool = False,
    ) -> None:
        """Take one event; `stamp` is the board's time of it, which counts if it was fetched."""
        if decision := _DECISIONS.get(
            reason, Decision.OTHER if kind == _SWIPE else None
        ):
            told = _as_utc(stamp) if stamp else None
            self._gateway.house.passages.passed(
                self.device,
                Passage(
                    device_id=self.device.device_id,
                    door=str(door),
                    number=str(number),
                    decision=decision,
                    at=told if told and late else dt_util.utcnow(),
                    index=index,
                    inwards=_INWARDS.get(direction),
                    stamp=told,
                    late=late,
                ),
            )
        elif reason == _FORCED and door in self.doors:
            self._forced.add(door)
            self.device.update({f"door_forced_{door}": True})
        elif reason == _TAMPER:
            self.device.update({"tamper": True})
            self._end_tamper_later()
        elif reason == _POWER_ON:
            # It may have lost what it was told, and what was being written.
            self._again = True
            self._soon()
            self._gateway.house.credentials.look_again(self.device)

    def _end_tamper_later(self) -> None:
        if self._end_tamper:
            self._end_tamper()

        @callback
        def over(_now: datetime) -> None:
            self._end_tamper = None
            # The board tells when it begins, and nothing else.
            self.device.derive(tamper=False)

        self._end_tamper = async_call_later(self._gateway.hass, TAMPER_SECONDS, over)

    def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault."""
        return {
            "device_id": self.device.device_id,
            "answers": self._connected,
            "modes": dict(self._modes),
            "passback": self._passback,
            "last_event": self._index,
            "clock_offset_seconds": self.clock_offset,
            "heard_seconds_ago": round(time.monotonic() - self._heard),
            "passages_dropped": self._gateway.house.passages.dropped[self.device.uid],
        }


def passbacks_of(doors: int) -> tuple[str, ...]:
    """Return what a board with so many doors can do: one with a single door has two readers."""
    names = tuple(_PASSBACKS.values())
    return names if doors > 1 else names[:2]


def _offset(status: Any) -> float | None:
    """Return by how many seconds the clock of a board is ahead, None for no clock."""
    at = as_datetime(status.system_date, status.system_time)
    if at is None:
        return None
    return (at - dt_util.now().replace(tzinfo=None)) / timedelta(seconds=1)


def _as_utc(at: datetime) -> datetime:
    return dt_util.as_utc(at.replace(tzinfo=dt_util.get_default_time_zone()))
