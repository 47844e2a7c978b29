"""Vehicle gates by our own protocol: the barrier, a fire, and the list, at the simulator."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core import credentials, doors, proving
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import (
    AgeGroup,
    Colour,
    Decision,
    Means,
)
from custom_components.community_safety.core.ports import Credential
from custom_components.community_safety.core.proving import Reason, Status
from custom_components.community_safety.gateways.mqtt import gateway as gateway_module
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from simulator.device import Fault
from simulator.devices import DoorController, SmokeSensor, VehicleGate
from simulator.native import NativeGateway
from tests.common import BASE, Peer, add_gateway, wait_until
from tests.community_safety.gateways.uhppote.common import Register, offer

PLATE, OTHER = "浙A0T5K9", "浙AD12345"
BEGIN = dt_util.utc_from_timestamp(1_750_000_000)
END = dt_util.utc_from_timestamp(1_990_000_000)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(doors, "TRY_SECONDS", 1.0)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.5)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(gateway_module, "RESULT_SECONDS", 0.5)
    monkeypatch.setattr(credentials, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(VehicleGate, "ARM_SECONDS", 0.2)
    monkeypatch.setattr(VehicleGate, "STUCK_SECONDS", 0.4)
    monkeypatch.setattr(SmokeSensor, "TEST_SECONDS", 0.3)


@pytest.fixture
def gate() -> VehicleGate:
    """Return a vehicle gate as it is delivered."""
    return VehicleGate("gate", "Main gate", "Hall 1")


@pytest.fixture
def door() -> DoorController:
    """Return a door as it is delivered."""
    return DoorController("door", "Shed door", "Hall 1")


@pytest.fixture
def smoke() -> SmokeSensor:
    """Return a smoke sensor beside the gate."""
    return SmokeSensor("smoke", "Smoke sensor", "Hall 1")


@pytest.fixture
async def site(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    broker_port: int,
    gate: VehicleGate,
    door: DoorController,
    smoke: SmokeSensor,
) -> AsyncGenerator[MockConfigEntry]:
    """Return a gateway whose devices the simulator plays, and which were heard."""
    entry = await add_gateway(hass)
    simulated = NativeGateway(broker_port, BASE, "Site", [gate, door, smoke])
    task = asyncio.create_task(simulated.run())
    await wait_until(hass, lambda: known(entry))
    yield entry
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def known(entry: MockConfigEntry) -> bool:
    """Return if all devices of the site have spoken."""
    devices = entry.runtime_data.devices
    return {"gate", "door", "smoke"} <= devices.keys() and all(
        row.available and row.reported for row in devices.values()
    )


def device(entry: MockConfigEntry, name: str = "gate") -> SafetyDevice:
    """Return a device of the site."""
    found: SafetyDevice = entry.runtime_data.devices[name]
    return found


def entity(hass: HomeAssistant, platform: str, key: str, name: str = "gate") -> str:
    """Return the id of an entity."""
    found = er.async_get(hass).async_get_entity_id(
        platform, "community_safety", f"mqtt/{BASE}/{name}/{key}"
    )
    assert found
    return found


def state(hass: HomeAssistant, platform: str, key: str) -> str:
    """Return the state of an entity of the gate."""
    found = hass.states.get(entity(hass, platform, key))
    assert found
    return found.state


def alarms(hass: HomeAssistant) -> dict[str, Alarm]:
    """Return the open alarms of the gate, by hazard."""
    book = hass.data[DATA_HOUSE].book
    return {row.hazard: row for row in book.of_device(f"mqtt/{BASE}/gate")}


async def order(
    hass: HomeAssistant, service: str, context: Context | None = None
) -> None:
    """Open or close the barrier."""
    await hass.services.async_call(
        "cover",
        service,
        {"entity_id": entity(hass, "cover", "locked_1")},
        blocking=True,
        context=context,
    )


async def put(register: Register, found: SafetyDevice, **more: Any) -> Any:
    """Give a plate, for the only barrier."""
    what = {"number": PLATE, "begin": BEGIN, "end": END, "doors": ["1"], **more}
    return await register.credentials.async_put(found.device_id or "", **what)


async def test_held_open_and_closed(
    hass: HomeAssistant, site: MockConfigEntry, gate: VehicleGate
) -> None:
    """The barrier is open once its arm is up, and closed once it is down."""
    assert state(hass, "cover", "locked_1") == "closed"
    await order(hass, "open_cover")
    assert (gate.is_held, gate.arm) == (True, 1.0)
    await wait_until(hass, lambda: state(hass, "cover", "locked_1") == "open")
    await order(hass, "close_cover")
    assert not gate.is_held
    await wait_until(hass, lambda: state(hass, "cover", "locked_1") == "closed")


async def test_one_vehicle(
    hass: HomeAssistant, site: MockConfigEntry, gate: VehicleGate
) -> None:
    """To let one through raises the arm, and holds it not; a stuck arm is refused."""
    port, found = site.runtime_data, device(site)
    await port.async_set(found, "open_1", True)
    await wait_until(hass, lambda: gate.arm == 1.0)
    assert found.readings["locked_1"] is True
    gate.faults.add(Fault.WELDED)
    with pytest.raises(HomeAssistantError):
        await port.async_set(found, "open_1", True)


async def test_stuck(
    hass: HomeAssistant, site: MockConfigEntry, gate: VehicleGate
) -> None:
    """An arm that does not move is a warning, and not open: the order fails loudly."""
    gate.faults.add(Fault.WELDED)
    with pytest.raises(HomeAssistantError) as error:
        await order(hass, "open_cover")
    assert error.value.translation_key == "release_unproven"
    await wait_until(hass, lambda: "barrier_stuck" in alarms(hass))
    assert alarms(hass)["barrier_stuck"].severity is Severity.WARNING
    assert state(hass, "cover", "locked_1") == "closed"
    gate.clear()
    await wait_until(hass, lambda: "barrier_stuck" not in alarms(hass))


async def test_a_fire_opens_it(
    hass: HomeAssistant,
    site: MockConfigEntry,
    gate: VehicleGate,
    smoke: SmokeSensor,
    hass_admin_user: MockUser,
) -> None:
    """It stays open until a person closes it, and never for a drill."""
    person = Context(user_id=hass_admin_user.id)
    await site.runtime_data.async_press(device(site, "smoke"), "self_test")
    await wait_until(
        hass, lambda: any(row.drill for row in hass.data[DATA_HOUSE].book.open.values())
    )
    await wait_until(hass, lambda: not smoke.testing)
    assert not gate.is_held
    smoke.happen("smoke")
    await wait_until(hass, lambda: gate.is_held and gate.arm == 1.0)
    await wait_until(
        hass, lambda: state(hass, "binary_sensor", "released_on_fire") == "on"
    )
    with pytest.raises(ServiceValidationError) as error:
        await order(hass, "close_cover", person)
    assert error.value.translation_key == "still_present"
    smoke.clear()
    await wait_until(
        hass,
        lambda: all(
            not row.present
            for row in hass.data[DATA_HOUSE].book.open.values()
            if row.hazard == "smoke"
        ),
    )
    assert gate.is_held
    # What an add-on orders has a user, and is no person.
    system = await hass.auth.async_create_system_user(
        "Add-on", group_ids=[GROUP_ID_ADMIN]
    )
    for context in (None, Context(user_id=system.id)):
        with pytest.raises(ServiceValidationError) as error:
            await order(hass, "close_cover", context)
        assert error.value.translation_key == "needs_person"
    await order(hass, "close_cover", person)
    assert not gate.is_held


async def test_not_released(
    hass: HomeAssistant, site: MockConfigEntry, gate: VehicleGate, smoke: SmokeSensor
) -> None:
    """An arm that stays down in a fire is the alarm for that, whatever it was answered."""
    gate.faults.add(Fault.WELDED)
    smoke.happen("smoke")
    await wait_until(hass, lambda: "refused_to_release" in alarms(hass))
    assert gate.is_held


async def test_a_plate_from_order_to_end(
    hass: HomeAssistant,
    site: MockConfigEntry,
    gate: VehicleGate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Written, read back, let in, refused after its end; the number goes to the register alone."""
    register: Register = await offer(hass)
    found = device(site)
    result = await put(register, found)
    assert (result.status, result.held.number) == (Status.CONFIRMED, PLATE)
    assert gate.list.rows[PLATE]["end"] == END.timestamp()
    assert register.credentials.takes(found.device_id or "") == "plate"
    assert register.credentials.takes("nobody") is None
    events: list[Any] = []
    hass.bus.async_listen("state_changed", lambda event: events.append(event.data))
    assert gate.come(PLATE)
    await wait_until(hass, lambda: len(register.passages) == 1)
    (passage,) = register.passages
    assert (passage.number, passage.decision) == (PLATE, Decision.GRANTED)
    passed = hass.states.get(entity(hass, "event", "passage_1"))
    assert passed
    assert passed.attributes["event_type"] == "granted"
    gate.list.clock = END.timestamp
    assert not gate.come(PLATE)
    await wait_until(hass, lambda: len(register.passages) == 2)
    assert register.passages[-1].decision is Decision.NOT_NOW
    result = await register.credentials.async_remove(
        found.device_id or "", number=PLATE
    )
    assert (result.status, result.held, gate.list.rows) == (Status.CONFIRMED, None, {})
    # Home Assistant's own MQTT integration tells what it sends, where somebody asks it to.
    logged = [
        row.getMessage()
        for row in caplog.records
        if row.name.startswith("custom_components")
    ]
    assert PLATE not in repr(logged)
    assert PLATE not in repr(events)
    assert PLATE not in repr(hass.states.async_all())


async def test_a_card_at_a_door(
    hass: HomeAssistant, site: MockConfigEntry, door: DoorController
) -> None:
    """Door controllers of our protocol have the same list."""
    register: Register = await offer(hass)
    found = device(site, "door")
    assert register.credentials.takes(found.device_id or "") == "card"
    assert (await put(register, found, number="10058400")).status is Status.CONFIRMED
    assert door.come("10058400")
    await wait_until(hass, lambda: len(register.passages) == 1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.FORGETFUL, Reason.CONTRADICTED), (Fault.IGNORES, Reason.NO_ANSWER)],
)
async def test_not_proven(
    hass: HomeAssistant,
    site: MockConfigEntry,
    gate: VehicleGate,
    fault: Fault,
    reason: Reason,
) -> None:
    """What is not in the list is unproven, and a fault until it is."""
    register: Register = await offer(hass)
    gate.faults.add(fault)
    result = await put(register, device(site))
    assert (result.status is Status.CONFIRMED, result.reason) == (False, reason)
    await wait_until(hass, lambda: "credential_unproven" in alarms(hass))


async def test_full(
    hass: HomeAssistant, site: MockConfigEntry, gate: VehicleGate
) -> None:
    """A list that is full refuses, and its words are not told on."""
    register: Register = await offer(hass)
    gate.list.capacity = 0
    result = await put(register, device(site))
    assert (result.status, result.reason) == (Status.FAILED, Reason.REFUSED)


@pytest.mark.parametrize(
    "wrong", [{"doors": ["2"]}, {"number": "9" * 33}, {"end": BEGIN}, {"doors": []}]
)
async def test_not_possible(
    hass: HomeAssistant, site: MockConfigEntry, wrong: dict[str, Any]
) -> None:
    """What it cannot hold is refused before anything is sent."""
    register: Register = await offer(hass)
    with pytest.raises(ServiceValidationError) as error:
        await put(register, device(site), **wrong)
    assert error.value.translation_key == "credential_not_possible"


async def test_the_whole_list(
    hass: HomeAssistant,
    site: MockConfigEntry,
    gate: VehicleGate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Page by page: an unknown plate is a warning, a missing one is put back."""
    register: Register = await offer(hass)
    found = device(site)
    wanted = [
        Credential(
            number=f"浙A{number:05}", begin=BEGIN, end=END, doors=frozenset({"1"})
        )
        for number in range(250)
    ]
    assert register.wanted is not None
    register.wanted[found.device_id or ""] = wanted
    difference = await register.credentials.async_check(found.device_id or "")
    assert difference
    assert len(difference.results) == len(gate.list.rows) == 250
    gate.list.rows[OTHER] = {**gate.list.rows["浙A00001"], "number": OTHER}
    del gate.list.rows["浙A00007"]
    gate.list.rows["浙A00008"]["end"] = 1
    difference = await register.credentials.async_check(found.device_id or "")
    assert difference
    assert [row.number for row in difference.unknown] == [OTHER]
    assert sorted(row.number for row in difference.results) == ["浙A00007", "浙A00008"]
    await wait_until(hass, lambda: "unknown_plate" in alarms(hass))
    assert alarms(hass)["unknown_plate"].severity is Severity.WARNING


async def test_forgets_everything_while_it_is_away(
    hass: HomeAssistant, site: MockConfigEntry, gate: VehicleGate, peer: Peer
) -> None:
    """Back from an absence its list is read, and refilled."""
    register: Register = await offer(hass)
    found = device(site)
    assert register.wanted is not None
    register.wanted[found.device_id or ""] = [
        Credential(number=PLATE, begin=BEGIN, end=END, doors=frozenset({"1"}))
    ]
    await register.credentials.async_check(found.device_id or "")
    gate.list.rows.clear()
    for online in (False, True):
        await peer.send(
            f"{BASE}/gate/availability", {"version": 1, "online": online}, retain=True
        )
    await wait_until(hass, lambda: PLATE in gate.list.rows)


@pytest.mark.parametrize(
    "answer",
    [
        {"credentials": [{"number": "b", "begin": 1, "end": 2, "doors": ["1"]}] * 2},
        {
            "count": 2,
            "credentials": [
                {"number": number, "begin": 1, "end": 2, "doors": ["1"]}
                for number in ("b", "a")
            ],
        },
        {"count": 5, "credentials": []},
        {},
    ],
)
async def test_a_list_that_cannot_be_so(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    answer: dict[str, Any],
) -> None:
    """A list without its order, or that does not say what is there, is none."""
    register: Register = await offer(hass)
    await peer.config(
        "gate", "vehicle_gate", ["locked_1"], commands=["open", "credentials"]
    )
    await peer.state("gate", locked_1=True)
    found = device(gateway)

    def reply(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/gate/result",
            {"version": 1, "id": message["id"], "ok": True, **answer},
        )

    peer.answer(f"{BASE}/gate", reply, kind="credentials")
    with pytest.raises(HomeAssistantError):
        [row async for row in gateway.runtime_data.walk_credentials(found, set())]
    assert register.differences == []


async def test_keeps_no_list(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A gate that does not say that it keeps one is not asked for it."""
    register: Register = await offer(hass)
    await peer.config("gate", "vehicle_gate", ["locked_1"])
    with pytest.raises(ServiceValidationError) as error:
        await put(register, device(gateway))
    assert error.value.translation_key == "no_door_controller"


async def test_passages_of_then_and_nonsense(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """What was kept has its own time and is no event; what is retained or wrong is nothing."""
    register: Register = await offer(hass)
    await peer.config("gate", "vehicle_gate", ["locked_1"], commands=["credentials"])
    await peer.state("gate", locked_1=True)
    message = {
        "version": 1,
        "id": "p1",
        "time": 1_790_000_000,
        "index": 7,
        "door": "1",
        "number": PLATE,
        "decision": "seen",
        "late": True,
    }
    await peer.send(f"{BASE}/gate/passage", message)
    (passage,) = register.passages
    assert passage.at.timestamp() == 1_790_000_000
    assert (passage.late, passage.granted) == (True, False)
    assert state(hass, "event", "passage_1") == "unknown"
    await peer.send(f"{BASE}/gate/passage", {**message, "late": False, "id": "p2"})
    passed = hass.states.get(entity(hass, "event", "passage_1"))
    assert passed
    assert passed.attributes["event_type"] == "seen"
    await peer.send(f"{BASE}/gate/passage", {**message, "decision": "perhaps"})
    await peer.send(f"{BASE}/other/passage", message)
    await peer.send(f"{BASE}/gate/passage", message, retain=True)
    assert len(register.passages) == 3
    reasons = {reason for _device, reason in gateway.runtime_data.refused}
    assert reasons == {
        "passage: decision is not valid",
        "passage: retained, or of an unknown device",
    }


async def test_seen_and_nothing_else(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Who has no number is told with what a camera says of them; before a barrier it is no vehicle."""
    register: Register = await offer(hass)
    await peer.config("gate", "vehicle_gate", ["locked_1"], commands=["credentials"])
    await peer.state("gate", locked_1=True)
    message = {
        "version": 1,
        "id": "p1",
        "time": 1_790_000_000,
        "index": 1,
        "door": "1",
        "decision": "seen",
        "means": "sight",
        "category": "person",
        "colour": "red",
        "age_group": "child",
    }
    await peer.send(f"{BASE}/gate/passage", message)
    (passage,) = register.passages
    assert (passage.means, passage.number) == (Means.SIGHT, "")
    assert (passage.colour, passage.age_group) == (Colour.RED, AgeGroup.CHILD)
    assert state(hass, "event", "passage_1") == "unknown"
    told = {key: message[key] for key in message if key not in ("colour", "age_group")}
    await peer.send(f"{BASE}/gate/passage", {**told, "index": 2})
    assert (register.passages[-1].colour, register.passages[-1].age_group) == (
        None,
        None,
    )
    # It lets nobody in, and what is known by something says by what.
    for wrong in (
        {**message, "decision": "granted"},
        {**message, "number": PLATE},
        {**message, "means": "plate"},
        {key: message[key] for key in message if key != "means"},
    ):
        await peer.send(f"{BASE}/gate/passage", wrong)
    assert len(register.passages) == 2
    assert sum(gateway.runtime_data.refused.values()) == 4
    # With a number it may look like something all the same.
    car = {**message, "number": PLATE, "means": "plate", "category": "car"}
    del car["age_group"]
    await peer.send(f"{BASE}/gate/passage", car)
    assert (register.passages[-1].number, register.passages[-1].colour) == (
        PLATE,
        Colour.RED,
    )
    assert state(hass, "event", "passage_1") != "unknown"


async def test_seen_at_a_door(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who was only seen before a door has neither been let in nor refused: no event, no error."""
    register: Register = await offer(hass)
    await peer.config("door", "door_controller", ["locked_1"], commands=["open"])
    await peer.state("door", locked_1=True)
    message = {
        "version": 1,
        "id": "p1",
        "time": 1_790_000_000,
        "index": 1,
        "door": "1",
        "number": PLATE,
        "decision": "seen",
        "means": "plate",
    }
    await peer.send(f"{BASE}/door/passage", message)
    assert len(register.passages) == 1
    passed = hass.states.get(entity(hass, "event", "passage_1", "door"))
    assert passed
    assert passed.state == "unknown"
    assert "could be told" not in caplog.text


async def test_a_list_without_doors(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A device that has a list and names no door can hold nothing: that is refused in words."""
    register: Register = await offer(hass)
    await peer.config("gate", "vehicle_gate", ["clock_wrong"], commands=["credentials"])
    await peer.state("gate", clock_wrong=False)
    with pytest.raises(ServiceValidationError) as error:
        await put(register, device(gateway))
    assert error.value.translation_key == "credential_not_possible"
