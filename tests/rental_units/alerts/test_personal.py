"""What is asked of one person, and told about them to those whom they have named."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import time
import time as clock
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
from sqlalchemy import func, select

from custom_components.rental_units.alerts import texts
from custom_components.rental_units.alerts.channels.twilio import sign
from custom_components.rental_units.alerts.const import About, Answer, Wording
from custom_components.rental_units.alerts.models import TABLES, Alert
from custom_components.rental_units.alerts.personal import (
    CHANGE_SECONDS,
    HOLD_SECONDS,
    LOOK_IN_SECONDS,
    REMIND_SECONDS,
    LookIn,
    Personal,
    Question,
    Said,
    Stage,
)
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.tenancy import ErasePerson
from custom_components.rental_units.register.models import ContactAddress, Person
from custom_components.rental_units.spoken import in_all_languages
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import Context
from homeassistant.helpers import device_registry as dr
from tests.rental_units.panel import panel_of

from .conftest import NUMBERS, TWILIO, House
from .providers import ALIBABA_OK, Provider
from .test_channels import ALIBABA
from .test_phones import pushed, register  # noqa: F401

type Add = Callable[..., Awaitable[Provider]]

NUMBER = "+12025550106"
NAME = "Placeholder relative"
MINUTE = 60


@pytest.fixture
async def relative(house: House) -> str:
    """Return the id of somebody who is in the register, and in no unit and no duty."""
    return await add_relative(house)


async def add_relative(house: House) -> str:
    """Add somebody; a change of the options would remove them again."""

    def add(session: Any) -> None:
        person = Person(id="relative", name=NAME, language="zh-Hans")
        person.addresses = [
            ContactAddress(id=f"relative-{channel}", channel=channel, target=NUMBER)
            for channel in ("sms", "call")
        ]
        session.add(person)

    await house.entry.runtime_data.async_run(add)
    return "relative"


@pytest.fixture
def said(house: House) -> list[Said]:
    """Return what a listener hears."""
    heard: list[Said] = []
    house.engine.personal.listen(heard.append)
    return heard


@contextmanager
def away(house: House) -> Generator[None]:
    """Let the register not be readable."""

    async def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise RegisterError("register_locked")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.entry.runtime_data, "async_read", fail)
        yield


def personal(house: House) -> Personal:
    """Return what is about a person, of the engine of now."""
    return house.engine.personal


def question(house: House, **said: Any) -> Question:
    """Return a question to a tenant, to be answered within half an hour."""
    asked = {
        "key": "watch:1",
        "person_id": "tenant-a",
        "unit_id": house.units["201"],
        "answer_by": clock.time() + 30 * MINUTE,
    }
    return Question(**asked | said)


def look_in(house: House, **said: Any) -> LookIn:
    """Return three stages, fifteen minutes apart."""
    stages = (
        Stage(people=("relative",), after=0, wording=Wording.RELATIVES),
        Stage(people=("neighbour",), after=15 * MINUTE, wording=Wording.NEIGHBOURS),
        Stage(people=("fire-post",), after=30 * MINUTE, wording=Wording.DOOR),
    )
    asked = {
        "key": "watch:2",
        "person_id": "tenant-a",
        "unit_id": house.units["201"],
        "stages": stages,
    }
    return LookIn(**asked | said)


def told(provider: Provider) -> list[tuple[str, str]]:
    """Return who was written to, and what stands first."""
    found = []
    for row in provider.heard:
        lines = row["form"]["Body"].splitlines()
        found.append((row["form"]["To"], lines[0]))
    provider.heard.clear()
    return found


def tokens(house: House, person: str) -> list[str]:
    """Return the links of a person, the last first."""
    rows = [
        (row.created_at, token)
        for token, row in house.engine.dispatcher.by_token.items()
        if row.person_id == person
    ]
    return [token for _, token in sorted(rows, reverse=True)]


async def arrive(house: House, client: Any, provider: Provider) -> None:
    """Let the provider report that the last message has arrived."""
    url = provider.heard[-1]["form"]["StatusCallback"]
    form = {"MessageStatus": "delivered"}
    await post(client, url, form)
    await house.settled()


async def post(client: Any, url: str, form: dict[str, str]) -> Any:
    """Report as the provider does."""
    signed = {"X-Twilio-Signature": sign(TWILIO["auth_token"], url, form)}
    path = url.removeprefix("https://house.example")
    return await client.post(path, data=form, headers=signed)


async def walk(house: House, seconds: float) -> None:
    """Let time pass minute by minute, and all steps that are due then be walked."""
    end = clock.time() + seconds
    while True:
        for _ in range(8):
            await house.tick(0)
            await house.settled()
        if clock.time() >= end:
            return
        await house.tick(MINUTE)
        await house.settled()


async def by_link(house: House, client: Any, person: str, answer: str) -> None:
    """Answer by the last link of a person."""
    token = tokens(house, person)[0]
    taken = await client.post(f"/api/r/{token}", data={"answer": answer})
    assert taken.ok
    await house.settled()
    await house.hass.async_block_till_done(wait_background_tasks=True)


async def test_question(
    house: House,
    sms: Provider,
    call: Provider,
    said: list[Said],
    hass_client_no_auth: Any,
) -> None:
    """It is written first, then called; an answer comes once, and ends it."""
    client = await hass_client_no_auth()
    await personal(house).async_ask(question(house))
    await personal(house).async_ask(question(house))
    await house.settled()
    text = sms.heard[0]["form"]["Body"]
    assert "Are you fine? Please answer. Without an answer by " in text
    assert "Placeholder" not in text
    await arrive(house, client, sms)
    assert told(sms) == [(NUMBERS["tenant-a"], "Are you fine?")]
    await house.tick(9 * MINUTE)
    await house.settled()
    assert sms.heard == call.heard == []
    await house.tick(MINUTE)
    await house.settled()
    assert told(sms) == [(NUMBERS["tenant-a"], "Are you fine?")]
    twiml = dict(parse_qsl(call.heard[0]["raw"].decode()))["Twiml"]
    assert "Press 1: I&apos;m fine." in twiml or "Press 1: I'm fine." in twiml

    standing = personal(house).find("watch:1")
    assert standing
    assert (standing.about, standing.stage) == (About.WELFARE, 2)
    assert standing.next_at == pytest.approx(clock.time() + 10 * MINUTE)
    (reached,) = standing.people
    assert (reached.wording, reached.said["state"]) == ("asked", "no_answer")

    page = await (await client.get(f"/api/r/{tokens(house, 'tenant-a')[0]}")).text()
    for answer in ("fine", "out", "help"):
        assert f'value="{answer}"' in page
    assert "safe" not in page
    assert "Welfare check" in page
    # What is answered to an alarm of a place is no answer here.
    path = f"/api/r/{tokens(house, 'tenant-a')[0]}"
    assert (await client.post(path, data={"answer": "safe"})).status == 400
    assert said == []
    await by_link(house, client, "tenant-a", "fine")
    await by_link(house, client, "tenant-a", "fine")
    (heard,) = said
    assert (heard.key, heard.number, heard.person_id) == ("watch:1", 1, "tenant-a")
    assert (heard.answer, heard.via, heard.drill) == (Answer.FINE, "link", False)
    standing = personal(house).find("watch:1")
    assert standing
    assert (standing.is_settled, standing.next_at) == (True, None)
    call.heard.clear()
    await house.tick(10 * MINUTE)
    await house.settled()
    assert sms.heard == call.heard == []
    # They may say otherwise, for a while.
    await by_link(house, client, "tenant-a", "help")
    assert [row.answer for row in said] == [Answer.FINE, Answer.HELP]
    await house.tick(CHANGE_SECONDS)
    assert personal(house).find("watch:1")
    await by_link(house, client, "tenant-a", "out")
    assert said[-1].number == 3
    await house.tick(CHANGE_SECONDS)
    assert personal(house).find("watch:1") is None


async def test_nobody_else_learns_of_it(
    house: House, sms: Provider, relative: str, hass_ws_client: Any
) -> None:
    """No event, no entity, no list of alerts, and no action has it."""
    await personal(house).async_ask(question(house))
    await personal(house).async_tell(look_in(house))
    await house.settled()
    assert house.events == []
    assert house.active("201") == "off"
    assert await house.get(history=True) == []
    ids = list(personal(house).alerts)
    assert await house.get(alert_id=ids) == []
    panel = await panel_of(house.hass, house.entry, hass_ws_client)
    shown = await panel.follow("subscribe_response")
    assert not any(key in str(shown) for key in ids)
    panel = await panel_of(house.hass, house.entry, hass_ws_client)
    for key in ("watch:1", "watch:2"):
        await personal(house).async_end(key)
    await house.settled()
    assert await panel.get("response", alert_ids=ids) == {"items": {}}
    assert await house.get(alert_id=ids, history=True) == []
    assert house.events == []


async def test_by_a_key(
    house: House, call: Provider, said: list[Said], hass_client_no_auth: Any
) -> None:
    """Who has only a telephone is called at once, and presses a key."""
    client = await hass_client_no_auth()
    await personal(house).async_ask(question(house))
    await house.settled()
    url = call.heard[0]["form"]["StatusCallback"]
    answer = await post(client, url, {"CallStatus": "in-progress", "Digits": "4"})
    assert answer.ok
    answer = await post(client, url, {"CallStatus": "in-progress", "Digits": "3"})
    assert "passed on" in await answer.text()
    await house.settled()
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert [(row.answer, row.via) for row in said] == [(Answer.HELP, "call")]
    # Who is asked by a stranger, or by a forger, has said nothing.
    forged = await client.post(
        url.removeprefix("https://house.example"), data={"Digits": "1"}
    )
    assert not forged.ok
    # Nobody calls again; it stays open, until who has asked ends it.
    call.heard.clear()
    await house.tick(HOLD_SECONDS)
    await house.settled()
    assert call.heard == []
    assert personal(house).find("watch:1")


async def test_by_a_reply(
    house: House,
    sms: Provider,
    said: list[Said],
    hass_client_no_auth: Any,
) -> None:
    """A word or a number is an answer, where it was asked; nothing is guessed of the rest."""
    client = await hass_client_no_auth()
    own = house.entry.options["channels"]["sms"]
    house.options(channels={"sms": {**own, "replies": True}})
    await house.hass.async_block_till_done()
    await personal(house).async_ask(question(house))
    await house.settled()
    assert (
        sms.heard[0]["form"]["Body"]
        .splitlines()[1]
        .endswith("Or reply 1: I'm fine, 2: I'm out, 3: help.")
    )
    url = house.engine.links.report_url()

    async def write(body: str, number: str = NUMBERS["tenant-a"]) -> str:
        answer = await post(client, url, {"From": number, "Body": body})
        assert answer.status == 200
        return await answer.text()

    assert await write("Fine.", NUMBERS["neighbour"]) == "<Response></Response>"
    assert "Please reply 1: I" in await write("I fell, my leg")
    assert said == []
    assert "passed on" in await write(" 我在外面。")
    assert "passed on" in await write("3")
    assert "passed on" in await write("3")
    await house.settled()
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert [(row.answer, row.via) for row in said] == [
        (Answer.OUT, "sms"),
        (Answer.HELP, "sms"),
    ]
    path = url.removeprefix("https://house.example")
    form = {"From": NUMBERS["tenant-a"], "Body": "fine"}
    forged = await client.post(path, data=form)
    assert forged.status == 403
    # After a restart it has to be known whose number it is.
    key = await add_relative(house)
    await personal(house).async_ask(question(house, key="watch:9", person_id=key))
    await house.settled()
    await house.restart()
    with away(house):
        assert "try again" in await write("fine", NUMBER)
    assert "谢谢" in await write("fine", NUMBER)


async def test_by_a_reply_in_the_mainland(
    house: House,
    add_provider: Add,
    said: list[Said],
    hass_client_no_auth: Any,
) -> None:
    """Alibaba Cloud reports what was written without the prefix, among other reports."""
    client = await hass_client_no_auth()
    provider = await add_provider(ALIBABA_OK)
    options = {**ALIBABA, "template": "SMS_1", "url": provider.url}
    house.options(channels={"sms": options})
    await house.put_address("tenant-a", "sms", "+8613800000000")
    await personal(house).async_ask(question(house))
    await house.settled()
    path = house.engine.links.report_url().removeprefix("https://house.example")
    report = {
        "phone_number": "13800000000",
        "content": "好",
        "dest_code": "1",
        "sequence_id": 1,
    }
    taken = await client.post(path, json=[report, {**report, "content": 1}])
    assert (await taken.json())["code"] == 0
    await house.settled()
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert [row.answer for row in said] == [Answer.FINE]
    # What cannot be told now is reported again.
    key = await add_relative(house)
    await personal(house).async_ask(question(house, key="watch:9", person_id=key))
    await house.settled()
    await house.restart()
    with away(house):
        taken = await client.post(path, json=[{**report, "phone_number": NUMBER}])
    assert taken.status == 503


def test_replies() -> None:
    """Each word means one thing, in whatever language it is written."""
    words = [
        (word, meant)
        for language in in_all_languages("alerts").values()
        for meant, all_words in language["personal"]["words"].items()
        for word in all_words.split(", ")
    ]
    assert all(texts.replied(f" {word.upper()}! ") == meant for word, meant in words)
    meanings = dict(words)
    assert all(meanings[word] == meant for word, meant in words)
    assert [texts.replied(text) for text in ("１", "2", "３。", "4", "", "好冷")] == [
        *(Answer.FINE, Answer.OUT, Answer.HELP, None, None, None),
    ]


async def test_by_a_button(
    house: House,
    pushed: Provider,  # noqa: F811
    register: Callable[[str, str], Awaitable[dr.DeviceEntry]],  # noqa: F811
    said: list[Said],
    hass_admin_user: Any,
) -> None:
    """The three buttons answer from the phone alone that was asked."""
    phone = await register("one", "Placeholder phone")
    await house.put_address("tenant-a", "push", phone.id)
    await personal(house).async_ask(question(house))
    await house.settled()
    sent = pushed.heard[0]["json"]
    assert [row["title"] for row in sent["data"]["actions"]] == [
        *("I'm fine", "I'm out", "Help is needed"),
    ]
    assert sent["data"]["push"]["interruption-level"] == "time-sensitive"
    (entry,) = house.hass.config_entries.async_entries("mobile_app")
    for user_id in ("somebody-else", entry.data["user_id"]):
        house.hass.bus.async_fire(
            "mobile_app_notification_action",
            {"action": sent["data"]["actions"][1]["action"]},
            context=Context(user_id=user_id),
        )
        await house.hass.async_block_till_done(wait_background_tasks=True)
        await house.settled()
    assert [(row.answer, row.via) for row in said] == [(Answer.OUT, "app")]


async def test_restart(house: House, sms: Provider, hass_client_no_auth: Any) -> None:
    """Steps go on where they were, and answers are told to who listens then."""
    client = await hass_client_no_auth()
    await personal(house).async_ask(question(house))
    await house.settled()
    await arrive(house, client, sms)
    await house.tick(5 * MINUTE)
    await house.restart()
    sms.heard.clear()
    await house.tick(5 * MINUTE)
    await house.settled()
    assert len(told(sms)) == 1
    await by_link(house, client, "tenant-a", "out")
    await by_link(house, client, "tenant-a", "fine")
    await house.restart()
    heard: list[Said] = []
    leave = personal(house).listen(heard.append)
    assert [(row.number, row.answer) for row in heard] == [
        (1, Answer.OUT),
        (2, Answer.FINE),
    ]
    await by_link(house, client, "tenant-a", "help")
    assert [row.number for row in heard] == [1, 2, 3]
    leave()
    await by_link(house, client, "tenant-a", "fine")
    assert len(heard) == 3


async def test_too_late_is_heard_all_the_same(
    house: House, sms: Provider, said: list[Said], hass_client_no_auth: Any
) -> None:
    """After its time nobody is asked any more; the link is good until it is ended."""
    client = await hass_client_no_auth()
    await personal(house).async_ask(question(house))
    for _ in range(4):
        await house.settled()
        await house.tick(10 * MINUTE)
    await house.settled()
    # Whatever was tried again meanwhile: at once, and after each third.
    assert {row.step for row in house.engine.dispatcher.deliveries.values()} == {0, 1}
    sms.heard.clear()
    await house.tick(12 * 60 * MINUTE)
    await house.settled()
    assert sms.heard == []
    await by_link(house, client, "tenant-a", "fine")
    assert len(said) == 1
    await personal(house).async_end("watch:1")
    token = next(iter(house.engine.dispatcher.ended))
    assert (await client.get(f"/api/r/{token}")).status == 410
    await personal(house).async_end("watch:1")


async def test_no_quiet_hours(house: House, sms: Provider) -> None:
    """Somebody who may lie on the floor is asked by night, too."""
    await house.put_address(
        "tenant-a", "sms", NUMBERS["tenant-a"], (time(0, 0), time(23, 59))
    )
    await personal(house).async_ask(question(house))
    await house.settled()
    assert len(told(sms)) == 1


async def test_places(house: House) -> None:
    """The flat says one sentence that names nobody, and gets light; what fails is shown."""
    hass = house.hass
    house.options(channels={"announce": {"tts_entity": "tts.voice"}})
    spoken = async_mock_service(hass, "assist_satellite", "announce")
    played = async_mock_service(hass, "tts", "speak")
    lit = async_mock_service(hass, "light", "turn_on")
    places = (
        *("assist_satellite.bedroom", "media_player.kitchen", "light.hall"),
        *("light.gone", "switch.pump"),
    )
    for entity_id in (*places[:3], places[4]):
        hass.states.async_set(entity_id, "off")
    await personal(house).async_ask(question(house, places=places, drill=True))
    await house.settled()
    sentence = (
        "[DRILL] Is everything all right? Please move about, or answer the message on"
        " your phone."
    )
    assert [row.data for row in spoken] == [
        {"entity_id": ["assist_satellite.bedroom"], "message": sentence}
    ]
    assert played[0].data["media_player_entity_id"] == ["media_player.kitchen"]
    assert played[0].data["message"] == sentence
    assert [row.data["entity_id"] for row in lit] == [["light.hall"]]
    rows = await house.stored()
    assert rows["entity:light.gone"].reason == "unavailable"
    assert rows["entity:switch.pump"].reason == "no_speaker"
    assert "Placeholder" not in str(hass.states.async_all())


async def test_a_player_without_a_voice(house: House) -> None:
    """It is a failed delivery, and nothing else."""
    house.hass.states.async_set("media_player.kitchen", "off")
    places = ("media_player.kitchen",)
    await personal(house).async_ask(question(house, places=places))
    await house.settled()
    row = (await house.stored())["entity:media_player.kitchen"]
    assert (row.state, row.reason) == ("failed", "no_speaker")


async def test_those_who_look_in(
    house: House,
    sms: Provider,
    call: Provider,
    relative: str,
    said: list[Said],
    hass_client_no_auth: Any,
) -> None:
    """Stage by stage: who it is only to relatives; who is on the way holds up the next."""
    client = await hass_client_no_auth()
    await personal(house).async_tell(look_in(house))
    await personal(house).async_tell(look_in(house))
    await house.settled()
    (form,) = (row["form"] for row in sms.heard)
    assert form["To"] == NUMBER
    assert form["Body"].startswith(
        "请看望Placeholder tenant-a（1-1-201）\n请看望Placeholder tenant-a（1-1-201）。请打电话"
    )
    sms.heard.clear()
    assert call.heard == []
    await house.tick(MINUTE)
    await house.settled()
    assert [row["form"]["To"] for row in call.heard] == [NUMBER]
    await by_link(house, client, relative, "on_my_way")
    call.heard.clear()
    await house.tick(HOLD_SECONDS - MINUTE)
    await house.settled()
    assert sms.heard == call.heard == []
    # The stages go on as if the time had stood still.
    await walk(house, 21 * MINUTE)
    ((number, text),) = told(sms)
    assert (number, text) == (NUMBERS["neighbour"], "Please look in on 1-1-201")
    standing = personal(house).find("watch:2")
    assert standing
    assert (standing.about, standing.stage) == (About.LOOK_IN, 2)
    assert [row.said["state"] for row in standing.people] == [
        *("on_my_way", "no_answer", "not_reached"),
    ]
    await by_link(house, client, "neighbour", "all_well")
    assert [row.answer for row in said] == [Answer.ON_MY_WAY, Answer.ALL_WELL]
    call.heard.clear()
    await house.tick(2 * REMIND_SECONDS)
    await house.settled()
    assert sms.heard == call.heard == []
    await personal(house).async_end("watch:2", is_over=True)
    await house.settled()
    over = told(sms)
    assert sorted(over) == [
        (NUMBERS["neighbour"], "No longer needed: 1-1-201"),
        (NUMBER, "无需再看望：Placeholder tenant-a（1-1-201）"),
    ]
    assert personal(house).find("watch:2") is None


async def test_help_is_needed(
    house: House,
    sms: Provider,
    call: Provider,
    relative: str,
    said: list[Said],
    hass_client_no_auth: Any,
) -> None:
    """Who finds that help is needed brings everybody at once, whoever said all is well."""
    client = await hass_client_no_auth()
    await personal(house).async_tell(look_in(house))
    await house.settled()
    await by_link(house, client, relative, "all_well")
    told(sms)
    await by_link(house, client, relative, "help")
    await walk(house, 0)
    assert sorted(told(sms)) == [
        (NUMBERS["fire-post"], "HELP NEEDED: 1-1-201"),
        (NUMBERS["neighbour"], "HELP NEEDED: 1-1-201"),
    ]
    assert {row["form"]["To"] for row in call.heard} == {
        *(NUMBER, NUMBERS["fire-post"], NUMBERS["neighbour"]),
    }
    standing = personal(house).find("watch:2")
    assert standing
    assert (standing.about, standing.stage) == (About.HELP, 3)
    assert not standing.is_settled
    # After a restart it is the same.
    await house.restart()
    await walk(house, REMIND_SECONDS)
    texts = dict(told(sms))
    assert texts[NUMBERS["neighbour"]] == "HELP NEEDED: 1-1-201"
    assert len(texts) == 3
    # By now everybody has heard; once more is at once.
    await by_link(house, client, "neighbour", "help")
    await house.tick(0)
    await house.settled()
    assert len(told(sms)) == 3


async def test_a_call_for_help_is_urgent(
    house: House, sms: Provider, relative: str
) -> None:
    """Everybody hears at once; an open one becomes so."""
    everybody = {NUMBER, NUMBERS["neighbour"], NUMBERS["fire-post"]}
    urgent = look_in(house, is_urgent=True)
    await personal(house).async_tell(urgent)
    await walk(house, 0)
    assert {row[0] for row in told(sms)} == everybody
    await personal(house).async_tell(look_in(house, key="watch:3"))
    await house.settled()
    told(sms)
    await personal(house).async_tell(look_in(house, key="watch:3", is_urgent=True))
    await personal(house).async_tell(look_in(house, key="watch:3", is_urgent=True))
    await walk(house, 0)
    assert {row[0] for row in told(sms)} == everybody - {NUMBER}


async def test_nobody_answers(house: House, sms: Provider, relative: str) -> None:
    """All are reminded, a dozen times; then it ends by itself."""
    await personal(house).async_tell(look_in(house, drill=True))
    rounds = 0
    for _ in range(int(LOOK_IN_SECONDS / MINUTE / 10)):
        await house.settled()
        now = told(sms)
        assert all(text.startswith(("[DRILL]", "【演练】")) for _, text in now)
        rounds += len({number for number, _ in now}) == 3
        await house.tick(10 * MINUTE)
    assert rounds >= 12
    assert personal(house).find("watch:2") is None
    states = await house.entry.runtime_data.async_run(
        lambda session: session.scalars(select(Alert.state)).all()
    )
    assert states == ["ended"]


async def test_one_in_two_stages(house: House, sms: Provider) -> None:
    """Each stage has its words."""
    stages = (
        Stage(people=("neighbour",), after=0, wording=Wording.NEIGHBOURS),
        Stage(people=("neighbour",), after=5 * MINUTE, wording=Wording.DOOR),
    )
    await personal(house).async_tell(look_in(house, stages=stages, unit_id=None))
    await house.settled()
    await walk(house, 5 * MINUTE)
    assert [text for _, text in told(sms)] == ["Please look in on Property 1"] * 2
    bodies = [row.role for row in (await house.stored()).values()]
    assert bodies == ["door"]


async def test_nobody_is_named(house: House) -> None:
    """Who asks nobody hears of it."""
    with pytest.raises(ValueError, match="nobody is named"):
        await personal(house).async_tell(look_in(house, stages=()))


async def rows(house: House) -> int:
    """Return how many rows of alerts there are."""

    def count(session: Any) -> int:
        return sum(
            session.scalar(select(func.count()).select_from(table)) for table in TABLES
        )

    await house.engine.ledger.async_flush()
    return await house.entry.runtime_data.async_run(count)


async def test_forgotten(
    house: House, sms: Provider, relative: str, hass_client_no_auth: Any
) -> None:
    """Nothing is left of what was ever asked and told, whatever is still under way."""
    client = await hass_client_no_auth()
    await personal(house).async_ask(question(house, key="watch:0"))
    await personal(house).async_end("watch:0")
    await personal(house).async_ask(question(house))
    await personal(house).async_tell(look_in(house))
    await house.settled()
    await by_link(house, client, "tenant-a", "fine")
    await personal(house).async_ask(
        question(house, key="watch:9", person_id="neighbour")
    )
    await house.settled()
    others = 4
    assert await rows(house) > others
    await personal(house).async_forget("tenant-a")
    await house.settled()
    assert await rows(house) == others
    assert personal(house).find("watch:1") is None
    assert personal(house).find("watch:9")
    await personal(house).async_ask(question(house))
    await house.settled()
    assert await rows(house) > others


async def test_erased(house: House, sms: Provider, relative: str) -> None:
    """Who is erased is asked no more, and nobody is told of them."""
    await personal(house).async_tell(look_in(house))
    await house.settled()
    told(sms)
    application = application_of(house.hass, house.entry.entry_id)
    await application.async_fill(ErasePerson("tenant-a"), None)
    await house.hass.async_block_till_done()
    await house.tick(15 * MINUTE)
    await house.settled()
    assert sms.heard == []
    assert await rows(house) == 0


async def test_forgotten_while_it_cannot_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wants it to be gone hears that it is not, and does it again."""
    await personal(house).async_ask(question(house))
    await house.settled()
    monkeypatch.setattr(house.engine.ledger, "trouble", "register_locked")
    with pytest.raises(RegisterError):
        await personal(house).async_forget("tenant-a")
    monkeypatch.undo()
    await personal(house).async_forget("tenant-a")
    assert await rows(house) == 0


async def test_while_the_register_cannot_be_read(
    house: House, sms: Provider, relative: str
) -> None:
    """Who is known is told; all others as soon as it can be."""
    stage = Stage(people=("relative", "neighbour"), after=0, wording=Wording.RELATIVES)
    with away(house):
        await personal(house).async_tell(look_in(house, stages=(stage,)))
        await house.settled()
    # Without a name, which is not known either.
    assert told(sms) == [(NUMBERS["neighbour"], "Please look in on 1-1-201")]
    await house.tick(3)
    await house.settled()
    assert [number for number, _ in told(sms)] == [NUMBER]
