"""Whose answer counts for what, and a call for help that nothing buries."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_mock_service

from custom_components.rental_units.alerts import texts
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.help import MOST_CALLS, MOST_ROUNDS
from custom_components.rental_units.alerts.models import Alert, Delivery, Help
from custom_components.rental_units.alerts.runtime import open_help
from custom_components.rental_units.const import DOMAIN, Role
from custom_components.rental_units.register.models import Lease, Unit
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er

from .conftest import NUMBERS, House
from .providers import Provider

#: One step and nothing that repeats: what comes after it is the answers' doing.
ONCE = {"alarm": {"steps": [{"after": 0, "channels": ["sms"]}], "valid_for": 3600}}


async def raised(house: House, **data: Any) -> Alert:
    """Raise an alarm in 201, and return its alert."""
    alert_id = await house.alert(hazard="smoke", **data)
    await house.settled()
    return house.engine.alerts[alert_id]


def of(house: House, alert: Alert, person: str) -> Delivery:
    """Return what somebody got."""
    rows = house.engine.dispatcher.of(alert)
    return next(row for row in rows if row.address_id == f"{person}-sms")


def say(house: House, alert: Alert, person: str, answer: Answer) -> None:
    """Let somebody answer."""
    house.engine.answer(alert, answer, of(house, alert, person), via="link")


def texts_to(provider: Provider, person: str) -> list[str]:
    """Return what somebody has read."""
    number = NUMBERS[person]
    forms = [item["form"] for item in provider.heard]
    return [form["Body"] for form in forms if form["To"] == number]


async def close(hass: HomeAssistant, user: MockUser | None, **data: Any) -> None:
    """Close calls for help."""
    context = Context(user_id=user.id if user else None)
    await hass.services.async_call(
        DOMAIN, "close_help", data, blocking=True, context=context
    )


def not_to_be_reset(hass: HomeAssistant) -> set[str]:
    """Return the alarms, incidents and areas in which a call for help is open."""
    return {key for _, about in open_help(hass) for key in about}


@pytest.mark.parametrize(
    ("person", "answer", "state"),
    [
        ("fire-post", Answer.ON_MY_WAY, "acknowledged"),
        ("fire-post", Answer.FALSE_ALARM, "acknowledged"),
        ("fire-post", Answer.SAFE, "active"),
        ("landlord", Answer.ON_MY_WAY, "acknowledged"),
        ("landlord", Answer.FALSE_ALARM, "acknowledged"),
        ("tenant-a", Answer.ON_MY_WAY, "active"),
        ("tenant-a", Answer.FALSE_ALARM, "active"),
        ("tenant-a", Answer.SAFE, "active"),
        ("neighbour", Answer.ON_MY_WAY, "active"),
        ("neighbour", Answer.FALSE_ALARM, "active"),
        ("neighbour", Answer.SAFE, "active"),
    ],
)
async def test_whose_answer_acknowledges(
    house: House, sms: Provider, person: str, answer: Answer, state: str
) -> None:
    """Who lives there speaks for the unit; who responds, and whose it is, for all."""
    house.options(policies=ONCE)
    alert = await raised(house)
    say(house, alert, person, answer)
    assert alert.state == state
    assert ("acknowledged" in house.kinds()) is (state == "acknowledged")


async def test_landlord_of_one_of_two(house: House, sms: Provider) -> None:
    """A landlord decides for what is theirs, and not for the flat next door."""
    alert = await raised(house, unit_id=[house.units["201"], house.units["202"]])
    say(house, alert, "landlord", Answer.FALSE_ALARM)
    assert alert.state == "active"


async def test_alarm_is_acknowledged_too(house: House, sms: Provider) -> None:
    """The core hears who is on the way, alarm by alarm; a tenant's answer it does not."""
    calls = async_mock_service(house.hass, "community_safety", "acknowledge")
    alert = await raised(house, alarm_id="a1", incident_id="i1")
    await house.alert(hazard="heat", alarm_id="a2", incident_id="i1")
    say(house, alert, "tenant-a", Answer.ON_MY_WAY)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert calls == []
    # Nobody goes because of it, and an automation may wait for a person to confirm.
    say(house, alert, "landlord", Answer.FALSE_ALARM)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert house.kinds()[-1] == "acknowledged"
    assert house.events[-1].data["answer"] == "false_alarm"
    assert calls == []
    say(house, alert, "fire-post", Answer.ON_MY_WAY)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert [call.data["alarm_id"] for call in calls] == ["a1", "a2"]


async def test_who_shows_it_is_in_nobodys_way(house: House, sms: Provider) -> None:
    """What cannot show an answer keeps the call for help from nothing."""
    house.options(policies=ONCE)
    alert = await raised(house)

    def fail(*_: object) -> None:
        raise LookupError

    house.engine.news.listen(fail)
    house.engine.news.listen_unit(house.units["201"], fail)
    told: list[object] = []
    house.engine.news.listen(lambda *_: told.append(1))
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    assert len(told) == 2
    assert house.engine.helpers.of(alert).open
    assert house.active("201") == "on"
    await house.tick(1)
    await house.settled()
    assert texts_to(sms, "fire-post")[-1].startswith("HELP NEEDED")


async def test_whose_answer_is_for_all(house: House, sms: Provider) -> None:
    """The event says it, also where an answer of each unit is wanted, and of no other."""
    policy = ONCE["alarm"] | {"each_unit": True}
    house.options(policies={"alarm": policy})
    alert = await raised(house)

    def said() -> tuple[str, bool]:
        event = [row for row in house.events if row.data["type"] == "answered"][-1]
        return event.data["answer"], event.data["decides"]

    for person, answer, decides in (
        ("tenant-a", Answer.FALSE_ALARM, False),
        ("fire-post", Answer.SAFE, False),
        ("landlord", Answer.FALSE_ALARM, True),
        ("tenant-a", Answer.NEED_HELP, False),
        # Somebody there says otherwise.
        ("fire-post", Answer.FALSE_ALARM, False),
        ("fire-post", Answer.ON_MY_WAY, True),
    ):
        say(house, alert, person, answer)
        assert said() == (answer, decides)
    assert alert.state == "active"


async def test_help_is_told_in_its_own_words(house: House, sms: Provider) -> None:
    """Those who respond read who needs help where, also after an acknowledgement."""
    house.options(policies=ONCE)
    alert = await raised(house, audience=["tenants", "landlord"])
    say(house, alert, "landlord", Answer.ON_MY_WAY)
    assert alert.state == "acknowledged"
    assert texts_to(sms, "fire-post") == []
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    assert alert.state == "active"
    await house.tick(1)
    await house.settled()
    (text,) = texts_to(sms, "fire-post")
    assert text.startswith("HELP NEEDED: 1-1-201\n")
    assert len(texts_to(sms, "tenant-b")) == 1
    assert house.events[-1].data["need_help"] is True
    assert house.events[-1].data["help_unit_ids"] == [house.units["201"]]
    (shown,) = await house.get()
    assert [row["unit_id"] for row in shown["help"]] == [house.units["201"]]


async def test_help_until_somebody_is_on_the_way(house: House, sms: Provider) -> None:
    """Once more every minute, so many times; *on my way* of who responds ends that."""
    house.options(policies=ONCE)
    alert = await raised(house)
    before = len(texts_to(sms, "fire-post"))
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    for rounds in (1, 2):
        await house.tick(61)
        await house.settled()
        assert len(texts_to(sms, "fire-post")) == before + rounds
    say(house, alert, "tenant-b", Answer.ON_MY_WAY)
    await house.tick(61)
    await house.settled()
    assert len(texts_to(sms, "fire-post")) == before + 3
    say(house, alert, "fire-post", Answer.ON_MY_WAY)
    for _ in range(3):
        await house.tick(61)
        await house.settled()
    assert len(texts_to(sms, "fire-post")) == before + 3
    assert len(house.engine.helpers.of(alert).open) == 1


async def test_a_false_alarm_takes_no_call(house: House, sms: Provider) -> None:
    """Who calls from the flat knows better than its owner, who is elsewhere."""
    house.options(policies=ONCE)
    alert = await raised(house, alarm_id="a1")
    before = len(texts_to(sms, "fire-post"))
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    for answer, state in (
        (Answer.FALSE_ALARM, "active"),
        (Answer.ON_MY_WAY, "acknowledged"),
    ):
        say(house, alert, "landlord", answer)
        assert alert.state == state
    say(house, alert, "fire-post", Answer.FALSE_ALARM)
    for rounds in (1, 2):
        await house.tick(61)
        await house.settled()
        assert len(texts_to(sms, "fire-post")) == before + rounds
    say(house, alert, "fire-post", Answer.ON_MY_WAY)
    await house.tick(61)
    await house.settled()
    assert len(texts_to(sms, "fire-post")) == before + 2


async def test_nobody_comes(house: House, sms: Provider) -> None:
    """After so many rounds they have heard it; it is shown on, and the alert goes on."""
    house.options(policies=ONCE)
    alert = await raised(house)
    before = len(texts_to(sms, "fire-post"))
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    for _ in range(MOST_ROUNDS + 5):
        await house.tick(61)
        await house.settled()
    assert len(texts_to(sms, "fire-post")) == before + MOST_ROUNDS
    for _ in range(3):
        await house.tick(3600)
    assert alert.state == "active"
    assert house.active("201") == "on"


@pytest.mark.parametrize("answer", [Answer.SAFE, Answer.FALSE_ALARM, Answer.ON_MY_WAY])
async def test_nothing_buries_it(house: House, sms: Provider, answer: Answer) -> None:
    """No answer of anybody, no end and no cancellation takes the flag down."""
    alert = await raised(house, alarm_id="a1", incident_id="i1")
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    for person in ("tenant-a", "tenant-b", "neighbour", "landlord", "fire-post"):
        say(house, alert, person, answer)
    assert len(house.engine.helpers.of(alert).open) == 1
    assert {"a1", "i1"} <= not_to_be_reset(house.hass)
    with pytest.raises(ServiceValidationError, match="help"):
        await house.hass.services.async_call(
            DOMAIN, "cancel_alert", {"alarm_id": "a1"}, blocking=True
        )
    await house.restart()
    assert {"a1", "i1"} <= not_to_be_reset(house.hass)
    assert house.engine.alerts.keys() == {alert.id}


async def test_who_closes_it(
    house: House, sms: Provider, hass_admin_user: MockUser
) -> None:
    """A person who may, with a note; the note is in the register and nowhere else."""
    alert = await raised(house)
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    hass, named = house.hass, {"alert_id": alert.id}
    stranger = MockUser(is_owner=False, groups=[]).add_to_hass(hass)
    with pytest.raises(ServiceValidationError):
        await close(hass, None, **named, note="Placeholder")
    with pytest.raises(Unauthorized):
        await close(hass, stranger, **named, note="Placeholder")
    for wrong in (named | {"unit_id": house.units["202"]}, {"alert_id": "x"}):
        with pytest.raises(ServiceValidationError):
            await close(hass, hass_admin_user, **wrong, note="Placeholder")
    assert house.engine.helpers.of(alert).open
    await close(hass, hass_admin_user, **named, note="Placeholder name is out")
    assert not house.engine.helpers.of(alert).open
    assert not open_help(hass)
    assert house.kinds()[-1] == "help_closed"
    assert "Placeholder name" not in str([event.data for event in house.events])
    assert "Placeholder name" not in str(await house.get())
    await house.engine.ledger.async_flush()
    (row,) = await house.entry.runtime_data.async_run(
        lambda session: session.query(Help).all()
    )
    assert (row.note, row.closed_by) == ("Placeholder name is out", hass_admin_user.id)
    with pytest.raises(ServiceValidationError):
        await close(hass, hass_admin_user, **named, note="Again")
    house.engine.cancel(alert, who=None)
    assert house.kinds()[-1] == "cancelled"


async def test_note_goes_with_its_people(
    house: House, sms: Provider, hass_admin_user: MockUser
) -> None:
    """Who is erased is in no note: not of a call from their flat, nor where it stands again."""
    hass = house.hass
    for note, people in (
        ("Placeholder name is out", ("tenant-a", "neighbour")),
        ("Nobody there", ("neighbour",)),
    ):
        alert = await raised(house)
        for person in people:
            say(house, alert, person, Answer.NEED_HELP)
        await close(hass, hass_admin_user, alert_id=alert.id, note=note)
        house.engine.cancel(alert, who=None)
    await house.engine.ledger.async_flush()
    await hass.services.async_call(
        DOMAIN,
        "erase_person",
        {"person_id": "tenant-b"},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    notes = await house.entry.runtime_data.async_run(
        lambda session: {(row.person_id, row.note) for row in session.query(Help).all()}
    )
    assert notes == {
        ("tenant-a", None),
        ("neighbour", None),
        ("neighbour", "Nobody there"),
    }


async def test_one_link_presses_and_presses(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """Forty presses in two minutes are one call; each that is closed may come again."""
    house.options(policies=ONCE)
    alert = await raised(house)
    before = len(texts_to(sms, "fire-post"))
    token = house.engine.links.token(of(house, alert, "tenant-a"))
    client = await hass_client_no_auth()
    for _ in range(40):
        for word in ("need_help", "safe"):
            await client.post(f"/api/r/{token}", data={"answer": word})
        await house.tick(3)
        await house.settled()
    assert len(texts_to(sms, "fire-post")) - before <= 3
    assert len(house.engine.helpers.of(alert).rows) == 1
    for _ in range(MOST_CALLS + 2):
        house.engine.close_help(alert, None, who="user", note="Seen to")
        say(house, alert, "tenant-a", Answer.NEED_HELP)
    assert house.engine.helpers.of(alert).open[0].taken_at is not None
    heard = len(texts_to(sms, "fire-post"))
    await house.tick(61)
    await house.settled()
    assert len(texts_to(sms, "fire-post")) == heard


async def test_help_of_several(house: House, sms: Provider) -> None:
    """Two flats at once are one message that names both, and each is closed alone."""
    house.options(policies=ONCE)
    both = [house.units["201"], house.units["202"]]
    alert = await raised(house, unit_id=both)
    before = len(texts_to(sms, "fire-post"))
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    say(house, alert, "neighbour", Answer.NEED_HELP)
    await house.tick(1)
    await house.settled()
    (text,) = texts_to(sms, "fire-post")[before:]
    assert text.startswith("HELP NEEDED: 1-1-201, 1-1-202\n")
    house.engine.close_help(alert, both[0], who="user", note="Out")
    assert house.engine.helpers.of(alert).units == both[1:]
    assert house.engine.needs_help(both[1])
    assert not house.engine.needs_help(both[0])


async def test_no_responders(house: House, sms: Provider) -> None:
    """Where nobody responds, the landlord hears of it."""
    for row in house.entry.get_subentries_of_type("responder"):
        house.hass.config_entries.async_remove_subentry(house.entry, row.subentry_id)
    await house.hass.async_block_till_done()
    house.options(policies=ONCE)
    alert = await raised(house, audience=["tenants"])
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    await house.tick(1)
    await house.settled()
    assert texts_to(sms, "landlord")[0].startswith("HELP NEEDED")
    say(house, alert, "landlord", Answer.ON_MY_WAY)
    await house.tick(61)
    await house.settled()
    assert len(texts_to(sms, "landlord")) == 1, "whoever was told is on the way"


async def test_robots_go_to_nobodys_help(
    house: House, sms: Provider, add_provider: Any
) -> None:
    """A robot and a loudspeaker are told besides, and nothing that is personal."""
    robot = await add_provider({"errcode": 0})
    row = er.async_get(house.hass).async_get_or_create("assist_satellite", "x", "1")
    er.async_get(house.hass).async_update_entity(row.entity_id, area_id=house.area_id)
    announced = async_mock_service(house.hass, "assist_satellite", "announce")
    for post in house.entry.get_subentries_of_type("responder"):
        house.hass.config_entries.async_remove_subentry(house.entry, post.subentry_id)
    robots = [{"form": "wecom", "url": robot.url}]
    channels = {**house.entry.options["channels"], "robot": {"robots": robots}}
    house.options(channels=channels, policies=ONCE)

    def write(session: Any) -> None:
        session.get(Unit, house.units["201"]).address = "1 Placeholder Road"

    await house.entry.runtime_data.async_run(write)
    await house.entry.runtime_data.async_refresh()
    alert = await raised(house, audience=["tenants"])
    assert (robot.heard, announced) == ([], [])
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    await house.tick(1)
    await house.settled()
    (landlord,) = texts_to(sms, "landlord")
    assert "1 Placeholder Road" in landlord
    said = [robot.heard[0]["json"]["text"]["content"], announced[0].data["message"]]
    assert len(robot.heard) == len(announced) == 1
    for text in said:
        assert "1-1-201" in text
        assert "Placeholder Road" not in text
        assert "People living there" not in text
    helps = texts.help_body(alert, "1-1-201", "en")
    assert all(helps in text for text in (*said, landlord))


async def test_help_over_a_restart(house: House, sms: Provider) -> None:
    """What nobody has taken is told again, and what is closed stays closed."""
    house.options(policies=ONCE)
    alert = await raised(house)
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    await house.tick(1)
    await house.settled()
    heard = len(texts_to(sms, "fire-post"))
    await house.restart()
    await house.tick(1)
    await house.until(lambda: len(texts_to(sms, "fire-post")) == heard + 1)
    (alert,) = house.engine.alerts.values()
    house.engine.close_help(alert, None, who="user", note="Out")
    await house.restart()
    for _ in range(2):
        await house.tick(61)
        await house.settled()
    assert len(texts_to(sms, "fire-post")) == heard + 1
    assert not open_help(house.hass)


async def test_in_a_drill_nobody_else(house: House, sms: Provider) -> None:
    """A button pressed in a drill rings at those whom it names."""
    house.options(policies=ONCE)
    alert = await raised(house, drill=True, audience=["tenants"])
    say(house, alert, "tenant-a", Answer.NEED_HELP)
    await house.tick(61)
    await house.settled()
    assert texts_to(sms, "fire-post") == texts_to(sms, "landlord") == []
    assert house.engine.helpers.of(alert).open


async def test_on_my_way_accounts_for_nobody(house: House, sms: Provider) -> None:
    """In a roll call a unit is accounted for by *safe*, and not by *on my way*."""
    house.options(
        policies={
            "roll": {"steps": [{"after": 0, "channels": ["sms"]}], "each_unit": True}
        }
    )
    both = [house.units["201"], house.units["202"]]
    alert = await raised(house, unit_id=both, policy="roll", message="Roll call")
    say(house, alert, "tenant-a", Answer.SAFE)
    say(house, alert, "neighbour", Answer.ON_MY_WAY)
    say(house, alert, "fire-post", Answer.ON_MY_WAY)
    assert (alert.state, alert.answered_units) == ("active", both[:1])
    say(house, alert, "neighbour", Answer.NEED_HELP)
    say(house, alert, "neighbour", Answer.SAFE)
    assert alert.state == "active", "somebody still calls for help"
    house.engine.close_help(alert, None, who="user", note="Out")
    assert alert.state == "acknowledged"


async def test_vacant_unit(house: House, sms: Provider) -> None:
    """Nobody lives in 203: a roll call does not wait for it."""
    house.options(
        policies={
            "roll": {"steps": [{"after": 0, "channels": ["sms"]}], "each_unit": True}
        }
    )
    both = [house.units["201"], house.units["203"]]
    alert = await raised(house, unit_id=both, policy="roll", message="Roll call")
    assert alert.vacant_units == both[1:]
    assert alert.state == "active"
    say(house, alert, "tenant-a", Answer.SAFE)
    assert alert.state == "acknowledged"


async def test_nobody_lives_there(house: House, sms: Provider) -> None:
    """Where nobody is registered, nobody has answered: those who respond are told on."""
    step = {"after": 0, "channels": ["sms"], "repeat": 1, "every": 60}
    house.options(policies={"roll": {"steps": [step], "each_unit": True}})
    alert = await raised(house, unit_id=[house.units["203"]], policy="roll")
    assert alert.vacant_units == [house.units["203"]]
    assert alert.state == "active"
    await house.tick(61)
    await house.settled()
    assert len(texts_to(sms, "fire-post")) == 2


async def test_who_owned_it_all(house: House, sms: Provider) -> None:
    """Once the alert is about a flat of somebody else, a landlord does not end it."""
    named = {"incident_id": "i1"}
    alert = await raised(house, unit_id=[house.units["201"]], **named)
    await house.alert(hazard="smoke", unit_id=[house.units["202"]], **named)
    await house.settled()
    say(house, alert, "landlord", Answer.FALSE_ALARM)
    assert alert.state == "active"
    assert not (await house.stored())["landlord-sms"].decides


async def test_which_flat_it_is_about(house: House, sms: Provider) -> None:
    """Who owns two flats, and got one message, answers in a panel for the one they mean."""
    owned = Lease(unit_id=house.units["202"], person_id="landlord", role=Role.LANDLORD)
    register = house.entry.runtime_data
    await register.async_run(lambda session: session.add(owned))
    await register.phonebook.async_learn()
    both = [house.units["201"], house.units["202"]]
    alert = await raised(house, unit_id=both)
    for unit_id in reversed(both):
        row = house.engine.delivery_of(alert, "landlord", "landlord", unit_id, True)
        assert row.unit_id == unit_id
        house.engine.answer(alert, Answer.NEED_HELP, row, via="panel")
        house.engine.close_help(alert, None, who="user", note="Out")
    units = [row.unit_id for row in house.engine.helpers.of(alert).rows]
    assert units == both[::-1]


async def test_robots_do_not_answer(
    house: House, sms: Provider, add_provider: Any
) -> None:
    """What went to a robot or a loudspeaker is nobody's to answer."""
    provider = await add_provider({"errcode": 0})
    row = {"form": "wecom", "url": provider.url}
    channels = house.entry.options["channels"]
    house.options(channels={**channels, "robot": {"robots": [row]}})
    alert = await raised(house)
    rows = house.engine.dispatcher.of(alert)
    robot = next(row for row in rows if row.channel == "robot")
    house.engine.answer(alert, Answer.ON_MY_WAY, robot, via="app")
    assert alert.state == "active"
    assert "answered" not in house.kinds()


async def test_facts_for_those_who_respond(house: House, sms: Provider) -> None:
    """They read where exactly, and how many; who lives there reads what to do."""

    async def alarms(call: Any) -> dict[str, Any]:
        supplies = {
            "Breaker l1": {"status": "confirmed", "milliseconds": 300},
            "Breaker l2": {"status": "failed", "milliseconds": None},
            "Pump": {"status": "protected", "milliseconds": None},
        }
        lines = [{"at": 1.0, "what": "cut_off", "supplies": supplies}]
        return {
            "alarms": [
                {"alarm_id": "a1", "timeline": lines},
                {"alarm_id": "other", "timeline": lines},
            ]
        }

    house.hass.services.async_register(
        "community_safety", "get_alarms", alarms, supports_response="only"
    )

    def write(session: Any) -> None:
        session.get(Unit, house.units["201"]).address = "1 Placeholder Road"

    await house.entry.runtime_data.async_run(write)
    await house.entry.runtime_data.async_refresh()
    await raised(house, alarm_id="a1")
    (post,), (tenant,) = texts_to(sms, "fire-post"), texts_to(sms, "tenant-a")
    assert "1 Placeholder Road" in post
    assert "People living there: 2." in post
    assert "MAY STILL BE LIVE, do not touch: Breaker l2." in post
    assert "cut off and proven: 1." in post
    assert "stairs" not in post
    assert "stairs" in tenant
    assert "Placeholder Road" not in tenant
