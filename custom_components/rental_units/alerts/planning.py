"""Who gets what in a step: recipients and channels become deliveries."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import time

from ..const import Duty, Role
from ..register import Address, Recipient
from .const import ALL_CLEAR, VALIDITY, DeliveryState, Severity
from .models import Alert, Delivery, key_of, severity_of
from .people import AREA, ENTITY, ROBOT, Found, ways_to
from .policies import CHANNELS, Step

DUTIES = frozenset(duty.value for duty in Duty)
#: Of several people whom one message reaches, it is written for who responds, then for who
#: owns the place, then for who lives there.
_RANK = dict.fromkeys(DUTIES, 0) | {Role.LANDLORD.value: 1, Role.TENANT.value: 2}


def audience_of(alert: Alert, step: Step) -> list[str]:
    """Return whom a step tells: nobody whom the alert does not name."""
    names = step.audience or alert.audiences
    return [name for name in names if name in alert.audiences]


@dataclass(slots=True)
class Stop:
    """One address of a step, everybody whom it reaches, and what follows it in turn."""

    address: Address
    people: list[Recipient] = field(default_factory=list)
    rest: list[Address] = field(default_factory=list)


def plan(
    alert: Alert,
    step: Step,
    people: Sequence[Recipient],
    channels: Collection[str],
    *,
    now: float,
    place: tuple[int, int] | None = None,
    each_unit: bool = False,
    robots: int = 0,
    speaking: Iterable[str] = (),
) -> tuple[dict[str, Found], list[Delivery]]:
    """Return the addresses of a step, and its deliveries.

    `now` is by the Timebase, `place` the number of the step and of its round, if not the
    alert's; `speaking` are the areas with a loudspeaker. A person in two roles, or in two
    units, gets one message, and so do two people with one number. Where each unit has to
    answer, each is asked, and one that has answered is left alone.
    """
    number, round_ = place or (alert.step, alert.round)
    found: dict[str, Found] = {}
    deliveries: dict[str, Delivery] = {}

    def add(address_id: str, channel: str) -> Delivery:
        delivery = Delivery(
            id=key_of(alert.id, address_id, number, round_),
            alert_id=alert.id,
            address_id=address_id,
            role="",
            decides=False,
            channel=channel,
            step=number,
            round=round_,
            state=DeliveryState.QUEUED,
            attempts=0,
            rest=[],
            created_at=time.time(),
            expires_at=now,
        )
        delivery.expires_at += VALIDITY[severity_of(alert, delivery)]
        return deliveries.setdefault(delivery.id, delivery)

    done = set(alert.answered_units) if each_unit else set()
    asked = [person for person in people if person.unit_id not in done]
    lords = _landlords(people)
    for stop in _stops(step, asked, channels, each_unit=each_unit):
        first = min(stop.people, key=lambda row: _RANK.get(row.role, 3))
        ways = ways_to(first)
        for address in (stop.address, *stop.rest):
            found[address.id] = ways.get(address.id, (first, address))
        delivery = add(stop.address.id, stop.address.channel)
        delivery.person_id = first.person_id
        units = (row.unit_id for row in stop.people)
        delivery.unit_id = next(filter(None, units), None)
        delivery.role = first.role
        delivery.decides = any(decides(alert, row, lords) for row in stop.people)
        delivery.rest = [f"{row.channel}/{row.id}" for row in stop.rest]
    if "announce" in step.channels:
        for area in speaking:
            add(f"{AREA}{area}", "announce")
    for entity_id in step.places:
        add(f"{ENTITY}{entity_id}", "announce")
    if "webhook" in step.channels:
        for index in range(robots):
            add(f"{ROBOT}{index}", "robot")
    return found, list(deliveries.values())


def _stops(
    step: Step,
    people: Iterable[Recipient],
    channels: Collection[str],
    *,
    each_unit: bool,
) -> Iterable[Stop]:
    """Return the addresses that are used at once, each with those that follow it."""
    usable = [name for name in step.channels if name in channels and name in CHANNELS]
    stops: dict[tuple[str, str, str | None], Stop] = {}
    for person in people:
        first: Stop | None = None
        ways = (
            address
            for name in usable
            for address in person.addresses
            if address.channel == name
        )
        for address in ways:
            if first and step.in_turn:
                # Somebody else may have the same number, or the same person another role.
                known = {
                    (row.channel, row.target) for row in (first.address, *first.rest)
                }
                if (address.channel, address.target) not in known:
                    first.rest.append(address)
                continue
            unit_id = person.unit_id if each_unit else None
            key = address.channel, address.target, unit_id
            first = stops.setdefault(key, Stop(address))
            first.people.append(person)
    return stops.values()


def _landlords(people: Iterable[Recipient]) -> dict[str, set[str]]:
    """Return the units of each landlord."""
    units: dict[str, set[str]] = {}
    for person in people:
        if person.role == Role.LANDLORD and person.unit_id:
            units.setdefault(person.person_id, set()).add(person.unit_id)
    return units


def decides(alert: Alert, person: Recipient, lords: dict[str, set[str]]) -> bool:
    """Return if a person's answer is for all: of who responds, or owns all that it is about."""
    if person.role == Role.LANDLORD:
        # It stops at the first that is another's: a compound has thousands of both.
        return lords.get(person.person_id, set()).issuperset(alert.unit_ids)
    return person.role in DUTIES


def vacant(alert: Alert, people: Iterable[Recipient]) -> list[str]:
    """Return the units of an alert in which nobody is known."""
    lived_in = {row.unit_id for row in people}
    return [unit_id for unit_id in alert.unit_ids if unit_id not in lived_in]


def quiet_until(
    severity: Severity, hazard: str | None, address: Address, now: datetime
) -> float | None:
    """Return when an address may be used, in Unix time; None for now. An alarm always may."""
    begin, end = address.quiet_from, address.quiet_until
    if severity is Severity.ALARM or hazard in ALL_CLEAR:
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
