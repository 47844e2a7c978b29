"""Cards at a terminal: each is proven or a repair, and whatever it does to them is found."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN, Severity
from custom_components.community_safety.core import credentials
from custom_components.community_safety.core.credentials import Result
from custom_components.community_safety.core.ports import Credential
from custom_components.community_safety.core.proving import Reason, Status
from custom_components.community_safety.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.isapi import terminal as client
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from simulator.isapi import PAGE, Card, Fault, Person, Terminal
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Register, offer, pass_time

from .common import (
    Ticking,
    add_terminal,
    alarms_of,
    controller_of,
    device_of,
    heard,
    issues,
    quiet,
    state_of,
)

CARD = "3141592653"
WRITES = "POST AccessControl/CardInfo/Record"
SEARCHES = "POST AccessControl/CardInfo/Search"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(credentials, "FIRST_BACKOFF_SECONDS", 0.01)


@pytest.fixture
async def register(hass: HomeAssistant, terminal: Terminal) -> Register:
    """Return who knows the cards, with a terminal that was heard, in Shanghai."""
    await hass.config.async_set_time_zone("Asia/Shanghai")
    terminal.zone = timedelta(hours=8)
    await add_terminal(hass, terminal)
    register: Register = await offer(hass)
    await wait_until(hass, lambda: bool(register.differences))
    register.differences.clear()
    return register


def device_id(hass: HomeAssistant, terminal: Terminal) -> str:
    """Return Home Assistant's id of a terminal."""
    found = device_of(hass, terminal).device_id
    assert found
    return found


def card(number: str = CARD, days: float = 30, doors: str = "1") -> Credential:
    """Return a card from now on."""
    begin = dt_util.utcnow()
    return Credential(
        number=number,
        begin=begin,
        end=begin + timedelta(days=days),
        doors=frozenset(doors),
    )


async def put(
    hass: HomeAssistant, register: Register, terminal: Terminal, wanted: Credential
) -> Result:
    """Give a card, as a register would: it wants it from now on."""
    assert register.wanted is not None
    wanting = register.wanted.setdefault(device_id(hass, terminal), [])
    wanting[:] = [row for row in wanting if row.number != wanted.number] + [wanted]
    return await register.credentials.async_put(
        device_id(hass, terminal),
        number=wanted.number,
        begin=wanted.begin,
        end=wanted.end,
        doors=wanted.doors,
    )


async def take(
    hass: HomeAssistant, register: Register, terminal: Terminal, number: str = CARD
) -> Result:
    """Take a card again: none is wanted any more."""
    assert register.wanted is not None
    register.wanted[device_id(hass, terminal)] = []
    return await register.credentials.async_remove(
        device_id(hass, terminal), number=number
    )


async def check(hass: HomeAssistant, register: Register, terminal: Terminal) -> Any:
    """Read the list, and put it right."""
    return await register.credentials.async_check(device_id(hass, terminal))


def during(
    hass: HomeAssistant,
    terminal: Terminal,
    what: str,
    do: Callable[[], Coroutine[Any, Any, Any]],
) -> asyncio.Future[asyncio.Task[Any]]:
    """Return what is begun as soon as the terminal is asked for something."""
    begun: asyncio.Future[asyncio.Task[Any]] = hass.loop.create_future()

    def asked(which: str) -> None:
        if which == what and not begun.done():
            begun.set_result(hass.async_create_task(do()))

    terminal.on_asked = asked
    return begun


def repairs(hass: HomeAssistant) -> list[str]:
    """Return the repairs about cards."""
    return [key for key in issues(hass) if key.startswith("credential")]


async def test_given_and_taken(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Both are read back, by the card and by its person; nobody's name is written."""
    wanted = card(doors="12")
    result = await put(hass, register, terminal, wanted)
    assert result.status is Status.CONFIRMED
    assert result.held is not None
    (person,) = terminal.persons.values()
    assert person.as_dict()["name"] == ""
    assert person.plans == {"1": "1", "2": "1"}
    assert terminal.swipe(CARD, 1)
    assert terminal.swipe(CARD, 2)
    result = await take(hass, register, terminal)
    assert (result.status, result.held) == (Status.CONFIRMED, None)
    assert (terminal.cards, terminal.persons) == ({}, {})
    assert not terminal.swipe(CARD)
    assert repairs(hass) == []


async def test_the_end_is_at_the_terminal(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Home Assistant is stopped over a lease's end: to the second the door stays shut."""
    wanted = card(days=0.5)
    result = await put(hass, register, terminal, wanted)
    assert result.held
    assert result.held.end == wanted.end.replace(microsecond=0)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    await hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to(result.held.end - timedelta(seconds=1))
    assert terminal.swipe(CARD)
    freezer.move_to(result.held.end + timedelta(seconds=1))
    assert not terminal.swipe(CARD)


async def test_the_end_comes(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Then it is taken away too, and that is proven."""
    await put(hass, register, terminal, card(days=0.5))
    await pass_time(hass, freezer, 43200 + 31)
    await wait_until(hass, lambda: bool(register.proven))
    assert register.proven[0].status is Status.CONFIRMED
    assert terminal.persons == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": ""},
        {"number": "3" * 21},
        {"number": "card 1"},
        {"number": "٣"},
        {"doors": "3"},
        {"doors": ""},
        {"days": -1},
    ],
)
async def test_what_a_terminal_cannot_hold(
    hass: HomeAssistant, register: Register, terminal: Terminal, wrong: dict[str, Any]
) -> None:
    """It is refused before anything is written."""
    terminal.asked.clear()
    with pytest.raises(ServiceValidationError) as error:
        await put(hass, register, terminal, card(**wrong))
    assert error.value.translation_key == "credential_not_possible"
    assert not [what for what in terminal.asked if "Record" in what]


async def test_what_is_no_number_is_not_there(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Who takes it is told that it is gone, and nothing is asked."""
    terminal.asked.clear()
    result = await take(hass, register, terminal, "card 1")
    assert result.status is Status.CONFIRMED
    assert not [what for what in terminal.asked if "Info" in what]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
async def test_from_ever_and_for_ever(
    hass: HomeAssistant, register: Register, terminal: Terminal, zone: str
) -> None:
    """A terminal's time ends in 2037: that is written, and is proven."""
    await hass.config.async_set_time_zone(zone)
    forever = replace(
        card(),
        begin=datetime.min.replace(tzinfo=dt_util.UTC),
        end=datetime.max.replace(tzinfo=dt_util.UTC),
    )
    result = await put(hass, register, terminal, forever)
    assert result.status is Status.CONFIRMED
    (person,) = terminal.persons.values()
    assert (person.begin, person.end) == ("1970-01-01T00:00:00", "2037-12-31T23:59:59")


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (Fault.OFFLINE, Status.FAILED, Reason.NO_ANSWER),
        (Fault.GARBAGE, Status.FAILED, Reason.NO_ANSWER),
        (Fault.FORGETFUL, Status.FAILED, Reason.CONTRADICTED),
        (Fault.HALF_WRITTEN, Status.FAILED, Reason.CONTRADICTED),
        (Fault.DIES_AFTER_WRITING, Status.FAILED, Reason.NO_ANSWER),
    ],
)
async def test_not_given(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    status: Status,
    reason: Reason,
) -> None:
    """What was not read back is unproven: a fault and a repair, until it is proven."""
    terminal.faults.add(fault)
    terminal.asked.clear()
    async with Ticking(hass, freezer, terminal):
        result = await put(hass, register, terminal, card())
    assert (result.status, result.reason) == (status, reason)
    assert terminal.asked.count(WRITES) <= credentials.TRIES
    assert alarms_of(hass, terminal)["credential_unproven"].severity is Severity.FAULT
    assert len(repairs(hass)) == 1
    terminal.faults.clear()
    await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
    await wait_until(hass, lambda: repairs(hass) == [])
    assert terminal.swipe(CARD)
    await wait_until(
        hass, lambda: "credential_unproven" not in alarms_of(hass, terminal)
    )
    assert "unknown_credential" not in alarms_of(hass, terminal)


async def test_a_full_list(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It takes no more by being asked more: in five minutes not again by itself."""
    terminal.capacity = 0
    async with Ticking(hass, freezer, terminal):
        result = await put(hass, register, terminal, card())
    assert (result.status, result.reason) == (Status.FAILED, Reason.REFUSED)
    assert len(repairs(hass)) == 1
    terminal.asked.clear()
    await check(hass, register, terminal)
    assert not [what for what in terminal.asked if "Record" in what]
    terminal.capacity = 10
    freezer.tick(credentials.SUSPENDED_SECONDS + 1)
    await check(hass, register, terminal)
    assert terminal.swipe(CARD)
    assert repairs(hass) == []


@pytest.mark.parametrize("slowness", [3.0, 5.0])
async def test_slow(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
    slowness: float,
) -> None:
    """A terminal that takes five seconds for each answer is waited for."""
    terminal.faults.add(Fault.SLOW)
    terminal.slowness = slowness
    terminal.asked.clear()
    async with Ticking(hass, freezer, terminal):
        result = await put(hass, register, terminal, card())
    assert result.status is Status.CONFIRMED
    assert terminal.asked.count(WRITES) == 1


async def test_xml_where_json_was_asked(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """It is read all the same, also a list of one."""
    terminal.faults.add(Fault.XML)
    for number in ("1", "2"):
        assert (
            await put(hass, register, terminal, card(number, doors="12"))
        ).status is Status.CONFIRMED
        found = await check(hass, register, terminal)
        assert (found.count, found.unknown, found.results) == (int(number), (), ())


async def test_offline_at_check_out(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A card that could not be taken is taken as soon as the terminal is back."""
    await put(hass, register, terminal, card())
    terminal.faults.add(Fault.OFFLINE)
    async with Ticking(hass, freezer, terminal):
        result = await take(hass, register, terminal)
    assert result.status is Status.FAILED
    assert len(repairs(hass)) == 1
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: not device_of(hass, terminal).available)
    await quiet(hass, terminal)
    terminal.faults.clear()
    await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: terminal.cards == {})
    await wait_until(hass, lambda: repairs(hass) == [])
    assert "unknown_credential" not in alarms_of(hass, terminal)


async def test_deleted_and_still_there(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A terminal that says it has deleted a card, and lets it in, is believed in nothing."""
    await put(hass, register, terminal, card())
    terminal.faults.add(Fault.KEEPS_CARDS)
    async with Ticking(hass, freezer, terminal):
        result = await take(hass, register, terminal)
    assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)
    # It is ours, and nobody else's card.
    found = await check(hass, register, terminal)
    assert (found.count, found.unknown) == (1, ())
    terminal.faults.clear()
    await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
    await wait_until(hass, lambda: terminal.cards == {} and repairs(hass) == [])


async def test_deleted_later(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is deleted a while later is asked for until it is gone."""
    await put(hass, register, terminal, card())
    terminal.faults.add(Fault.DELETES_LATER)
    async with Ticking(hass, freezer, terminal):
        result = await take(hass, register, terminal)
    assert result.status is Status.CONFIRMED
    assert terminal.cards == {}


async def test_renewed(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """The card stays where it is: only its person is written over."""
    await put(hass, register, terminal, card(days=1))
    terminal.asked.clear()
    result = await put(hass, register, terminal, card(days=9, doors="2"))
    assert result.status is Status.CONFIRMED
    assert "PUT AccessControl/CardInfo/Delete" not in terminal.asked
    assert terminal.swipe(CARD, 2)
    assert not terminal.swipe(CARD, 1)


async def test_somebody_else_has_that_number(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """A card that the vendor's tool has given is ours from now on."""
    terminal.vendor_writes(CARD, doors="1,2", plans={"1": "1", "2": "1"})
    result = await put(hass, register, terminal, card())
    assert result.status is Status.CONFIRMED
    assert not terminal.swipe(CARD, 2)
    result = await take(hass, register, terminal)
    assert result.status is Status.CONFIRMED
    # Who it was keeps whatever else they have.
    assert list(terminal.persons) == [f"9{CARD}"]


async def test_edited_by_the_vendors_tool(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Unknown: an alarm. Missing, longer, for ever, at more doors, by hours: put right."""
    numbers = [str(number) for number in range(1001, 1010)]
    for number in numbers:
        await put(hass, register, terminal, card(number))
    persons = {
        row.removeprefix("cs"): terminal.persons[row] for row in terminal.persons
    }
    persons["1001"].end = "2037-12-31T23:59:59"
    persons["1002"].doors, persons["1002"].plans = "1,2", {"1": "1", "2": "1"}
    persons["1003"].plans = {"1": "7"}
    persons["1004"].enable = False
    persons["1005"].time_type = "UTC"
    persons["1006"].user_type = "blackList"
    terminal.cards["1007"].kind = "superCard"
    del terminal.cards["1008"]
    del terminal.persons["cs1009"]
    terminal.vendor_writes("4711")
    found = await check(hass, register, terminal)
    assert [row.number for row in found.unknown] == ["4711"]
    assert sorted(row.number for row in found.results) == numbers
    assert {row.status for row in found.results} == {Status.CONFIRMED}
    assert alarms_of(hass, terminal)["unknown_credential"].severity is Severity.ALARM
    await hass.async_block_till_done()
    assert state_of(hass, terminal, "sensor", "credentials") == "9.0"
    # Nobody deletes what a person may have had a reason for.
    assert "4711" in terminal.cards
    await register.credentials.async_remove(device_id(hass, terminal), number="4711")
    found = await check(hass, register, terminal)
    assert (found.unknown, found.results) == ((), ())
    assert not alarms_of(hass, terminal)["unknown_credential"].present


async def test_let_in_without_a_card(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """A face that nobody has registered opens the door as a card does: it is as unknown."""
    terminal.persons["7"] = Person(employee="7", faces=1)
    terminal.persons["8"] = Person(employee="8")
    found = await check(hass, register, terminal)
    assert [row.number for row in found.unknown] == ["7@face"]
    assert "unknown_credential" in alarms_of(hass, terminal)


async def test_second_card_of_our_person(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """What is added to a person of ours is unknown all the same."""
    await put(hass, register, terminal, card())
    terminal.cards["4711"] = Card("4711", f"cs{CARD}")
    found = await check(hass, register, terminal)
    assert [row.number for row in found.unknown] == ["4711"]


async def test_pages(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """A list of several pages is read to its end, whatever is asked for at once."""
    for number in range(3 * PAGE + 1):
        terminal.vendor_writes(str(number))
    terminal.asked.clear()
    found = await check(hass, register, terminal)
    assert len(found.unknown) == 3 * PAGE + 1
    assert terminal.asked.count(SEARCHES) == 4


async def test_doors_do_not_wait_for_a_list(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Thousands of cards are read page by page: an order waits for one of them at most."""
    for number in range(3 * PAGE):
        terminal.vendor_writes(str(number))
    persons = "POST AccessControl/UserInfo/Search"
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    opening = during(
        hass,
        terminal,
        persons,
        lambda: entry.runtime_data.async_set(
            device_of(hass, terminal), "locked_1", False
        ),
    )
    terminal.asked.clear()
    await check(hass, register, terminal)
    await (await opening)
    order = terminal.asked.index("PUT AccessControl/RemoteControl/door/1")
    assert terminal.asked[:order].count(persons) <= 2


async def test_changed_while_the_list_is_read(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Our own orders keep nobody from reading it, and hide no card from us."""
    for number in range(1, 41):
        await put(hass, register, terminal, card(str(number)))
    terminal.vendor_writes("4711")
    # The first cards are taken while the first page is read: the rest moves into it.
    taken = [str(number) for number in range(1, 16)]
    assert register.wanted is not None
    wanted = register.wanted[device_id(hass, terminal)]
    wanted[:] = [row for row in wanted if row.number not in taken]

    async def change() -> None:
        await asyncio.gather(
            *(
                register.credentials.async_remove(
                    device_id(hass, terminal), number=number
                )
                for number in taken
            )
        )

    changing = during(hass, terminal, SEARCHES, change)
    found = await check(hass, register, terminal)
    await (await changing)
    assert [row.number for row in found.unknown] == ["4711"]
    assert len(terminal.cards) == 26


async def test_cards_that_move_up(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Cards that we delete between two pages hide none that comes after them."""
    ours = [str(number) for number in range(1, 16)]
    for number in ours:
        await put(hass, register, terminal, card(number))
    for other in range(100, 100 + 2 * PAGE):
        terminal.vendor_writes(str(other))
    uid = device_id(hass, terminal)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    gateway = entry.runtime_data
    seen = set()
    async for row in gateway.walk_credentials(gateway.controller.device, ours):
        if not seen:
            # The first page was read, the second is not asked for yet.
            for number in ours:
                await register.credentials.async_remove(uid, number=number)
        seen.add(row.number)
    assert terminal.cards.keys() <= seen


async def test_list_that_changes_while_it_is_read(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """It is read again; one that goes on changing is not believed."""
    for number in range(4 * PAGE):
        terminal.vendor_writes(str(number))

    def asked(what: str) -> None:
        if what == SEARCHES:
            terminal.cards.pop(next(iter(terminal.cards)))

    terminal.on_asked = asked
    with pytest.raises(HomeAssistantError) as error:
        await check(hass, register, terminal)
    assert error.value.translation_key == "list_changed"
    assert "credential_unproven" in alarms_of(hass, terminal)


async def test_list_that_cannot_be_read(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is a fault and a repair, through other orders, until the whole of it was read."""
    terminal.vendor_writes("4711")
    terminal.faults.add(Fault.NO_LIST)
    with pytest.raises(HomeAssistantError):
        await check(hass, register, terminal)
    assert len(repairs(hass)) == 1
    await put(hass, register, terminal, card())
    assert "credential_unproven" in alarms_of(hass, terminal)
    terminal.faults.clear()
    await pass_time(hass, freezer, credentials.SUSPENDED_SECONDS + 1)
    await wait_until(
        hass, lambda: "credential_unproven" not in alarms_of(hass, terminal)
    )
    assert repairs(hass) == []
    assert "unknown_credential" in alarms_of(hass, terminal)


async def test_busy_while_the_list_is_read(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """A page that is not there just now is asked for again, and not the whole list."""
    for number in range(2 * PAGE):
        terminal.vendor_writes(str(number))
    terminal.asked.clear()
    terminal.busy = client.ATTEMPTS - 1
    found = await check(hass, register, terminal)
    assert found.count == 2 * PAGE
    assert terminal.asked.count(SEARCHES) <= 2 + client.ATTEMPTS - 1


async def test_a_terminal_that_forgets_everything(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is told everything again, and each card is proven."""
    for number in range(1, 21):
        await put(hass, register, terminal, card(str(number)))
        terminal.swipe(str(number))
    await wait_until(hass, lambda: len(register.passages) == 20)
    terminal.forget_everything()
    terminal.restart()
    await wait_until(hass, lambda: not controller_of(hass, terminal)._is_listening)
    await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: len(terminal.cards) == 20)
    await wait_until(
        hass, lambda: any(len(row.results) == 20 for row in register.differences)
    )


async def test_power_cut_in_a_batch(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A person is written and its card is not: the rest follows when it is back."""
    assert register.wanted is not None
    register.wanted[device_id(hass, terminal)] = [card(str(n)) for n in range(1, 11)]
    terminal.faults.add(Fault.DIES_AFTER_WRITING)
    async with Ticking(hass, freezer, terminal):
        found = await check(hass, register, terminal)
    # Who does not answer is not asked nine times more.
    assert [row.status for row in found.results] == [Status.FAILED]
    assert found.left == 9
    assert (len(terminal.persons), len(terminal.cards)) == (1, 0)
    terminal.faults.clear()
    freezer.tick(credentials.SUSPENDED_SECONDS + 1)
    await check(hass, register, terminal)
    assert (len(terminal.persons), len(terminal.cards)) == (10, 10)
    assert repairs(hass) == []


async def test_power_on_has_the_list_read(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A terminal whose power was away for a moment may have lost what was being written."""
    await put(hass, register, terminal, card())
    terminal.cards.clear()
    terminal.restart()
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: len(terminal.cards) == 1)


async def test_wrong_answer(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One that answers with another card than it was asked for proves nothing."""
    terminal._search = lambda kind, *_: {  # type: ignore[method-assign]
        f"{kind}Search": {kind: [{"cardNo": "1", "employeeNo": "1"}]}
    }
    async with Ticking(hass, freezer, terminal):
        result = await take(hass, register, terminal)
    assert result.status is not Status.CONFIRMED


async def test_ends_that_pass_while_the_gateway_is_away(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The door was shut to them all the time; they are taken once it is back."""
    await put(hass, register, terminal, card(days=1))
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await pass_time(hass, freezer, 86400 + 31)
    assert len(terminal.cards) == 1
    assert not terminal.swipe(CARD)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heard(hass, terminal)
    await pass_time(hass, freezer, 31)
    await wait_until(hass, lambda: terminal.cards == {})


async def test_marked_cards_are_nowhere(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A card's number is in no state, event, log or diagnosis, whatever happens to it."""
    caplog.set_level("DEBUG")
    events: list[str] = []
    hass.bus.async_listen("*", lambda event: events.append(repr(event.as_dict())))
    marks = ("987650001", "987650002", "987650003")
    await put(hass, register, terminal, card(marks[0]))
    terminal.faults.add(Fault.HALF_WRITTEN)
    async with Ticking(hass, freezer, terminal):
        await put(hass, register, terminal, card(marks[1]))
    terminal.faults.clear()
    terminal.vendor_writes(marks[2])
    found = await check(hass, register, terminal)
    for mark in marks:
        terminal.swipe(mark)
    terminal.show_face(f"cs{marks[0]}")
    await wait_until(hass, lambda: len(register.passages) == 4)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert isinstance(entry, MockConfigEntry)
    said = "\n".join(
        (
            caplog.text,
            *events,
            *(repr(state.as_dict()) for state in hass.states.async_all()),
            repr(ir.async_get(hass).issues),
            repr(await async_get_config_entry_diagnostics(hass, entry)),
            repr(found),
            repr(register.passages),
        )
    )
    assert [mark for mark in marks if mark in said] == []
