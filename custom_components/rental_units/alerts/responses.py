"""Who was reached over what, and who answered: by unit and by the part of a person in it.

A person is a slot here: a role and a number, such as the second tenant. Who that is, only
`people` tells, to who asks the register for it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import CALLBACK_TYPE, callback

from ..app.policy import Permit
from ..register import Audience, Recipient, Register
from .const import AlertState, DeliveryState
from .history import Ids, read_closed
from .models import Alert, Delivery, Help, Row
from .planning import DUTIES

if TYPE_CHECKING:
    from .engine import Engine

#: A person's part in an alert: of which unit, as what, who.
type Part = tuple[str | None, str, str]
type Item = dict[str, Any]

#: Deliveries on their way, and those of which no provider has said that they failed.
_UNDER_WAY: Final = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})
_ARRIVED: Final = frozenset(
    {DeliveryState.SENT, DeliveryState.RECEIVED, DeliveryState.ANSWERED}
)


class Responses:
    """The answers to the open alerts of one property, as items of a panel's subscription."""

    def __init__(self, engine: Engine, register: Register) -> None:
        """Initialize."""
        self._engine = engine
        self._register = register
        self._listeners: list[CALLBACK_TYPE] = []
        #: By alert and unit; None is who responds for the property.
        self._items: dict[str, dict[str | None, Item]] = {}
        self._heads: dict[str, Item] = {}
        self._stale: set[str] = set()
        #: The numbers of the slots stay while their alert is open.
        self._slots: dict[str, dict[Part, int]] = {}

    @callback
    def listen(self, changed: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call when somebody was told, was reached, or has answered."""
        self._listeners.append(changed)

        def unlisten() -> None:
            self._listeners.remove(changed)

        return unlisten

    @callback
    def note(self, rows: Sequence[Row]) -> None:
        """Take what is new or has changed."""
        about = {row.id if isinstance(row, Alert) else row.alert_id for row in rows}
        self._stale |= about & self._heads.keys()
        for changed in self._listeners:
            changed()

    @callback
    def items(
        self, permit: Permit, is_meant: Callable[[Alert], bool] = lambda _alert: True
    ) -> dict[str, Item]:
        """Return what somebody may see of open alerts, by keys: alerts, and their units."""
        self._refresh()
        found: dict[str, Item] = {}
        for alert in self._engine.alerts.values():
            if is_meant(alert):
                parts = self._heads[alert.id], self._items[alert.id]
                found |= seen(permit, alert, *parts)
        return found

    async def async_past(
        self, ids: Ids
    ) -> list[tuple[Alert, Item, dict[str | None, Item]]]:
        """Return alerts of before, by their ids or those of alarms. Raises RegisterError."""
        rows = await self._engine.async_read(partial(read_closed, ids=ids))
        return [
            (alert, *self.describe(alert, deliveries, calls, (), {}))
            for alert, deliveries, calls in rows
        ]

    @callback
    def people(self, alert: Alert) -> dict[Part, int]:
        """Return who is behind the slots of an open alert, with their numbers."""
        self._refresh()
        return dict(self._slots.get(alert.id, {}))

    def _refresh(self) -> None:
        alerts = self._engine.alerts
        for alert_id in self._heads.keys() - alerts.keys():
            del self._heads[alert_id], self._items[alert_id], self._slots[alert_id]
        engine = self._engine
        for alert_id, alert in alerts.items():
            if alert_id in self._stale or alert_id not in self._heads:
                self._heads[alert_id], self._items[alert_id] = self.describe(
                    alert,
                    engine.dispatcher.of(alert),
                    engine.helpers.of(alert).rows,
                    self._meant(alert),
                    self._slots.setdefault(alert_id, {}),
                )
        self._stale.clear()

    def describe(
        self,
        alert: Alert,
        deliveries: Sequence[Delivery],
        calls: Sequence[Help],
        meant: Sequence[Recipient],
        slots: dict[Part, int],
    ) -> tuple[Item, dict[str | None, Item]]:
        """Return an alert's item, and those of its units; people get their slots."""
        number(slots, meant, deliveries)
        by_person = _by_person(meant, deliveries)
        items: dict[str | None, Item] = {
            unit_id: self._unit(alert, unit_id, calls)
            for unit_id in dict.fromkeys(
                [*alert.unit_ids, *(part[0] for part in slots if part[0])]
            )
        }
        if any(part[0] is None for part in slots):
            items[None] = {"kind": "responders", "alert_id": alert.id, "slots": []}
        for part, ordinal in slots.items():
            unit_id, role, person_id = part
            items[unit_id]["slots"].append(
                {
                    "role": role,
                    "number": ordinal,
                    **slot(by_person.get(person_id, ()), calls, person_id),
                }
            )
        return self._head(alert, calls), items

    def _meant(self, alert: Alert) -> list[Recipient]:
        """Return who is meant, reached or not; of a mere test, nobody besides who was told."""
        if alert.drill and not alert.announced:
            return []
        audiences = [Audience(name) for name in alert.audiences]
        return self._register.phonebook.last_known(alert.unit_ids, audiences)

    def _head(self, alert: Alert, calls: Iterable[Help]) -> Item:
        steps = alert.policy["steps"]
        is_going_on = (
            alert.state == AlertState.ACTIVE
            and alert.step < len(steps)
            and alert.due_at is not None
        )
        wait = (alert.due_at or 0.0) - self._engine.timebase.now()
        return {
            "kind": "alert",
            "alert_id": alert.id,
            "alarm_ids": list(alert.alarm_ids),
            "incident_id": alert.incident_id,
            "state": alert.state,
            "severity": alert.severity,
            "hazards": list(alert.hazards),
            "place": alert.place,
            "drill": alert.drill,
            "unit_ids": list(alert.unit_ids),
            "area_ids": list(alert.area_ids),
            "created_at": alert.created_at,
            "acknowledged_at": alert.acknowledged_at,
            "step": alert.step,
            "round": alert.round,
            "steps": len(steps),
            "next_at": time.time() + wait if is_going_on else None,
            "help_open": sum(row.closed_at is None for row in calls),
        }

    def _unit(self, alert: Alert, unit_id: str, calls: Iterable[Help]) -> Item:
        unit = self._register.units.get(unit_id)
        figures = self._register.summaries.get(unit_id)
        return {
            "kind": "unit",
            "alert_id": alert.id,
            "unit_id": unit_id,
            "title": self._engine.unit_name(unit_id),
            "area_id": unit.area_id if unit else None,
            "is_neighbour": unit_id not in alert.unit_ids,
            "registered": figures.tenants + figures.landlords if figures else None,
            "answered": unit_id in alert.answered_units,
            "vacant": unit_id in alert.vacant_units,
            "help_open": sum(
                row.unit_id == unit_id and row.closed_at is None for row in calls
            ),
            "slots": [],
        }


def seen(
    permit: Permit, alert: Alert, head: Item, items: Mapping[str | None, Item]
) -> dict[str, Item]:
    """Return what may be seen of an alert by who may in some units, or in all.

    As in other answers about alerts, all of its units have to be theirs.
    """
    if not permit.covers(alert.unit_ids or None):
        return {}
    return {alert.id: head} | {
        f"{alert.id}/{unit_id or ''}": item
        for unit_id, item in items.items()
        if unit_id is None or permit.covers([unit_id])
    }


def number(
    slots: dict[Part, int], meant: Iterable[Recipient], deliveries: Iterable[Delivery]
) -> None:
    """Give everybody of an alert who has none yet the next number of their role and unit."""
    parts = [(row.unit_id, row.role, row.person_id) for row in meant]
    parts += [
        # Who responds and lives here too was told as who responds.
        (None if row.role in DUTIES else row.unit_id, row.role, row.person_id)
        for row in sorted(deliveries, key=lambda row: (row.created_at, row.id))
        if row.person_id and row.role
    ]
    taken: defaultdict[tuple[str | None, str], int] = defaultdict(int)
    for unit_id, role, _ in slots:
        taken[unit_id, role] += 1
    for part in parts:
        if part not in slots:
            taken[part[:2]] += 1
            slots[part] = taken[part[:2]]


def _by_person(
    meant: Iterable[Recipient], deliveries: Iterable[Delivery]
) -> Mapping[str, list[Delivery]]:
    """Return what went to each person, also over a number that somebody else has too."""
    owners: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    targets: dict[str, tuple[str, str]] = {}
    for person in meant:
        for address in person.addresses:
            targets[address.id] = address.channel, address.target
            owners[address.channel, address.target].add(person.person_id)
    found: defaultdict[str, list[Delivery]] = defaultdict(list)
    for row in deliveries:
        if row.person_id is None:
            continue
        shared = owners.get(targets.get(row.address_id, ("", "")), set())
        for person_id in shared | {row.person_id}:
            found[person_id].append(row)
    return found


def slot(deliveries: Sequence[Delivery], calls: Iterable[Help], person_id: str) -> Item:
    """Return how one person was reached over each channel, and what they have said."""
    reached: dict[str, Delivery] = {}
    tries: defaultdict[str, int] = defaultdict(int)
    for row in sorted(deliveries, key=lambda row: (row.created_at, row.id)):
        reached[row.channel] = row
        tries[row.channel] += 1
    own = [row for row in deliveries if row.person_id == person_id and row.answer]
    last = max(own, key=lambda row: row.answered_at or 0.0, default=None)
    cries = [row for row in calls if row.person_id == person_id]
    return {
        "state": last.answer if last else _state(reached.values()),
        "answered_at": last.answered_at if last else None,
        "via": last.via if last else None,
        "decides": any(row.decides for row in deliveries if row.person_id == person_id),
        "reached": [
            {
                "channel": channel,
                "state": row.state,
                "at": row.answered_at or row.sent_at or row.created_at,
                "reason": row.reason,
                "tries": tries[channel],
            }
            for channel, row in sorted(reached.items())
        ],
        "help": [
            {"at": row.at, "taken_at": row.taken_at, "closed_at": row.closed_at}
            for row in cries
        ],
    }


def _state(deliveries: Collection[Delivery]) -> str:
    states = {row.state for row in deliveries}
    if states & _ARRIVED:
        return "no_answer"
    return "under_way" if states & _UNDER_WAY else "not_reached"
