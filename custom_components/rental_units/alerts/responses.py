"""Who was reached over what, and who answered: by unit and by the part of a person in it.

A person is a slot here: a role and a number, such as the second tenant. Who that is, only
`people` tells, to who asks the register for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import CALLBACK_TYPE, callback

from ..app.policy import Permit
from ..const import Role
from ..register import Audience, Recipient, Register
from ..telling import tell
from .const import AlertState, DeliveryState
from .history import Ids, read_closed, read_of_unit
from .models import Alert, Delivery, Entry, Help, Row
from .people import CALLER
from .planning import DUTIES

if TYPE_CHECKING:
    from .engine import Engine

#: A person's part in an alert: of which unit, as what, who.
type Part = tuple[str | None, str, str]
type Item = dict[str, Any]
type _Place = tuple[tuple[str, ...], tuple[str, ...], bool]

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
        self._told: dict[str, Told] = {}

    @callback
    def listen(self, changed: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call when somebody was told, was reached, or has answered."""
        self._listeners.append(changed)

        def unlisten() -> None:
            self._listeners.remove(changed)

        return unlisten

    @callback
    def note(self, rows: Sequence[Row]) -> None:
        """Take what is new or has changed. Thousands come at once: it is looked at later."""
        for row in rows:
            key = row.id if isinstance(row, Alert) else row.alert_id
            if told := self._told.get(key):
                told.news.append(row)
        tell(self._listeners)

    @callback
    def of(self, alert_id: str, permit: Permit) -> Mapping[str, Item]:
        """Return what somebody may see of an open alert, by keys: itself, and its units.

        It is the same object while nothing of it was changed.
        """
        if not (alert := self._engine.alerts.get(alert_id)):
            return {}
        told = self._fresh(alert)
        if permit not in told.seen:
            told.seen[permit] = seen(permit, alert, told)
        return told.seen[permit]

    async def async_past(self, ids: Ids) -> list[tuple[Alert, Told]]:
        """Return alerts of before, by their ids or those of alarms. Raises RegisterError."""
        rows = await self._engine.async_read(partial(read_closed, ids=ids))
        return [
            (alert, self._begin(alert, (), deliveries, calls))
            for alert, deliveries, calls in rows
        ]

    async def async_of_unit(
        self, unit_id: str, parts: Sequence[tuple[Role, str]], since: float
    ) -> list[tuple[Alert, list[Delivery], list[Help], list[Item]]]:
        """Return alerts of before about a unit, with the slots of who is in it.

        As `read_of_unit`. Raises RegisterError.
        """
        rows = await self._engine.async_read(
            partial(read_of_unit, unit_id=unit_id, parts=parts, since=since)
        )
        return [
            (
                alert,
                deliveries,
                calls,
                self._begin(alert, (), deliveries, calls).items[unit_id]["slots"],
            )
            for alert, deliveries, calls in rows
        ]

    @callback
    def people(self, alert: Alert) -> dict[Part, int]:
        """Return who is behind the slots of an open alert, with their numbers."""
        return dict(self._fresh(alert).slots)

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop what is known of an alert that is over."""
        self._told.pop(alert.id, None)

    def _fresh(self, alert: Alert) -> Told:
        """Return who was told of an open alert, as it is now."""
        engine = self._engine
        calls = engine.helpers.of(alert).rows
        if (told := self._told.get(alert.id)) is None:
            deliveries = engine.dispatcher.of(alert)
            told = self._begin(alert, self._meant(alert), deliveries, calls)
            self._told[alert.id] = told
        elif told.news or told.place != self._place(alert):
            if told.place != self._place(alert):
                told.mean(self._place(alert), self._meant(alert))
            self._show(told, alert, told.take(told.news), calls)
            told.news = []
        return told

    def _begin(
        self,
        alert: Alert,
        meant: Sequence[Recipient],
        deliveries: Sequence[Delivery],
        calls: Sequence[Help],
    ) -> Told:
        told = Told()
        told.mean(self._place(alert), meant)
        told.take(deliveries)
        self._show(told, alert, (), calls)
        return told

    def _show(
        self, told: Told, alert: Alert, people: Iterable[str], calls: Sequence[Help]
    ) -> None:
        """Make the items of an alert anew; the slots of these people alone."""
        told.show(people, calls)
        told.seen = {}
        told.head = self._head(alert, calls)
        by_unit: defaultdict[str | None, list[Item]] = defaultdict(list)
        for part, item in told.shown.items():
            by_unit[part[0]].append(item)
        told.items = {
            unit_id: self._unit(alert, unit_id, calls, by_unit.get(unit_id, []))
            for unit_id in dict.fromkeys([*alert.unit_ids, *filter(None, by_unit)])
        }
        if None in by_unit:
            told.items[None] = {
                "kind": "responders",
                "alert_id": alert.id,
                "slots": by_unit[None],
            }

    def _place(self, alert: Alert) -> _Place:
        """Return what says who is meant: after a start, also that it is known yet."""
        is_known = self._register.phonebook.is_known
        return tuple(alert.unit_ids), tuple(alert.audiences), is_known

    def _meant(self, alert: Alert) -> list[Recipient]:
        """Return who is meant, reached or not; of what tells its caller alone, who was told."""
        if CALLER in alert.audiences or (alert.drill and not alert.announced):
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

    def _unit(
        self, alert: Alert, unit_id: str, calls: Sequence[Help], slots: list[Item]
    ) -> Item:
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
            "slots": slots,
        }


class Told:
    """The people of one alert, what went to them, and what they have said.

    A row's values are taken straight from the instance: thousands change in a second.
    """

    def __init__(self) -> None:
        """Initialize."""
        #: Rows that have changed since it was shown.
        self.news: list[Row] = []
        self.place: _Place = ((), (), False)
        self.head: Item = {}
        self.items: dict[str | None, Item] = {}
        #: What of it somebody may see, by what they may.
        self.seen: dict[Permit, Mapping[str, Item]] = {}
        #: The numbers of the slots, which stay while the alert is open.
        self.slots: dict[Part, int] = {}
        self.parts: defaultdict[str, list[Part]] = defaultdict(list)
        self.shown: dict[Part, Item] = {}
        self._taken: defaultdict[tuple[str | None, str], int] = defaultdict(int)
        self._sent: defaultdict[str, dict[str, Delivery]] = defaultdict(dict)
        #: Who has a number or another address, and which one is behind an id.
        self._owners: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._ways: dict[str, tuple[str, str]] = {}

    def mean(self, place: _Place, people: Iterable[Recipient]) -> None:
        """Take who is meant, reached or not."""
        self.place = place
        for person in people:
            self._number((person.unit_id, person.role, person.person_id))
            for address in person.addresses:
                way = self._ways[address.id] = address.channel, address.target
                self._owners[way].add(person.person_id)

    def take(self, rows: Iterable[Row]) -> set[str]:
        """Take what is new or has changed; return whom it concerns.

        What went over a number reaches everybody who has it.
        """
        people: set[str] = set()
        for row in rows:
            values = row.__dict__
            if isinstance(row, Alert | Entry) or not values.get("person_id"):
                continue
            person_id, role = values["person_id"], values.get("role")
            people.add(person_id)
            if isinstance(row, Help):
                continue
            # Who responds and lives here too was told as who responds.
            unit_id = None if role in DUTIES else values.get("unit_id")
            self._number((unit_id, str(role), person_id))
            way = self._ways.get(values["address_id"])
            for owner in {person_id, *(self._owners[way] if way else ())}:
                self._sent[owner][values["id"]] = row
                people.add(owner)
        return people

    def _number(self, part: Part) -> None:
        """Give somebody who has none yet the next number of their role and unit."""
        if part not in self.slots:
            self._taken[part[:2]] += 1
            self.slots[part] = self._taken[part[:2]]
            self.parts[part[2]].append(part)
            self.shown[part] = {}

    def show(self, people: Iterable[str], calls: Sequence[Help]) -> None:
        """Make the slots of these people anew, and of who has been shown nothing yet."""
        new = {part[2] for part, item in self.shown.items() if not item}
        for person_id in new.union(people):
            rows = [row.__dict__ for row in self._sent[person_id].values()]
            said = slot(rows, calls, person_id)
            for part in self.parts[person_id]:
                self.shown[part] = {"role": part[1], "number": self.slots[part], **said}


def seen(permit: Permit, alert: Alert, told: Told) -> dict[str, Item]:
    """Return what may be seen of an alert by who may in some units, or in all.

    As in other answers about alerts, all of its units have to be theirs.
    """
    if not permit.covers(alert.unit_ids or None):
        return {}
    return {alert.id: told.head} | {
        f"{alert.id}/{unit_id or ''}": item
        for unit_id, item in told.items.items()
        if unit_id is None or permit.covers([unit_id])
    }


def slot(
    deliveries: Iterable[Mapping[str, Any]], calls: Iterable[Help], person_id: str
) -> Item:
    """Return how one person was reached over each channel, and what they have said.

    `deliveries` are the values of rows: one that was never set is not there.
    """
    reached: dict[str, Mapping[str, Any]] = {}
    tries: defaultdict[str, int] = defaultdict(int)
    last: Mapping[str, Any] = {}
    decides = False
    for row in sorted(deliveries, key=lambda row: row["created_at"]):
        reached[row["channel"]] = row
        tries[row["channel"]] += 1
        if row["person_id"] != person_id:
            continue
        decides |= bool(row["decides"])
        said_at = row.get("answered_at") or 0.0
        if row.get("answer") and said_at >= (last.get("answered_at") or 0.0):
            last = row
    return {
        "state": last.get("answer") or _state(reached.values()),
        "answered_at": last.get("answered_at"),
        "via": last.get("via"),
        "decides": decides,
        "reached": [
            {
                "channel": channel,
                "state": row["state"],
                "at": row.get("answered_at") or row.get("sent_at") or row["created_at"],
                "reason": row.get("reason"),
                "tries": tries[channel],
            }
            for channel, row in sorted(reached.items())
        ],
        "help": [
            {
                "call_id": row.id,
                "at": row.at,
                "taken_at": row.taken_at,
                "closed_at": row.closed_at,
            }
            for row in calls
            if row.person_id == person_id
        ],
    }


def _state(deliveries: Iterable[Mapping[str, Any]]) -> str:
    states = {row["state"] for row in deliveries}
    if states & _ARRIVED:
        return "no_answer"
    return "under_way" if states & _UNDER_WAY else "not_reached"
