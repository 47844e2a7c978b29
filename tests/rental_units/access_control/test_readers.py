"""Cards that are read at a desk: the next one, whose it is, and never a guess."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.access_control import readers
from custom_components.rental_units.access_control.readers import DATA_READERS
from custom_components.rental_units.app import enrolment
from custom_components.rental_units.const import DOMAIN
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from simulator.uhppote import Board, Fault
from tests.common import wait_until
from tests.rental_units.common import account, administrator, call
from tests.rental_units.panel import panel_of

from .common import NUMBER, OTHER, OTHER_NUMBER, House, refusal, settle

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Desk:
    """A desk with a reader."""

    def __init__(
        self, house: House, board: Board, door: str = "4", user: Any = "administrator"
    ) -> None:
        """Initialize."""
        self.house, self.board, self.door, self.user = house, board, door, user

    @property
    def data(self) -> dict[str, Any]:
        """Return the reader's fields."""
        return {"device_id": self.house.controller(self.board), "door": self.door}

    async def read(self, **more: Any) -> asyncio.Task[Any]:
        """Begin to wait for a card."""
        data = {"config_entry_id": self.house.entry.entry_id, **self.data, **more}
        reading: Coroutine[Any, Any, Any] = call(
            self.house.hass, "read_card", data, user=self.user
        )
        task = self.house.hass.async_create_background_task(reading, "desk")
        waiting = self.house.hass.data[DATA_READERS]._waiting
        key = self.data["device_id"], self.door
        before = waiting.get(key)
        await wait_until(
            self.house.hass,
            lambda: waiting.get(key) is not before or task.done(),
        )
        return task

    async def swipe(self, number: str) -> None:
        """Hold a card to the reader, and let it be heard."""
        heard = self.house.hass.data[DATA_READERS].heard
        taken: list[Any] = []

        def note(passage: Any) -> None:
            heard(passage)
            taken.append(passage)

        self.house.hass.data[DATA_READERS].heard = note  # type: ignore[method-assign]
        self.board.swipe(int(number), int(self.door))
        await wait_until(self.house.hass, lambda: bool(taken))
        self.house.hass.data[DATA_READERS].heard = heard  # type: ignore[method-assign]


@pytest.fixture
async def desk(house: House) -> Desk:
    """Return a desk with the fourth reader of the gate's controller."""
    return Desk(house, house.gate)


def later(house: House, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    """Let time go by."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(house.hass)


async def why(task: asyncio.Task[Any]) -> str | None:
    """Return why a reading has failed."""
    with pytest.raises(ServiceValidationError) as failure:
        await task
    return failure.value.translation_key


async def test_unknown_card_is_issued(
    house: House, desk: Desk, freezer: FrozenDateTimeFactory
) -> None:
    """The next card at the reader is issued by what stands for its number."""
    person = await house.move_in()
    task = await desk.read()
    await desk.swipe(NUMBER)
    await desk.swipe(NUMBER)
    await settle(house.hass)
    # A second one may follow.
    assert not task.done()
    later(house, freezer, readers.SETTLE_SECONDS)
    found = await task
    assert NUMBER not in repr(found)
    assert (found["card_number"], found["is_known"]) == ("••••8400", False)
    await call(
        house.hass,
        "issue_card",
        {"person_id": person, "reading_id": found["reading_id"]},
    )
    await house.becomes(person, "active")
    assert house.numbers(house.first) == [NUMBER]


async def test_two_desks_at_once(
    house: House, desk: Desk, freezer: FrozenDateTimeFactory
) -> None:
    """Each has the card of its own reader."""
    clerk = await account(house.hass, house.entry, "desk")
    other = Desk(house, house.gate, "3", clerk)
    tasks = [await desk.read(), await other.read()]
    await other.swipe(OTHER_NUMBER)
    await desk.swipe(NUMBER)
    later(house, freezer, readers.SETTLE_SECONDS)
    mine, theirs = await asyncio.gather(*tasks)
    assert (mine["card_number"], theirs["card_number"]) == ("••••8400", "••••8401")
    # What one has read is nobody else's to issue.
    person = await house.move_in()
    stolen = {"person_id": person, "reading_id": mine["reading_id"]}
    with pytest.raises(ServiceValidationError) as failure:
        await call(house.hass, "issue_card", stolen, user=clerk)
    assert failure.value.translation_key == "reading_over"


async def test_one_at_a_reader(house: House, desk: Desk) -> None:
    """Somebody else at the same reader is told so; who asks anew begins anew."""
    clerk = await account(house.hass, house.entry, "desk")
    first = await desk.read()
    busy = await Desk(house, house.gate, user=clerk).read()
    assert await why(busy) == "reader_busy"
    again = await desk.read()
    assert await why(first) == "reading_anew"
    assert not again.done()
    again.cancel()
    await asyncio.wait((again,))
    # Who has gone keeps nobody from it.
    task = await Desk(house, house.gate, user=clerk).read()
    assert not task.done()
    task.cancel()


async def test_two_cards(
    house: House, desk: Desk, freezer: FrozenDateTimeFactory
) -> None:
    """Of two cards nobody guesses which is meant."""
    task = await desk.read()
    await desk.swipe(NUMBER)
    await desk.swipe(OTHER_NUMBER)
    assert await why(task) == "several_cards"
    later(house, freezer, readers.WAIT_SECONDS)
    await settle(house.hass)


async def test_no_card(
    house: House, desk: Desk, freezer: FrozenDateTimeFactory
) -> None:
    """Half a minute without a card is the end; one at another reader is none, nor is an old one."""
    task = await desk.read()
    await Desk(house, house.gate, "1").swipe(NUMBER)
    house.gate.faults.add(Fault.MUTE)
    house.gate.swipe(int(NUMBER), 4)
    house.gate.faults.clear()
    await Desk(house, house.gate, "2").swipe(NUMBER)
    await settle(house.hass)
    later(house, freezer, readers.WAIT_SECONDS)
    assert await why(task) == "no_card_read"


async def test_known_card(
    house: House, desk: Desk, freezer: FrozenDateTimeFactory
) -> None:
    """Whose a card is, is told who may see that; and it is nobody's to give again."""
    person = await house.move_in()
    card = await house.issue(person)
    duty = await account(house.hass, house.entry, "duty")
    task = await Desk(house, house.gate, user=duty).read(reason="request")
    await desk.swipe(NUMBER)
    later(house, freezer, readers.SETTLE_SECONDS)
    found = await task
    assert (found["is_known"], found["person_id"]) == (True, person)
    assert (found["name"], found["card"]["card_id"]) == ("MARK-NAME-1", card)
    task = await desk.read()
    await desk.swipe(NUMBER)
    later(house, freezer, readers.SETTLE_SECONDS)
    found = await task
    again = {"person_id": person, "reading_id": found["reading_id"]}
    assert await refusal(house.hass, "issue_card", **again) == "card_number_taken"


async def test_known_card_of_others(
    house: House,
    desk: Desk,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who may read cards at a desk, and not see whose they are, learns that it is somebody's."""
    monkeypatch.setattr(enrolment, "_may_see", lambda *_: False)
    await house.issue(await house.move_in())
    task = await desk.read()
    await desk.swipe(NUMBER)
    later(house, freezer, readers.SETTLE_SECONDS)
    found = await task
    assert found["is_known"]
    assert (found["card"], found["person_id"], found["name"]) == (None, None, None)


async def test_what_was_read_is_not_kept(
    house: House, desk: Desk, freezer: FrozenDateTimeFactory
) -> None:
    """After five minutes a card is read again."""
    person = await house.move_in()
    task = await desk.read()
    await desk.swipe(NUMBER)
    later(house, freezer, readers.SETTLE_SECONDS)
    reading = {"person_id": person, "reading_id": (await task)["reading_id"]}
    freezer.tick(readers.KEEP_SECONDS)
    assert await refusal(house.hass, "issue_card", **reading) == "reading_over"
    assert await refusal(house.hass, "issue_card", person_id=person) == (
        "card_number_missing"
    )


async def test_who_may_not(house: House, desk: Desk) -> None:
    """Who has no role for it waits at no reader, and no device but a controller has one."""
    user = await account(house.hass, house.entry, "police")
    with pytest.raises(Unauthorized):
        await (await Desk(house, house.gate, user=user).read(reason="request"))
    wrong = {"config_entry_id": house.entry.entry_id, "device_id": "x", "door": "1"}
    assert await refusal(house.hass, "read_card", **wrong) == "no_such_controller"


async def test_reader_of_another_property(house: House, desk: Desk) -> None:
    """Beside another property, also one that is not loaded, only own controllers are read."""
    other = MockConfigEntry(domain=DOMAIN, title="Property 2")
    other.add_to_hass(house.hass)
    of_entry = {"config_entry_id": house.entry.entry_id}
    doors = (await call(house.hass, "get_doors", of_entry))["doors"]
    mine = {"config_entry_id": house.entry.entry_id, **desk.data}
    for row in doors:
        if row["device_id"] == desk.data["device_id"]:
            away = {"door_id": row["door_id"]}
            await call(house.hass, "remove_door", {**of_entry, **away})
    assert await refusal(house.hass, "read_card", **mine) == "reader_not_ours"


async def test_over_the_websocket(
    house: House,
    desk: Desk,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A panel reads and issues in the same way."""
    person = await house.move_in(OTHER)
    user: MockUser = administrator(house.hass)
    panel = await panel_of(house.hass, house.entry, hass_ws_client, user)
    reading = house.hass.async_create_background_task(
        panel.get("read_card", **desk.data), "panel"
    )
    waiting = house.hass.data[DATA_READERS]._waiting
    await wait_until(house.hass, lambda: bool(waiting))
    await desk.swipe(NUMBER)
    later(house, freezer, readers.SETTLE_SECONDS)
    found = await reading
    await panel.get("issue_card", person_id=person, reading_id=found["reading_id"])
    await house.becomes(person, "active")
    assert house.numbers(house.second) == [NUMBER]
    assert await panel.refusal("issue_card", person_id=person) == "card_number_missing"
