"""What those who respond have to know: where exactly, how many people, and what is cut."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from ..const import Letting
from ..register import Register
from ..register.models import Unit
from .const import CORE, About, Severity
from .ledger import TROUBLE
from .models import Alert

#: Seconds that a message waits for it: it is news all the same.
PATIENCE_SECONDS = 1.0
#: Of more units than these, nobody reads addresses in a message.
MOST_UNITS = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the place of an alert."""

    #: Street addresses; they are personal, and in messages to those who respond alone.
    addresses: tuple[str, ...] = field(default=(), repr=False)
    #: People who live there; None where nobody counts them.
    people: int | None = None
    #: Supplies that are off, proven, and the names of those of which it is not.
    proven: int = 0
    unproven: tuple[str, ...] = ()
    #: Whom it is about, where that is a person.
    name: str = field(default="", repr=False)


class FactFinder:
    """Facts of the open alerts."""

    def __init__(self, hass: HomeAssistant, register: Register) -> None:
        """Initialize."""
        self._hass = hass
        self._register = register
        self._facts: dict[str, Facts] = {}

    def of(self, alert: Alert) -> Facts:
        """Return what is known of an alert."""
        return self._facts.get(alert.id, _NOTHING)

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop what is known of an alert that is over."""
        self._facts.pop(alert.id, None)

    async def async_find(self, alert: Alert) -> bool:
        """Look for what is known now; return if it is something new."""
        if alert.about != About.PLACE:
            return await self._async_name(alert)
        if alert.severity == Severity.MESSAGE:
            return False
        before = self.of(alert)
        addresses, power = await asyncio.gather(
            self._async_addresses(alert), self._async_power(alert)
        )
        found = Facts(
            addresses if addresses is not None else before.addresses,
            self._people(alert),
            *(power or (before.proven, before.unproven)),
        )
        self._facts[alert.id] = found
        return found != before

    async def _async_name(self, alert: Alert) -> bool:
        """Look for the name of whom an alert is about; what is known once stays known."""
        key = alert.person_id or ""
        if self.of(alert).name or alert.about == About.WELFARE:
            return False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                people = await self._register.phonebook.async_people([key])
        except (*TROUBLE, TimeoutError):
            return False
        if key in people:
            self._facts[alert.id] = Facts(name=people[key].name)
        return key in people

    def _people(self, alert: Alert) -> int | None:
        if not alert.unit_ids:
            return None
        count = 0
        for unit_id in alert.unit_ids:
            unit = self._register.units.get(unit_id)
            summary = self._register.summaries.get(unit_id)
            if not (unit and summary):
                # Not counted is not empty: nobody goes in where nobody is said to be.
                return None
            owned = unit.letting == Letting.OWNER
            count += summary.tenants or (summary.landlords if owned else 0)
        return count

    async def _async_addresses(self, alert: Alert) -> tuple[str, ...] | None:
        """Return the street addresses; None if the register does not say."""
        if not alert.unit_ids or len(alert.unit_ids) > MOST_UNITS:
            return ()

        def read(session: Session) -> tuple[str, ...]:
            rows = session.scalars(
                select(Unit.address).where(Unit.id.in_(alert.unit_ids))
            )
            return tuple(dict.fromkeys(filter(None, rows)))

        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._register.async_read(read)
        except (*TROUBLE, TimeoutError):
            return None

    async def _async_power(self, alert: Alert) -> tuple[int, tuple[str, ...]] | None:
        """Return what the core has cut and proven; None if it does not say."""
        has_core = self._hass.services.has_service(CORE, "get_alarms")
        if not (alert.alarm_ids and alert.area_ids and has_core):
            return 0, ()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer: Any = await self._hass.services.async_call(
                    CORE,
                    "get_alarms",
                    {"alarm_id": list(alert.alarm_ids)},
                    blocking=True,
                    return_response=True,
                )
        except HomeAssistantError, TimeoutError:
            return None
        states: dict[str, str] = {}
        for alarm in answer["alarms"]:
            for line in alarm["timeline"]:
                for name, result in line.get("supplies", {}).items():
                    states[name] = result["status"]
        return (
            sum(status == "confirmed" for status in states.values()),
            tuple(
                name
                for name, status in states.items()
                if status in ("unconfirmed", "failed")
            ),
        )


_NOTHING = Facts()
