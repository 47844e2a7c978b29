"""Who may pass, and who has: the part of our protocol about lists, for doors and gates."""

from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from ...const import DOMAIN
from ...core.device import SafetyDevice
from ...core.passages import AgeGroup, Colour, Decision, Means, Passage
from ...core.ports import Credential
from ..base import CommandError

#: The command by which a device says that it keeps a list.
CREDENTIALS = "credentials"
#: As the schema has them: characters of a number, and the last time in Unix seconds.
MOST_CHARACTERS = 32
LAST = 4_294_967_296


def as_held(device: SafetyDevice, credential: Credential) -> Credential:
    """Return what a device makes of a credential: whole seconds.

    Raises ServiceValidationError for what it cannot hold.
    """
    doors = {
        device.points[key].channel for key in device.by_measurement.get("locked", ())
    }
    if (
        not 0 < len(credential.number) <= MOST_CHARACTERS
        or not credential.doors
        or not credential.doors <= doors
        or credential.end <= credential.begin
    ):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="credential_not_possible"
        )
    return Credential(
        number=credential.number,
        begin=_moment(_seconds(credential.begin)),
        end=_moment(_seconds(credential.end)),
        doors=credential.doors,
    )


def as_sent(credential: Credential) -> dict[str, Any]:
    """Return a credential as it is written."""
    return {
        "number": credential.number,
        "begin": _seconds(credential.begin),
        "end": _seconds(credential.end),
        "doors": sorted(credential.doors),
    }


def as_read(row: dict[str, Any]) -> Credential:
    """Return a credential as it was read, of a valid message."""
    return Credential(
        number=row["number"],
        begin=_moment(row["begin"]),
        end=_moment(row["end"]),
        doors=frozenset(row["doors"]),
    )


def _seconds(at: datetime) -> int:
    return min(max(int(at.timestamp()), 0), LAST)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def passage(device: SafetyDevice, message: dict[str, Any]) -> Passage:
    """Return the passage of a valid message.

    Raises ValueError for a face, or for what was only seen, that lets in.
    """
    means = Means(message.get("means", Means.CARD))
    decision = Decision(message["decision"])
    if means in (Means.FACE, Means.SIGHT) and decision is not Decision.SEEN:
        raise ValueError(f"passage: a {means} lets nobody in")
    colour, age_group = message.get("colour"), message.get("age_group")
    is_late, told = message.get("late", False), _moment(message["time"])
    return Passage(
        device_id=device.device_id,
        door=message["door"],
        number=message.get("number", ""),
        decision=decision,
        at=told if is_late else dt_util.utcnow(),
        index=message["index"],
        inwards=message.get("inwards"),
        stamp=told,
        late=is_late,
        means=means,
        category=message.get("category"),
        colour=Colour(colour) if colour else None,
        age_group=AgeGroup(age_group) if age_group else None,
        score=message.get("score"),
        event=message.get("event"),
        corrected=message.get("corrected", False),
    )


async def walk(
    device: SafetyDevice,
    written: Collection[str],
    page_after: Any,
) -> AsyncIterator[Credential]:
    """Yield a whole list, in the order of its numbers.

    `page_after` returns the answer with what comes after a number. `written` are those that
    were written meanwhile. Raises HomeAssistantError if the list has changed by more.
    """
    counts: list[int] = []
    found, after = 0, ""
    while True:
        answer = await page_after(after)
        try:
            page = [as_read(row) for row in answer["credentials"]]
            counts.append(answer["count"])
        except KeyError as err:
            raise CommandError(device, "refused", "it tells no list") from err
        if not page:
            break
        numbers = [after, *(row.number for row in page)]
        if any(one >= other for one, other in pairwise(numbers)):
            raise CommandError(device, "refused", "its list is in no order")
        after = page[-1].number
        for row in page:
            # What we have written may have been there, and may not be.
            found += row.number not in written
            yield row
    if any(abs(count - found) > len(written) for count in (counts[0], counts[-1])):
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="list_changed",
            translation_placeholders={"device": device.name},
        )
