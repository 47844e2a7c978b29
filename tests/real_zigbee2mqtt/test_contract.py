"""What Zigbee2MQTT's messages are worth: what it says, and what stands behind it.

Everything here was seen on the real program (the version that requirements/zigbee2mqtt pins)
and is the ground that the gateway is built on. docs/zigbee2mqtt.md has the same in words.
Our simulator of it does the same, for all tests that use it would otherwise prove nothing.
What the simulator does not have, for nothing here depends on it: lines of the log that are no
errors; availability that ends (after ten minutes); groups, bindings, `debounce`, `elapsed`,
attribute output, Home Assistant's discovery; interviews that fail, which tests of the
gateway send themselves.
"""

import asyncio
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
import subprocess
from typing import Any

import pytest
import pytest_socket

from benchmarks.broker import running
from simulator.ezsp import EzspSimulator

from .bridges import RealBridge, SimulatedBridge
from .program import STARTED, Message
from .recording import BREAKER, SENSOR, Recorder, Recording

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without Home Assistant, which all other tests have."""


@pytest.fixture(autouse=True)
def _own_folder() -> None:
    """Do without Home Assistant's configuration folder."""


@pytest.fixture(scope="module", params=["real", "simulator"])
def recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Recording]:
    """Return what came over the broker in each step of a life."""
    folder = tmp_path_factory.mktemp("contract")
    mosquitto = subprocess.run(
        [ROOT / "scripts/mosquitto"], stdout=subprocess.PIPE, text=True, check=True
    )
    pytest_socket.enable_socket()
    with running(mosquitto.stdout.strip(), folder) as broker:
        if request.param == "real":
            program: str = request.getfixturevalue("zigbee2mqtt")
            yield asyncio.run(_record_real(program, folder, broker.port))
        else:
            yield asyncio.run(_record_simulator(broker.port))


async def _record_real(program: str, folder: Path, port: int) -> Recording:
    async with EzspSimulator(14) as simulator:
        return await Recorder(RealBridge(simulator, program, folder, port), port).run()


async def _record_simulator(port: int) -> Recording:
    return await Recorder(SimulatedBridge(port), port).run()


def states(step: list[Message], device: str) -> list[dict[str, Any]]:
    """Return the states of a device that came in a step."""
    return [item.data for item in step if item.topic == device and item.payload]


def remembered(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state without what each radio message has anew."""
    return {name: value for name, value in state.items() if name != "linkquality"}


def told(step: list[Message], topic: str) -> Any:
    """Return what was told last at a topic in a step."""
    return [item.data for item in step if item.topic == topic and item.payload][-1]


def topics(step: list[Message]) -> list[str]:
    """Return the topics of a step, each once, in the order of their first message."""
    return list(dict.fromkeys(item.topic for item in step))


def errors(step: list[Message]) -> list[str]:
    """Return the errors that the log told in a step."""
    lines = [item.data for item in step if item.topic == "bridge/logging"]
    return [line["message"] for line in lines if line["level"] == "error"]


def retained(step: list[Message]) -> set[str]:
    """Return what the broker had kept for a new subscriber."""
    return {item.topic for item in step if item.retained and item.payload}


def events(step: list[Message]) -> list[tuple[str, str | None]]:
    """Return the events of a step, and their status."""
    data = [item.data for item in step if item.topic == "bridge/event"]
    return [(event["type"], event["data"].get("status")) for event in data]


def without_log(step: list[Message]) -> list[Message]:
    """Return a step without the log, which tells every message once more."""
    return [item for item in step if item.topic != "bridge/logging"]


def test_start(recording: Recording) -> None:
    """It says that it is online before it says which devices there are."""
    order = topics(without_log(recording["first start"]))
    assert order[:3] == ["bridge/state", "bridge/info", "bridge/devices"]
    assert recording["first start"][0].data == {"state": "online"}


def test_join(recording: Recording) -> None:
    """A device is listed before its interview, and its kind is known only after it."""
    step = recording["join"]
    assert events(step) == [
        ("device_joined", None),
        ("device_interview", "started"),
        ("device_announce", None),
        ("device_interview", "successful"),
    ]
    lists = [item.data for item in step if item.topic == "bridge/devices"]
    interviews = [entries[1]["interview_state"] for entries in lists]
    assert interviews[0] == "IN_PROGRESS"
    assert "definition" not in lists[0][1]
    assert interviews[-1] == "SUCCESSFUL"
    assert lists[-1][1]["definition"]["model"] == "TS011F_din_smart_relay"


def test_rename(recording: Recording) -> None:
    """Old topics are emptied, and the cache is told under the new name: no device has spoken."""
    step = recording["rename"]
    emptied = {item.topic for item in step if not item.payload}
    assert {name.removesuffix("/availability") for name in emptied} == {
        name for name in emptied if "/" not in name
    }
    assert len(emptied) == 2
    assert topics(step).index("bridge/devices") < topics(step).index(BREAKER)


def test_alarm(recording: Recording) -> None:
    """What changed comes within one message with all else that is remembered."""
    (state,) = states(recording["smoke"], SENSOR)
    assert state["smoke"] is True
    assert "battery" in state, "which it did not just report"
    assert {"test", "tamper", "trouble", "battery_low"} <= state.keys()


def test_another_attribute_repeats_the_cache(recording: Recording) -> None:
    """A report of the voltage alone repeats relay, current and power; a second one is the same."""
    first, second = states(recording["another attribute"], BREAKER)
    assert {"state", "current", "power", "voltage"} <= first.keys()
    assert remembered(second) == remembered(first)


def test_question(recording: Recording) -> None:
    """An answer is like any other message; what cannot be asked is told in the log alone.

    Nothing says of the message that it is an answer, nor to which question.
    """
    assert set(topics(without_log(recording["question"]))) == {
        f"{BREAKER}/get",
        BREAKER,
    }
    (state,) = states(recording["question"], BREAKER)
    assert {"state", "current", "power", "voltage"} <= state.keys()
    assert errors(recording["question"]) == [
        f"z2m: No converter available for 'power' on '{BREAKER}': (\"\")"
    ]


def test_command_publishes_hope_with_memory(recording: Recording) -> None:
    """After a command it tells the wanted state with the current of before."""
    before = states(recording["question"], BREAKER)[-1]
    after = states(recording["command"], BREAKER)[0]
    assert remembered(after) == {**remembered(before), "state": "OFF"}
    assert after["current"] > 4, "no breaker is proven open by this"
    later = states(recording["current after the command"], BREAKER)[-1]
    assert later["state"] == "OFF"


def test_failed_command_is_told_in_the_log_alone(recording: Recording) -> None:
    """Where nothing was delivered there is no state, and an error that names both."""
    assert states(recording["no delivery"], BREAKER) == []
    to_set, to_get = errors(recording["no delivery"])
    assert to_set.startswith(f"z2m: Publish 'set' 'state' to '{BREAKER}' failed: ")
    assert to_get.startswith(f"z2m: Publish 'get' 'state' to '{BREAKER}' failed: ")
    assert "Delivery failed" in to_set


def test_a_command_to_nobody(recording: Recording) -> None:
    """Whose name is wrong is told in the log alone."""
    (error,) = errors(recording["command to nobody"])
    assert "'1-1-999 breaker' is unknown" in error
    assert "bridge/event" not in topics(recording["command to nobody"])


def test_last_seen(recording: Recording) -> None:
    """It has as many forms as the configuration; `bridge/info` says which, at once."""

    def last_seen(how: str) -> Any:
        step = recording[f"last_seen: {how}"]
        assert told(step, "bridge/info")["config"]["advanced"]["last_seen"] == how
        return states(step, BREAKER)[-1].get("last_seen")

    assert "last_seen" not in states(recording["question"], BREAKER)[-1]
    assert last_seen("disable") is None
    milliseconds = last_seen("epoch")
    assert isinstance(milliseconds, int)
    local = datetime.fromisoformat(last_seen("ISO_8601_local"))
    assert (local.tzinfo is not None, local.microsecond) == (True, 0)
    assert last_seen("ISO_8601").endswith("Z")
    universal = datetime.fromisoformat(last_seen("ISO_8601"))
    assert local.timestamp() >= milliseconds // 1000
    assert universal.timestamp() >= local.timestamp()


def test_moved_last_seen_is_life_and_no_reading(recording: Recording) -> None:
    """The device's mere acknowledgement moves `last_seen` of a message that is all memory."""
    acknowledged, hope = states(recording["command with last_seen"], BREAKER)
    assert acknowledged["state"] == "OFF"
    assert hope == {**acknowledged, "state": "ON"}


def test_an_announcement_moves_last_seen_alone(recording: Recording) -> None:
    """A device that has been without power tells nothing of its relay."""
    step = recording["announcement"]
    before = states(recording["report with last_seen"], BREAKER)[-1]
    (state,) = states(step, BREAKER)
    assert state["last_seen"] > before["last_seen"]
    assert {**remembered(before), "last_seen": state["last_seen"]} == remembered(state)
    assert events(step) == [("device_announce", None)]


def test_options_of_a_device(recording: Recording) -> None:
    """They are in `bridge/info`, by address, before the response says so."""
    step = recording["device options"]
    order = topics(without_log(step))
    assert order.index("bridge/info") < order.index("bridge/response/device/options")
    (relay,) = [
        row
        for row in told(step, "bridge/info")["config"]["devices"].values()
        if row["friendly_name"] == BREAKER
    ]
    assert relay["optimistic"] is False
    response = told(step, "bridge/response/device/options")
    assert (response["status"], response["data"]["id"]) == ("ok", BREAKER)


@pytest.mark.parametrize("how", ["without optimism", "with filtered optimism"])
def test_what_is_not_hoped_for(recording: Recording, how: str) -> None:
    """A relay that is not asked is repeated as it was, while its current already tells more."""
    old = {"without optimism": "ON", "with filtered optimism": "OFF"}[how]
    found = states(recording[f"command {how}"], BREAKER)
    assert {state["state"] for state in found} == {old}


def test_filtered_cache(recording: Recording) -> None:
    """A property that is not cached is only there if the device has sent it."""
    state = states(recording["filtered cache"], BREAKER)[-1]
    assert "state" not in state
    assert {"current", "power", "voltage"} <= state.keys()


def test_without_optimism_the_state_is_told_when_asked(recording: Recording) -> None:
    """Then it is the device's own word."""
    assert states(recording["question without optimism"], BREAKER)[-1]["state"] == "OFF"


def test_restart_tells_the_cache_as_news(recording: Recording) -> None:
    """What it remembers is published without a retain flag before it has heard any device."""
    step = recording["restart"]
    end = [item.data.get("message") for item in step if item.topic == "bridge/logging"]
    assert end[-1] == STARTED
    (smoke,) = states(step, SENSOR)
    assert smoke["smoke"] is True, "the air was clear long before"
    assert "linkquality" not in smoke, "which only a radio message has"
    before = states(recording["off once more"], BREAKER)[-1]
    (relay,) = states(step, BREAKER)
    assert remembered(relay) == remembered(before), "also when it was heard"
    assert not any(item.retained for item in step)


def test_availability_after_a_restart_is_a_guess(recording: Recording) -> None:
    """Devices are told to be available from the time of their last message: none was asked."""
    step = recording["restart"]
    found = [item.data for item in step if item.topic == f"{SENSOR}/availability"]
    assert found == [{"state": "online"}]


def test_what_is_retained(recording: Recording) -> None:
    """The bridge and availability are; states only where `retain` says so."""
    bridge = {"bridge/state", "bridge/info", "bridge/devices"}
    available = {f"{SENSOR}/availability", f"{BREAKER}/availability"}
    first = retained(recording["subscription after the restart"])
    assert bridge | available <= first
    assert not {SENSOR, BREAKER} & first
    assert BREAKER in retained(recording["subscription to retained"])


def test_after_a_kill_it_tells_what_it_saved_long_before(recording: Recording) -> None:
    """The cache on the disk is up to five minutes older than what it has told."""
    assert states(recording["kill"], BREAKER)[-1]["state"] == "ON"
    assert recording["kill"][-1].data == {"state": "offline"}, "the broker's will"
    (state,) = states(recording["start after the kill"], BREAKER)
    assert state["state"] == "OFF", "the contact is closed"


def test_without_the_cache(recording: Recording) -> None:
    """With `cache_state: false` a message holds what the device has just said, and no start tells any."""
    (state,) = states(recording["without the cache"], BREAKER)
    assert state.keys() == {"current", "last_seen", "linkquality"}
    assert states(recording["start without the cache"], BREAKER) == []


def test_without_sending_at_the_start(recording: Recording) -> None:
    """`cache_state_send_on_startup: false` only defers the memory to the first report."""
    assert states(recording["start without sending"], BREAKER) == []
    (state,) = states(recording["first report after it"], BREAKER)
    assert state["current"] > 4
    assert state["state"] == "OFF", "the contact is closed"


def test_removal(recording: Recording) -> None:
    """The list loses the device before the response says why; a failure changes nothing."""
    failed = recording["removal that fails"]
    assert failed[-1].data["status"] == "error"
    assert "bridge/devices" not in topics(failed)
    step = without_log(recording["removal"])
    assert topics(step)[1:] == [
        BREAKER,
        "bridge/groups",
        "bridge/devices",
        "bridge/definitions",
        "bridge/response/device/remove",
    ]
    assert step[-1].data["data"]["id"] == BREAKER
    assert step[-1].data["status"] == "ok"


def test_leaving(recording: Recording) -> None:
    """Who leaves by itself is gone from the list first; what was retained of it stays."""
    step = recording["leave"]
    assert topics(without_log(step))[-1] == "bridge/event"
    assert events(step)[-1] == ("device_leave", None)
    left = retained(recording["subscription at the end"])
    assert {SENSOR, f"{SENSOR}/availability", f"{BREAKER}/availability"} <= left
    assert BREAKER not in left


def test_return(recording: Recording) -> None:
    """Who comes back has its name again, and is interviewed like a new one."""
    step = recording["return"]
    assert events(step) == [
        ("device_joined", None),
        ("device_interview", "started"),
        ("device_announce", None),
        ("device_interview", "successful"),
    ]
    assert {
        item.data["data"]["friendly_name"]
        for item in step
        if item.topic == "bridge/event"
    } == {SENSOR}
    listed = told(step, "bridge/devices")
    assert [row["friendly_name"] for row in listed] == ["Coordinator", SENSOR]
    state = states(recording["report after the return"], SENSOR)[-1]
    assert state["smoke"] is True, "the air was clear long before"
