"""Cards at real boards: from a check-in until every board has read back that they are gone."""

from datetime import date, datetime

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.core import credentials
from custom_components.community_safety.gateways import contact
from custom_components.rental_units.access_control import const
from homeassistant.util import dt as dt_util
from simulator.uhppote import PUT_CARD, Card, Fault
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Ticking, alarms_of, pass_time
from tests.rental_units.common import call, device_id, without_database
from tests.rental_units.panel import panel_of

from .common import END, NUMBER, OTHER, OTHER_NUMBER, OWN, House, refusal, settle, until

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def new_day(house: House, freezer: FrozenDateTimeFactory, at: datetime) -> None:
    """Let a day begin."""
    freezer.move_to(at)
    async_fire_time_changed(house.hass, at)
    await settle(house.hass)


async def test_from_check_in_to_check_out(house: House) -> None:
    """A tenant has a card for his stairwell and the gate; he leaves, and it is proven gone."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    assert house.numbers(house.first) == house.numbers(house.gate) == [NUMBER]
    assert house.numbers(house.second) == []
    for board in (house.first, house.gate):
        (there,) = board.cards
        assert there.end == date.fromisoformat(END)
        assert there.doors == (1, 0, 0, 0)
        assert board.swipe(int(NUMBER))
    assert not house.second.swipe(int(NUMBER))
    shown = (await house.cards(person))[0]
    assert shown["card_number"] == "••••8400"
    # The end of the last day in Shanghai.
    assert shown["end"] == "2026-10-31T16:00:00+00:00"
    assert all(row["proof"] == "proven" for row in (await house.doors(card)).values())

    await house.move_out(person)
    await house.becomes(person, "expired")
    for row in (await house.doors(card)).values():
        assert (row["proof"], row["opens"]) == ("proven", False)
    for board in house.boards:
        assert board.cards == []
        assert not board.swipe(int(NUMBER))
        assert "unknown_credential" not in alarms_of(house.hass, board)
    assert house.repair() is None


async def test_home_assistant_stopped_over_the_end(
    house: House, freezer: FrozenDateTimeFactory
) -> None:
    """The end is on the board: it refuses without us. Back, the card is proven gone."""
    person = await house.move_in(end="2026-09-02")
    await house.issue(person)
    await house.becomes(person, "active")
    for entry in (house.gateway, house.entry):
        await house.hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to("2026-09-02 15:59:00+00:00")
    assert house.first.swipe(int(NUMBER))
    freezer.move_to("2026-09-02 16:00:00+00:00")
    assert not house.first.swipe(int(NUMBER))
    for entry in (house.entry, house.gateway):
        assert await house.hass.config_entries.async_setup(entry.entry_id)
    await pass_time(house.hass, freezer, const.GRACE_SECONDS)
    await house.becomes(person, "expired")
    assert house.first.cards == house.gate.cards == []
    for board in house.boards:
        assert "unknown_credential" not in alarms_of(house.hass, board)


async def test_the_end_while_we_are_there(
    house: House, freezer: FrozenDateTimeFactory
) -> None:
    """At the end it is deleted, and what Community Safety proves of itself is the state."""
    person = await house.move_in(end="2026-09-02")
    await house.issue(person)
    await house.becomes(person, "active")
    await new_day(house, freezer, datetime(2026, 9, 2, 16, 0, 31, tzinfo=dt_util.UTC))
    await house.becomes(person, "expired")
    assert house.first.cards == house.gate.cards == []


async def test_renewed(house: House) -> None:
    """A renewal is on the boards, with its end; a correction too."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    found = await call(
        house.hass,
        "get_unit",
        {"device_id": device_id(house.hass, house.entry, OWN), "reason": "request"},
    )
    lease = {"lease_id": found["people"][0]["lease_id"]}
    await call(house.hass, "renew_lease", {**lease, "end": "2027-10-31"})
    await wait_until(
        house.hass,
        lambda: [row.end for row in house.first.cards] == [date(2027, 10, 31)],
    )
    await call(house.hass, "correct_lease", {**lease, "end": "2027-09-30"})
    await wait_until(
        house.hass,
        lambda: [row.end for row in house.gate.cards] == [date(2027, 9, 30)],
    )
    await house.becomes(person, "active")


async def test_leaves_later(house: House, freezer: FrozenDateTimeFactory) -> None:
    """Who is to leave on a day goes in and out until it is over, also if we are away."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    await call(
        house.hass,
        "check_out",
        {
            "device_id": device_id(house.hass, house.entry, OWN),
            "person_id": person,
            "date": "2026-09-05",
        },
    )
    await wait_until(
        house.hass,
        lambda: [row.end for row in house.first.cards] == [date(2026, 9, 5)],
    )


async def test_moves(house: House) -> None:
    """Who moves keeps the card: it opens the new stairwell, and the old one no more."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    found = await call(
        house.hass,
        "get_unit",
        {"device_id": device_id(house.hass, house.entry, OWN), "reason": "request"},
    )
    move = {
        "lease_id": found["people"][0]["lease_id"],
        "device_id": device_id(house.hass, house.entry, OTHER),
    }
    await call(house.hass, "move", move)

    async def moved() -> bool:
        doors = await house.doors(card)
        return (
            doors[house.controller(house.second)]["proof"] == "proven"
            and doors[house.controller(house.first)]["proof"] == "proven"
            and not doors[house.controller(house.first)]["opens"]
        )

    await until(house.hass, moved)
    assert house.numbers(house.first) == []
    assert house.numbers(house.second) == house.numbers(house.gate) == [NUMBER]
    assert await house.state(person) == "active"


async def test_erased(house: House) -> None:
    """Who is erased has no card: it is gone from every board, and from the register."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    await call(house.hass, "erase_person", {"person_id": person})
    await wait_until(house.hass, lambda: house.first.cards == house.gate.cards == [])

    async def nothing() -> bool:
        rows = await house.rows()
        return (rows["cards"], rows["card_places"]) == (0, 0)

    await until(house.hass, nothing)


async def test_lost(house: House) -> None:
    """A lost card is taken from all doors at once, each proven; its number is not given again."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    await house.decide("lose", card)
    await house.becomes(person, "lost")
    assert house.first.cards == house.gate.cards == []
    again = {"person_id": person, "card_number": NUMBER}
    assert await refusal(house.hass, "issue_card", **again) == "card_number_lost"
    # It is back: revoked, its number is free.
    await house.decide("revoke", card)
    assert (await house.cards(person))[0]["closed_at"]
    await house.issue(person)
    await house.becomes(person, "active")


async def test_suspended_and_resumed(house: House) -> None:
    """A suspended card opens nothing until it is resumed."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    await house.decide("suspend", card)
    await house.becomes(person, "suspended")
    assert house.first.cards == house.gate.cards == []
    assert (
        await refusal(house.hass, "suspend_card", card_id=card) == "card_is_suspended"
    )
    await house.decide("resume", card)
    await house.becomes(person, "active")
    assert house.numbers(house.first) == [NUMBER]


async def test_same_number_twice(house: House) -> None:
    """A number is one card's, as long as that is anywhere; then it is the next tenant's."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    next_one = await house.move_in(OTHER, name="MARK-NEXT", phone="13800138002")
    data = {"person_id": next_one, "card_number": "100,58400"}
    assert await refusal(house.hass, "issue_card", **data) == "card_number_taken"
    await house.move_out(person)
    await house.becomes(person, "expired")
    await house.issue(next_one, "0010058400")
    await house.becomes(next_one, "active")
    assert house.numbers(house.first) == []
    assert house.numbers(house.second) == [NUMBER]
    # What was is history: nobody can bring that card back.
    (old,) = await house.cards(person)
    assert (old["state"], bool(old["closed_at"])) == ("expired", True)
    refused = await refusal(house.hass, "suspend_card", card_id=old["card_id"])
    assert refused == "card_is_closed"


async def test_visitor(house: House, freezer: FrozenDateTimeFactory) -> None:
    """A visitor's card is at the boards from its hour on, and is deleted at its end."""
    await house.move_in()
    answer = await call(
        house.hass,
        "issue_card",
        {
            "device_id": device_id(house.hass, house.entry, OWN),
            "name": "MARK-VISITOR",
            "holder": "visitor",
            "card_number": NUMBER,
            "start": "2026-09-01T19:00:00+08:00",
            "end": "2026-09-01T21:00:00+08:00",
        },
    )
    card = answer["card_id"]
    await settle(house.hass)
    # Boards know whole days: before the hour they have nothing.
    assert house.first.cards == []

    async def is_there() -> bool:
        doors = await house.doors(card)
        return [row["proof"] for row in doors.values()] == ["proven"] * 2

    async with Ticking(house.hass, freezer):
        freezer.move_to("2026-09-01 11:00:01+00:00")
        async_fire_time_changed(house.hass)
        await until(house.hass, is_there)
    assert house.first.swipe(int(NUMBER))
    assert not house.second.swipe(int(NUMBER))
    async with Ticking(house.hass, freezer):
        freezer.move_to("2026-09-01 13:00:31+00:00")
        async_fire_time_changed(house.hass)
        await wait_until(house.hass, lambda: not house.first.cards)
        await until(house.hass, is_there)
    assert not house.first.swipe(int(NUMBER))


async def test_visit_ends_with_the_stay(house: House) -> None:
    """Whose host leaves is let in no more."""
    person = await house.move_in()
    await call(
        house.hass,
        "issue_card",
        {
            "device_id": device_id(house.hass, house.entry, OWN),
            "name": "MARK-VISITOR",
            "holder": "visitor",
            "card_number": NUMBER,
            "end": "2026-09-09T21:00:00+08:00",
        },
    )
    await wait_until(house.hass, lambda: house.numbers(house.first) == [NUMBER])
    await house.move_out(person)
    await wait_until(house.hass, lambda: not house.first.cards)


async def test_staff(house: House) -> None:
    """Staff open all doors where it is said, and else the shared ones and those of a unit."""
    for number, more in (
        ("11", {"everywhere": True}),
        ("12", {}),
        ("13", {"unit": OTHER}),
    ):
        unit = more.pop("unit", None)
        await call(
            house.hass,
            "issue_card",
            {
                "config_entry_id": house.entry.entry_id,
                "name": f"MARK-STAFF-{number}",
                "holder": "staff",
                "card_number": number,
                "end": "2026-12-31T00:00:00+08:00",
                **more,
                **(
                    {"device_id": device_id(house.hass, house.entry, unit)}
                    if unit
                    else {}
                ),
            },
        )
    await wait_until(
        house.hass,
        lambda: (
            [house.numbers(board) for board in house.boards]
            == [["11"], ["11", "13"], ["11", "12", "13"]]
        ),
    )


async def test_no_end(house: House, freezer: FrozenDateTimeFactory) -> None:
    """Whose lease has no end has a card for a year, which is renewed half a year before."""
    person = await house.move_in(role="landlord", end=None)
    await house.issue(person)
    await house.becomes(person, "active")
    end = house.first.cards[0].end
    assert end == date(2027, 9, 1)
    async with Ticking(house.hass, freezer):
        await new_day(house, freezer, datetime(2026, 10, 1, 16, 1, tzinfo=dt_util.UTC))
        await house.becomes(person, "active")
        assert house.first.cards[0].end == end
        await new_day(house, freezer, datetime(2027, 4, 1, 16, 1, tzinfo=dt_util.UTC))
        await wait_until(
            house.hass, lambda: house.first.cards[0].end == date(2028, 4, 1)
        )


async def test_doors_are_assigned_otherwise(house: House) -> None:
    """A door that opens for others is so at once, on every card."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    door = await house.assign(house.second, "2", building="1")
    await wait_until(
        house.hass,
        lambda: [row.doors for row in house.second.cards] == [(0, 1, 0, 0)],
    )
    await call(
        house.hass,
        "remove_door",
        {"config_entry_id": house.entry.entry_id, "door_id": door},
    )
    await wait_until(house.hass, lambda: house.second.cards == [])
    wrong = {
        "config_entry_id": house.entry.entry_id,
        "device_id": house.controller(house.first),
        "door": "1",
    }
    for where, key in (
        ({"building": "7"}, "door_of_no_unit"),
        ({"stairwell": "1"}, "building_missing"),
        ({"device_id": device_id(house.hass, house.entry, OWN)}, "no_such_controller"),
    ):
        assert await refusal(house.hass, "assign_door", **{**wrong, **where}) == key


# What goes wrong


async def test_offline_at_check_out(
    house: House, freezer: FrozenDateTimeFactory
) -> None:
    """It is unproven and a repair, until the board is back and has read that it is gone."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    house.first.faults.add(Fault.OFFLINE)
    async with Ticking(house.hass, freezer):
        await house.move_out(person)
        await house.becomes(person, "unproven")
        await wait_until(house.hass, lambda: house.repair() is not None)
        doors = await house.doors(card)
        assert doors[house.controller(house.first)]["why_unproven"] == "no_answer"
        assert doors[house.controller(house.gate)]["proof"] == "proven"
        assert house.gate.cards == []
        freezer.tick(contact.ASK_SECONDS + 1)
        async_fire_time_changed(house.hass)
        await wait_until(house.hass, lambda: not house.device(house.first).available)
        house.first.faults.clear()
        freezer.tick(contact.RETRY_SECONDS + 1)
        async_fire_time_changed(house.hass)
        await house.becomes(person, "expired")
    assert house.first.cards == []
    await wait_until(house.hass, lambda: house.repair() is None)
    assert "unknown_credential" not in alarms_of(house.hass, house.first)


async def test_full_list(house: House, freezer: FrozenDateTimeFactory) -> None:
    """At most three tries in five minutes; then it is a repair, and is tried again."""
    house.first.capacity = 0
    house.first.asked.clear()
    person = await house.move_in()
    async with Ticking(house.hass, freezer):
        await house.issue(person)
        await house.becomes(person, "unproven")
    assert house.first.asked.count(PUT_CARD) == credentials.TRIES
    async with Ticking(house.hass, freezer):
        for _ in range(4):
            await pass_time(house.hass, freezer, 60)
            await settle(house.hass)
    assert house.first.asked.count(PUT_CARD) == credentials.TRIES
    assert house.repair()
    house.first.capacity = 10
    async with Ticking(house.hass, freezer):
        await pass_time(house.hass, freezer, 120)
        await house.becomes(person, "active")
    await wait_until(house.hass, lambda: house.repair() is None)


async def test_forgets_everything(house: House, freezer: FrozenDateTimeFactory) -> None:
    """A board that has forgotten everything gets it again, and the state is proven anew."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    before = (await house.doors(card))[house.controller(house.first)]["proven_at"]
    house.first.forget_everything()
    freezer.tick(60)
    found = await house.hass.data["rental_units_credentials"].async_check(
        house.controller(house.first)
    )
    assert [row.number for row in found.results] == [NUMBER]
    assert house.numbers(house.first) == [NUMBER]

    async def proven_anew() -> bool:
        row = (await house.doors(card))[house.controller(house.first)]
        return row["proof"] == "proven" and row["proven_at"] > before

    await until(house.hass, proven_anew)


async def test_card_without_registration(house: House) -> None:
    """A card that nobody has given is an alarm, and in the list of the doors by four digits."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    house.first.vendor_writes(
        Card(4711999, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0))
    )
    check = house.hass.data["rental_units_credentials"].async_check
    await check(house.controller(house.first))
    assert alarms_of(house.hass, house.first)["unknown_credential"].present
    found = await call(
        house.hass, "get_doors", {"config_entry_id": house.entry.entry_id}
    )
    lists = {row["device_id"]: row for row in found["lists"]}
    assert lists[house.controller(house.first)]["unknown"] == ["••••1999"]
    assert lists[house.controller(house.first)]["count"] == 2


async def test_cards_of_a_controller(
    house: House, freezer: FrozenDateTimeFactory, hass_ws_client: WebSocketGenerator
) -> None:
    """What is to be there by its last digits, what is not proven first, and what nobody gave."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    panel = await panel_of(house.hass, house.entry, hass_ws_client)
    here = {"device_id": house.controller(house.first)}
    found = await panel.get("door_cards", **here)
    assert (found["total"], found["pending"], found["missing"], found["left"]) == (
        *(1, 0, 0, 0),
    )
    (row,) = found["cards"]
    assert (row["card_number"], row["person_id"], row["wanted"], row["proof"]) == (
        *("••••8400", person, True, "proven"),
    )
    assert row["doors"] == ["1"]
    house.first.vendor_writes(
        Card(4711999, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0))
    )
    check = house.hass.data["rental_units_credentials"].async_check
    await check(here["device_id"])
    found = await panel.get("door_cards", **here)
    assert found["list"]["unknown"] == ["••••1999"]
    assert found["list"]["count"] == 2
    # A second card that the board says it has, and has not: it is missing.
    house.first.faults.add(Fault.FORGETFUL)
    other = await house.move_in(name="MARK-U", phone="13800138005")
    await house.issue(other, OTHER_NUMBER)
    async with Ticking(house.hass, freezer):
        await house.becomes(other, "unproven")
    found = await panel.get("door_cards", **here)
    assert (found["total"], found["missing"]) == (2, 1)
    assert [row["proof"] for row in found["cards"]] == ["unproven", "proven"]
    found = await panel.get("door_cards", **here, only_unproven=True)
    assert [row["person_id"] for row in found["cards"]] == [other]
    found = await panel.get("door_cards", **here, offset=1, limit=1)
    assert [row["person_id"] for row in found["cards"]] == [person]
    # One that is to go, and stays.
    house.first.faults = {Fault.KEEPS_CARDS}
    await house.move_out(person)
    async with Ticking(house.hass, freezer):
        await house.becomes(person, "unproven")
    found = await panel.get("door_cards", **here)
    assert found["left"] == 1
    assert {row["wanted"] for row in found["cards"]} == {True, False}


async def test_controller_that_is_nobodys(house: House) -> None:
    """A controller without a door of the property is not its to say."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    found = await call(
        house.hass, "get_doors", {"config_entry_id": house.entry.entry_id}
    )
    (row,) = (
        row
        for row in found["doors"]
        if row["device_id"] == house.controller(house.second)
    )
    await call(
        house.hass,
        "remove_door",
        {"config_entry_id": house.entry.entry_id, "door_id": row["door_id"]},
    )
    house.second.vendor_writes(
        Card(4711, date(2026, 1, 1), date(2099, 1, 1), (1, 0, 0, 0))
    )
    check = house.hass.data["rental_units_credentials"].async_check
    assert await check(house.controller(house.second)) is None
    assert "unknown_credential" not in alarms_of(house.hass, house.second)


async def test_database_away_at_a_check(house: House) -> None:
    """While the register cannot say, a list is unread and no card is unknown."""
    person = await house.move_in()
    await house.issue(person)
    await house.becomes(person, "active")
    check = house.hass.data["rental_units_credentials"].async_check
    async with without_database(house.hass, house.entry):
        with pytest.raises(Exception, match=r"."):
            await check(house.controller(house.first))
        assert "unknown_credential" not in alarms_of(house.hass, house.first)
        await wait_until(
            house.hass,
            lambda: "credential_unproven" in alarms_of(house.hass, house.first),
        )
    # It is back, and is asked at once.
    await wait_until(
        house.hass,
        lambda: "credential_unproven" not in alarms_of(house.hass, house.first),
    )
    assert house.numbers(house.first) == [NUMBER]


async def test_key_lost(house: House) -> None:
    """Of a card whose number nobody can read nothing is proven; at the board it is unknown."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    keys = house.entry.runtime_data.keys
    await keys.async_add()
    await keys.async_keep_only_current()
    await house.decide("lose", card)
    await house.becomes(person, "unproven")
    doors = await house.doors(card)
    assert {row["why_unproven"] for row in doors.values()} == {"key_lost"}
    check = house.hass.data["rental_units_credentials"].async_check
    await check(house.controller(house.first))
    assert alarms_of(house.hass, house.first)["unknown_credential"].present


async def test_rotated_key(house: House) -> None:
    """With another key a number is still found, taken and removed."""
    person = await house.move_in()
    card = await house.issue(person)
    await house.becomes(person, "active")
    await call(house.hass, "rotate_key", {"config_entry_id": house.entry.entry_id})
    data = {"person_id": person, "card_number": NUMBER}
    assert await refusal(house.hass, "issue_card", **data) == "card_number_taken"
    await house.decide("revoke", card)
    await house.becomes(person, "revoked")
    assert house.first.cards == []


async def test_merged(house: House) -> None:
    """The card of a duplicate is that of the person who is kept."""
    kept = await house.move_in()
    other = await house.move_in(OWN, name="MARK-TWICE", phone="13800138002")
    await house.issue(other)
    await house.becomes(other, "active")
    await call(house.hass, "merge_people", {"person_id": kept, "duplicate_id": other})
    await settle(house.hass)
    assert await house.state(kept) == "active"
    assert house.numbers(house.first) == [NUMBER]
