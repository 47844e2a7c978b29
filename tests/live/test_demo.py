"""The whole demo as a newcomer starts it: every process, every message is real.

Its Home Assistant is the release that the tests run with, as a program of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
import json
import re
from typing import Any

import aiohttp
import paho.mqtt.publish as mqtt
import pytest
import pytest_socket

from custom_components.community_safety.const import (
    DOMAIN,
    PLATFORMS as SAFETY_PLATFORMS,
)
from custom_components.rental_units.const import PLATFORMS as REGISTER_PLATFORMS
from homeassistant.const import __version__
from homeassistant.util.yaml import load_yaml_dict
from simulator.cameras import PLATES
from simulator.demo.flows import CONFIG as FLOWS
from simulator.demo.home_assistant import HomeAssistant
from simulator.mobile import WAYS
from simulator.residents import RESIDENTS, masked

from .demo import ROOT, Demo

UNIT = "1-1-201"
CONCERNED = [row for row in RESIDENTS if row.place == UNIT or row.role == "fire_post"]
DOMAINS = (DOMAIN, "rental_units")
#: Where a second gateway announces itself, and how long it may take to be dealt with.
SECOND = f"{DOMAIN}/second"
PATIENCE = 60
EVERYTHING = "automation.everything"
#: Of what kinds each has entities.
PLATFORMS = {DOMAIN: SAFETY_PLATFORMS, "rental_units": REGISTER_PLATFORMS}

pytestmark = [
    pytest.mark.timeout(300),
    # Together, so that the demo is started once.
    pytest.mark.xdist_group("whole-demo"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """Return the demo, ready."""
    # Each test's set-up closes the sockets anew.
    pytest_socket.enable_socket()
    demo = Demo(tmp_path_factory.mktemp("whole") / "demo", "en")
    try:
        yield demo
    finally:
        assert demo.stop() == 0


@pytest.fixture
def run(demo: Demo) -> dict[str, Any]:
    """Return where it is, and how to sign in."""
    found: dict[str, Any] = json.loads(
        (demo.config.parent / "run.json").read_text("utf-8")
    )
    return found


@pytest.fixture
async def house(
    socket_enabled: None, run: dict[str, Any]
) -> AsyncGenerator[HomeAssistant]:
    """Return a connection to its Home Assistant."""
    async with HomeAssistant(run["port"], run["token"]) as house:
        await house.connect()
        yield house


class Told:
    """What Home Assistant tells over a websocket, as it comes."""

    def __init__(self) -> None:
        """Initialize; nothing was told yet."""
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self.take = self._events.put_nowait

    async def until[T](self, look: Callable[[Any], T | None]) -> T:
        """Return what is looked for, once it is told."""
        async with asyncio.timeout(PATIENCE):
            while (found := look(await self._events.get())) is None:
                pass
            return found


def described(domain: str, kind: str) -> set[str]:
    """Return what an integration describes of a kind: triggers or conditions."""
    path = ROOT / f"custom_components/{domain}/{kind}.yaml"
    return {
        f"{domain}.{name}"
        for name in load_yaml_dict(str(path))
        if not name.startswith(".")
    }


async def test_set_up(house: HomeAssistant) -> None:
    """It is the release that is tested; all is loaded, and each entity has code behind it."""
    assert (await house.call("get_config"))["version"] == __version__
    entries = await house.call("config_entries/get")
    assert {row["domain"] for row in entries} >= {*DOMAINS}
    assert [row for row in entries if row["state"] != "loaded"] == []
    states = {row["entity_id"]: row for row in await house.call("get_states")}
    ours = [
        row
        for row in await house.call("config/entity_registry/list")
        if row["platform"] in DOMAINS
    ]
    for domain, platforms in PLATFORMS.items():
        there = {
            row["entity_id"].partition(".")[0]
            for row in ours
            if row["platform"] == domain
        }
        assert there == set(platforms)
    assert [
        row["entity_id"]
        for row in ours
        if not row["disabled_by"]
        # What only the registry remembers has no code any more.
        and states[row["entity_id"]]["attributes"].get("restored")
    ] == []


async def test_automations(house: HomeAssistant, demo: Demo) -> None:
    """Each trigger and condition is offered, and taken; an alarm runs what waits for it."""
    areas = await house.call("config/area_registry/list")
    (area,) = [row["area_id"] for row in areas if row["name"] == "1-1-202"]
    target = {"target": {"area_id": area}}
    for kind in ("triggers", "conditions"):
        told = Told()
        await house.listen(told.take, f"{kind.removesuffix('s')}_platforms/subscribe")
        offered = await told.until(lambda names: names)
        assert described(DOMAIN, kind) - offered.keys() == set()
    config = {
        "alias": "Everything",
        "triggers": [
            {"trigger": name, **target} for name in described(DOMAIN, "triggers")
        ],
        "conditions": [
            {"condition": name, **target} for name in described(DOMAIN, "conditions")
        ],
        "actions": [{"event": "everything"}],
    }
    await house.rest("POST", "/api/config/automation/config/everything", config)
    told = Told()
    await house.listen(told.take, "subscribe_entities", entity_ids=[EVERYTHING])
    # A trigger or condition that is not taken makes it unavailable.
    state = await told.until(
        lambda event: {**event.get("a", {}), **event.get("c", {})}.get(EVERYTHING)
    )
    assert state["s"] == "on"

    told = Told()
    trigger = {"trigger": f"{DOMAIN}.alarm_raised", **target}
    await house.listen(told.take, "subscribe_trigger", trigger=[trigger])
    await asyncio.to_thread(demo.run, "smoke", "1-1-202")
    heard = await told.until(lambda event: event["variables"]["trigger"])
    assert (heard["area_id"], heard["hazard"]) == (area, "smoke")
    assert not heard["drill"]
    await asyncio.to_thread(demo.run, "clear", "--false-alarm")
    await house.rest("DELETE", "/api/config/automation/config/everything")


async def test_flow(house: HomeAssistant, run: dict[str, Any]) -> None:
    """A gateway is found, confirmed, loaded and removed, and each is told over the websocket."""
    flows, entries = Told(), Told()
    await house.listen(flows.take, "config_entries/flow/subscribe")
    await house.listen(entries.take, "config_entries/subscribe")
    message = {"version": 1, "id": "g2", "time": 1.0, "name": "Second"}
    broker = {"hostname": "127.0.0.1", "port": run["broker_port"], "retain": True}
    await asyncio.to_thread(
        mqtt.single, f"{SECOND}/gateway", json.dumps(message), qos=1, **broker
    )

    def found(rows: list[dict[str, Any]]) -> str | None:
        for row in rows:
            flow = row.get("flow")
            if flow and flow["context"].get("unique_id") == f"mqtt/{SECOND}":
                return str(flow["flow_id"])
        return None

    def changed(state: str) -> Callable[[list[dict[str, Any]]], bool | None]:
        return lambda rows: (
            any(
                row["entry"]["entry_id"] == entry_id
                and state in (row["type"], row["entry"]["state"])
                for row in rows
            )
            or None
        )

    flow_id = await flows.until(found)
    ended = await house.rest("POST", f"{FLOWS}/{flow_id}", {})
    assert (ended["type"], ended["title"]) == ("create_entry", "Second")
    entry_id = ended["result"]["entry_id"]
    await flows.until(
        lambda rows: (
            ("removed", flow_id) in [(r["type"], r["flow_id"]) for r in rows] or None
        )
    )
    await entries.until(changed("loaded"))
    await asyncio.to_thread(mqtt.single, f"{SECOND}/gateway", None, qos=1, **broker)
    await house.rest("DELETE", f"/api/config/config_entries/entry/{entry_id}")
    await entries.until(changed("removed"))


async def test_control_room(house: HomeAssistant, run: dict[str, Any]) -> None:
    """It is in the sidebar, its modules are sent, and it is told of incidents."""
    panels = await house.call("get_panels")
    session = await house.call(f"{DOMAIN}/session")
    told = Told()
    await house.listen(told.take, "rental_units/subscribe_session")
    register = await told.until(lambda event: event)
    addresses = [
        panels["safety"]["config"]["_panel_custom"]["module_url"],
        register["session"]["module"],
    ]
    async with aiohttp.ClientSession() as client:
        for address in addresses:
            async with client.get(f"{run['url']}{address}") as response:
                assert response.status == 200
                assert "javascript" in response.content_type
    assert {*session["rights"].values()} == {None}
    told = Told()
    await house.listen(told.take, f"{DOMAIN}/subscribe_incidents")
    assert (await told.until(lambda event: event))["kind"] == "snapshot"


def at(story: str, what: str) -> int:
    """Return when something has happened, in milliseconds."""
    found = re.search(rf"^ *\+(\d+) ms  {what}", story, re.MULTILINE)
    assert found, f"{what!r} is not in\n{story}"
    return int(found[1])


def test_fire_in_a_unit(demo: Demo) -> None:
    """Power off and proven, four people told over three channels, one answers, it stops."""
    # A vehicle whose plate is a tenant's: what the camera reads is for the register alone.
    assert PLATES[0] in demo.run("drive")
    story = demo.run("smoke", UNIT)
    raised = at(story, "Alarm raised: alarm smoke")
    told = [
        at(story, f"{row.names[0]}: {way}")
        for row in CONCERNED
        for way in ("push", re.escape(f"SMS {masked(row.number)}"), "call ")
    ]
    assert len(told) == len(CONCERNED) * len(WAYS) == 12
    # GB/T 45839-2025 5.10.4
    assert max(told) - raised < 15_000
    at(story, "Cut-off of Breaker supply: confirmed")
    pressed = at(story, f"Landlord of {UNIT} presses “I'm on my way” in the app")
    stopped = at(story, "Alert acknowledged: the escalation stops")
    assert max(told) <= pressed <= stopped <= at(story, "Alarm acknowledged")

    story = demo.run("clear", "--false-alarm")
    # With the property office and the four neighbours of the stairwell.
    assert f"“False alarm: {UNIT}” is told to 9 people" in story

    assert " ERROR " not in demo.log()
    # A real process on the real Home Assistant: nothing deprecated, nothing that blocks.
    assert demo.complaints() == []
    written = {
        path: path.read_bytes()
        for path in demo.config.rglob("*")
        if path.is_file() and not path.name.startswith("rental_units_")
    }
    assert any(path.name == "home-assistant_v2.db" for path in written)
    for path, content in written.items():
        for row in RESIDENTS:
            assert row.number.encode() not in content, path
        assert PLATES[0][1:].encode() not in content, path
