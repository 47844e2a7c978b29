"""Credentials: given, taken and read at door controllers, each with its proof.

Whose they are, and which a controller is to hold, is known by who offers a passage sink
(`core.passages`). Nothing of them is stored here, and no number is shown or logged.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
import time

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import (
    async_track_time_change,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from ..catalogue import DOOR_CONTROLLER
from ..const import DOMAIN, LOGGER
from .device import SafetyDevice
from .passages import Passages
from .ports import Credential, CredentialPort, Find
from .proving import Answer, Pace, Reason, Status, async_command, async_prove

#: Seconds for one try, and at most so many tries, each with its reading.
TRY_SECONDS = 5.0
DEADLINE_SECONDS = 30.0
FIRST_BACKOFF_SECONDS = 0.5
TRIES = 3
#: What could not be proven is not tried again by itself sooner, in seconds: more writing
#: wears out a controller's memory, and helps as little as before.
SUSPENDED_SECONDS = 300
#: A list that changes while it is read is read again, so often.
READINGS = 3
#: A controller that is away is not asked for thousands of credentials, one by one.
_AWAY = (Reason.GONE, Reason.NOT_CONNECTED, Reason.NO_ANSWER)
#: How often it is looked whose real end has come.
ENDS_EVERY = timedelta(seconds=30)
#: When every list is read, by local time.
NIGHTLY_HOUR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one credential at one controller.

    `held` is what was read back, None if it is proven to be gone, or if nothing is proven.
    A `held` that ends later than was asked for is a controller that knows whole days only:
    it is removed at the real end, and opens until that day is over while we are away.
    """

    device_id: str
    number: str = field(repr=False)
    status: Status
    reason: Reason | None = None
    milliseconds: int = 0
    held: Credential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How the list of a controller differed from what it is to hold.

    `unknown` are credentials that nobody has given. `results` are those that were missing,
    wrong or expired, and have been put right or not; so many were `left` alone, because the
    controller did not answer or refused several in a row.
    """

    device_id: str
    count: int
    unknown: tuple[Credential, ...] = ()
    results: tuple[Result, ...] = ()
    left: int = 0


class Credentials:
    """The credentials of all door controllers."""

    def __init__(self, hass: HomeAssistant, passages: Passages, find: Find) -> None:
        """Initialize."""
        self._hass = hass
        self._passages = passages
        self._find = find
        #: Unique ids by Home Assistant's id of the device.
        self._uids: dict[str, str] = {}
        self._attached: set[str] = set()
        #: What was wanted last of a number at a device: None is that it be gone.
        self._orders: dict[tuple[str, str], object] = {}
        #: What could not be proven, and since when (monotonic), by device and number.
        self._unproven: dict[str, dict[str, tuple[Credential | None, float]]] = {}
        #: The real ends in Unix time, by device and number, and the next ones first. What
        #: was overtaken stays among these until its time comes.
        self._ends: dict[tuple[str, str], float] = {}
        self._next_ends: list[tuple[float, str, str]] = []
        #: Numbers that were written while the list of a device was read.
        self._touched: dict[str, set[str]] = {}
        self._checks: dict[str, asyncio.Task[Difference | None]] = {}
        #: Devices whose list is to be read once more when that is done.
        self._again: set[str] = set()

    @callback
    def start(self) -> CALLBACK_TYPE:
        """See to ends, and read every list at night and when somebody knows what it is to be.

        Returns a function that ends this.
        """

        @callback
        def check_all(_now: datetime | None = None) -> None:
            for uid in tuple(self._attached):
                self._begin_check(uid)

        self._passages.on_sink(check_all)
        undo = (
            async_track_time_change(
                self._hass, check_all, hour=NIGHTLY_HOUR, minute=0, second=0
            ),
            async_track_time_interval(
                self._hass,
                self._see_to_ends,
                ENDS_EVERY,
                name=f"{DOMAIN} card ends",
                cancel_on_shutdown=True,
            ),
        )

        @callback
        def end() -> None:
            for item in undo:
                item()

        return end

    @callback
    def look_again(self, device: SafetyDevice) -> None:
        """Read a controller's list soon: it is back, or may have lost what it was given.

        For its gateway, after each time that it could not be reached.
        """
        if device.uid in self._attached:
            self._begin_check(device.uid)

    @callback
    def attach(self, device: SafetyDevice) -> None:
        """Take in a controller."""
        if device.kind is DOOR_CONTROLLER and device.device_id:
            self._uids[device.device_id] = device.uid
            self._attached.add(device.uid)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Read nothing more. Ends that come meanwhile are seen to when it is back."""
        self._attached.discard(device.uid)

    @callback
    def forget(self, uid: str) -> None:
        """Drop everything about a device that a person has deleted."""
        self._unproven.pop(uid, None)
        for key in [key for key in self._ends if key[0] == uid]:
            del self._ends[key]
        for device_id in [row for row, known in self._uids.items() if known == uid]:
            del self._uids[device_id]
            ir.async_delete_issue(self._hass, DOMAIN, _issue(device_id))

    # For a passage sink

    async def async_put(
        self,
        device_id: str,
        *,
        number: str,
        begin: datetime,
        end: datetime,
        doors: Iterable[str],
    ) -> Result:
        """Give a credential, and prove it by reading it back.

        `begin` and `end` are aware; at the end it is removed again. Raises
        ServiceValidationError for what the controller cannot hold at all, and for a device
        that is no controller of ours.
        """
        credential = Credential(
            number=number, begin=begin, end=end, doors=frozenset(doors)
        )
        uid, port = self._port(device_id)
        port.as_held(credential)
        return await self._async_order(uid, device_id, number, credential)

    async def async_remove(self, device_id: str, *, number: str) -> Result:
        """Take a credential, and prove that it is gone. Raises ServiceValidationError."""
        uid, _port = self._port(device_id)
        return await self._async_order(uid, device_id, number, None)

    async def async_check(self, device_id: str) -> Difference | None:
        """Read a whole list now, and put right what differs.

        Returns None if nobody says what it is to hold. Raises HomeAssistantError if it could
        not be read, and ServiceValidationError for a device that is no controller of ours.
        """
        uid, _port = self._port(device_id)
        if running := self._checks.get(uid):
            # It has begun before whatever the caller wants to know.
            await asyncio.wait((running,))
        return await asyncio.shield(self._begin_check(uid))

    def _port(self, device_id: str) -> tuple[str, CredentialPort]:
        uid = self._uids.get(device_id, "")
        found = self._find(uid)
        if not found or not isinstance(found[0], CredentialPort):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="no_door_controller"
            )
        return uid, found[0]

    # One credential

    async def _async_order(
        self, uid: str, device_id: str, number: str, credential: Credential | None
    ) -> Result:
        """Have a controller hold a credential, or none, and note what came of it."""
        key = uid, number
        order = self._orders[key] = object()
        begun = time.monotonic()
        self._ends.pop(key, None)
        if uid in self._touched:
            self._touched[uid].add(number)
        read = False

        async def command(until: float) -> Answer | None:
            if not (found := self._controller(uid)):
                return None
            port, device = found
            return await async_command(
                port.async_put_credential(device, credential)
                if credential
                else port.async_remove_credential(device, number),
                until,
                uid,
            )

        async def read_back(until: float) -> tuple[Credential | None] | None:
            nonlocal read
            if not (found := self._controller(uid)):
                return None
            port, device = found
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    held = await port.async_read_credential(device, number)
                read = True
                wanted = port.as_held(credential) if credential else None
            except TimeoutError, HomeAssistantError:
                return None
            return (held,) if held == wanted else None

        proven = await async_prove(
            Pace(
                each=TRY_SECONDS,
                deadline=DEADLINE_SECONDS,
                backoff=FIRST_BACKOFF_SECONDS,
                tries=TRIES,
            ),
            begun,
            wanted=lambda: self._orders.get(key) is order,
            command=command,
            read_back=read_back,
        )
        milliseconds = round((time.monotonic() - begun) * 1000)
        if isinstance(proven, tuple):
            result = Result(
                device_id=device_id,
                number=number,
                status=Status.CONFIRMED,
                milliseconds=milliseconds,
                held=proven[0],
            )
        else:
            reason = proven or (Reason.CONTRADICTED if read else Reason.NO_ANSWER)
            result = Result(
                device_id=device_id,
                number=number,
                status=Status.FAILED if proven or read else Status.UNCONFIRMED,
                reason=reason,
                milliseconds=milliseconds,
            )
        if self._orders.get(key) is order:
            # Else a later order has something to say of it.
            del self._orders[key]
            self._conclude(uid, credential, result)
        return result

    @callback
    def _conclude(
        self, uid: str, credential: Credential | None, result: Result
    ) -> None:
        unproven = self._unproven.setdefault(uid, {})
        if result.status is Status.CONFIRMED:
            unproven.pop(result.number, None)
        else:
            unproven[result.number] = credential, time.monotonic()
        if credential:
            self._end_at(uid, credential)
        self._show(uid, result.device_id)

    def _end_at(self, uid: str, credential: Credential) -> None:
        """Have a credential removed at its real end, also one that was never proven."""
        end = credential.end.timestamp()
        if self._ends.get((uid, credential.number)) != end:
            self._ends[uid, credential.number] = end
            heappush(self._next_ends, (end, uid, credential.number))

    @callback
    def _see_to_ends(self, now: datetime) -> None:
        ended: dict[str, list[str]] = {}
        while self._next_ends and self._next_ends[0][0] <= now.timestamp():
            end, uid, number = heappop(self._next_ends)
            if self._ends.get((uid, number)) == end:
                del self._ends[uid, number]
                ended.setdefault(uid, []).append(number)
        for uid, numbers in ended.items():
            self._hass.async_create_background_task(
                self._async_end(uid, numbers), f"{DOMAIN} ends at {uid}"
            )

    async def _async_end(self, uid: str, numbers: list[str]) -> None:
        if found := self._controller(uid):
            for number in numbers:
                result = await self._async_order(
                    uid, found[1].device_id or "", number, None
                )
                self._passages.tell("proved", result)

    # The whole list

    def _begin_check(self, uid: str) -> asyncio.Task[Difference | None]:
        if task := self._checks.get(uid):
            self._again.add(uid)
        else:
            self._again.discard(uid)
            task = self._checks[uid] = self._hass.async_create_background_task(
                self._async_check_list(uid),
                f"{DOMAIN} check of {uid}",
                eager_start=False,
            )

            @callback
            def ended(task: asyncio.Task[Difference | None]) -> None:
                self._checks.pop(uid, None)
                if uid in self._again and uid in self._attached:
                    self._begin_check(uid)
                if not task.cancelled() and (err := task.exception()):
                    # What is not ours may hold a number in its text.
                    ours = isinstance(err, HomeAssistantError)
                    LOGGER.log(
                        # One that was unloaded meanwhile is read when it is back.
                        30 if uid in self._attached else 10,
                        "The credentials of %s are not checked: %s",
                        uid,
                        err if ours else type(err),
                    )

            task.add_done_callback(ended)
        return task

    async def _async_check_list(self, uid: str) -> Difference | None:
        if not (found := self._controller(uid)):
            return None
        _port, device = found
        device_id = device.device_id or ""
        touched = self._touched[uid] = set()
        try:
            wanted = await self._passages.async_wanted(device_id)
            await self._async_try_again(uid, device_id, wanted)
            if wanted is None:
                # Nobody says any more what it is to hold: so nothing is too much.
                device.derive(unknown_credential=False)
                self._show(uid, device_id)
                return None
            held = await self._async_read(uid)
            difference = await self._async_compare(
                uid, device_id, wanted, held, touched
            )
        finally:
            self._touched.pop(uid, None)
        if found := self._controller(uid):
            found[1].derive(
                credentials=float(difference.count),
                unknown_credential=bool(difference.unknown),
            )
            self._show(uid, device_id)
        self._passages.tell("checked", difference)
        return difference

    async def _async_try_again(
        self, uid: str, device_id: str, wanted: list[Credential] | None
    ) -> None:
        """Try once more what could not be proven, but not again and again."""
        given = {row.number: row for row in wanted or ()}
        for number, (credential, at) in tuple(self._unproven.get(uid, {}).items()):
            if at + SUSPENDED_SECONDS <= time.monotonic():
                if wanted is not None:
                    credential = given.get(number)
                if credential and credential.end <= dt_util.utcnow():
                    credential = None
                result = await self._async_order(uid, device_id, number, credential)
                if result.reason in _AWAY:
                    return

    async def _async_read(self, uid: str) -> list[Credential]:
        """Return the whole list. Raises HomeAssistantError if it could not be read."""
        for reading in range(1, READINGS + 1):
            if not (found := self._controller(uid)):
                break
            port, device = found
            try:
                return [row async for row in port.walk_credentials(device)]
            except HomeAssistantError:
                if reading == READINGS:
                    raise
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="no_door_controller"
        )

    async def _async_compare(
        self,
        uid: str,
        device_id: str,
        wanted: list[Credential],
        held: list[Credential],
        touched: set[str],
    ) -> Difference:
        """Put right what a list lacks or has wrong, and return what was found."""
        now = dt_util.utcnow()
        by_number = {row.number: row for row in held}
        # A tool of the vendor's can write one number twice: which of them counts, nobody knows.
        twice = {row.number for row in held if by_number[row.number] is not row}
        given = {row.number: row for row in wanted}
        results: list[Result] = []
        left = failures = 0
        for number, credential in given.items():
            if number in touched or not (found := self._controller(uid)):
                continue
            is_over = credential.end <= now
            if is_over and number not in by_number:
                continue
            if not is_over and number not in twice:
                if by_number.get(number) == _as_held(found[0], credential):
                    self._end_at(uid, credential)
                    self._unproven.get(uid, {}).pop(number, None)
                    continue
            if failures == TRIES or number in self._suspended(uid):
                left += 1
                continue
            if number in twice:
                await self._async_order(uid, device_id, number, None)
            result = await self._async_order(
                uid, device_id, number, None if is_over else credential
            )
            results.append(result)
            if result.status is Status.CONFIRMED:
                failures = 0
            else:
                failures = TRIES if result.reason in _AWAY else failures + 1
        return Difference(
            device_id=device_id,
            count=len(held),
            unknown=tuple(
                row
                for row in held
                if row.number not in given and row.number not in touched
            ),
            results=tuple(results),
            left=left,
        )

    def _suspended(self, uid: str) -> set[str]:
        since = time.monotonic() - SUSPENDED_SECONDS
        return {
            number
            for number, (_credential, at) in self._unproven.get(uid, {}).items()
            if at > since
        }

    # What people see

    def _controller(self, uid: str) -> tuple[CredentialPort, SafetyDevice] | None:
        found = self._find(uid)
        if found and isinstance(found[0], CredentialPort):
            return found[0], found[1]
        return None

    @callback
    def _show(self, uid: str, device_id: str) -> None:
        """Show that something is unproven, as a fault and as a repair, until it is not."""
        count = len(self._unproven.get(uid, {}))
        if not (found := self._find(uid)):
            return
        found[1].derive(credential_unproven=count > 0)
        if not count:
            ir.async_delete_issue(self._hass, DOMAIN, _issue(device_id))
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            _issue(device_id),
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="credential_unproven",
            translation_placeholders={
                "device": found[1].name,
                "count": str(count),
            },
        )


def _as_held(port: CredentialPort, credential: Credential) -> Credential:
    """Return what a controller makes of a credential; itself if it cannot hold that."""
    try:
        return port.as_held(credential)
    except ServiceValidationError:
        return credential


def _issue(device_id: str) -> str:
    return f"credential_unproven_{device_id}"
