"""Credentials: given, taken and read at door controllers and gates, each with its proof.

Whose they are, and which a controller is to hold, is known by who offers a passage sink
(`core.passages`). Nothing of them is stored here, and no number is shown or logged.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
import logging
import time

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.event import (
    async_call_later,
    async_track_time_change,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from ..catalogue import DOOR_CONTROLLER, VEHICLE_GATE, WAYS
from ..const import DOMAIN, LOGGER
from .device import DeviceDescription, SafetyDevice
from .passages import Passages
from .ports import Credential, CredentialPort, Find
from .proving import Answer, Pace, Reason, Status, async_command, async_prove

#: Seconds for one try, and at most so many tries, each with its reading. Slow terminals need
#: five seconds for each of the four answers that this takes.
TRY_SECONDS = 25.0
DEADLINE_SECONDS = 60.0
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
#: What lists hold, by kind.
_MEDIA = {DOOR_CONTROLLER.key: "card", VEHICLE_GATE.key: "plate"}
#: Keys of the repairs; that of the device follows.
_UNPROVEN, _UNREAD = "credential_unproven", "credentials_unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one credential at one controller.

    `held` is what was read back, None if it is proven to be gone, or if nothing is proven. Of
    one that was only `sent`, it is what the controller is to make of it.
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

    `unknown` are credentials that nobody has given, `there` the numbers that were found as
    they are to be, and `gone` those whose end has come and that were not found. `results`
    are those that were missing, wrong or expired, and have been put right or not; so many
    were `left` alone, because the controller did not answer or refused several in a row.
    """

    device_id: str
    count: int
    unknown: tuple[Credential, ...] = ()
    there: frozenset[str] = field(default=frozenset(), repr=False)
    gone: frozenset[str] = field(default=frozenset(), repr=False)
    results: tuple[Result, ...] = ()
    left: int = 0


@dataclass(slots=True, eq=False)
class _Unproven:
    """A credential that could not be proven, None if it was to be gone, and since when."""

    credential: Credential | None
    #: Monotonic time. It is not tried again by itself before SUSPENDED_SECONDS have passed.
    at: float
    #: The controller was away: it is tried again as soon as it is back.
    was_away: bool

    @property
    def is_suspended(self) -> bool:
        """Return if it is not to be tried again by itself yet."""
        return self.at + SUSPENDED_SECONDS > time.monotonic()


class Credentials:
    """The credentials of all door controllers."""

    def __init__(
        self,
        hass: HomeAssistant,
        passages: Passages,
        find: Find,
        description: Callable[[str], DeviceDescription | None],
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._passages = passages
        self._find = find
        self._description = description
        #: Unique ids by Home Assistant's id of the device.
        self._uids: dict[str, str] = {}
        self._attached: set[str] = set()
        #: What was wanted last of a number at a device: None is that it be gone.
        self._orders: dict[tuple[str, str], object] = {}
        #: What could not be proven, by device and number.
        self._unproven: dict[str, dict[str, _Unproven]] = {}
        #: If the list of a device could be read; those are missing of which nobody has tried.
        self._is_read: dict[str, bool] = {}
        #: Devices at which what could not be proven or read will be tried again.
        self._next_tries: set[str] = set()
        #: The real ends in Unix time, by device and number, and the next ones first. What
        #: was overtaken stays among these until its time comes.
        self._ends: dict[tuple[str, str], float] = {}
        self._next_ends: list[tuple[float, str, str]] = []
        #: Numbers that a device's list was found to have more than once: which of them counts,
        #: nobody knows, and to read one of them back proves nothing.
        self._doubled: dict[str, set[str]] = {}
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
        for row in self._unproven.get(device.uid, {}).values():
            if row.was_away:
                row.at = -SUSPENDED_SECONDS
        if device.uid in self._attached:
            self._begin_check(device.uid)

    @callback
    def attach(self, device: SafetyDevice) -> None:
        """Take in a controller."""
        if device.kind in WAYS and device.device_id:
            self._uids[device.device_id] = device.uid
            self._attached.add(device.uid)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Read nothing more. Ends that come meanwhile are seen to when it is back."""
        self._attached.discard(device.uid)
        self._is_read.pop(device.uid, None)

    @callback
    def forget(self, uid: str) -> None:
        """Drop everything about a device that a person has deleted."""
        self._unproven.pop(uid, None)
        self._is_read.pop(uid, None)
        self._doubled.pop(uid, None)
        for key in [key for key in self._ends if key[0] == uid]:
            del self._ends[key]
        for device_id in [row for row, known in self._uids.items() if known == uid]:
            del self._uids[device_id]
            for issue in (_UNPROVEN, _UNREAD):
                ir.async_delete_issue(self._hass, DOMAIN, f"{issue}_{device_id}")

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
        uid, port, device = self._at(device_id)
        port.as_held(device, credential)
        return await self._async_order_to_the_end(uid, device_id, number, credential)

    async def async_remove(self, device_id: str, *, number: str) -> Result:
        """Take a credential, and prove that it is gone. Raises ServiceValidationError."""
        uid, _port, _device = self._at(device_id)
        return await self._async_order_to_the_end(uid, device_id, number, None)

    async def async_check(self, device_id: str) -> Difference | None:
        """Read a whole list now, and put right what differs.

        Returns None if nobody says what it is to hold, or if it cannot be read at all. Raises
        HomeAssistantError if it could not be read now, and ServiceValidationError for a device
        that is no controller of ours.
        """
        uid, _port, _device = self._at(device_id)
        if running := self._checks.get(uid):
            # It has begun before whatever the caller wants to know.
            await asyncio.wait((running,))
        return await asyncio.shield(self._begin_check(uid))

    @callback
    def takes(self, device_id: str) -> str | None:
        """Return what a device has a list of: `card` or `plate`; None for any other device.

        Also while its gateway is not loaded.
        """
        entry = dr.async_get(self._hass).async_get(device_id)
        for domain, uid, *_ in entry.identifiers if entry else ():
            if domain == DOMAIN and (known := self._description(uid)):
                return _MEDIA.get(known.kind)
        return None

    def _at(self, device_id: str) -> tuple[str, CredentialPort, SafetyDevice]:
        uid = self._uids.get(device_id, "")
        if not (found := self._controller(uid)):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="no_door_controller"
            )
        return uid, *found

    # One credential

    async def _async_order_to_the_end(
        self, uid: str, device_id: str, number: str, credential: Credential | None
    ) -> Result:
        """Order something; a caller that goes away does not end it."""
        return await asyncio.shield(
            self._hass.async_create_background_task(
                self._async_put_right(uid, device_id, number, credential),
                f"{DOMAIN} order to {uid}",
            )
        )

    async def _async_put_right(
        self, uid: str, device_id: str, number: str, credential: Credential | None
    ) -> Result:
        """Order something; what is there more than once is to be gone first, all of it."""
        if credential and number in self._doubled.get(uid, ()):
            result = await self._async_order(uid, device_id, number, None)
            if result.status is not Status.CONFIRMED:
                if result.reason is not Reason.OVERTAKEN:
                    self._end_at(uid, credential)
                return result
        return await self._async_order(uid, device_id, number, credential)

    async def _async_order(
        self, uid: str, device_id: str, number: str, credential: Credential | None
    ) -> Result:
        """Have a controller hold a credential, or none, and note what came of it.

        What was overtaken by a later order says so, whatever has become of it.
        """
        key = uid, number
        order = self._orders[key] = object()
        begun = time.monotonic()
        self._ends.pop(key, None)
        if uid in self._touched:
            self._touched[uid].add(number)
        taken = read = False
        status = Status.CONFIRMED

        async def command(until: float) -> Answer | None:
            nonlocal taken
            if not (found := self._controller(uid)):
                return None
            port, device = found
            answer = await async_command(
                port.async_put_credential(device, credential)
                if credential
                else port.async_remove_credential(device, number),
                until,
                uid,
            )
            taken = answer.refused is None
            return answer

        async def read_back(until: float) -> tuple[Credential | None] | None:
            nonlocal read, status
            if not (found := self._controller(uid)):
                return None
            port, device = found
            try:
                wanted = port.as_held(device, credential) if credential else None
                if not port.can_read_credentials(device):
                    status = Status.SENT
                    return (wanted,) if taken else None
                async with asyncio.timeout(until - time.monotonic()):
                    held = await port.async_read_credential(device, number)
            except TimeoutError, HomeAssistantError:
                return None
            read, status = True, Status.CONFIRMED
            return (held,) if held == wanted else None

        proven: tuple[Credential | None] | Reason | None
        try:
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
        except Exception as err:  # noqa: BLE001
            # Not with its text: it may hold the number.
            LOGGER.error("A credential of %s has failed: %s", uid, type(err))
            proven = Reason.REFUSED
        if self._orders.get(key) is not order:
            proven = Reason.OVERTAKEN
        milliseconds = round((time.monotonic() - begun) * 1000)
        if isinstance(proven, tuple):
            result = Result(
                device_id=device_id,
                number=number,
                status=status,
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
        if proven is not Reason.OVERTAKEN:
            # Else a later order has something to say of it.
            del self._orders[key]
            self._conclude(uid, credential, result)
        return result

    @callback
    def _conclude(
        self, uid: str, credential: Credential | None, result: Result
    ) -> None:
        unproven = self._unproven.setdefault(uid, {})
        if result.status in (Status.CONFIRMED, Status.SENT):
            unproven.pop(result.number, None)
        else:
            unproven[result.number] = _Unproven(
                credential, time.monotonic(), result.reason in _AWAY
            )
        if credential:
            self._end_at(uid, credential)
        elif result.status is Status.CONFIRMED:
            self._doubled.get(uid, set()).discard(result.number)
        self._show(uid)

    def _end_at(self, uid: str, credential: Credential) -> None:
        """Have a credential removed at its real end, also one that was never proven."""
        self._put_end(uid, credential.number, credential.end.timestamp())

    def _put_end(self, uid: str, number: str, end: float) -> None:
        if self._ends.get((uid, number)) != end:
            self._ends[uid, number] = end
            heappush(self._next_ends, (end, uid, number))

    @callback
    def _see_to_ends(self, now: datetime) -> None:
        ended: dict[str, dict[str, float]] = {}
        while self._next_ends and self._next_ends[0][0] <= now.timestamp():
            end, uid, number = heappop(self._next_ends)
            if self._ends.get((uid, number)) == end:
                del self._ends[uid, number]
                ended.setdefault(uid, {})[number] = end
        for uid, ends in ended.items():
            self._hass.async_create_background_task(
                self._async_end(uid, ends), f"{DOMAIN} ends at {uid}"
            )

    async def _async_end(self, uid: str, ends: dict[str, float]) -> None:
        for number, end in ends.items():
            if (uid, number) in self._ends or (uid, number) in self._orders:
                # It was given anew while others were removed.
                continue
            if found := self._controller(uid):
                result = await self._async_order(
                    uid, found[1].device_id or "", number, None
                )
                self._passages.tell("proved", result)
            else:
                # Its gateway is not loaded: it is removed when that is.
                self._put_end(uid, number, end)

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
                    LOGGER.log(
                        # One that was unloaded meanwhile is read when it is back.
                        logging.WARNING if uid in self._attached else logging.DEBUG,
                        "The credentials of %s are not checked: %s",
                        uid,
                        # A sink's text may hold a number.
                        type(err),
                    )
                    # One that is away is a fault already, and read when it is back.
                    if (found := self._controller(uid)) and found[1].available:
                        self._is_read[uid] = False
                        self._show(uid)

            task.add_done_callback(ended)
        return task

    async def _async_check_list(self, uid: str) -> Difference | None:
        if not (found := self._controller(uid)) or not self._passages.has_sink:
            # Who says what it is to hold is not loaded yet: that is no evidence of anything.
            return None
        port, device = found
        device_id = device.device_id or ""
        touched = self._touched[uid] = set()
        try:
            wanted = await self._passages.async_wanted(device_id)
            now = dt_util.utcnow()
            for credential in wanted or ():
                number = credential.number
                if (
                    credential.end > now
                    and number not in touched
                    and (uid, number) not in self._orders
                ):
                    # Also where the list cannot be read.
                    self._end_at(uid, credential)
            await self._async_try_again(uid, device_id, wanted)
            is_readable = port.can_read_credentials(device)
            if wanted is None or not is_readable:
                if wanted is None:
                    # Nobody says any more what it is to hold: so nothing is too much.
                    device.derive(unknown_credential=False)
                elif device.readings.get("unknown_credential") is False:
                    # That nobody can read it is not all well, and ends no warning either.
                    device.lose("unknown_credential")
                if not is_readable:
                    device.lose("credentials")
                self._is_read[uid] = True
                self._show(uid)
                return None
            held = await self._async_read(uid, touched)
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
            self._is_read[uid] = True
            self._show(uid)
        self._passages.tell("checked", difference)
        return difference

    async def _async_try_again(
        self, uid: str, device_id: str, wanted: list[Credential] | None
    ) -> None:
        """Try once more what could not be proven, but not again and again."""
        given = {row.number: row for row in wanted or ()}
        for number, row in tuple(self._unproven.get(uid, {}).items()):
            if (
                row.is_suspended
                or number in self._touched[uid]
                # Something newer has been ordered, or is just being.
                or self._unproven.get(uid, {}).get(number) is not row
                or (uid, number) in self._orders
            ):
                continue
            credential = row.credential if wanted is None else given.get(number)
            if credential and credential.end <= dt_util.utcnow():
                credential = None
            result = await self._async_put_right(uid, device_id, number, credential)
            self._passages.tell("proved", result)
            if result.reason in _AWAY:
                return

    async def _async_read(self, uid: str, touched: set[str]) -> list[Credential]:
        """Return the whole list. Raises HomeAssistantError if it could not be read."""
        for reading in range(1, READINGS + 1):
            if not (found := self._controller(uid)):
                break
            port, device = found
            try:
                return [row async for row in port.walk_credentials(device, touched)]
            except HomeAssistantError as err:
                if reading == READINGS or err.translation_key != "list_changed":
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
        # A tool of the vendor's can write one number twice.
        twice = self._doubled[uid] = {
            row.number for row in held if by_number[row.number] is not row
        }
        given = {row.number: row for row in wanted}
        results: list[Result] = []
        there, gone = set[str](), set[str]()
        left = failures = 0
        for number, credential in given.items():
            if number in touched or not (found := self._controller(uid)):
                continue
            is_over = credential.end <= now
            if is_over and number not in by_number:
                gone.add(number)
                continue
            if not is_over and number not in twice:
                if by_number.get(number) == _as_held(*found, credential):
                    self._unproven.get(uid, {}).pop(number, None)
                    there.add(number)
                    continue
            unproven = self._unproven.get(uid, {}).get(number)
            if failures == TRIES or (unproven and unproven.is_suspended):
                left += 1
                continue
            result = await self._async_put_right(
                uid, device_id, number, None if is_over else credential
            )
            results.append(result)
            if result.status is Status.CONFIRMED:
                failures = 0
            else:
                failures = TRIES if result.reason in _AWAY else failures + 1
        # What is still to be removed is not unknown.
        known = {*given, *touched, *self._unproven.get(uid, ())}
        return Difference(
            device_id=device_id,
            count=len(held),
            unknown=tuple(row for row in held if row.number not in known),
            there=frozenset(there),
            gone=frozenset(gone),
            results=tuple(results),
            left=left,
        )

    # What people see

    def _controller(self, uid: str) -> tuple[CredentialPort, SafetyDevice] | None:
        if (found := self._find(uid)) is None:
            return None
        port, device = found
        if isinstance(port, CredentialPort) and port.keeps_credentials(device):
            return port, device
        return None

    @callback
    def _show(self, uid: str) -> None:
        """Show what is unproven or unread, as a fault and as repairs, until it is not.

        And have it tried again.
        """
        if not (found := self._find(uid)):
            return
        device = found[1]
        count = len(self._unproven.get(uid, {}))
        is_read = self._is_read.get(uid)
        for issue, is_so in ((_UNPROVEN, count > 0), (_UNREAD, is_read is False)):
            if not is_so:
                ir.async_delete_issue(self._hass, DOMAIN, f"{issue}_{device.device_id}")
                continue
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                f"{issue}_{device.device_id}",
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key=issue,
                translation_placeholders={"device": device.name, "count": str(count)},
            )
        is_wrong = count > 0 or is_read is False
        if not is_wrong and is_read is None:
            # What an earlier run has found holds until the list was read.
            is_wrong = device.readings.get("credential_unproven") is True
        device.derive(credential_unproven=is_wrong)
        if (count or is_read is False) and uid not in self._next_tries:

            @callback
            def again(_now: datetime) -> None:
                self._next_tries.discard(uid)
                if uid in self._attached:
                    self._begin_check(uid)

            self._next_tries.add(uid)
            async_call_later(
                self._hass,
                SUSPENDED_SECONDS,
                HassJob(again, cancel_on_shutdown=True),
            )


def _as_held(
    port: CredentialPort, device: SafetyDevice, credential: Credential
) -> Credential:
    """Return what a controller makes of a credential; itself if it cannot hold that."""
    try:
        return port.as_held(device, credential)
    except ServiceValidationError:
        return credential
