"""Command, read back, prove: what supplies, doors and credentials have in common."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
import time

from homeassistant.exceptions import HomeAssistantError

from ..const import LOGGER
from .device import SafetyDevice
from .ports import Find

#: A device that does not report by itself is asked again this often, in seconds.
ASK_SECONDS = 1.0


class Status(StrEnum):
    """What a command came to."""

    CONFIRMED = "confirmed"
    #: It was taken, and there is nothing from which it could be read back.
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    PROTECTED = "protected"


class Reason(StrEnum):
    """Why a command was not confirmed; translated where it is shown."""

    DRILL = "drill"
    #: The gateway is not loaded, or no longer has the device.
    GONE = "gone"
    NOT_CONNECTED = "not_connected"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    #: It was read back, and says otherwise.
    CONTRADICTED = "contradicted"
    CURRENT_FLOWS = "current_flows"
    #: The relay says so, and the current was not read back.
    CURRENT_UNKNOWN = "current_unknown"
    RELAY_UNKNOWN = "relay_unknown"
    #: If it is a protected load cannot be read yet.
    SETTINGS_UNREAD = "settings_unread"
    #: Restored or deleted by a person meanwhile, or cut off again.
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to: taken, or why it was not."""

    refused: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often something is tried, in seconds: each try, all of them, and in between.

    What is left of the deadline may be too short for a command: then it is only read back.
    """

    each: float
    deadline: float
    backoff: float
    #: At most so many commands; None: as many as there is time for.
    tries: int | None = None


async def async_prove[T](
    pace: Pace,
    begun: float,
    *,
    wanted: Callable[[], bool],
    command: Callable[[float], Awaitable[Answer | None]],
    read_back: Callable[[float], Awaitable[T | None]],
) -> T | Reason | None:
    """Command something until it is read back, or until the deadline.

    `begun` is a monotonic time. `command` and `read_back` end by the monotonic time that
    they are given; a command that was not given returns None. Returns the proof; else why
    there is none, None if the command was taken and nobody knows more.
    """
    end = begun + pace.deadline
    backoff = pace.backoff
    reason: Reason | None = Reason.GONE
    taken, tries = False, 0
    while wanted():
        until = min(time.monotonic() + pace.each, end)
        if answer := await command(until):
            tries += 1
            taken = taken or answer.refused is None
            # One that comes too late to be answered says less than those before.
            if answer.refused is not Reason.NO_ANSWER or not taken:
                reason = answer.refused
        if (proof := await read_back(until)) is not None:
            return proof
        left = end - time.monotonic()
        if left <= 0 or tries == pace.tries:
            return reason
        await asyncio.sleep(min(backoff, left))
        backoff *= 2
    return Reason.OVERTAKEN


async def async_command(order: Awaitable[None], until: float, what: str) -> Answer:
    """Give an order to a port, at most until a monotonic time; return what it came to."""
    try:
        async with asyncio.timeout(until - time.monotonic()):
            await order
    except TimeoutError:
        return Answer(Reason.NO_ANSWER)
    except HomeAssistantError as err:
        LOGGER.debug("%s: %s", what, err)
        try:
            return Answer(Reason(err.translation_key or ""))
        except ValueError:
            return Answer(Reason.REFUSED)
    return Answer()


async def async_read_back[T](
    find: Find,
    uid: str,
    keys: Callable[[SafetyDevice], Iterable[str]],
    proof: Callable[[SafetyDevice], T | None],
    until: float,
) -> T | None:
    """Wait for a proof by readings, and ask for them; return it, None if it did not come.

    The device is looked up each time: a reload in between makes it anew.
    """
    done: T | None = None
    while found := find(uid):
        port, device = found
        done = proof(device)
        now = time.monotonic()
        if done or now >= until:
            break
        patience = min(ASK_SECONDS, until - now)
        try:
            async with asyncio.timeout(patience):
                await port.async_refresh(device, keys(device))
        except Exception as err:  # noqa: BLE001
            # Whatever a port may raise: a command without a result would raise no alarm.
            LOGGER.debug("%s could not be asked: %r", uid, err)
        await device.async_wait(
            lambda device=device: bool(proof(device)),  # type: ignore[misc]
            patience,
        )
    return done
