"""Who is behind the addresses of an alert."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from homeassistant.core import HomeAssistant, callback

from ..const import LOGGER, Channel, Duty, Role
from ..register import (
    Address,
    Audience,
    Recipient,
    Register,
    RegisterConfigEntry,
    default_language,
)
from .channels.base import NotSentError
from .channels.push import phones_with, users_of
from .const import About
from .ledger import TROUBLE
from .models import Alert, Delivery

#: Whom an audience means; all other roles are duties of responders.
AUDIENCES = {
    Role.TENANT.value: Audience.TENANTS,
    Role.LANDLORD.value: Audience.LANDLORD,
    "neighbour": Audience.NEIGHBOURS,
}
#: How long a register that cannot be read is left alone, and how long one is waited for.
RETRY_SECONDS = 2.0
READ_SECONDS = 2.0
#: What stands before the id of an address that is not a person's.
AREA = "area:"
ENTITY = "entity:"
ROBOT = "robot:"
#: The role of who tests and is in no role here, and what stands before the ids of their phones.
TESTER = "tester"
#: The audience of who has raised an alert, and nobody else.
CALLER = "caller"

#: Who is behind an address: nobody, where it is a place or a robot.
type Found = tuple[Recipient | None, Address | str]
#: A person's part in an alert: who, as what, of which unit.
type _Part = tuple[str, str, str | None]
type _Reading = asyncio.Task[list[Recipient]]


def ways_to(person: Recipient) -> dict[str, Found]:
    """Return who is behind each address of a person, in the language of the address."""
    return {
        address.id: (
            replace(person, language=address.language) if address.language else person,
            address,
        )
        for address in person.addresses
    }


class People:
    """Recipients of the open alerts, read once for each alert."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._entry = entry
        self._register = register
        self._found: dict[str, dict[str, Found]] = {}
        #: Reading of all people of an alert, of whose deliveries some are from before.
        #: Its result is False if these are people as they were last known.
        self._readings: dict[str, asyncio.Future[bool]] = {}
        #: Questions that the register has not answered in time.
        self._asked: dict[tuple[str, tuple[str, ...]], _Reading] = {}
        self._is_blind = False
        #: Who has been told of an alert, by the alert: they stay until it ends.
        self._told: dict[str, dict[_Part, Recipient]] = {}
        #: Who hears of an alert before others do.
        self._first: dict[str, Collection[str]] = {}
        #: Whom an earlier run has told, by the alert, until they are read.
        self._earlier: dict[str, set[_Part]] = {}

    @callback
    def restore(self, alert: Alert, deliveries: Iterable[Delivery]) -> None:
        """Take up who was told by an earlier run."""
        self._earlier[alert.id] = {
            (row.person_id, row.role, row.unit_id)
            for row in deliveries
            if row.person_id
        }

    @callback
    def put_first(self, alert: Alert, person_ids: Collection[str]) -> None:
        """Let these people hear of an alert before others do."""
        if person_ids:
            self._first[alert.id] = person_ids

    async def async_recipients(
        self, alert: Alert, audience: Iterable[str]
    ) -> tuple[list[Recipient], bool]:
        """Return who is told, and True if the register has just said so.

        While it does not answer, people are told as they were last known. Who was told
        once stays until the alert ends, though they are out of the register meanwhile.
        """
        names = list(audience)
        known = self._last_known(alert, names)
        key = alert.id, tuple(names)
        # One that has taken too long is waited for again, and not asked twice.
        if (reading := self._asked.pop(key, None)) is None:
            reading = self._entry.async_create_background_task(
                self._hass,
                self._async_ask(alert, names),
                "rental_units recipients",
            )
            reading.add_done_callback(_retrieve)
        done, _ = await asyncio.wait({reading}, timeout=READ_SECONDS if known else None)
        try:
            if not done:
                self._asked[key] = reading
                raise TimeoutError
            found = reading.result()
        except TROUBLE as err:
            if not self._is_blind:
                LOGGER.error(
                    "Recipients cannot be read; those last known are told: %s",
                    getattr(err, "key", type(err).__name__),
                )
            self._is_blind = True
            return self._with_told(alert, known, names), False
        self._is_blind = False
        return self._with_told(alert, found, names), True

    def _last_known(self, alert: Alert, names: list[str]) -> list[Recipient]:
        phonebook = self._register.phonebook
        if alert.about != About.PLACE:
            return _as_named(phonebook.last_known_people(_ids(names)), names)
        return phonebook.last_known(alert.unit_ids, map(Audience, names))

    async def _async_ask(self, alert: Alert, names: list[str]) -> list[Recipient]:
        """Ask the register. Raises RegisterError."""
        if alert.about != About.PLACE:
            # Everybody at once: by the next step it may be away.
            everybody = alert.audiences
            found = await self._register.phonebook.async_people(_ids(everybody))
            self._earlier.pop(alert.id, None)
            return _as_named(found, everybody)
        if alert.id in self._earlier:
            await self._async_recall(alert)
        return await self._register.async_recipients(
            alert.unit_ids, list(map(Audience, names))
        )

    async def _async_recall(self, alert: Alert) -> None:
        """Read those whom an earlier run has told, also if they would not be now.

        Raises RegisterError.
        """
        parts = self._earlier[alert.id]
        people = await self._register.async_recipients(alert.unit_ids, list(Audience))
        now = {(row.person_id, row.role) for row in people}
        # A delivery names one of the units of its person.
        gone = {part for part in parts if part[:2] not in now}
        known = await self._register.phonebook.async_people({key for key, *_ in gone})
        if self._earlier.pop(alert.id, None) is None:
            return
        told, keys = self._told.setdefault(alert.id, {}), {key for key, *_ in parts}
        for row in people:
            if row.person_id in keys:
                told[row.person_id, row.role, row.unit_id] = row
        for key, role, unit_id in gone:
            if key in known:
                told[key, role, unit_id] = replace(
                    known[key], role=role, unit_id=unit_id
                )

    def _with_told(
        self, alert: Alert, people: list[Recipient], names: list[str]
    ) -> list[Recipient]:
        told = self._told.setdefault(alert.id, {})
        now = {(row.person_id, row.role, row.unit_id): row for row in people}
        told.update(now)
        if alert.about != About.PLACE:
            return [
                row for row in told.values() if named(row.role, row.person_id) in names
            ]
        earlier = [
            row
            for part, row in told.items()
            if part not in now and AUDIENCES.get(row.role, Audience.RESPONDERS) in names
        ]
        first = self._first.get(alert.id, ())
        return sorted([*people, *earlier], key=lambda row: row.person_id not in first)

    def is_told(self, person_id: str) -> bool:
        """Return if an open alert tells somebody. It is asked from the database's thread."""
        return any(
            part[0] == person_id
            for told in (*self._told.values(), *self._earlier.values())
            for part in list(told)
        )

    def of_test(self, alert: Alert, people: Iterable[Recipient]) -> list[Recipient]:
        """Return whom a test concerns: who does it, and the office that has to know of it.

        Not the office where it is none of whom the alert may tell. Who does it may be nobody
        of the place, and is told over their own phones then.
        """
        with_office = Audience.RESPONDERS in alert.audiences
        found = [
            row
            for row in people
            if (with_office and row.role == Duty.PROPERTY_OFFICE)
            or self._is_tester(alert, row)
        ]
        if not any(self._is_tester(alert, row) for row in found):
            found += self.callers(alert)
        return found

    @callback
    def of_test_by(self, user_id: str) -> list[Recipient]:
        """Return whom a test concerns that a user begins, as far as is known now."""
        alert = Alert(who=user_id, drill=True, audiences=[*map(str, Audience)])
        responders = self._register.phonebook.last_known((), [Audience.RESPONDERS])
        return self.of_test(alert, responders)

    def _is_tester(self, alert: Alert, person: Recipient) -> bool:
        return alert.who is not None and any(
            alert.who in users_of(self._hass, address.target)
            for address in person.addresses
            if address.channel == Channel.PUSH
        )

    def callers(self, alert: Alert) -> list[Recipient]:
        """Return the user who has begun a drill, or is told alone: on phones with the app."""
        if alert.who is None or not (alert.drill or CALLER in alert.audiences):
            return []
        addresses = tuple(
            Address(f"{TESTER}:{row.id}", Channel.PUSH, row.id, None, None)
            for row in phones_with(self._hass, alert.who)
        )
        language = default_language(self._hass.config.language)
        tester = Recipient(alert.who, "", language, TESTER, None, addresses)
        return [tester] if addresses else []

    @callback
    def remember(self, alert: Alert, found: dict[str, Found]) -> None:
        """Keep who is behind these addresses."""
        self._found.setdefault(alert.id, {}).update(found)

    @callback
    def drop(self, alert: Alert, person_ids: Collection[str | None]) -> None:
        """Forget these people, who are not to be told any more."""
        known = self._found.get(alert.id, {})
        for address_id, (person, _) in list(known.items()):
            if person and person.person_id in person_ids:
                del known[address_id]
        told = self._told.get(alert.id, {})
        for part in [part for part in told if part[0] in person_ids]:
            del told[part]

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop the people of an alert that is over."""
        self._found.pop(alert.id, None)
        self._told.pop(alert.id, None)
        self._first.pop(alert.id, None)
        self._earlier.pop(alert.id, None)
        self._readings.pop(alert.id, None)
        for key in [key for key in self._asked if key[0] == alert.id]:
            self._asked.pop(key).cancel()

    async def async_find(self, alert: Alert, address_id: str) -> Found | None:
        """Return who is behind an address; None if nobody is any more.

        After a restart all people of an alert are read once. Raises NotSentError while
        the register cannot be read.
        """
        if address_id.startswith((AREA, ENTITY, ROBOT)):
            return None, address_id.partition(":")[2]
        known = self._found.setdefault(alert.id, {})
        if address_id not in known:
            if alert.id not in self._readings:
                self._readings[alert.id] = self._entry.async_create_background_task(
                    self._hass, self._async_read(alert, known), "rental_units people"
                )
            is_fresh = await asyncio.shield(self._readings[alert.id])
            if not is_fresh:
                self._readings.pop(alert.id, None)
                if address_id not in known:
                    raise NotSentError("register", RETRY_SECONDS)
        return known.get(address_id)

    async def async_language(self, alert: Alert, delivery: Delivery) -> str:
        """Return the language of who got a delivery."""
        try:
            found = await self.async_find(alert, delivery.address_id)
        except NotSentError:
            found = None
        person = found[0] if found else None
        return person.language if person else self._hass.config.language

    async def _async_read(self, alert: Alert, known: dict[str, Found]) -> bool:
        everybody = list(Audience) if alert.about == About.PLACE else alert.audiences
        people, is_fresh = await self.async_recipients(alert, everybody)
        for person in [*people, *self.callers(alert)]:
            for address_id, found in ways_to(person).items():
                known.setdefault(address_id, found)
        return is_fresh


def named(role: str, person_id: str) -> str:
    """Return the audience of one person, in the role in which they are told."""
    return f"{role}:{person_id}"


def _ids(names: Iterable[str]) -> list[str]:
    """Return the ids of the people whom such audiences name."""
    return [name.partition(":")[2] for name in names]


def _as_named(people: Mapping[str, Recipient], names: Iterable[str]) -> list[Recipient]:
    """Return those of these people whom audiences name, in the role of each."""
    parts = (name.partition(":") for name in names)
    return [
        replace(people[key], role=role, unit_id=None)
        for role, _, key in parts
        if key in people
    ]


def _retrieve(reading: asyncio.Task[list[Recipient]]) -> None:
    """Take the error of a reading that has taken too long: nobody may ask for it again."""
    if not reading.cancelled():
        reading.exception()
