"""One campaign per incident, one message per number, and nobody whom an alert does not name."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from sqlalchemy import delete

from custom_components.rental_units.alerts.channels import FORMER
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.tenancy import ErasePerson
from custom_components.rental_units.app.units import RemoveUnit
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.register import queries
from custom_components.rental_units.register.models import Lease
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account

from .conftest import NUMBERS, House
from .providers import Provider

ONE_STEP = {"steps": [{"after": 0, "channels": ["sms"]}], "valid_for": 3600}


def numbers(provider: Provider) -> list[str]:
    """Return who was reached, as often as they were."""
    return sorted(item["form"]["To"] for item in provider.heard)


async def test_one_fire_is_one_campaign(house: House, sms: Provider) -> None:
    """Smoke and heat of one incident ring once; both hazards are in what comes later."""
    first = await house.alert(hazard="smoke", alarm_id="a1", incident_id="i1")
    await house.settled()
    second = await house.alert(hazard="heat", alarm_id="a2", incident_id="i1")
    await house.settled()
    assert first == second
    assert len(sms.heard) == len(NUMBERS)
    (shown,) = await house.get(alarm_id="a2")
    assert shown["alarm_ids"] == ["a1", "a2"]
    assert house.kinds()[-1] == "joined"
    for _ in range(3):
        await house.tick(31)
        await house.settled()
    assert "Smoke + Heat" in sms.heard[-1]["form"]["Body"]
    # It ends with its last alarm.
    for alarm_id, ended in (("a1", []), ("a2", [first])):
        answer = await house.hass.services.async_call(
            DOMAIN,
            "cancel_alert",
            {"alarm_id": alarm_id},
            blocking=True,
            return_response=True,
        )
        assert answer == {"alert_ids": ended}
    assert [row["alert_id"] for row in await house.get(alarm_id="a2")] == [first]


async def test_without_a_core(house: House, sms: Provider) -> None:
    """Five calls about one flat within the hour are one; after it, it is another fire."""
    ids = {await house.alert(hazard="smoke") for _ in range(5)}
    ids.add(await house.alert(hazard="heat"))
    await house.settled()
    assert len(ids) == 1
    assert len(sms.heard) == len(NUMBERS)
    await house.tick(3601)
    assert await house.alert(hazard="smoke") not in ids


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # It has become worse.
        ({"severity": "warning", "hazard": "overflow"}, {"hazard": "smoke"}),
        # A drill swallows nothing real, nor the other way round.
        ({"drill": True, "audience": ["tenants"]}, {"audience": ["tenants"]}),
        (
            {"drill": True, "audience": ["tenants"], "alarm_id": "a1"},
            {"audience": ["tenants"], "alarm_id": "a1"},
        ),
        # Something else is said.
        ({"message": "Stay inside"}, {"message": "Come out"}),
        # It is over.
        ({"hazard": "smoke"}, {"hazard": "all_clear"}),
        ({"incident_id": "i1"}, {"incident_id": "i2"}),
        ({"policy": "alarm"}, {"policy": "fault"}),
        ({"severity": "message"}, {"severity": "message"}),
    ],
)
async def test_not_the_same(
    house: House, sms: Provider, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """What is new to people rings."""
    assert await house.alert(**first) != await house.alert(**second)


async def test_old_acknowledgement(house: House, sms: Provider) -> None:
    """Who has taken an alert ten minutes ago has not taken what comes now.

    What else they have not taken: test_unheard.py.
    """
    first = await house.alert(hazard="smoke", alarm_id="a1")
    await house.settled()
    house.engine.acknowledge(house.engine.alerts[first], who="user", via="action")
    await house.tick(590)
    assert await house.alert(hazard="smoke", alarm_id="a2") == first
    await house.tick(20)
    assert await house.alert(hazard="smoke", alarm_id="a1") != first


async def test_it_widens(house: House, sms: Provider) -> None:
    """An incident that takes in another flat tells those who live there, and nobody twice."""
    house.options(policies={"alarm": ONE_STEP})
    named = {"hazard": "smoke", "incident_id": "i1", "audience": ["tenants"]}
    first = await house.alert(**named, unit_id=[house.units["201"]])
    await house.settled()
    second = await house.alert(**named, unit_id=[house.units["202"]])
    await house.settled()
    assert first == second
    people = ("tenant-a", "tenant-b", "neighbour")
    assert numbers(sms) == sorted(NUMBERS[key] for key in people)
    assert house.active("202") == "on"
    house.engine.cancel(house.engine.alerts[first], who=None)
    assert house.active("202") == house.active("201") == "off"


async def test_two_people_with_one_number(house: House, sms: Provider) -> None:
    """One number rings once; where each flat must answer, each is asked."""
    await house.put_address("tenant-b", "sms", NUMBERS["tenant-a"])
    await house.put_address("neighbour", "sms", NUMBERS["tenant-a"])
    house.options(policies={"alarm": ONE_STEP, "roll": {**ONE_STEP, "each_unit": True}})
    both = [house.units["201"], house.units["202"]]
    await house.alert(hazard="smoke", audience=["tenants"], unit_id=both)
    await house.settled()
    assert numbers(sms) == [NUMBERS["tenant-a"]]
    await house.alert(message="Roll", audience=["tenants"], unit_id=both, policy="roll")
    await house.settled()
    assert numbers(sms) == [NUMBERS["tenant-a"]] * 3


async def test_one_number_of_two_roles(house: House, sms: Provider) -> None:
    """A neighbour who is the fire post too gets one message, and decides."""
    await house.put_address("fire-post", "sms", NUMBERS["neighbour"])
    house.options(policies={"alarm": ONE_STEP})
    alert_id = await house.alert(hazard="smoke")
    await house.settled()
    assert numbers(sms).count(NUMBERS["neighbour"]) == 1
    alert = house.engine.alerts[alert_id]
    row = next(
        row for row in house.engine.dispatcher.of(alert) if row.role == "fire_post"
    )
    house.engine.answer(alert, Answer.ON_MY_WAY, row, via="app")
    assert alert.state == "acknowledged"


async def test_audience_in_later_steps(
    house: House, sms: Provider, call: Provider
) -> None:
    """A drill for those who respond rings at nobody else, step after step."""
    await house.alert(hazard="smoke", drill=True, audience=["responders"])
    for _ in range(5):
        await house.settled()
        await house.tick(31)
    await house.settled()
    assert set(numbers(sms)) == set(numbers(call)) == {NUMBERS["fire-post"]}
    assert "escalated" in house.kinds()


async def test_self_test_tells_the_office_alone(
    house: House, sms: Provider, add_provider: Any
) -> None:
    """One press without an announcement: the property office and the tester, no robot."""
    robot = await add_provider({"errcode": 0})
    channels = house.entry.options["channels"]
    row = {"form": "wecom", "url": robot.url}
    house.options(channels={**channels, "robot": {"robots": [row]}})
    user = await house.hass.auth.async_create_user("Placeholder")
    house.hass.states.async_set("person.tester", "home", {"user_id": user.id})
    await house.put_address("tenant-b", "push", "person.tester")
    await add_office(house)
    await house.hass.services.async_call(
        DOMAIN,
        "alert",
        {"area_id": house.area_id, "hazard": "smoke", "drill": True},
        blocking=True,
        context=Context(),
    )
    for _ in range(4):
        await house.settled()
        await house.tick(31)
    await house.settled()
    assert set(numbers(sms)) == {OFFICE}
    assert all(item["form"]["Body"].startswith("[DRILL] Smoke") for item in sms.heard)
    assert house.hass.states.get(
        "binary_sensor.1_1_201_1_1_201_alert_active"
    ).attributes["drill"]
    (alert,) = house.engine.alerts.values()
    house.engine.cancel(alert, who=None)
    sms.heard.clear()
    alert_id = await house.alert(hazard="smoke", drill=True)
    house.engine.alerts[alert_id].who = user.id
    await house.settled()
    await house.tick(61)
    await house.settled()
    assert set(numbers(sms)) == {OFFICE, NUMBERS["tenant-b"]}
    assert robot.heard == []


async def test_a_landlords_test_stays_in_the_flat(house: House, sms: Provider) -> None:
    """Who may not alert beyond their flat rings in no office by calling it a drill."""
    await add_office(house)
    user = await account(house.hass, house.entry, "landlord", "landlord")
    house.hass.states.async_set("person.owner", "home", {"user_id": user.id})
    await house.put_address("landlord", "push", "person.owner")
    await house.hass.services.async_call(
        DOMAIN,
        "alert",
        {"unit_id": house.units["201"], "hazard": "smoke", "drill": True},
        blocking=True,
        context=Context(user_id=user.id),
    )
    await house.settled()
    assert numbers(sms) == [NUMBERS["landlord"]]


OFFICE = "+12025550199"


async def add_office(house: House) -> None:
    """Let somebody be in the property's office."""
    flows = house.hass.config_entries.subentries
    result = await flows.async_init(
        (house.entry.entry_id, "responder"), context={"source": "user"}
    )
    data = {"duty": "property_office", "name": "Placeholder office", "phone": OFFICE}
    await flows.async_configure(result["flow_id"], {**data, "channels": ["sms"]})
    await house.hass.async_block_till_done()


async def test_turn_waits_for_quiet_hours(
    house: House, sms: Provider, call: Provider
) -> None:
    """The second channel of a turn keeps the quiet hours of its address too."""
    house.freezer.move_to("2026-11-24T15:00:00+00:00")
    await house.hass.config.async_set_time_zone("Asia/Shanghai")
    quiet = (time(22), time(7))
    await house.put_address("landlord", "call", NUMBERS["landlord"], quiet)
    steps = [{"after": 0, "channels": ["sms", "call"], "in_turn": True}]
    house.options(policies={"warning": {"steps": steps, "valid_for": 86_400}})
    await house.restart()
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    await house.settled()
    await house.tick(46)
    await house.settled()
    assert dt_util.now().hour == 23
    assert call.heard == []
    await house.tick(8 * 3600)
    await house.settled()
    assert len(call.heard) == 1


async def test_retry_waits_for_quiet_hours(house: House, sms: Provider) -> None:
    """One more try does not ring in the night either."""
    house.freezer.move_to("2026-11-24T13:59:59+00:00")
    await house.hass.config.async_set_time_zone("Asia/Shanghai")
    quiet = (time(22), time(7))
    await house.put_address("landlord", "sms", NUMBERS["landlord"], quiet)
    house.options(policies={"warning": ONE_STEP | {"valid_for": 86_400}})
    sms.status = 500
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    await house.settled()
    asked = len(sms.heard)
    sms.status = 200
    await house.tick(30)
    await house.settled()
    assert len(sms.heard) == asked == 1
    await house.tick(9 * 3600)
    await house.settled()
    assert len(sms.heard) == 2


async def test_acknowledged_stays_so_over_a_restart(
    house: House, sms: Provider, call: Provider
) -> None:
    """The next channel of a turn does not begin because the house restarts."""
    steps = [{"after": 0, "channels": ["sms", "call"], "in_turn": True}]
    house.options(policies={"warning": {"steps": steps, "valid_for": 7200}})
    alert_id = await house.alert(severity="warning", audience=["landlord"], hazard="x")
    await house.settled()
    house.engine.acknowledge(house.engine.alerts[alert_id], who="user", via="action")
    await house.restart()
    for _ in range(3):
        await house.tick(61)
        await house.settled()
    assert call.heard == []
    assert house.engine.alerts[alert_id].state == "acknowledged"
    await house.tick(7200)
    assert house.engine.alerts == {}


async def test_two_steps_at_a_time(house: House, sms: Provider) -> None:
    """A step that is due while it is walked is walked once more after it, and skips none."""
    step = {"after": 0, "channels": ["sms"], "repeat": 3, "every": 30}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    alert_id = await house.alert(hazard="smoke", audience=["landlord"])
    alert = house.engine.alerts[alert_id]
    for _ in range(3):
        house.engine._due(alert)
    await house.settled()
    rounds = sorted(row.round for row in house.engine.dispatcher.of(alert))
    assert rounds == list(range(len(rounds)))
    for _ in range(6):
        await house.tick(31)
        await house.settled()
    rounds = sorted(row.round for row in house.engine.dispatcher.of(alert))
    assert rounds == [0, 1, 2, 3]


async def remove_unit(house: House) -> None:
    """Delete the flat that burns: that is refused, whoever is meant to go with it."""
    application = application_of(house.hass, house.entry.entry_id)
    command = RemoveUnit(house.units["201"], with_people=True)
    with pytest.raises(ServiceValidationError) as refusal:
        await application.async_fill(command, None)
    assert refusal.value.translation_key == "unit_in_alert"


async def remove_responder(house: House) -> None:
    """Delete the fire post."""
    (row,) = house.entry.get_subentries_of_type("responder")
    house.hass.config_entries.async_remove_subentry(house.entry, row.subentry_id)


async def remove_channel(house: House) -> None:
    """Take the provider of SMS away."""
    house.options(channels={})


async def remove_leases(house: House) -> None:
    """Let everybody be gone from the register."""
    await house.entry.runtime_data.async_run(
        lambda session: session.execute(delete(Lease))
    )


@pytest.mark.parametrize("restarts", [0, 2])
@pytest.mark.parametrize(
    "remove", [remove_unit, remove_responder, remove_channel, remove_leases]
)
async def test_what_goes_in_mid_fire(
    house: House,
    sms: Provider,
    remove: Callable[[House], Awaitable[None]],
    restarts: int,
) -> None:
    """Who was told stays told until it ends, whatever is deleted, also over a restart."""
    step = {"after": 0, "channels": ["sms"], "repeat": 2, "every": 30}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    await house.alert(hazard="smoke")
    await house.settled()
    await remove(house)
    await house.hass.async_block_till_done()
    for _ in range(restarts):
        await house.restart()
    engine = house.engine
    # Nobody of them is erased unasked, before the next step and after it.
    assert engine.people.is_told("fire-post")
    await house.tick(31)
    await house.settled()
    assert numbers(sms) == sorted([*NUMBERS.values()] * 2)
    assert engine.people.is_told("fire-post")
    assert engine.people.is_told("landlord")
    (alert,) = engine.alerts.values()
    engine.cancel(alert, who=None)
    assert ("sms" in engine.dispatcher.channels) is (remove is not remove_channel)
    assert FORMER not in house.entry.options
    assert not engine.people.is_told("fire-post")
    # Who is nobody's any more is forgotten when it is over.
    await house.restart()
    counts = await house.entry.runtime_data.async_run(queries.counts)
    assert counts["persons"] == (1 if remove is remove_leases else len(NUMBERS))


async def test_erased_while_the_house_was_down(house: House, sms: Provider) -> None:
    """Whom an earlier run has told and somebody has erased is not told any more."""
    step = {"after": 0, "channels": ["sms"], "repeat": 2, "every": 30}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    await remove_leases(house)
    await house.restart()
    application = application_of(house.hass, house.entry.entry_id)
    await application.async_fill(ErasePerson("landlord", even_in_alert=True), None)
    sms.heard.clear()
    await house.tick(31)
    await house.settled()
    assert sms.heard == []


async def test_a_channel_that_was_taken_away_is_no_secret(
    house: House, sms: Provider
) -> None:
    """What the options keep of it for an open alert is shown as little as before."""
    await house.alert(hazard="smoke")
    await house.settled()
    own = house.entry.options["channels"]["sms"]
    await remove_channel(house)
    await house.hass.async_block_till_done()
    assert house.entry.options[FORMER] == {"sms": own}
    diagnostics = await async_get_config_entry_diagnostics(house.hass, house.entry)
    assert diagnostics["options"][FORMER]["sms"]["provider"] == "twilio"
    assert own["auth_token"] not in repr(diagnostics)
    # It comes back, and what is kept of it goes.
    house.options(channels={"sms": own})
    await house.hass.async_block_till_done()
    assert FORMER not in house.entry.options


async def test_erased_in_mid_fire(house: House, sms: Provider) -> None:
    """Who is erased is not told any more, at once: not even what waits for another try."""
    step = {"after": 0, "channels": ["sms"], "repeat": 2, "every": 30}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    sms.status = 500
    await house.alert(hazard="smoke", audience=["landlord", "responders"])
    await house.settled()
    sms.heard.clear()
    user = await house.hass.auth.async_create_user("Admin", group_ids=["system-admin"])

    async def erase(**data: Any) -> None:
        await house.hass.services.async_call(
            DOMAIN,
            "erase_person",
            {"person_id": "landlord", **data},
            blocking=True,
            context=Context(user_id=user.id),
            return_response=True,
        )

    # Not by mistake: the reason is said, and nothing has changed.
    with pytest.raises(ServiceValidationError) as refused:
        await erase()
    assert refused.value.translation_key == "person_in_alert"
    await house.tick(31)
    await house.settled()
    assert NUMBERS["landlord"] in numbers(sms)
    sms.heard.clear()
    await erase(even_in_alert=True)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    sms.status = 200
    for _ in range(3):
        await house.tick(31)
        await house.settled()
    assert set(numbers(sms)) == {NUMBERS["fire-post"]}


@pytest.mark.parametrize(
    "email", [{}, {"email": {"provider": "script", "script": "script.email"}}]
)
async def test_responder_whom_nothing_reaches_on_duty(
    house: House, sms: Provider, email: dict[str, Any]
) -> None:
    """The fire post is off, a volunteer whom no step reaches is on: somebody is called."""
    (row,) = house.entry.get_subentries_of_type("responder")
    house.hass.config_entries.async_update_subentry(
        house.entry, row, data={"duty": "fire_post", "schedule": "schedule.placeholder"}
    )
    house.hass.states.async_set("schedule.placeholder", "off")
    flows = house.hass.config_entries.subentries
    result = await flows.async_init(
        (house.entry.entry_id, "responder"), context={"source": "user"}
    )
    await flows.async_configure(
        result["flow_id"],
        {
            "duty": "volunteer",
            "name": "Placeholder volunteer",
            "email": "volunteer@example.com",
        },
    )
    await house.hass.async_block_till_done()
    channels = {**house.entry.options["channels"], **email}
    house.options(channels=channels, policies={"alarm": ONE_STEP})
    await house.alert(hazard="smoke", audience=["responders"])
    await house.settled()
    assert numbers(sms) == [NUMBERS["fire-post"]]


async def test_old_alerts_go_at_a_start(house: House, sms: Provider) -> None:
    """A house that restarts every night drops them all the same."""
    alert_id = await house.alert(hazard="smoke")
    await house.settled()
    house.engine.cancel(house.engine.alerts[alert_id], who=None)
    await house.engine.ledger.async_flush()
    house.freezer.tick(401 * 86_400)
    await house.restart()
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert await house.get(history=True) == []


async def test_on_the_day_of_leaving(house: House, sms: Provider) -> None:
    """Who is to leave is told from its midnight to the next; who has left is not, at once."""
    house.options(policies={"alarm": ONE_STEP})
    user = await house.hass.auth.async_create_user("Admin", group_ids=["system-admin"])
    device = house.entry.runtime_data.devices.of(house.units["201"])
    assert device

    async def leave(person: str, day: date) -> None:
        await house.hass.services.async_call(
            DOMAIN,
            "check_out",
            {"device_id": device.id, "person_id": person, "date": day.isoformat()},
            blocking=True,
            return_response=True,
            context=Context(user_id=user.id),
        )

    async def told(at: datetime) -> list[str]:
        house.freezer.move_to(at)
        async_fire_time_changed(house.hass, at)
        await house.hass.async_block_till_done(wait_background_tasks=True)
        sms.heard.clear()
        alert_id = await house.alert(hazard="smoke", audience=["tenants"])
        await house.settled()
        house.engine.cancel(house.engine.alerts[alert_id], who=None)
        return numbers(sms)

    midnight = dt_util.start_of_local_day() + timedelta(days=1)
    a, b = NUMBERS["tenant-a"], NUMBERS["tenant-b"]
    await leave("tenant-a", midnight.date())
    assert await told(midnight + timedelta(seconds=1)) == [a, b]
    assert await told(midnight + timedelta(hours=23, minutes=59)) == [a, b]
    await leave("tenant-b", midnight.date())
    assert await told(midnight + timedelta(hours=23, minutes=59, seconds=30)) == [a]
    assert await told(midnight + timedelta(days=1, seconds=1)) == []
