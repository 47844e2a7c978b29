"""Both integrations and the blueprints: from a real sensor's message to a real phone, and back."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import time
from itertools import count
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.core import core_of
from custom_components.rental_units.alerts.links import REPORT
from custom_components.rental_units.alerts.models import Alert, Delivery
from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, patience
from tests.community_safety.blueprints.common import (
    RESULT,
    breaker,
    report,
    supply,
    turns,
    until,
)

from .conftest import NUMBERS, TWILIO, House
from .providers import Provider
from .test_campaigns import OFFICE, add_office

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

FOLDER = Path(__file__).parents[3] / "blueprints/automation/community_safety"


class Street:
    """A flat with a smoke sensor, its landlord's phone, and the blueprints."""

    def __init__(self, house: House, peer: Peer, push: Provider, sms: Provider) -> None:
        """Initialize."""
        self.house = house
        self.hass = house.hass
        self.peer = peer
        self.push = push
        self.sms = sms
        self.webhook = ""

    async def automate(
        self, smoke: Mapping[str, Any] = MappingProxyType({}), **inputs: Any
    ) -> None:
        """Make an automation of each blueprint, as the editor does."""
        folder = Path(self.hass.config.path("blueprints/automation"))
        folder.mkdir(parents=True)
        (folder / "community_safety").symlink_to(FOLDER)
        rows = {
            "smoke_response": {"alert_people": True, **smoke},
            "alert_acknowledgement": inputs,
        }
        config = [
            {
                "id": name,
                "alias": name,
                "use_blueprint": {
                    "path": f"community_safety/{name}.yaml",
                    "input": row,
                },
            }
            for name, row in rows.items()
        ]
        assert await async_setup_component(
            self.hass, "automation", {"automation": config}
        )
        await self.hass.async_block_till_done()
        assert len(self.hass.states.async_all("automation")) == len(rows)

    async def register(self, client: ClientSessionGenerator) -> None:
        """Register the landlord's app, and make it an address of the landlord."""
        assert await async_setup_component(self.hass, "mobile_app", {})
        answer = await (await client()).post(
            "/api/mobile_app/registrations",
            json={
                "device_id": "placeholder",
                "device_name": "Placeholder phone",
                "app_id": "app",
                "app_name": "App",
                "app_version": "1",
                "manufacturer": "Placeholder",
                "model": "Phone",
                "os_name": "Android",
                "os_version": "17",
                "supports_encryption": False,
                "app_data": {"push_token": "t", "push_url": f"{self.push.url}/push"},
            },
        )
        self.webhook = (await answer.json())["webhook_id"]
        await self.hass.async_block_till_done()
        (entry,) = self.hass.config_entries.async_entries("mobile_app")
        (device,) = dr.async_entries_for_config_entry(
            dr.async_get(self.hass), entry.entry_id
        )
        await self.house.put_address("landlord", "push", device.id)

    async def burn(self) -> tuple[Alarm, Alert]:
        """Let it burn; return the alarm and the alert."""
        self.peer.publish(
            f"{BASE}/smoke-1/state",
            self.peer.state_message({"smoke": True}),
            retain=True,
        )
        await self.house.until(lambda: bool(self.house.engine.alerts))
        await self.house.settled()
        (alarm,) = self.hass.data[DATA_HOUSE].book.open.values()
        (alert,) = self.house.engine.alerts.values()
        return alarm, alert

    async def test(self) -> tuple[Alarm, Alert]:
        """Let the sensor test itself; return the drill and the alert."""
        await self.peer.state("smoke-1", test=True)
        return await self.burn()

    async def reset(self, alarm: Alarm, user: User, *, false_alarm: bool) -> None:
        """Let the smoke go, and let a person reset the alarm."""
        await self.peer.state("smoke-1", smoke=False)
        await self.house.until(lambda: not alarm.present)
        await self.hass.services.async_call(
            "community_safety",
            "reset",
            {
                "alarm_id": alarm.id,
                "outcome": "false_alarm" if false_alarm else "real",
            },
            blocking=True,
            context=Context(user_id=user.id),
        )

    def said(self) -> list[str]:
        """Return what came by SMS."""
        return [item["form"]["Body"].splitlines()[0] for item in self.sms.heard]


@pytest.fixture
async def street(
    # Before the clock stands still: a gateway waits for the broker.
    gateway: MockConfigEntry,
    house: House,
    peer: Peer,
    add_provider: Callable[..., Awaitable[Provider]],
    hass_client: ClientSessionGenerator,
) -> AsyncGenerator[Street]:
    """Return all of it, without automations."""
    push, sms = await add_provider({}), await add_provider()
    house.options(channels={"sms": {**TWILIO, "url": sms.url}})
    street = Street(house, peer, push, sms)
    await street.register(hass_client)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-1", smoke=False)
    yield street
    # Ends what waits.
    if house.hass.services.has_service("automation", "turn_off"):
        await house.hass.services.async_call(
            "automation", "turn_off", {"entity_id": "all"}, blocking=True
        )


async def test_from_a_sensor_to_a_phone_and_back(
    street: Street, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """The alarm alerts the people of its area; a button on the phone acknowledges both."""
    await street.automate()
    alarm, alert = await street.burn()
    assert (alert.alarm_id, alert.area_ids) == (alarm.id, [street.house.area_id])
    assert alert.incident_id == alarm.incident_id
    assert alert.unit_ids == [street.house.units["201"]]
    (pushed,) = street.push.heard
    assert pushed["json"]["push_token"] == "t"
    assert pushed["json"]["title"] == "Smoke: 1-1-201"
    actions = pushed["json"]["data"]["actions"]
    assert [row["title"] for row in actions][0] == "I'm on my way"
    # Two tenants, the landlord, the neighbour and the fire post.
    assert street.said() == ["Smoke: 1-1-201"] * 5

    client = await hass_client_no_auth()
    pressed = await client.post(
        f"/api/webhook/{street.webhook}",
        json={
            "type": "fire_event",
            "data": {
                "event_type": "mobile_app_notification_action",
                "event_data": {"action": actions[0]["action"]},
            },
        },
    )
    assert pressed.ok
    await street.house.until(lambda: alarm.acknowledged_at is not None)
    assert alert.state == "acknowledged"
    assert street.house.active("201") == "on"


@pytest.mark.parametrize("each_unit", [False, True])
@pytest.mark.parametrize(
    ("answer", "result", "power"),
    [
        (Answer.FALSE_ALARM, "Power stays on: 1-1-201", "on"),
        (Answer.ON_MY_WAY, "Power is off: 1-1-201", "off"),
    ],
)
async def test_an_answer_decides_about_the_power(
    street: Street, answer: Answer, result: str, power: str, *, each_unit: bool
) -> None:
    """Where a person confirms a cut-off, who says that there is nothing confirms none.

    That is who decides, whether or not an answer of each unit is wanted too.
    """
    hass, engine = street.hass, street.house.engine
    steps = [{"after": 0, "channels": ["sms"]}]
    street.house.options(policies={"alarm": {"steps": steps, "each_unit": each_unit}})
    results = async_capture_events(hass, "result")
    await breaker(street.peer, "breaker-1", "1-1-201")
    await street.automate({"cut_when": "confirmed", "result_actions": RESULT})
    report(street.peer, "smoke-1", smoke=True)

    def sent(person: str) -> list[Delivery]:
        return [
            row
            for row in engine.dispatcher.deliveries.values()
            if row.address_id == f"{person}-sms" and row.state == "sent"
        ]

    await until(lambda: bool(sent("landlord") and sent("neighbour")))
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    (alert,) = engine.alerts.values()
    engine.answer(alert, Answer.FALSE_ALARM, sent("neighbour")[0], via="link")
    await turns()
    assert results == []
    engine.answer(alert, answer, sent("landlord")[0], via="link")
    await until(lambda: len(results) == 1)
    assert results[0].data["said"] == result
    assert supply(hass, "breaker-1") == power
    # By the alarm, or because the owner has accounted for the flat too.
    assert alert.state == "acknowledged"
    assert (alarm.acknowledged_at is None) is (power == "on")


async def test_an_acknowledged_alarm_ends_the_escalation(
    street: Street, hass_admin_user: User
) -> None:
    """The other way round: who acknowledges the alarm has acknowledged the alert."""
    await street.automate()
    alarm, alert = await street.burn()
    await street.hass.services.async_call(
        "community_safety",
        "acknowledge",
        {"alarm_id": alarm.id},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await street.house.until(lambda: alert.state == "acknowledged")
    street.sms.heard.clear()
    await street.house.tick(90)
    assert street.said() == []


@pytest.mark.parametrize(
    ("false_alarm", "headline"),
    [(True, "False alarm: 1-1-201"), (False, "All clear: 1-1-201")],
)
async def test_a_reset_alarm_is_over_for_everybody(
    street: Street,
    hass_admin_user: User,
    *,
    false_alarm: bool,
    headline: str,
) -> None:
    """The alert ends, and who was alerted hears why: also in their quiet hours."""
    always = (time(0), time(23, 59, 59))
    number = NUMBERS["tenant-a"]
    await street.house.put_address("tenant-a", "sms", number, always)
    await street.automate()
    alarm, alert = await street.burn()
    street.sms.heard.clear()
    street.push.heard.clear()
    await street.reset(alarm, hass_admin_user, false_alarm=false_alarm)
    await street.house.until(lambda: alert.state == "cancelled")
    await street.house.until(lambda: len(street.sms.heard) == 4)
    await street.house.settled()
    # The landlord has the app: one channel is enough for news.
    assert street.said() == [headline] * 4
    assert number in [item["form"]["To"] for item in street.sms.heard]
    assert [row["json"]["title"] for row in street.push.heard] == [headline]
    assert street.house.active("201") == "off"


async def test_a_removed_device_is_no_all_clear(
    street: Street, gateway: MockConfigEntry
) -> None:
    """What was removed says nothing about the danger: the alert ends in silence."""
    await street.automate()
    alarm, alert = await street.burn()
    street.sms.heard.clear()
    street.hass.data[DATA_HOUSE].book.drop_device(alarm.device)
    await street.house.until(lambda: alert.state == "cancelled")
    await street.house.settled()
    assert street.said() == []
    assert street.house.engine.alerts == {}


async def test_a_reset_alarm_in_silence(street: Street, hass_admin_user: User) -> None:
    """Without the input, the alert ends and nobody is told; without both, it goes on."""
    await street.automate(tell_over=False)
    alarm, alert = await street.burn()
    street.sms.heard.clear()
    await street.reset(alarm, hass_admin_user, false_alarm=True)
    await street.house.until(lambda: alert.state == "cancelled")
    await street.house.settled()
    assert street.said() == []


async def test_answers_are_on_the_timeline_of_the_alarm(
    street: Street,
    hass_admin_user: User,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Who decides, who calls for help and who has closed the call; no name, and no other."""
    hass, engine = street.hass, street.house.engine
    await street.automate()
    alarm, alert = await street.burn()

    def say(person: str, answer: Answer) -> None:
        rows = engine.dispatcher.of(alert)
        row = next(row for row in rows if row.address_id == f"{person}-sms")
        engine.answer(alert, answer, row, via="link")

    for person, answer in (
        ("landlord", Answer.FALSE_ALARM),
        ("tenant-a", Answer.SAFE),
        ("tenant-b", Answer.ON_MY_WAY),
        ("tenant-a", Answer.NEED_HELP),
        ("tenant-a", Answer.NEED_HELP),
        ("fire-post", Answer.ON_MY_WAY),
        ("landlord", Answer.ON_MY_WAY),
    ):
        say(person, answer)
    await street.house.until(lambda: alarm.acknowledged_at is not None)
    await hass.services.async_call(
        "rental_units",
        "close_help",
        {"alert_id": alert.id, "note": "Placeholder is out"},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    words = {*Answer, "help_closed"}
    assert [
        (row["what"], row["who"]) for row in alarm.timeline if row["what"] in words
    ] == [
        ("false_alarm", "rental_units:landlord"),
        ("need_help", "rental_units:tenant-a"),
        ("on_my_way", "rental_units:fire-post"),
        ("on_my_way", "rental_units:landlord"),
        ("help_closed", hass_admin_user.id),
    ]
    assert "Placeholder" not in str(alarm.timeline)
    # The panel is told at once, and names come to who may see them alone.
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {"type": "community_safety/incident", "incident_id": alarm.incident_id}
    )
    names: dict[str, str] = {}
    async with patience():
        while "rental_units:tenant-a" not in names:
            message = await client.receive_json()
            names |= message.get("event", {}).get("names", {})
    assert names["rental_units:tenant-a"] == "Placeholder tenant-a"


async def test_answers_wait_for_the_alarms(street: Street) -> None:
    """What is answered before Community Safety has started is not lost."""
    await street.automate()
    alarm, alert = await street.burn()
    core = core_of(street.hass)
    alarms, core._alarms = core._alarms, None
    (row, *_) = (row for row in street.house.engine.dispatcher.of(alert) if row.decides)
    street.house.engine.answer(alert, Answer.FALSE_ALARM, row, via="link")
    assert alarm.timeline[-1]["what"] != "false_alarm"
    assert alarms
    core.take(alarms)
    assert alarm.timeline[-1]["what"] == "false_alarm"
    assert alarm.timeline[-1]["at"] == row.answered_at


@pytest.mark.parametrize("is_landlord", [True, False])
async def test_a_self_test_tells_who_has_ordered_it(
    street: Street,
    hass_admin_user: User,
    hass_client_no_auth: ClientSessionGenerator,
    *,
    is_landlord: bool,
) -> None:
    """The button of a detector rings at who has pressed it and in the office, and at nobody else.

    Who tests is somebody of the place, or nobody that the register knows; the blueprint
    hands on no user.
    """
    house, peer = street.house, street.peer
    await add_office(house)
    if not is_landlord:
        await house.forget_address("landlord-push")
    button = await testable(street)
    await street.automate()
    await street.hass.services.async_call(
        "button",
        "press",
        {"entity_id": button},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    alarm, alert = await street.test()
    assert (alarm.drill, alert.alarm_id) == (True, alarm.id)
    tester = {NUMBERS["landlord"]} if is_landlord else set()
    assert {item["form"]["To"] for item in street.sms.heard} == {OFFICE} | tester
    assert set(street.said()) == {"[DRILL] Smoke: 1-1-201"}
    (pushed,) = street.push.heard
    assert pushed["json"]["title"] == "[DRILL] Smoke: 1-1-201"
    # One press is one message each, however long nobody answers.
    told = len(street.sms.heard)
    for _ in range(4):
        await house.tick(31)
        await house.settled()
    assert (len(street.sms.heard), len(street.push.heard)) == (told, 1)
    # Who tests may try the answers too, also after a restart.
    await house.restart()
    (alert,) = house.engine.alerts.values()
    client = await hass_client_no_auth()
    await client.post(
        f"/api/webhook/{street.webhook}",
        json={
            "type": "fire_event",
            "data": {
                "event_type": "mobile_app_notification_action",
                "event_data": {
                    "action": pushed["json"]["data"]["actions"][0]["action"]
                },
            },
        },
    )
    await street.hass.async_block_till_done()
    assert [row.answer for row in house.engine.dispatcher.of(alert) if row.answer] == [
        Answer.ON_MY_WAY
    ]
    await peer.state("smoke-1", smoke=False, test=False)
    await house.until(lambda: not house.engine.alerts)


async def test_a_test_that_nobody_has_ordered(
    street: Street, hass_admin_user: User
) -> None:
    """Begun at the detector itself, or by an automation: the office alone hears of it."""
    await add_office(street.house)
    button = await testable(street)
    await street.automate()
    for context in (None, Context()):
        if context:
            await street.hass.services.async_call(
                *("button", "press"),
                {"entity_id": button},
                blocking=True,
                context=context,
            )
        await street.test()
        assert {item["form"]["To"] for item in street.sms.heard} == {OFFICE}
        assert street.push.heard == []
        await street.peer.state("smoke-1", smoke=False, test=False)
        await street.house.until(lambda: not street.house.engine.alerts)
        await street.house.settled()


async def test_two_test_in_one_flat(street: Street, hass_admin_user: User) -> None:
    """The second one who tests a detector there hears of theirs too."""
    house = street.house
    await house.forget_address("landlord-push")
    first = await house.alert(hazard="smoke", drill=True)
    await house.settled()
    assert street.push.heard == []
    answer = await street.hass.services.async_call(
        "rental_units",
        "alert",
        {"area_id": house.area_id, "hazard": "smoke", "drill": True},
        blocking=True,
        return_response=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await house.settled()
    assert answer
    assert answer["alert_id"] != first
    assert len(street.push.heard) == 1


async def testable(street: Street) -> str:
    """Let the detector be tested; return its button."""
    peer = street.peer
    await peer.config(
        "smoke-1",
        "smoke_sensor",
        ["smoke", "test"],
        area="1-1-201",
        commands=["self_test"],
    )
    await peer.state("smoke-1", smoke=False, test=False)
    peer.answer(
        f"{BASE}/smoke-1",
        lambda message: peer.publish(
            f"{BASE}/smoke-1/result", {"version": 1, "id": message["id"], "ok": True}
        ),
    )
    button = er.async_get(street.hass).async_get_entity_id(
        "button", "community_safety", f"mqtt/{BASE}/smoke-1/self_test"
    )
    assert button
    return button


async def test_address_for_the_reports_of_a_provider(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form of a provider shows it, and it holds on a clock that goes on."""
    flows = house.hass.config_entries.options
    result = await flows.async_init(house.entry.entry_id)
    for data in (
        {"next_step_id": "channel"},
        {"channel": "sms"},
        {"provider": "alibaba"},
    ):
        result = await flows.async_configure(result["flow_id"], data)
    url = result["description_placeholders"]["report_url"]
    assert url.startswith("https://house.example/api/rental_units/callback/")
    ticks = count(1_000_000_000)
    monkeypatch.setattr(
        "custom_components.rental_units.public.links.time",
        SimpleNamespace(time=lambda: next(ticks)),
    )
    assert house.engine.links.read(REPORT, url.rpartition("/")[2])
