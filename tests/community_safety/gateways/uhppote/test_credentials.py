"""Cards at a board: each is proven or a repair, and whatever a board does to them is found."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, Severity
from custom_components.community_safety.core import credentials
from custom_components.community_safety.core.credentials import Result
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.ports import Credential
from custom_components.community_safety.core.proving import Reason, Status
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.uhppote import (
    board as board_module,
    gateway as gateway_module,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from simulator.uhppote import (
    DELETE_CARD,
    DELETED,
    GET_CARD_AT,
    PUT_CARD,
    Board,
    Card,
    Fault,
)
from tests.common import wait_until

from .common import (
    Register,
    Ticking,
    add_boards,
    alarms_of,
    device_of,
    heard,
    offer,
    pass_time,
    state_of,
)

NOW = datetime(2026, 9, 1, 9, 30, tzinfo=dt_util.UTC)
CARD = "10058400"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(credentials, "FIRST_BACKOFF_SECONDS", 0.01)


@pytest.fixture
async def shanghai(hass: HomeAssistant) -> None:
    """Put the house where days do not end with those of UTC."""
    await hass.config.async_set_time_zone("Asia/Shanghai")


@pytest.fixture
async def register(hass: HomeAssistant, shanghai: None, board: Board) -> Register:
    """Return who knows the cards, with a board that was heard."""
    await add_boards(hass, board)
    register: Register = await offer(hass)
    await wait_until(hass, lambda: bool(register.differences))
    register.differences.clear()
    return register


def device_id(hass: HomeAssistant, board: Board) -> str:
    """Return Home Assistant's id of a board."""
    found = device_of(hass, board).device_id
    assert found
    return found


def card(
    number: str = CARD,
    days: float = 30,
    doors: str = "1",
    begin: datetime | None = None,
) -> Credential:
    """Return a card from now on."""
    begin = begin or dt_util.utcnow()
    return Credential(
        number=number,
        begin=begin,
        end=begin + timedelta(days=days),
        doors=frozenset(doors),
    )


async def put(
    hass: HomeAssistant, register: Register, board: Board, wanted: Credential
) -> Result:
    """Give a card, as a register would: it wants it from now on."""
    assert register.wanted is not None
    rows = register.wanted.setdefault(device_id(hass, board), [])
    rows[:] = [row for row in rows if row.number != wanted.number] + [wanted]
    return await register.credentials.async_put(
        device_id(hass, board),
        number=wanted.number,
        begin=wanted.begin,
        end=wanted.end,
        doors=wanted.doors,
    )


async def take(hass: HomeAssistant, register: Register, board: Board) -> Result:
    """Take the card again: it is wanted no more."""
    assert register.wanted is not None
    register.wanted[device_id(hass, board)] = []
    return await register.credentials.async_remove(device_id(hass, board), number=CARD)


async def check(hass: HomeAssistant, register: Register, board: Board) -> Any:
    """Read the list, and put it right."""
    return await register.credentials.async_check(device_id(hass, board))


def during(
    hass: HomeAssistant,
    board: Board,
    function: int,
    do: Callable[[], Coroutine[Any, Any, Any]],
) -> asyncio.Future[asyncio.Task[Any]]:
    """Return what is begun as soon as the board is asked for something, before it answers."""
    begun: asyncio.Future[asyncio.Task[Any]] = hass.loop.create_future()

    def asked(which: int) -> None:
        if which == function and not begun.done():
            begun.set_result(hass.async_create_task(do()))

    board.on_asked = asked
    return begun


def repairs(hass: HomeAssistant) -> list[str]:
    """Return the repairs about cards."""
    return [
        key
        for domain, key in ir.async_get(hass).issues
        if domain == DOMAIN and key.startswith("credential")
    ]


async def test_given_and_taken(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """Both are read back from the board's list."""
    result = await put(hass, register, board, card(doors="13"))
    assert result.status is Status.CONFIRMED
    assert result.held is not None
    (there,) = board.cards
    assert there.number == int(CARD)
    assert there.doors == (1, 0, 1, 0)
    assert board.swipe(int(CARD), 1)
    assert not board.swipe(int(CARD), 2)
    result = await take(hass, register, board)
    assert (result.status, result.held) == (Status.CONFIRMED, None)
    assert board.cards == []
    assert not board.swipe(int(CARD), 1)
    assert repairs(hass) == []


async def test_whole_days_and_the_real_end(
    hass: HomeAssistant,
    shanghai: None,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A board knows the day only: we delete at noon, and without us it opens until midnight."""
    # 17:30 in Shanghai.
    freezer.move_to(NOW)
    await add_boards(hass, board)
    register = await offer(hass)
    # Ends on the second of September at 05:30 of Shanghai.
    wanted = card(days=0.5)
    result = await put(hass, register, board, wanted)
    assert result.held is not None
    assert result.held.end > wanted.end
    assert (board.cards[0].start, board.cards[0].end) == (
        date(2026, 9, 1),
        date(2026, 9, 2),
    )
    freezer.move_to(wanted.end - timedelta(minutes=1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert board.swipe(int(CARD))
    freezer.move_to(wanted.end + timedelta(seconds=31))
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: bool(register.proven))
    assert board.cards == []
    assert register.proven[0].status is Status.CONFIRMED
    assert not board.swipe(int(CARD))


async def test_an_end_at_midnight_is_the_day_before(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A lease that ends with a day does not open on the next."""
    begin = dt_util.as_local(NOW).replace(hour=0, minute=0)
    await put(hass, register, board, card(begin=begin, days=2))
    assert (board.cards[0].start, board.cards[0].end) == (
        date(2026, 9, 1),
        date(2026, 9, 2),
    )


@pytest.mark.usefixtures("shanghai")
async def test_refused_at_the_door_without_us(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant is stopped over a lease's end: the board's own date refuses."""
    freezer.move_to(NOW)
    entry = await add_boards(hass, board)
    register = await offer(hass)
    await put(hass, register, board, card(days=1))
    await hass.config_entries.async_unload(entry.entry_id)
    assert board.swipe(int(CARD))
    freezer.move_to(NOW + timedelta(days=2))
    assert not board.swipe(int(CARD))


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "0"},
        {"number": ""},
        {"number": "4294967295"},
        {"number": "card"},
        {"number": "٣"},
        {"doors": "5"},
        {"doors": ""},
        {"days": -1},
    ],
)
async def test_what_a_board_cannot_hold(
    hass: HomeAssistant, register: Register, board: Board, wrong: dict[str, Any]
) -> None:
    """It is refused before anything is written."""
    board.asked.clear()
    with pytest.raises(ServiceValidationError) as error:
        await put(hass, register, board, card(**wrong))
    assert error.value.translation_key == "credential_not_possible"
    assert PUT_CARD not in board.asked


async def test_no_controller(hass: HomeAssistant, register: Register) -> None:
    """Another device has no cards."""
    with pytest.raises(ServiceValidationError):
        await register.credentials.async_remove("of nobody", number=CARD)


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (Fault.OFFLINE, Status.FAILED, Reason.NO_ANSWER),
        (Fault.FORGETFUL, Status.FAILED, Reason.CONTRADICTED),
        (Fault.HALF_WRITTEN, Status.FAILED, Reason.CONTRADICTED),
        (Fault.DIES_AFTER_WRITING, Status.UNCONFIRMED, Reason.NO_ANSWER),
    ],
)
async def test_not_given(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    status: Status,
    reason: Reason,
) -> None:
    """What was not read back is unproven: a fault and a repair, until it is proven.

    It is tried again by itself after five minutes.
    """
    board.faults.add(fault)
    board.asked.clear()
    async with Ticking(hass, freezer):
        result = await put(hass, register, board, card())
    assert (result.status, result.reason) == (status, reason)
    assert board.asked.count(PUT_CARD) <= credentials.TRIES
    assert alarms_of(hass, board)["credential_unproven"].severity is Severity.FAULT
    assert len(repairs(hass)) == 1
    board.faults.clear()
    await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
    await wait_until(hass, lambda: repairs(hass) == [])
    assert [row.doors for row in board.cards] == [(1, 0, 0, 0)]
    await wait_until(hass, lambda: "credential_unproven" not in alarms_of(hass, board))
    assert "unknown_credential" not in alarms_of(hass, board)


async def test_three_tries_and_then_a_repair(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A full list takes no more by being asked more: in five minutes not again by itself."""
    board.capacity = 0
    async with Ticking(hass, freezer):
        result = await put(hass, register, board, card())
    assert (result.status, result.reason) == (Status.FAILED, Reason.REFUSED)
    assert board.asked.count(PUT_CARD) == credentials.TRIES
    assert len(repairs(hass)) == 1
    board.asked.clear()
    await check(hass, register, board)
    assert PUT_CARD not in board.asked
    board.capacity = 10
    freezer.tick(credentials.SUSPENDED_SECONDS + 1)
    await check(hass, register, board)
    assert board.asked.count(PUT_CARD) == 1
    assert repairs(hass) == []


async def test_offline_at_check_out(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A card that could not be deleted is deleted as soon as the board is back, and proven."""
    await put(hass, register, board, card())
    board.faults.add(Fault.OFFLINE)
    async with Ticking(hass, freezer):
        result = await take(hass, register, board)
    assert result.status is Status.FAILED
    assert len(repairs(hass)) == 1
    async with Ticking(hass, freezer):
        freezer.tick(contact.ASK_SECONDS + 1)
        async_fire_time_changed(hass)
        await wait_until(hass, lambda: not device_of(hass, board).available)
    board.faults.clear()
    freezer.tick(contact.RETRY_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: board.cards == [])
    await wait_until(hass, lambda: repairs(hass) == [])
    assert "unknown_credential" not in alarms_of(hass, board)
    # Who had it taken is told that it is gone now.
    assert [(row.number, row.status, row.held) for row in register.proven] == [
        (CARD, Status.CONFIRMED, None)
    ]


async def test_deleted_and_still_there(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A board that says it has deleted a card, and lets it in, is believed in nothing."""
    await put(hass, register, board, card())
    board.faults.add(Fault.KEEPS_CARDS)
    async with Ticking(hass, freezer):
        result = await take(hass, register, board)
    assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)
    assert board.asked.count(DELETE_CARD) == credentials.TRIES
    # It is ours, and nobody else's card.
    found = await check(hass, register, board)
    assert (found.count, found.unknown) == (1, ())
    assert "unknown_credential" not in alarms_of(hass, board)
    board.faults.clear()
    await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
    await wait_until(hass, lambda: board.cards == [] and repairs(hass) == [])


async def test_what_was_ordered_meanwhile_is_not_undone(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """While one card is tried again, the other is taken: it does not come back."""
    board.faults.add(Fault.FORGETFUL)
    async with Ticking(hass, freezer):
        for number in ("1", CARD):
            await put(hass, register, board, card(number))
    board.faults.clear()
    freezer.tick(credentials.SUSPENDED_SECONDS + 1)
    taking = during(hass, board, PUT_CARD, lambda: take(hass, register, board))
    await check(hass, register, board)
    assert (await (await taking)).status is Status.CONFIRMED
    await wait_until(hass, lambda: repairs(hass) == [])
    assert CARD not in [str(row.number) for row in board.cards]


async def test_renewed_while_others_end(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Of two cards that end at once, the second is renewed while the first is deleted."""
    for number in ("1", CARD):
        await put(hass, register, board, card(number, days=1))
    renewed = card(days=9)
    giving = during(
        hass, board, DELETE_CARD, lambda: put(hass, register, board, renewed)
    )
    await pass_time(hass, freezer, 86400 + 31)
    assert (await (await giving)).status is Status.CONFIRMED
    await wait_until(hass, lambda: bool(register.proven))
    await hass.async_block_till_done()
    assert [str(row.number) for row in board.cards] == [CARD]


async def test_changed_while_a_double_is_put_right(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """What a check has begun does not write over what was ordered since."""
    await put(hass, register, board, card(doors="1"))
    board.vendor_writes(
        Card(int(CARD), date(2026, 1, 1), date(2099, 12, 31), (1, 1, 1, 1))
    )
    giving = during(
        hass, board, DELETE_CARD, lambda: put(hass, register, board, card(doors="2"))
    )
    await check(hass, register, board)
    await (await giving)
    assert {row.doors for row in board.cards if row.number == int(CARD)} == {
        (0, 1, 0, 0)
    }


async def test_what_is_right(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A list says too what was found as it is to be: there, or gone where its end has come."""
    for number, days in (("1", 9), ("2", 9), ("3", 1)):
        await put(hass, register, board, card(number, days))
    board._delete(2)
    board._delete(3)
    # As after a restart: it ended while nobody was here to see to it.
    hass.data[DATA_HOUSE].credentials._ends.clear()
    freezer.tick(86_401)
    found = await check(hass, register, board)
    assert (found.there, found.gone) == ({"1"}, {"3"})
    assert [row.number for row in found.results] == ["2"]


async def test_who_asked_has_gone(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """An order is carried out, and is concluded, whoever waits for it no more."""
    giving = hass.async_create_task(put(hass, register, board, card()))
    giving.cancel()
    await wait_until(hass, lambda: len(board.cards) == 1)
    await wait_until(hass, lambda: not hass.data[DATA_HOUSE].credentials._orders)
    assert hass.data[DATA_HOUSE].credentials._ends


async def test_an_order_that_fails_in_itself(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is unproven as any other, and its text is not logged."""

    async def fail(*_args: Any) -> None:
        raise RuntimeError(CARD)

    monkeypatch.setattr(gateway_module.UhppoteGateway, "async_put_credential", fail)
    result = await put(hass, register, board, card())
    assert (result.status, result.reason) == (Status.FAILED, Reason.REFUSED)
    assert len(repairs(hass)) == 1
    assert CARD not in caplog.text


async def test_same_number_twice(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """The later order overwrites; of what a tool has written twice nothing is left."""
    await put(hass, register, board, card(doors="1"))
    await put(hass, register, board, card(doors="2"))
    assert [row.doors for row in board.cards] == [(0, 1, 0, 0)]
    board.vendor_writes(
        Card(int(CARD), date(2026, 1, 1), date(2099, 12, 31), (1, 1, 1, 1))
    )
    found = await check(hass, register, board)
    assert [row.status for row in found.results] == [Status.CONFIRMED]
    assert [row.doors for row in board.cards] == [(0, 1, 0, 0)]
    board.vendor_writes(
        Card(int(CARD), date(2026, 1, 1), date(2099, 12, 31), (1, 1, 1, 1))
    )
    result = await take(hass, register, board)
    assert result.status is Status.CONFIRMED
    assert board.cards == []


async def test_double_that_stays(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is there twice and cannot be deleted is unproven, however often it is given anew."""
    await put(hass, register, board, card(doors="1"))
    board.vendor_writes(
        Card(int(CARD), date(2026, 1, 1), date(2099, 12, 31), (1, 1, 1, 1))
    )
    board.faults.add(Fault.KEEPS_CARDS)
    async with Ticking(hass, freezer):
        (result,) = (await check(hass, register, board)).results
        assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)
        # One of the two is as it is to be, which proves nothing.
        result = await put(hass, register, board, card(doors="1"))
        assert result.reason is Reason.CONTRADICTED
        await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
        await wait_until(hass, lambda: bool(register.proven))
        assert register.proven[-1].reason is Reason.CONTRADICTED
        assert len(repairs(hass)) == 1
        board.faults.clear()
        result = await put(hass, register, board, card(doors="1"))
    assert result.status is Status.CONFIRMED
    assert [row.doors for row in board.cards] == [(1, 0, 0, 0)]
    assert repairs(hass) == []


async def test_edited_by_the_vendors_tool(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """Unknown: an alarm. Missing, longer, at more doors, by a time profile: put right."""
    for number in ("1001", "1002", "1003", "1004", "1005"):
        await put(hass, register, board, card(number))
    cards = {row.number: row for row in board.cards}
    cards[1001].end = date(2099, 12, 31)
    cards[1002].doors = (1, 1, 1, 1)
    cards[1003].doors = (29, 0, 0, 0)
    cards[1004].start = cards[1004].end = None
    board._delete(1005)
    board.vendor_writes(Card(4711, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0)))
    found = await check(hass, register, board)
    assert [row.number for row in found.unknown] == ["4711"]
    assert sorted(row.number for row in found.results) == [
        "1001",
        "1002",
        "1003",
        "1004",
        "1005",
    ]
    assert {row.status for row in found.results} == {Status.CONFIRMED}
    assert alarms_of(hass, board)["unknown_credential"].severity is Severity.ALARM
    # It is shown once the alarm was announced.
    await wait_until(
        hass, lambda: state_of(hass, board, "sensor", "credentials") == "5.0"
    )
    # Nobody deletes what a person may have had a reason for.
    assert 4711 in [row.number for row in board.cards]
    assert register.differences[-1] == found
    await register.credentials.async_remove(device_id(hass, board), number="4711")
    found = await check(hass, register, board)
    assert (found.unknown, found.results) == ((), ())
    assert not alarms_of(hass, board)["unknown_credential"].present


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
async def test_cards_without_an_end(
    hass: HomeAssistant, register: Register, board: Board, zone: str
) -> None:
    """The last day that there is has none after it: a card until then is found all the same."""
    await hass.config.async_set_time_zone(zone)
    board.vendor_writes(Card(4711, date(2026, 1, 1), date.max, (1, 0, 0, 0)))
    found = await check(hass, register, board)
    assert [row.number for row in found.unknown] == ["4711"]
    assert "unknown_credential" in alarms_of(hass, board)
    forever = replace(card(), end=datetime.max.replace(tzinfo=dt_util.UTC))
    result = await put(hass, register, board, forever)
    assert result.status is Status.CONFIRMED


async def test_deleted_slots_are_walked_over(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A list with holes is read to its end."""
    for number in range(1, 41):
        await put(hass, register, board, card(str(number)))
    for number in range(1, 40):
        await register.credentials.async_remove(
            device_id(hass, board), number=str(number)
        )
    assert [row.number for row in board.slots].count(DELETED) == 39
    assert register.wanted is not None
    register.wanted[device_id(hass, board)] = [card("40")]
    found = await check(hass, register, board)
    assert (found.count, found.unknown, found.results) == (1, (), ())


async def test_a_board_that_forgets_everything(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is told everything again, and each card is proven."""
    for number in range(1, 21):
        await put(hass, register, board, card(str(number)))
    board.forget_everything()
    freezer.tick(contact.ASK_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: len(board.cards) == 20)
    await wait_until(
        hass, lambda: any(len(row.results) == 20 for row in register.differences)
    )
    await wait_until(hass, lambda: bool(board.listener[1] and board.special_events))


async def test_power_cut_in_a_batch(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Half of a list is written when the power goes: the rest follows when it is back."""
    assert register.wanted is not None
    register.wanted[device_id(hass, board)] = [card(str(n)) for n in range(1, 11)]
    board.faults.add(Fault.DIES_AFTER_WRITING)
    async with Ticking(hass, freezer):
        found = await check(hass, register, board)
    # Who does not answer is not asked nine times more.
    assert [row.status for row in found.results] == [Status.UNCONFIRMED]
    assert found.left == 9
    assert len(repairs(hass)) == 1
    board.faults.clear()
    freezer.tick(credentials.SUSPENDED_SECONDS + 1)
    await check(hass, register, board)
    assert len(board.cards) == 10
    assert repairs(hass) == []


async def test_power_on_has_the_list_read(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A board whose power was away for a moment may have lost what was being written."""
    await put(hass, register, board, card())
    board.slots.clear()
    board.restart()
    await wait_until(hass, lambda: len(board.cards) == 1)


async def test_list_that_changes_while_it_is_read(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is read again; one that goes on changing is not believed."""
    for number in ("1", "2", "3"):
        await put(hass, register, board, card(number))
    lies = 1

    def cards(self: Board) -> list[Card]:
        nonlocal lies
        lies -= 1
        there = [row for row in self.slots if row.number != DELETED]
        return there + [Card(9)] * (lies >= 0)

    monkeypatch.setattr(type(board), "cards", property(cards))
    found = await check(hass, register, board)
    assert (found.count, found.unknown) == (3, ())
    lies = 1000
    with pytest.raises(HomeAssistantError) as error:
        await check(hass, register, board)
    assert error.value.translation_key == "list_changed"


async def test_given_while_the_list_is_read(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """Our own orders keep nobody from reading a list to its end."""
    for number in ("1", "2", "3"):
        await put(hass, register, board, card(number))
    await register.credentials.async_remove(device_id(hass, board), number="2")
    assert register.wanted is not None
    register.wanted[device_id(hass, board)].pop(1)
    board.vendor_writes(Card(4711, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0)))
    # One is added in the hole before the end, one is taken that was read.
    board.asked.clear()

    async def change() -> None:
        await put(hass, register, board, card())
        await register.credentials.async_remove(device_id(hass, board), number="1")

    changing = during(hass, board, GET_CARD_AT, change)
    found = await check(hass, register, board)
    await (await changing)
    assert board.asked.count(GET_CARD_AT) <= 6
    assert [row.number for row in found.unknown] == ["4711"]
    assert sorted(row.number for row in board.cards) == [3, 4711, int(CARD)]


async def test_list_that_cannot_be_read(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is a fault and a repair, through other orders, until the whole of it was read."""
    board.vendor_writes(Card(4711, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0)))
    board.faults.add(Fault.NO_LIST)
    with pytest.raises(HomeAssistantError):
        async with Ticking(hass, freezer):
            await check(hass, register, board)
    assert alarms_of(hass, board)["credential_unproven"].severity is Severity.FAULT
    assert len(repairs(hass)) == 1
    await put(hass, register, board, card())
    assert "credential_unproven" in alarms_of(hass, board)
    board.faults.clear()
    await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
    await wait_until(hass, lambda: "credential_unproven" not in alarms_of(hass, board))
    assert repairs(hass) == []
    assert "unknown_credential" in alarms_of(hass, board)


async def test_one_slot_that_is_not_answered(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is asked for again, and not the whole list."""
    for number in ("1", "2", "3"):
        await put(hass, register, board, card(number))
    board.asked.clear()

    def asked(function: int) -> None:
        board.faults.discard(Fault.NO_LIST)
        if function == GET_CARD_AT and board.asked.count(GET_CARD_AT) in (2, 3):
            board.faults.add(Fault.NO_LIST)

    board.on_asked = asked
    async with Ticking(hass, freezer):
        found = await check(hass, register, board)
    assert found.count == 3
    assert board.asked.count(GET_CARD_AT) == 5


async def test_ends_that_pass_while_the_gateway_is_away(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Cards are deleted once it is back, also where the list cannot be read."""
    await put(hass, register, board, card(days=1))
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await pass_time(hass, freezer, 86400 + 31)
    assert len(board.cards) == 1
    board.faults.add(Fault.NO_LIST)
    async with Ticking(hass, freezer):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await heard(hass, board)
        await pass_time(hass, freezer, 31)
        await wait_until(hass, lambda: board.cards == [])
        await wait_until(hass, lambda: bool(register.proven))
        await wait_until(hass, lambda: "credential_unproven" in alarms_of(hass, board))


async def test_ends_after_a_restart(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """They are known from who knows the cards, also where the list cannot be read."""
    await put(hass, register, board, card(days=1))
    ours = hass.data[DATA_HOUSE].credentials
    ours._ends.clear()
    ours._next_ends.clear()
    board.faults.add(Fault.NO_LIST)
    with pytest.raises(HomeAssistantError):
        async with Ticking(hass, freezer):
            await check(hass, register, board)
    await pass_time(hass, freezer, 86400 + 31)
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: board.cards == [])


async def test_started_before_the_register(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Until somebody says what a board is to hold, no alarm about its cards is over."""
    board.vendor_writes(Card(4711, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0)))
    await check(hass, register, board)
    board.faults.add(Fault.FORGETFUL)
    async with Ticking(hass, freezer):
        await put(hass, register, board, card())
    house = hass.data[DATA_HOUSE]
    hazards = {"unknown_credential", "credential_unproven"}
    assert hazards <= alarms_of(hass, board).keys()
    house.credentials._unproven.clear()
    sinks, house.passages._sinks = house.passages._sinks, {}
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await heard(hass, board)
    assert await house.credentials.async_check(device_id(hass, board)) is None
    assert hazards <= {
        key for key, row in alarms_of(hass, board).items() if row.present
    }
    house.passages._sinks = sinks
    board.faults.clear()
    board._delete(4711)
    await check(hass, register, board)
    assert not alarms_of(hass, board)["unknown_credential"].present
    assert "credential_unproven" not in alarms_of(hass, board)


async def test_expired_while_we_were_away(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A card whose end has come in the meantime is deleted, and is no unknown one."""
    old = card(begin=dt_util.utcnow() - timedelta(days=9), days=2)
    board.vendor_writes(
        Card(int(CARD), date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0))
    )
    assert register.wanted is not None
    register.wanted[device_id(hass, board)] = [old, card("77", days=-1, begin=old.end)]
    found = await check(hass, register, board)
    assert board.cards == []
    assert (found.unknown, [row.status for row in found.results]) == (
        (),
        [Status.CONFIRMED],
    )


async def test_later_order_wins(
    hass: HomeAssistant,
    register: Register,
    board: Board,
) -> None:
    """Given and taken at once: what was ordered last is what is."""
    giving = hass.async_create_task(put(hass, register, board, card()))
    result = await take(hass, register, board)
    await giving
    assert result.status is Status.CONFIRMED
    assert board.cards == []


async def test_nightly(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Every night the list is read."""
    register.differences.clear()
    at = dt_util.now().replace(hour=2, minute=59, second=59) + timedelta(days=1)
    freezer.move_to(at)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    freezer.tick(2)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: bool(register.differences))


async def test_nobody_says_what_it_is_to_hold(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """Then nothing is too much, and nothing is read."""
    board.vendor_writes(Card(1, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0)))
    await check(hass, register, board)
    assert "unknown_credential" in alarms_of(hass, board)
    register.wanted = None
    assert await check(hass, register, board) is None
    assert not alarms_of(hass, board)["unknown_credential"].present


async def test_a_register_that_cannot_say(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A list that is half known is none: nothing is deleted, and no number is logged."""
    await put(hass, register, board, card())
    for trouble in (ValueError(CARD), HomeAssistantError(CARD)):
        register.trouble = trouble
        with pytest.raises(type(trouble)):
            await check(hass, register, board)
    assert len(board.cards) == 1
    assert CARD not in caplog.text
    assert "credential_unproven" in alarms_of(hass, board)


async def test_forgotten_with_its_controller(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Of a controller that a person has deleted no repair and no timer is left."""
    await put(hass, register, board, card("1"))
    board.capacity = 0
    async with Ticking(hass, freezer):
        await put(hass, register, board, card("2"))
    assert len(repairs(hass)) == 1
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    entry.runtime_data.remove_device(str(board.serial))
    assert repairs(hass) == []
    assert hass.data[DATA_HOUSE].credentials._ends == {}


async def test_marked_cards_are_nowhere(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    entry_diagnostics: Any,
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A card's number is in no state, event, log, file or diagnosis, whatever happens to it."""
    caplog.set_level("DEBUG")
    events: list[str] = []
    hass.bus.async_listen("*", lambda event: events.append(repr(event.as_dict())))
    marks = ("987650001", "987650002", "987650003")
    await put(hass, register, board, card(marks[0]))
    board.faults.add(Fault.HALF_WRITTEN)
    async with Ticking(hass, freezer):
        await put(hass, register, board, card(marks[1]))
    board.vendor_writes(
        Card(int(marks[2]), date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0))
    )
    found = await check(hass, register, board)
    for mark in marks:
        board.swipe(int(mark))
    await wait_until(hass, lambda: len(register.passages) == 3)
    await hass.data[DATA_HOUSE].storage.async_close()
    written = hass.config.path(f"{DOMAIN}.db")
    data = await hass.async_add_executor_job(_read_all, written)
    said = "\n".join(
        (
            caplog.text,
            *events,
            *(repr(state.as_dict()) for state in hass.states.async_all()),
            repr(ir.async_get(hass).issues),
            repr(await entry_diagnostics()),
            repr(found),
            repr(register.passages),
            data.decode("utf-8", "replace"),
        )
    )
    assert [mark for mark in marks if mark in said] == []


def _read_all(path: str) -> bytes:
    data = b""
    for suffix in ("", "-wal"):
        try:
            with open(path + suffix, "rb") as file:  # noqa: PTH123
                data += file.read()
        except FileNotFoundError:
            continue
    return data


@pytest.fixture
def entry_diagnostics(hass: HomeAssistant) -> Any:
    """Return what makes the diagnostics of the gateway."""
    from custom_components.community_safety.diagnostics import (  # noqa: PLC0415
        async_get_config_entry_diagnostics,
    )

    async def make() -> dict[str, Any]:
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        assert isinstance(entry, MockConfigEntry)
        return await async_get_config_entry_diagnostics(hass, entry)

    return make
