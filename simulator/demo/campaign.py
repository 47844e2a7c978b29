"""Whom an alert has to reach, over what, and what stops it."""

from collections.abc import Callable
from typing import Any

from simulator.mobile import WAYS
from simulator.residents import RESIDENTS

EVENT_ALERT = "rental_units_alert"
NOBODY = "nobody"
ANSWERS = (*WAYS, NOBODY)
#: What whoever answers says: the landlord of the unit is on the way.
WORD = "on_my_way"
#: Who is called again if nobody answers: the second step of the policy for an alarm.
CALLED_AGAIN = ("landlord", "fire_post", "property_office")
_NAMES = {"push": "push", "sms": "SMS", "call": "call"}
#: Providers whose report comes with the message; that of a call may come after it.
_REPORTING = ("push", "sms")
MOST_CHARACTERS = 72

type Line = Callable[[float, str], None]


class Campaign:
    """The alert of one alarm in a unit, heard from outside."""

    def __init__(
        self, line: Line, unit: str, answer: str, missing: dict[str, str]
    ) -> None:
        """Initialize; what must come is put into `missing`, and taken out as it comes."""
        self._line = line
        self._missing = missing
        self._answer = answer
        self._others: dict[str, int] = {}
        self._heard: set[tuple[str, str]] = set()
        self._receipts = 0
        self._receipt_at = 0.0
        self._begun = 0.0
        self._told = 0.0
        self._escalated = False
        self.answerer = f"{unit}-landlord"
        people = [row for row in RESIDENTS if row.place in (unit, None)]
        self._concerned = {
            row.id for row in people if row.place or row.role == "fire_post"
        }
        for row in people:
            if row.id not in self._concerned:
                continue
            for way in WAYS:
                missing[f"{row.id} {way}"] = f"{row.names[0]} got no {_NAMES[way]}"
            for way in _REPORTING:
                missing[f"{row.id} {way} receipt"] = (
                    f"{row.names[0]}: no receipt of the {_NAMES[way]}"
                )
        if answer == NOBODY:
            for row in people:
                if row.role in CALLED_AGAIN:
                    missing[f"{row.id} again"] = f"{row.names[0]} was not called again"
        else:
            missing["acknowledged"] = "no answer has stopped the escalation"
            missing["alarm acknowledged"] = "the answer did not reach the alarm"

    @property
    def can_be_answered(self) -> bool:
        """Return if everybody was told, and somebody is to answer."""
        return self._answer != NOBODY and not any(
            key.startswith(person)
            for key in self._missing
            for person in self._concerned
        )

    def summary(self) -> str:
        """Return what came of it, in a line."""
        milliseconds = (self._told - self._begun) * 1000
        text = (
            f"{len(self._concerned)} people told over {len(WAYS)} channels within"
            f" {milliseconds:.0f} ms of the alarm"
        )
        if self._answer == NOBODY:
            return f"{text}; nobody answered, so it goes on until somebody does"
        return f"{text}; an answer has stopped the escalation"

    def raised(self, at: float) -> None:
        """Take the time of the alarm."""
        self._begun = at

    def mobile(self, data: dict[str, Any], at: float) -> None:
        """Take what happens on a resident's phone."""
        person, way, what = data["person"], data["way"], data["what"]
        match way:
            case "receipt":
                # That of an earlier alert may come now.
                if (person, what) in self._heard:
                    self._receipts += 1
                    self._receipt_at = at
                    self._missing.pop(f"{person} {what} receipt", None)
                return
            case "answer":
                self._line(at, f"{data['name']} {what}")
                return
        self._heard.add((person, way))
        if person in self._concerned or self._escalated:
            self._rings(person, way, at)
            short = f"{what[:MOST_CHARACTERS]}…”" if way != "push" else what
            self._line(at, f"{data['name']}: {_NAMES[way]} {short}")
        else:
            self._others[person] = self._others.get(person, 0) + 1
            self._told = max(self._told, at)

    def _rings(self, person: str, way: str, at: float) -> None:
        if self._escalated and way == "call":
            self._missing.pop(f"{person} again", None)
        elif self._missing.pop(f"{person} {way}", None):
            self._told = max(self._told, at)

    def home_assistant(self, data: dict[str, Any], at: float) -> None:
        """Take the event of an alert."""
        kind = data["type"]
        match kind:
            case "escalated":
                self._escalated = True
                self._line(at, f"Alert escalated: step {data['step']}")
            case "acknowledged":
                self._line(at, "Alert acknowledged: the escalation stops")
                self._missing.pop("acknowledged", None)
            case "answered":
                self._line(at, f"Alert answered: {data['answer']}")
            case _:
                self._line(at, f"Alert {kind}")

    def alarm_acknowledged(self) -> None:
        """Take that the alarm itself is acknowledged."""
        self._missing.pop("alarm acknowledged", None)

    def close(self) -> None:
        """Tell in a line what would be too many."""
        if self._others:
            count = sum(self._others.values())
            people = len(self._others)
            self._line(
                self._told, f"Neighbours and office: {count} messages to {people} more"
            )
        if self._receipts:
            self._line(self._receipt_at, f"Receipts: {self._receipts}, the last here")
