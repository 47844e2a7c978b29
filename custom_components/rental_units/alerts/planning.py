"""Who gets what in a step: recipients and channels become deliveries."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
import time

from ..register import Address, Recipient
from .const import ALL_CLEAR, VALIDITY, DeliveryState, Severity
from .models import Alert, Delivery, key_of
from .people import AREA, ROBOT, Found, ways_to
from .policies import CHANNELS, Step


def plan(
    alert: Alert,
    step: Step,
    people: Iterable[Recipient],
    channels: Collection[str],
    *,
    each_unit: bool,
    robots: int = 0,
    speaking: Iterable[str] = (),
) -> tuple[dict[str, Found], list[Delivery]]:
    """Return the addresses of a step, and its deliveries.

    `speaking` are the areas with a loudspeaker. A person in two roles, or in two units,
    gets one. A unit that has answered is left alone where each has to answer.
    """
    found: dict[str, Found] = {}
    deliveries: dict[str, Delivery] = {}
    done = set(alert.answered_units) if each_unit else set()
    usable = [name for name in step.channels if name in channels and name in CHANNELS]
    for person in people:
        if person.unit_id in done:
            continue
        addresses = [
            address
            for name in usable
            for address in person.addresses
            if address.channel == name
        ]
        known = ways_to(person)
        found |= {address.id: known[address.id] for address in addresses}
        if step.in_turn:
            addresses, rest = addresses[:1], addresses[1:]
        else:
            rest = []
        for address in addresses:
            delivery = _delivery(alert, address.id, address.channel)
            delivery.person_id = person.person_id
            delivery.unit_id = person.unit_id
            delivery.role = person.role
            delivery.rest = [f"{item.channel}/{item.id}" for item in rest]
            deliveries.setdefault(delivery.id, delivery)
    if "announce" in step.channels:
        places = [_delivery(alert, f"{AREA}{area}", "announce") for area in speaking]
        deliveries |= {row.id: row for row in places}
    if "webhook" in step.channels:
        posts = [
            _delivery(alert, f"{ROBOT}{index}", "robot") for index in range(robots)
        ]
        deliveries |= {row.id: row for row in posts}
    return found, list(deliveries.values())


def _delivery(alert: Alert, address_id: str, channel: str) -> Delivery:
    now = time.time()
    return Delivery(
        id=key_of(alert.id, address_id, alert.step, alert.round),
        alert_id=alert.id,
        address_id=address_id,
        role="",
        channel=channel,
        step=alert.step,
        round=alert.round,
        state=DeliveryState.QUEUED,
        attempts=0,
        rest=[],
        created_at=now,
        expires_at=now + VALIDITY[Severity(alert.severity)],
    )


def quiet_until(alert: Alert, address: Address, now: datetime) -> float | None:
    """Return when an address may be used, in Unix time; None for now. An alarm always may."""
    begin, end = address.quiet_from, address.quiet_until
    if alert.severity == Severity.ALARM or alert.hazard in ALL_CLEAR:
        return None
    if begin is None or end is None or begin == end:
        return None
    clock = now.time()
    is_quiet = begin <= clock < end if begin < end else not end <= clock < begin
    if not is_quiet:
        return None
    until = now.replace(
        hour=end.hour, minute=end.minute, second=end.second, microsecond=0
    )
    if until <= now:
        until += timedelta(days=1)
    return until.timestamp()
