"""A flat with things in it, somebody who lives there, and who would be told."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from sqlalchemy import select

from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.personal import LookIn, Question, Said
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.care import Named
from custom_components.rental_units.care.book import DATA_CARE, CareBook
from custom_components.rental_units.care.const import KIND, Turn
from custom_components.rental_units.care.ward import Ward
from custom_components.rental_units.care_work import Desk, sources_of
from custom_components.rental_units.const import Reason
from custom_components.rental_units.register.people import Contact, parse_contact
from custom_components.rental_units.storage.vault import CompartmentRow, Vault
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from tests.rental_units.common import administrator, check_in, unit_id

#: So often it is looked: if more seldom, nobody did.
STEP = timedelta(minutes=9)
#: Eight on a Tuesday, by the clock of the house.
MORNING = datetime(2026, 3, 3, 16, tzinfo=UTC)
TITLE = "1-1-101"

KITCHEN = "binary_sensor.kitchen_motion"
BEDROOM = "binary_sensor.bedroom_motion"
FRONT = "binary_sensor.front_door"
LAMP = "light.lamp"
FLAT: tuple[dict[str, Any], ...] = (
    {"entity_id": KITCHEN, "kind": "inside", "how": "on"},
    {"entity_id": BEDROOM, "kind": "inside", "how": "on"},
    {"entity_id": FRONT, "kind": "door", "how": "change"},
    {"entity_id": LAMP, "kind": "inside", "how": "by_hand"},
)


def contact(name: str, phone: str, turn: int = Turn.RELATIVES) -> Named:
    """Return somebody who is named."""
    made: Contact = parse_contact({"name": name, "phone": phone}, "CN")
    return Named(made, turn)


RELATIVE = contact("MARK-DAUGHTER", "13800138011")
NEIGHBOUR = contact("MARK-NEIGHBOUR", "13800138012", Turn.NEIGHBOURS)


class Messages:
    """What people are told, as who tells them is bidden: each once for a key."""

    def __init__(self) -> None:
        """Initialize."""
        self.asked: list[Question] = []
        self.told: list[LookIn] = []
        self.ended: list[tuple[str, bool]] = []
        self.open: set[str] = set()
        self.forgotten: list[str] = []
        self.numbers = Counter[str]()
        self.fails = False
        #: Called before anything is asked or told.
        self.before: Callable[[], None] = lambda: None
        self._listeners: list[Callable[[Said], None]] = []

    @callback
    def listen(self, listener: Callable[[Said], None]) -> CALLBACK_TYPE:
        """Call a listener with each answer."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def async_ask(self, question: Question) -> None:
        """Ask somebody."""
        self._begin(question.key, self.asked, question)

    async def async_tell(self, look_in: LookIn) -> None:
        """Tell others."""
        self._begin(look_in.key, self.told, look_in)

    def _begin(self, key: str, rows: list[Any], row: Any) -> None:
        self.before()
        if self.fails:
            raise RuntimeError("MARK-FAILURE")
        if key not in self.open:
            self.open.add(key)
            rows.append(row)

    async def async_end(self, key: str, *, is_over: bool = False) -> None:
        """Ask or tell no more."""
        if key in self.open:
            self.open.remove(key)
            self.ended.append((key, is_over))

    async def async_forget(self, person_id: str) -> None:
        """Keep nothing about somebody any more."""
        self.forgotten.append(person_id)

    def say(self, key: str, person_id: str, answer: str, number: int = 0) -> Said:
        """Let somebody answer; with a number, what they have answered before is told again."""
        self.numbers[key] += 1
        said = Said(
            key=key,
            number=number or self.numbers[key],
            person_id=person_id,
            answer=Answer(answer),
            via="link",
            at=dt_util.utcnow().timestamp(),
            drill=False,
        )
        for listener in tuple(self._listeners):
            listener(said)
        return said


class Home:
    """The flat, its day, and the watch."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        """Initialize."""
        self.hass, self.entry, self.freezer = hass, entry, freezer
        self.messages = Messages()
        self.person = self.watch_id = ""
        for row in FLAT:
            hass.states.async_set(row["entity_id"], "off")

    @property
    def book(self) -> CareBook:
        """Return the watches of the property."""
        return self.hass.data[DATA_CARE][self.entry.entry_id]

    @property
    def ward(self) -> Ward:
        """Return the watch."""
        return self.book.wards[self.watch_id]

    @property
    def state(self) -> str:
        """Return how it stands, as it is counted."""
        return str(self.ward.state)

    def desk(self, user: Any = None, why: Reason = Reason.ALARM) -> Desk:
        """Return somebody who sees to it."""
        user = user or administrator(self.hass)
        application = application_of(self.hass, self.entry.entry_id)
        return Desk(self.hass, application, Context(user_id=user.id), why)

    async def move_in(self, title: str = TITLE, **data: Any) -> str:
        """Let somebody live in a flat; return who they are."""
        return await check_in(self.hass, self.entry, title, **data)

    async def start(
        self,
        things: Sequence[dict[str, Any]] = FLAT,
        contacts: Sequence[Named] = (RELATIVE, NEIGHBOUR),
        *,
        title: str = TITLE,
        cards: bool = False,
        person: str | None = None,
        **more: Any,
    ) -> str:
        """Begin to watch; return the watch's id."""
        person = person or self.person or await self.move_in(title)
        self.person = self.person or person
        watch_id = await self.desk().async_start(
            person,
            unit_id(self.entry, title),
            sources_of(self.hass, things, cards=cards),
            contacts,
            **more,
        )
        self.watch_id = self.watch_id or watch_id
        await self.settle()
        return watch_id

    async def settle(self) -> None:
        """Let what is under way be done."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def stir(self, entity_id: str = KITCHEN, state: str = "on") -> None:
        """Let something be heard, and be quiet again."""
        self.hass.states.async_set(entity_id, state)
        self.hass.states.async_set(entity_id, "off")
        await self.settle()

    async def put(self, entity_id: str, state: str, **context: Any) -> None:
        """Let something have a state."""
        self.hass.states.async_set(entity_id, state, context=Context(**context))
        await self.settle()

    async def go(self, hours: float) -> None:
        """Let time go by, as it does where Home Assistant runs."""
        until = dt_util.utcnow() + timedelta(hours=hours)
        while (now := dt_util.utcnow()) < until:
            self.freezer.tick(min(STEP, until - now))
            async_fire_time_changed(self.hass)
            await self.settle()

    async def until(self, when: float) -> None:
        """Let time go by until a Unix time, and a second more."""
        await self.go((when - dt_util.utcnow().timestamp() + 1) / 3600)

    async def ask_at(self) -> float:
        """Let time go by until somebody is asked; return when that was due."""
        due, _ = self.ward.watch.deadlines(dt_util.utcnow().timestamp())
        await self.until(due)
        return due

    async def reload(self) -> None:
        """Begin anew, as after a start."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.settle()

    async def kill(self) -> None:
        """Begin anew as after kill -9: what was not written is not there."""

        async def nothing() -> None:
            """Write nothing."""

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.book, "async_save", nothing)
            await self.reload()

    async def kept(self) -> list[str]:
        """Return what the vault holds of all watches."""
        box = Vault(self.entry.runtime_data.keys)

        def read(session: Any) -> list[str]:
            rows = session.scalars(
                select(CompartmentRow).where(CompartmentRow.kind == KIND)
            )
            return [str(box.open_if_possible(row)) for row in rows]

        return await self.entry.runtime_data.async_read(read)

    async def written(self) -> dict[str, Any]:
        """Return what the vault holds of the watch."""
        (text,) = await self.kept()
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
def house(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> Home:
    """Return a flat at eight in the morning; people are told by the alerts themselves."""
    freezer.move_to(MORNING)
    return Home(hass, entry, freezer)


@pytest.fixture
def home(house: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return the flat; what people are told is noted, and nobody is."""
    tell_by = CareBook.tell_by
    monkeypatch.setattr(
        CareBook, "tell_by", lambda book, _alerts: tell_by(book, house.messages)
    )
    house.book.tell_by(house.messages)
    return house
