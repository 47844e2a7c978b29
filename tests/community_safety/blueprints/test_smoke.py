"""The blueprint for smoke: from a real message to what people read."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_mock_service,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.helpers.entity import entity_sources
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

from .common import (
    OFFICE,
    RESULT,
    Add,
    breaker,
    notify_entity,
    pass_time,
    report,
    said,
    supply,
    titles,
    until,
)


@pytest.mark.parametrize(
    ("language", "first", "result"),
    [
        (
            "en",
            (
                "Smoke alarm: 1-1-201",
                (
                    "Smoke alarm: 1-1-201. 09:45:00, Smoke 1. The power of 1-1-201 is being"
                    " cut."
                ),
            ),
            (
                "Power is off: 1-1-201",
                "Power is off: 1-1-201. Cut and proven: 1 in 0.0 s.",
            ),
        ),
        (
            "zh-Hans",
            (
                "烟雾报警：1-1-201",
                "烟雾报警：1-1-201。09:45:00，Smoke 1。正在切断1-1-201的电源。",
            ),
            (
                "已断电：1-1-201",
                "已断电：1-1-201。已断电并核实：1路，用时0.0秒。",
            ),
        ),
        (
            "zh-Hant",
            (
                "煙霧警報：1-1-201",
                "煙霧警報：1-1-201。09:45:00，Smoke 1。正在切斷1-1-201的電源。",
            ),
            (
                "已斷電：1-1-201",
                "已斷電：1-1-201。已斷電並核實：1路，用時0.0秒。",
            ),
        ),
    ],
)
async def test_smoke(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    language: str,
    first: tuple[str, str],
    result: tuple[str, str],
) -> None:
    """Smoke in a unit: people are told, its power is cut, and the proof is told."""
    await add("smoke_response", notify_target=OFFICE, language=language)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told) == [first, result]
    assert {call.data["entity_id"][0] for call in told} == {"notify.office"}
    assert supply(hass, "breaker-1") == "off"


@pytest.mark.parametrize("nobody", [{}, {"notify_target": {"entity_id": []}}])
async def test_smoke_without_anybody_to_tell(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    nobody: dict[str, Any],
) -> None:
    """Nobody was chosen, or is left: every phone with the app and Home Assistant tell it."""
    shown = async_mock_service(hass, "persistent_notification", "create")
    entity_id = er.async_get(hass).async_get_entity_id("notify", "mobile_app", "1")
    assert entity_id
    entity_sources(hass)[entity_id] = {"domain": "mobile_app"}
    await add("smoke_response", **nobody)
    await peer.state("smoke-1", temperature=60)
    await wait_until(hass, lambda: len(shown) == len(told) == 2)
    assert titles(shown) == ["Heat alarm: 1-1-201", "Power is off: 1-1-201"]
    assert said(told) == said(shown)
    assert {tuple(call.data["entity_id"]) for call in told} == {(entity_id,)}
    assert supply(hass, "breaker-1") == "off"


@pytest.mark.parametrize(
    ("place", "labelled"),
    [
        ("entity_id", ""),
        ("device_id", ""),
        ("area_id", ""),
        ("floor_id", ""),
        ("label_id", "entity"),
        ("label_id", "device"),
        ("label_id", "area"),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
async def test_smoke_who_is_left_of_those_chosen(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    place: str,
    labelled: str,
    *,
    is_there: bool,
) -> None:
    """However somebody was chosen: while they are away, Home Assistant shows it itself."""
    entity_id = notify_entity(hass, phone)
    labels = {
        kind: {"staff"} if kind == labelled else set()
        for kind in ("entity", "device", "area")
    }
    fr.async_get(hass).async_create("Ground")
    lr.async_get(hass).async_create("Staff")
    ar.async_get(hass).async_create("Office", floor_id="ground", labels=labels["area"])
    dr.async_get(hass).async_update_device(
        phone, area_id="office", labels=labels["device"]
    )
    er.async_get(hass).async_update_entity(entity_id, labels=labels["entity"])
    if not is_there:
        hass.states.async_set(entity_id, STATE_UNAVAILABLE)
    chosen = {
        "entity_id": entity_id,
        "device_id": phone,
        "area_id": "office",
        "floor_id": "ground",
        "label_id": "staff",
    }
    shown = async_mock_service(hass, "persistent_notification", "create")
    await add("smoke_response", notify_target={place: [chosen[place]]})
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    await hass.async_block_till_done()
    assert len(shown) == (0 if is_there else 2)


async def test_smoke_nobody_is_left_of_those_chosen(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
) -> None:
    """A phone that was deleted, an entity that is gone, and a register that is not there."""
    shown = async_mock_service(hass, "persistent_notification", "create")
    async_mock_service(hass, "rental_units", "alert")
    hass.states.async_set("notify.other", STATE_UNKNOWN)
    entity_sources(hass)["notify.other"] = {"domain": "mobile_app"}  # type: ignore[typeddict-item]
    dr.async_get(hass).async_remove_device(phone)
    await hass.async_block_till_done()
    await add(
        "smoke_response",
        phones=[phone],
        notify_target={"entity_id": "notify.gone"},
        alert_people=True,
        cut_when="never",
    )
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(shown) == 1 and len(told) == 2)
    assert titles(shown) == ["Smoke alarm: 1-1-201"]
    assert ["notify.other"] in [call.data["entity_id"] for call in told]


@pytest.mark.parametrize(
    ("name", "device", "values", "title"),
    [
        ("breaker_response", "breaker-1", {"residual_current": 20}, "Warning, Leakage current: 1-1-201"),
        ("equipment_fault", "smoke-1", {"tamper": True}, "Fault, tampered with: 1-1-201"),
    ],
)  # fmt: skip
async def test_nobody_is_left_to_tell(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    name: str,
    device: str,
    values: dict[str, Any],
    title: str,
) -> None:
    """The same of other blueprints."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "tamper"], area="1-1-201")
    shown = async_mock_service(hass, "persistent_notification", "create")
    await add(name, notify_target={"area_id": []})
    await peer.state(device, **values)
    await wait_until(hass, lambda: len(shown) == 1)
    assert titles(shown) == [title]


async def test_smoke_cleared(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """It is told when the smoke has gone, and that a person has to reset."""
    await add("smoke_response", notify_target=OFFICE, cut_when="never")
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["Smoke alarm: 1-1-201", "Cleared: Smoke alarm, 1-1-201"]
    assert "not cut automatically" in said(told)[0][1]
    assert supply(hass, "breaker-1") == "on"


async def test_smoke_elsewhere(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A place that is not watched, or is left out, is none of our business."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        watched={"area_id": ["1_1_201", "shed_1"]},
        left_out=["shed_1"],
    )
    for device, area in (("smoke-3", "Stairs 1"), ("smoke-4", "Shed 1")):
        await peer.config(device, "smoke_sensor", ["smoke"], area=area)
        await peer.state(device, smoke=True)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["Smoke alarm: 1-1-201", "Power is off: 1-1-201"]


@pytest.mark.parametrize("cut_when", ["at_once", "second_detector", "confirmed"])
async def test_smoke_where_nothing_can_be_cut(
    hass: HomeAssistant,
    site: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    cut_when: str,
) -> None:
    """A place without supplies, and a sensor without a place, are told, no error.

    Nothing is announced that is not done, and nobody is asked about it. A lamp is no
    supply.
    """
    lamp = er.async_get(hass).async_get_or_create("switch", "test", "lamp")
    area = ar.async_get(hass).async_create("Stairs 1")
    er.async_get(hass).async_update_entity(lamp.entity_id, area_id=area.id)
    await add("smoke_response", notify_target=OFFICE, cut_when=cut_when)
    for device, place in (("smoke-1", {"area": "Stairs 1"}), ("smoke-2", {})):
        await peer.config(device, "smoke_sensor", ["smoke"], **place)
        await peer.state(device, smoke=True)
    await wait_until(hass, lambda: len(told) == 4)
    assert titles(told) == [
        "Smoke alarm: Stairs 1",
        "Nothing to cut: Stairs 1",
        "Smoke alarm: Smoke 2",
        "Nothing to cut: Smoke 2",
    ]
    assert all("No supply that could be cut" in text for _, text in said(told))


async def test_smoke_where_all_is_protected(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Nobody is told that the power is off where nothing was cut."""
    _, pump = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/breaker-1")
    pump.settings.protected.add("supply")
    await add("smoke_response", notify_target=OFFICE)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told)[0][1].endswith("No supply that could be cut is known there.")
    assert said(told)[1] == (
        "Nothing to cut: 1-1-201",
        (
            "Nothing to cut: 1-1-201. No supply that could be cut was found."
            " Left on because protected: 1."
        ),
    )


async def test_smoke_asks_about_a_supply_that_is_disabled(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It can be cut all the same, so a person is asked first."""
    registry = er.async_get(hass)
    _, device = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/breaker-1")
    # With its switch *Protected*: what is a supply is not known by the entities.
    for entry in er.async_entries_for_device(registry, device.device_id):
        if entry.domain == "switch":
            registry.async_update_entity(
                entry.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await hass.async_block_till_done()
    await add("smoke_response", notify_target=OFFICE, cut_when="confirmed")
    report(peer, "smoke-1", smoke=True)
    await until(lambda: len(told) == 1)
    assert "Confirm to cut the power of 1-1-201" in said(told)[0][1]
    await pass_time(hass, freezer, seconds=119)
    assert len(told) == 1
    assert f"{BASE}/breaker-1/set" not in [topic for topic, _ in peer.heard]
    await pass_time(hass, freezer, seconds=2)
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power is off: 1-1-201"


async def test_smoke_drill(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A drill says so in each message, and cuts nothing."""
    await add("smoke_response", notify_target=OFFICE, language="zh-Hans")
    await peer.state("smoke-1", test=True, smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["[演练] 烟雾报警：1-1-201", "[演练] 演练：1-1-201"]
    assert said(told)[0][1].endswith("火灾时将切断1-1-201的电源。")
    assert said(told)[1][1].endswith("演练中将切断：1路。")
    assert supply(hass, "breaker-1") == "on"


async def test_smoke_cuts_the_whole_floor(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """The floor is cut, but for protected loads; the messages tell both."""
    await breaker(peer, "breaker-2", "1-1-202")
    await breaker(peer, "pump-1", "1-1-202")
    floor = fr.async_get(hass).async_create("Building 1").floor_id
    for area in ("1_1_201", "1_1_202"):
        ar.async_get(hass).async_update(area, floor_id=floor)
    _, pump = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/pump-1")
    pump.settings.protected.add("supply")
    await add("smoke_response", notify_target=OFFICE, cut_where="floor")
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert "The power of the floor of 1-1-201 is being cut." in said(told)[0][1]
    assert said(told)[1][1].endswith(
        "Cut and proven: 2 in 0.0 s. Left on because protected: 1."
    )
    assert [supply(hass, name) for name in ("breaker-1", "breaker-2", "pump-1")] == [
        "off",
        "off",
        "on",
    ]


async def test_smoke_cuts_what_was_chosen(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """The chosen places are cut instead of the alarm's own."""
    await breaker(peer, "breaker-2", "Box 1")
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_where="chosen",
        cut_chosen={"area_id": ["box_1"]},
        result_actions=RESULT,
    )
    results = async_capture_events(hass, "result")
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(results) == 1)
    assert results[0].data["said"] == "Power is off: 1-1-201"
    assert (supply(hass, "breaker-1"), supply(hass, "breaker-2")) == ("on", "off")


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"cut_where": "chosen"}, "1-1-201"),
        ({"cut_where": "chosen", "cut_chosen": {"area_id": []}}, "1-1-201"),
        ({"cut_where": "floor"}, "1-1-201"),
    ],
)
async def test_smoke_without_a_choice_cuts_the_area(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    inputs: dict[str, Any],
    where: str,
) -> None:
    """Where no place was chosen, or the area has no floor, the area is announced and cut."""
    await add("smoke_response", notify_target=OFFICE, **inputs)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told)[0][1].endswith(f"The power of {where} is being cut.")
    assert titles(told)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_second_detector(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """One detector cuts nothing, whatever it says; a second one within the time does."""
    await add("smoke_response", notify_target=OFFICE, cut_when="second_detector")
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", temperature=60)
    await wait_until(hass, lambda: len(told) == 2)
    assert "until a second detector alarms" in said(told)[0][1]
    assert supply(hass, "breaker-1") == "on"

    await peer.state("smoke-1", smoke=False, temperature=21)
    await peer.state("smoke-2", test=True, smoke=True)
    await wait_until(hass, lambda: len(told) == 5)
    assert supply(hass, "breaker-1") == "on", "a drill is no second detector"

    freezer.tick(timedelta(minutes=5))
    await peer.state("smoke-2", test=False)
    await wait_until(hass, lambda: len(told) == 7)
    assert titles(told)[-2:] == ["Smoke alarm: 1-1-201", "Power is off: 1-1-201"]
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_second_detector_that_comes_back(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is back within a minute calls nobody again, but two are there: it is cut, once."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_when="second_detector",
        tell_cleared=False,
    )
    await peer.state("smoke-1", smoke=True)
    freezer.tick(timedelta(minutes=14, seconds=30))
    await peer.state("smoke-1", smoke=False)
    freezer.tick(timedelta(seconds=10))
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    await hass.async_block_till_done()
    assert titles(told) == ["Smoke alarm: 1-1-201"] * 2
    assert supply(hass, "breaker-1") == "on"

    freezer.tick(timedelta(seconds=10))
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 3)
    assert titles(told)[2] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"

    await peer.state("smoke-1", smoke=False)
    await peer.state("smoke-1", smoke=True)
    await hass.async_block_till_done()
    assert len(told) == 3


async def test_smoke_that_comes_back_alone(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was there when it began, and not these last minutes, is no second detector."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_when="second_detector",
        second_minutes=3,
        tell_cleared=False,
    )
    for device in ("smoke-1", "smoke-2"):
        await peer.state(device, smoke=True)
        await peer.state(device, smoke=False)
        # So that neither run finds the other.
        freezer.tick(timedelta(minutes=4))
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 3)
    await hass.async_block_till_done()
    assert titles(told) == ["Smoke alarm: 1-1-201"] * 3
    assert supply(hass, "breaker-1") == "on"


async def test_smoke_second_detector_too_late(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """An alarm that has cleared long ago is no second detector."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_when="second_detector",
        second_minutes=3,
        tell_cleared=False,
    )
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    freezer.tick(timedelta(minutes=4))
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    await hass.async_block_till_done()
    assert titles(told) == ["Smoke alarm: 1-1-201"] * 2
    assert supply(hass, "breaker-1") == "on"


@pytest.fixture
async def asked(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
) -> str:
    """Return the id of an alarm whose cut-off waits for a person, of 2 minutes."""
    await add(
        "smoke_response", notify_target=OFFICE, phones=[phone], cut_when="confirmed"
    )
    report(peer, "smoke-1", smoke=True)
    await until(lambda: len(told) == len(pushed) == 1)
    assert "Confirm to cut the power of 1-1-201" in said(told)[0][1]
    assert supply(hass, "breaker-1") == "on"
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    return str(alarm.id)


async def test_smoke_confirmed_by_acknowledging(
    hass: HomeAssistant, asked: str, told: list[ServiceCall], hass_admin_user: Any
) -> None:
    """Who acknowledges the alarm confirms the cut-off."""
    await hass.services.async_call(
        DOMAIN,
        "acknowledge",
        {"alarm_id": asked},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_confirmed_on_a_phone(
    hass: HomeAssistant,
    asked: str,
    told: list[ServiceCall],
    pushed: list[ServiceCall],
) -> None:
    """The button on a phone confirms the cut-off, and acknowledges the alarm."""
    data = pushed[0].data["data"]
    assert data["push"]["sound"]["critical"] == 1
    assert [row["title"] for row in data["actions"]] == [
        "Cut the power",
        "Keep the power on",
    ]
    hass.bus.async_fire(
        "mobile_app_notification_action", {"action": data["actions"][0]["action"]}
    )
    await until(lambda: len(told) == len(pushed) == 2)
    assert titles(told)[1] == titles(pushed)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"
    assert hass.data[DATA_HOUSE].book.open[asked].acknowledged_at


async def test_smoke_refused_on_a_phone(
    hass: HomeAssistant,
    asked: str,
    told: list[ServiceCall],
    pushed: list[ServiceCall],
) -> None:
    """The other button keeps the power on, and everybody learns of it."""
    hass.bus.async_fire(
        "mobile_app_notification_action",
        {"action": pushed[0].data["data"]["actions"][1]["action"]},
    )
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power stays on: 1-1-201"
    assert supply(hass, "breaker-1") == "on"
    assert hass.data[DATA_HOUSE].book.open[asked].acknowledged_at is None


async def test_smoke_clears_before_anybody_answers(
    hass: HomeAssistant,
    asked: str,
    peer: Peer,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What has cleared is not cut any more."""
    report(peer, "smoke-1", smoke=False)
    await until(lambda: len(told) == 2)
    await pass_time(hass, freezer, minutes=3)
    assert titles(told)[1:] == ["Cleared: Smoke alarm, 1-1-201"]
    assert supply(hass, "breaker-1") == "on"


@pytest.mark.parametrize("answer", ["acknowledge", None])
async def test_smoke_that_comes_and_goes(
    hass: HomeAssistant,
    asked: str,
    peer: Peer,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
    hass_admin_user: Any,
    answer: str | None,
) -> None:
    """A detector that blinks is still waited for: by who answers, and when nobody does."""
    alarm = hass.data[DATA_HOUSE].book.open[asked]
    for _ in range(3):
        report(peer, "smoke-1", smoke=False)
        await until(lambda: not alarm.present)
        await pass_time(hass, freezer, seconds=5)
        report(peer, "smoke-1", smoke=True)
        await until(lambda: alarm.present)
        await pass_time(hass, freezer, seconds=5)
    assert supply(hass, "breaker-1") == "on"
    if answer:
        await hass.services.async_call(
            DOMAIN,
            answer,
            {"alarm_id": asked},
            blocking=True,
            context=Context(user_id=hass_admin_user.id),
        )
    else:
        # It is asked for two minutes in all, however often it blinks.
        await pass_time(hass, freezer, seconds=85)
        assert supply(hass, "breaker-1") == "on"
        await pass_time(hass, freezer, seconds=10)
    await until(lambda: supply(hass, "breaker-1") == "off")
    await until(lambda: "Power is off: 1-1-201" in titles(told))
    assert titles(told).count("Power is off: 1-1-201") == 1


async def test_smoke_that_comes_back_after_a_minute(
    hass: HomeAssistant,
    asked: str,
    peer: Peer,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is asked for anew, and cut once."""
    alarm = hass.data[DATA_HOUSE].book.open[asked]
    report(peer, "smoke-1", smoke=False)
    await until(lambda: not alarm.present)
    await pass_time(hass, freezer, seconds=61)
    report(peer, "smoke-1", smoke=True)
    await until(lambda: titles(told).count("Smoke alarm: 1-1-201") == 2)
    await pass_time(hass, freezer, seconds=115)
    assert supply(hass, "breaker-1") == "on"
    await pass_time(hass, freezer, seconds=6)
    await until(lambda: "Power is off: 1-1-201" in titles(told))
    await pass_time(hass, freezer, minutes=3)
    assert titles(told).count("Power is off: 1-1-201") == 1


async def test_smoke_nobody_answers(
    hass: HomeAssistant,
    asked: str,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """When nobody answers in time the power is cut."""
    await pass_time(hass, freezer, seconds=119)
    assert supply(hass, "breaker-1") == "on"
    await pass_time(hass, freezer, seconds=2)
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_nobody_answers_and_the_power_stays(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Or it stays on, if that was chosen, and that is told."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_when="confirmed",
        unconfirmed="keep",
        confirm_minutes=1,
    )
    report(peer, "smoke-1", smoke=True)
    await until(lambda: len(told) == 1)
    await pass_time(hass, freezer, seconds=61)
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power stays on: 1-1-201"
    assert "Decide now" in said(told)[1][1]
    assert supply(hass, "breaker-1") == "on"


async def test_many_at_one_moment(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
) -> None:
    """A hundred alarms at one moment: a hundred runs, each told, none refused."""
    await breaker(peer, "breaker-1", "Stairs 1")
    sensors = [f"smoke-{number}" for number in range(100)]
    for sensor in sensors:
        peer.publish(
            f"{BASE}/{sensor}/config",
            {
                "version": 1,
                "id": sensor,
                "time": dt_util.utcnow().timestamp(),
                "kind": "smoke_sensor",
                "name": sensor,
                "readings": ["smoke"],
                "area": "Stairs 1",
            },
            retain=True,
        )
    await wait_until(hass, lambda: len(gateway.runtime_data.devices) == 101)
    await add("smoke_response", notify_target=OFFICE)
    for sensor in sensors:
        peer.publish(f"{BASE}/{sensor}/state", peer.state_message({"smoke": True}))
    await wait_until(hass, lambda: len(told) == 200)
    assert sorted(titles(told)) == (
        ["Power is off: Stairs 1"] * 100 + ["Smoke alarm: Stairs 1"] * 100
    )
    messages = "".join(message for _, message in said(told))
    assert [sensor for sensor in sensors if f", {sensor}. " not in messages] == []


async def test_smoke_beside_a_gateway_that_is_not_loaded(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What could be cut is, and nobody is told that the power is off."""
    entry = MockConfigEntry(domain=DOMAIN, unique_id="zigbee/1")
    entry.add_to_hass(hass)
    devices = dr.async_get(hass)
    pump = devices.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, "zigbee/1/pump")},
        name="Pump",
    )
    devices.async_update_device(pump.id, area_id="1_1_201")
    er.async_get(hass).async_get_or_create(
        "switch",
        DOMAIN,
        "zigbee/1/pump/supply",
        config_entry=entry,
        device_id=pump.id,
    )
    await add("smoke_response", notify_target=OFFICE)
    report(peer, "smoke-1", smoke=True)
    await until(lambda: supply(hass, "breaker-1") == "off")
    while len(told) < 2:
        await pass_time(hass, freezer, seconds=1)
    title, message = said(told)[1]
    assert title == "POWER MAY BE ON: 1-1-201"
    assert "Cut and proven: 1" in message
    assert "NOT PROVEN, do not touch: Pump" in message
