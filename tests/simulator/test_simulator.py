"""The simulated compound: it speaks as real devices do, and misbehaves when asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable
import contextlib
import itertools
import json
from pathlib import Path
import time
from typing import Any

import aiohttp
import fastjsonschema
import pytest

from custom_components.community_safety.catalogue.measurements import parse_point
from custom_components.community_safety.catalogue.water_gauge import JUMP_LIMIT
from custom_components.community_safety.gateways.protocol import SCHEMA
from simulator import cameras
from simulator.broker import free_port
from simulator.compound import (
    DEFAULT_PLACES,
    LANGUAGES,
    NATIVE_TOPIC,
    ZIGBEE_TOPIC,
    devices,
)
from simulator.control import Control
from simulator.demo import configuration, place, timeline
from simulator.device import Fault
from simulator.devices import (
    KINDS,
    BreakerMonitor,
    ElevatorBlocker,
    SmokeSensor,
    WaterTank,
)
from simulator.link import Link
from simulator.many import Many, synthetic
from simulator.native import config_message, state_message
from simulator.providers import CALL_ACCOUNT, SMS_ACCOUNT, Providers, signature
from simulator.residents import RESIDENTS
from simulator.zigbee2mqtt import TRANSLATIONS, ZONE_STATUS, definitions

pytestmark = pytest.mark.usefixtures("socket_enabled")

PATIENCE = 60
BREAKER = f"{NATIVE_TOPIC}/1-1-201-breaker"


def valid(kind: str, message: Any) -> None:
    """Check a message against the protocol's schema."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    fastjsonschema.validate({**schema, "$ref": f"#/definitions/{kind}"}, message)


class Listener:
    """Hears everything that passes the broker."""

    def __init__(self, port: int) -> None:
        """Initialize."""
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        self.link = Link(port, subscriptions=("#",), receive=self._receive)

    def _receive(self, topic: str, message: Any) -> None:
        self.heard.append((topic, message))
        self._news.set()

    async def until[T](self, look: Callable[[], T | None]) -> T:
        """Return what is found in what was heard, as soon as it is there."""
        async with asyncio.timeout(PATIENCE):
            while (found := look()) is None:
                self._news.clear()
                await self._news.wait()
        return found

    async def hears(
        self, topic: str, test: Callable[[Any], bool] = lambda _message: True
    ) -> Any:
        """Wait for a message at a topic that passes a test."""
        return await self.until(
            lambda: next(
                (row for where, row in self.heard if where == topic and test(row)),
                None,
            )
        )

    async def do(self, event: str, where: str | None = None) -> dict[str, Any]:
        """Let something happen in the compound; return the answer."""
        key = f"{event} {time.monotonic()}"
        self.link.publish("simulator/do", {"id": key, "event": event, "where": where})
        answer: dict[str, Any] = await self.hears(
            "simulator/done", lambda row: row["id"] == key
        )
        return answer

    def command(self, supply: bool) -> None:
        """Command the breaker of unit 1-1-201."""
        self.heard.clear()
        self.link.publish(
            f"{BREAKER}/set",
            {"version": 1, "id": "c1", "time": time.time(), "set": {"supply": supply}},
        )


@pytest.fixture
async def listener(broker_port: int) -> AsyncGenerator[Listener]:
    """Return a listener at the broker, with the compound running."""
    control = Control(broker_port)
    task = asyncio.create_task(control.run())
    listener = Listener(broker_port)
    listener.link.start()
    await listener.link.ready.wait()
    await control.wait_connected()
    await listener.hears(f"{BREAKER}/state")
    yield listener
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await listener.link.stop()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_device_speaks_the_protocol(language: str) -> None:
    """What a device says of itself and reports is valid, known and plausible."""
    for where, device, _model in devices(language):
        config, state = config_message(device), state_message(device)
        valid("config", config)
        valid("state", state)
        assert config["area"] in where.names
        assert set(config["readings"]) == set(state["values"])
        for key, value in state["values"].items():
            point = parse_point(key)
            assert point.is_plausible(point.measurement.parse(value)), key


async def test_every_message_over_the_broker_is_valid(listener: Listener) -> None:
    """The gateway, its devices and its answers, as they come out of the socket."""
    await listener.hears(f"{NATIVE_TOPIC}/status", lambda row: row["online"])
    listener.link.publish(
        f"{BREAKER}/set",
        {"version": 1, "id": "c0", "time": time.time(), "set": {"supply": False}},
    )
    await listener.hears(f"{BREAKER}/result")
    ours = [row for row in listener.heard if row[0].startswith(NATIVE_TOPIC)]
    for topic, message in ours:
        valid(topic.rpartition("/")[2], message)
    kinds = {topic.rpartition("/")[2] for topic, _ in ours}
    assert kinds == {
        "gateway",
        "status",
        "config",
        "state",
        "availability",
        "set",
        "result",
    }


async def test_last_will(broker_port: int) -> None:
    """A gateway that vanishes is told to be offline by the broker."""
    listener = Listener(broker_port)
    listener.link.start()
    await listener.link.ready.wait()
    many = Many(broker_port, "community_safety/will", list(synthetic("hydrant", 1)))
    await many.start()
    await listener.hears("community_safety/will/status", lambda row: row["online"])
    await many.stop()
    await listener.hears("community_safety/will/status", lambda row: not row["online"])
    await listener.link.stop()


async def test_breaker_opens_and_its_current_follows(listener: Listener) -> None:
    """The relay opens after its mechanism's time; the meter shows zero a moment later."""
    begun = time.time()
    listener.command(False)
    await listener.hears(
        f"{BREAKER}/result", lambda row: row["id"] == "c1" and row["ok"]
    )
    opened = await listener.hears(
        f"{BREAKER}/state", lambda row: row["values"]["supply"] is False
    )
    assert opened["time"] - begun > 0.03
    await listener.hears(f"{BREAKER}/state", lambda row: row["values"]["current"] == 0)
    listener.command(True)
    await listener.hears(f"{BREAKER}/state", lambda row: row["values"]["current"] > 1)


async def test_welded_contact(listener: Listener) -> None:
    """The relay says open, and the current flows on."""
    await listener.do("welded", "1-1-201")
    listener.command(False)
    state = await listener.hears(
        f"{BREAKER}/state", lambda row: row["values"]["supply"] is False
    )
    listener.heard.clear()
    listener.link.publish(f"{BREAKER}/get", {"version": 1, "id": "g", "time": 0})
    state = await listener.hears(f"{BREAKER}/state")
    assert state["values"]["supply"] is False
    assert state["values"]["current"] > 1
    assert state["values"]["residual_current"] > 0


async def test_ignored_command(listener: Listener) -> None:
    """No answer and no movement, while reports go on."""
    await listener.do("ignores", "1-1-201")
    listener.command(False)
    # The answer to a request that came later proves that the command was passed over.
    listener.link.publish(f"{BREAKER}/get", {"version": 1, "id": "g", "time": 0})
    state = await listener.hears(f"{BREAKER}/state")
    assert state["values"]["supply"] is True
    assert f"{BREAKER}/result" not in dict(listener.heard)


async def test_repeated_messages(listener: Listener) -> None:
    """A duplicate has the same id."""
    await listener.do("duplicate", "1-1-201")
    listener.heard.clear()
    listener.link.publish(f"{BREAKER}/get", {"version": 1, "id": "g", "time": 0})
    ids = await listener.until(
        lambda: (
            found
            if len(
                found := [
                    row["id"]
                    for topic, row in listener.heard
                    if topic == f"{BREAKER}/state"
                ]
            )
            >= 2
            else None
        )
    )
    assert ids[0] == ids[1]


async def test_zigbee2mqtt(listener: Listener) -> None:
    """Each device reports what its model exposes, and obeys `/set`."""
    rows = await listener.hears(f"{ZIGBEE_TOPIC}/bridge/devices")
    assert rows[0]["type"] == "Coordinator"
    for row in rows[1:]:
        name = row["friendly_name"]
        exposed = {
            feature["property"]
            for expose in row["definition"]["exposes"]
            for feature in expose.get("features", [expose])
        }
        state = await listener.hears(f"{ZIGBEE_TOPIC}/{name}")
        assert set(state) - {"last_seen", *ZONE_STATUS} <= exposed, name
        await listener.hears(f"{ZIGBEE_TOPIC}/{name}/availability")
    listener.heard.clear()
    topic = f"{ZIGBEE_TOPIC}/2-1-101 breaker"
    listener.link.publish(f"{topic}/set", {"state": "OFF"})
    await listener.hears(
        topic, lambda row: row.get("state") == "OFF" and row.get("current") == 0
    )


def test_zigbee_models_are_real_definitions() -> None:
    """Every translation has the definition of its model, and its source is named."""
    assert set(definitions()) == set(TRANSLATIONS)


async def test_smoke_latches_until_it_is_cleared(listener: Listener) -> None:
    """Smoke is reported once it is dense enough, and stays."""
    answer = await listener.do("smoke")
    assert answer["area"] == DEFAULT_PLACES["smoke"]
    topic = f"{NATIVE_TOPIC}/{answer['device']}/state"
    state = await listener.hears(topic, lambda row: row["values"]["smoke"])
    assert state["values"]["smoke_density"] >= SmokeSensor.ALARM_DENSITY - 0.5
    record = await listener.hears(
        "simulator/record", lambda row: row["device"] == answer["device"]
    )
    assert record["what"] == "reported"
    assert abs(record["at"] - state["time"]) < 1
    listener.heard.clear()
    await listener.do("clear")
    await listener.hears(topic, lambda row: not row["values"]["smoke"])


@pytest.mark.parametrize("event", [*DEFAULT_PLACES, *Fault, "clear"])
async def test_every_event_happens_somewhere(listener: Listener, event: str) -> None:
    """Each event has a place where it happens."""
    where = DEFAULT_PLACES.get(event, "1-1-201")
    assert "error" not in await listener.do(event, where)


@pytest.mark.parametrize(
    ("event", "where", "error"),
    [
        ("smoke", "9-9-999", "No place 9-9-999 for smoke"),
        ("pram", "1-1-201", "No place 1-1-201 for pram. There is: lift-1"),
        ("flood", None, "Unknown event flood"),
        ("clear", "9-9-999", "No place 9-9-999"),
    ],
)
async def test_what_cannot_happen_is_explained(
    listener: Listener, event: str, where: str | None, error: str
) -> None:
    """The answer says what is possible."""
    assert (await listener.do(event, where))["error"].startswith(error)


async def test_a_vehicle_at_the_gate(
    listener: Listener, broker_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frigate reads its plate and tells of it, on the broker and over HTTP, as one object."""
    assert "no camera" in (await listener.do("drive"))["error"]
    monkeypatch.setattr(cameras, "THERE_SECONDS", 0.0)
    monkeypatch.setattr(cameras, "CAR_SECONDS", 0.0)
    port = free_port()
    watched = cameras.Cameras(broker_port, LANGUAGES.index("zh-Hans"))
    task = asyncio.create_task(watched.run(port))
    try:
        await watched.wait_connected()
        assert watched.drive("浙A0T5K9") == ("东门摄像头", "浙A0T5K9")
        told = await listener.hears(
            "frigate/events",
            lambda row: (
                row["type"] == "end"
                and row["after"]["recognized_license_plate"] == ["浙A0T5K9", 0.93]
            ),
        )
        # Others come by themselves.
        await listener.hears(
            "frigate/tracked_object_update",
            lambda row: row["plate"] == cameras.PLATES[1],
        )
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            config = await (await session.get("/api/config")).json()
            assert config["mqtt"]["topic_prefix"] == cameras.TOPIC
            assert config["cameras"].keys() == {row.id for row in cameras.WATCHES}
            row = await (await session.get(f"/api/events/{told['after']['id']}")).json()
            assert row["data"]["recognized_license_plate"] == "浙A0T5K9"
            days = await (await session.get("/api/east_gate/recordings/summary")).json()
            assert len(days) > cameras.KEPT_DAYS
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    with pytest.raises(aiohttp.ClientConnectionError):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            await session.get("/api/config")


async def test_elevator_releases_by_itself() -> None:
    """After the longest hold, and when the broker is lost."""
    door = ElevatorBlocker("door", "Door", "Lift")
    moved: asyncio.Queue[str] = asyncio.Queue()
    door.record = moved.put_nowait
    door.e_bike_enters()
    door.set("held", True, {"longest_hold": 0.01})
    async with asyncio.timeout(PATIENCE):
        assert await moved.get() == "door held"
        assert await moved.get() == "door released"
        door.set("held", True, {"longest_hold": 60})
        assert await moved.get() == "door held"
    door.contact_lost()
    assert moved.get_nowait() == "door released"
    assert door.measure()["held"] is False


def test_tank_drains_without_implausible_jumps() -> None:
    """Between two reports the level moves less than what counts as a jump."""
    tank = WaterTank("tank", "Tank", "Roof")
    levels = [tank.level]
    tank.report = lambda: levels.append(float(tank.measure()["level"]))
    tank.leak()
    for _ in range(1000):
        tank.step(0.1)
    steps = [abs(after - before) for before, after in itertools.pairwise(levels)]
    assert levels[-1] == pytest.approx(WaterTank.LEFT, abs=0.5)
    assert max(steps) < JUMP_LIMIT.default / 2


def test_breaker_physics() -> None:
    """Energy grows with the load; an overload heats the conductor."""
    breaker = BreakerMonitor("b", "Breaker", "1-1-201", load=10)
    before = breaker.measure()
    for _ in range(3600):
        breaker.step(1)
    after = breaker.measure()
    # 10 A at 230 V and a power factor of 0.95, for an hour.
    assert float(after["energy"]) - float(before["energy"]) == pytest.approx(
        2.2, rel=0.2
    )
    breaker.overload()
    for _ in range(600):
        breaker.step(1)
    assert float(breaker.measure()["current"]) > 1.45 * breaker.rated
    assert breaker.temperature > 60


async def test_many_devices(broker_port: int) -> None:
    """They announce themselves, publish, and leave nothing behind."""
    base = "community_safety/many-test"
    listener = Listener(broker_port)
    listener.link.start()
    await listener.link.ready.wait()
    many = Many(broker_port, base, list(synthetic("smoke_sensor", 50)))
    await many.start()
    # A machine that is busy makes it slower, and nothing makes it faster.
    assert 0 < await many.run(rate=200, seconds=0.2) <= 205
    await listener.until(
        lambda: (
            True
            if sum(topic.startswith(base) for topic, _ in listener.heard)
            >= many.published
            else None
        )
    )
    await many.forget()
    await many.stop()
    await listener.link.stop()
    told = {
        topic
        for topic, _ in listener.heard
        if topic.startswith(base) and topic.endswith("/config")
    }
    assert len(told) == 50


def test_every_kind_can_be_made_in_numbers() -> None:
    """The benchmark takes any kind."""
    for kind in KINDS:
        for device in synthetic(kind, 3):
            valid("config", config_message(device))


def test_configuration_is_written_once_and_bound_to_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second start keeps what a person changed, but follows the port."""
    monkeypatch.setattr(configuration, "CONFIG", tmp_path)
    configuration.prepare(8123)
    (tmp_path / "automations.yaml").write_text("- id: mine\n")
    configuration.prepare(8124)
    assert (tmp_path / "automations.yaml").read_text() == "- id: mine\n"
    allowed = (tmp_path / "homeassistant.yaml").read_text()
    assert "http://127.0.0.1:8124" in allowed
    stored = json.loads((tmp_path / ".storage/http").read_text())["data"]
    assert stored["stable"]["server_host"] == ["127.0.0.1"]
    assert stored["stable"]["server_port"] == 8124
    assert stored["pending"] is None
    link = tmp_path / "custom_components/community_safety"
    assert (link / "manifest.json").is_file()
    assert link.is_symlink()
    assert "\nhttp:" not in (tmp_path / "configuration.yaml").read_text()
    assert "default_config" not in (tmp_path / "configuration.yaml").read_text()


def test_only_one_demo_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one is told, and a token is for its owner alone."""
    monkeypatch.setattr(place, "DEMO", tmp_path)
    with place.demo_lock() as first, place.demo_lock() as second:
        assert (first, second) == (True, False)
    place.write(tmp_path / "state.json", {"token": "t"})
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    assert place.read(tmp_path / "state.json") == {"token": "t"}
    assert place.read(tmp_path / "missing.json") == {}


async def test_an_event_without_a_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says how to start it, and fails."""
    monkeypatch.setattr(place, "RUN_FILE", tmp_path / "run.json")
    assert await timeline.show("smoke", None) == 1
    assert "scripts/demo" in capsys.readouterr().out


async def test_providers_check_what_they_are_sent(
    tmp_path: Path, kept_port: int
) -> None:
    """Each refuses who has no account, and whom it does not know."""
    heard: list[tuple[str, str, str]] = []
    providers = Providers(
        tmp_path / "book.json",
        lambda who, way, what: heard.append((who.id, way, what)),
    )
    book = {"answers": "http://placeholder/"}
    (tmp_path / "book.json").write_text(json.dumps(book))
    task = asyncio.create_task(providers.run(kept_port))
    right = {
        "AccessKeyId": SMS_ACCOUNT["access_key_id"],
        "Action": "SendSms",
        "OutId": "1",
        "PhoneNumbers": RESIDENTS[0].number.removeprefix("+"),
        "SignName": SMS_ACCOUNT["sign_name"],
        "SignatureNonce": "1",
        "TemplateCode": SMS_ACCOUNT["template"],
        "TemplateParam": json.dumps({"message": "m", "link": "token"}),
    }

    def signed(**changes: str) -> dict[str, str]:
        form = {**right, **changes}
        secret = SMS_ACCOUNT["access_key_secret"]
        return {**form, "Signature": signature("POST", form, secret)}

    async with aiohttp.ClientSession(f"http://127.0.0.1:{kept_port}") as session:

        async def sms(form: dict[str, str]) -> str:
            async with session.post("/sms", data=form) as answer:
                return str((await answer.json())["Code"])

        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    assert await sms({}) == "InvalidAccessKeyId.NotFound"
                    break
                await asyncio.sleep(0)
        assert await sms({**signed(), "OutId": "2"}) == "SignatureDoesNotMatch"
        assert await sms(signed()) == "OK"
        assert await sms(signed()) == "SignatureNonceUsed"
        for number, (changes, code) in enumerate(
            (
                ({"Action": "GetSmsTemplate"}, "OK"),
                ({"Action": "DeleteSmsTemplate"}, "InvalidAction.NotFound"),
                ({"SignName": "x"}, "isv.SMS_SIGNATURE_ILLEGAL"),
                ({"TemplateCode": "x"}, "isv.SMS_TEMPLATE_ILLEGAL"),
                ({"PhoneNumbers": "1"}, "isv.MOBILE_NUMBER_ILLEGAL"),
                (
                    {"TemplateParam": json.dumps({"message": "m" * 36, "link": "l"})},
                    "isv.PARAM_LENGTH_LIMIT",
                ),
                (
                    {"TemplateParam": json.dumps({"message": "m", "link": ""})},
                    "isv.TEMPLATE_MISSING_PARAMETERS",
                ),
            )
        ):
            assert await sms(signed(SignatureNonce=f"n{number}", **changes)) == code
        calls = f"/calls/2010-04-01/Accounts/{CALL_ACCOUNT['account_sid']}/Calls.json"
        async with session.post(calls, data={"To": RESIDENTS[0].number}) as answer:
            assert answer.status == 401
        async with session.post("/push", json={"push_token": "x"}) as answer:
            assert answer.status == 404
    assert heard == [("fire-post", "sms", "+12*****0101 “m + link”")]
    with pytest.raises(ValueError, match="no push to answer"):
        providers.answer("fire-post", "push", "safe")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
