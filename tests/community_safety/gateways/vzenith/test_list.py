"""The list of plates: proven where the pages can be read, and else sent."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.ports import Credential
from custom_components.community_safety.core.proving import Reason, Status
from custom_components.community_safety.gateways.vzenith import gateway as module
from custom_components.community_safety.gateways.vzenith.web import sealed
from custom_components.community_safety.gateways.vzenith.words import LATEST
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
from simulator.vzenith import NEVER, OFFLINE, Camera, Fault
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Register, offer, pass_time

from .common import BEGIN, END, OTHER, PLATE, add_camera, alarms_of, device_of


async def put(
    register: Register, hass: HomeAssistant, camera: Camera, **more: Any
) -> Any:
    """Give a plate."""
    what = {"number": PLATE, "begin": BEGIN, "end": END, "doors": ["1"], **more}
    device_id = device_of(hass, camera).device_id or ""
    return await register.credentials.async_put(device_id, **what)


async def remove(register: Register, hass: HomeAssistant, camera: Camera) -> Any:
    """Take the plate."""
    device_id = device_of(hass, camera).device_id or ""
    return await register.credentials.async_remove(device_id, number=PLATE)


def test_log_in() -> None:
    """A log-in is sealed as a camera's page has done it: captured from one, with its time."""
    # `admin:admin` at 1644991148 Unix seconds.
    assert sealed("admin:admin", 1644991148.216) == "rJIMYtjY2NgYtbky3tuwOy27rg=="


@pytest.mark.parametrize("fault", [None, Fault.FORGETFUL])
async def test_sent(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera, fault: Fault | None
) -> None:
    """Without its pages nobody knows what became of what was taken: no proof, and no fault."""
    camera.faults.update({fault} if fault else set())
    register: Register = await offer(hass)
    result = await put(register, hass, camera)
    assert (result.status, result.reason) == (Status.SENT, None)
    assert result.held.end == END
    assert (PLATE in camera.rows) is (fault is None)
    assert (await remove(register, hass, camera)).status is Status.SENT
    device_id = device_of(hass, camera).device_id or ""
    assert register.wanted is not None
    register.wanted[device_id] = [
        Credential(number=PLATE, begin=BEGIN, end=END, doors=frozenset({"1"}))
    ]
    assert await register.credentials.async_check(device_id) is None
    assert register.differences == []
    assert alarms_of(hass, camera) == {}
    # What nobody can read is not all well.
    assert "unknown_credential" not in device_of(hass, camera).readings


async def test_removed_at_its_end(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """The camera has the end; what is done about it is told, as sent."""
    register: Register = await offer(hass)
    end = dt_util.utcnow() + timedelta(minutes=10)
    await put(register, hass, camera, end=end)
    camera.beat()
    await pass_time(hass, freezer, 640)
    assert not camera.drive(PLATE)
    await wait_until(hass, lambda: len(register.proven) == 1)
    assert (register.proven[0].status, camera.rows) == (Status.SENT, {})


@pytest.mark.parametrize("fault", [Fault.MUTE, Fault.REFUSES])
async def test_not_even_sent(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera, fault: Fault
) -> None:
    """What was not taken is unproven, and a fault."""
    register: Register = await offer(hass)
    camera.faults.add(fault)
    result = await put(register, hass, camera)
    assert result.status is not Status.SENT
    assert "credential_unproven" in alarms_of(hass, camera)


@pytest.mark.parametrize("is_old", [True, False])
@pytest.mark.parametrize("takes_lists", [True, False])
async def test_builds(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    broker_port: int,
    is_old: bool,
    takes_lists: bool,
) -> None:
    """Each build takes its own shape of a record, and of what is deleted; it is learnt once."""
    camera = Camera(broker_port, is_old=is_old, takes_lists=takes_lists)
    await camera.start()
    entry = await add_camera(hass, camera)
    register: Register = await offer(hass)
    assert (await put(register, hass, camera)).status is Status.SENT
    assert (await put(register, hass, camera, number=OTHER)).status is Status.SENT
    assert set(camera.rows) == {PLATE, OTHER}
    assert len(camera.ordered) == 2 + is_old
    assert (await remove(register, hass, camera)).status is Status.SENT
    assert set(camera.rows) == {OTHER}
    shapes = entry.runtime_data.diagnostics()["shapes"]
    assert shapes == {"put": int(is_old), "remove": int(takes_lists)}
    await camera.stop()


async def test_one_after_the_other(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cameras lose what comes too fast: nothing does."""
    monkeypatch.setattr(module, "GAP_SECONDS", 0.15)
    camera.faults.add(Fault.HASTY)
    register: Register = await offer(hass)
    for number in range(5):
        await put(register, hass, camera, number=f"浙A0000{number}")
    assert (len(camera.rows), camera.lost) == (5, 0)


async def test_proven(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """Read back by its pages, with begin and end; and gone, and let in no more."""
    register: Register = await offer(hass)
    result = await put(register, hass, camera)
    assert (result.status, result.held.end) == (Status.CONFIRMED, END)
    assert camera.drive(PLATE)
    result = await remove(register, hass, camera)
    assert (result.status, result.held) == (Status.CONFIRMED, None)
    assert not camera.drive(PLATE)
    assert camera.logins == 1


async def test_said_to_be_stored(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """A good answer is no list."""
    camera.faults.add(Fault.FORGETFUL)
    register: Register = await offer(hass)
    result = await put(register, hass, camera)
    assert (result.status, result.reason) == (Status.FAILED, Reason.CONTRADICTED)
    assert "credential_unproven" in alarms_of(hass, camera)


async def test_the_whole_list(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """What nobody has given is a warning; what lacks, or opens otherwise, is put right."""
    register: Register = await offer(hass)
    device_id = device_of(hass, camera).device_id or ""
    await put(register, hass, camera)
    ours = dict(camera.rows[PLATE])
    numbers = [f"浙A{number:05}" for number in range(70)]
    for number in numbers:
        camera.rows[number] = {**ours, "plate": number}
    camera.rows[numbers[1]]["need_alarm"] = 1
    camera.rows[numbers[2]]["overdue_time"] = "never"
    del camera.rows[numbers[3]]
    camera.rows[OTHER] = {**ours, "plate": OTHER}
    assert register.wanted is not None
    register.wanted[device_id] = [
        Credential(number=number, begin=BEGIN, end=END, doors=frozenset({"1"}))
        for number in (PLATE, *numbers)
    ]
    difference = await register.credentials.async_check(device_id)
    assert difference
    assert [row.number for row in difference.unknown] == [OTHER]
    assert sorted(row.number for row in difference.results) == numbers[1:4]
    assert all(row.status is Status.CONFIRMED for row in difference.results)
    assert "unknown_plate" in alarms_of(hass, camera)


async def test_plates_that_are_deleted_meanwhile(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """What a deletion has moved before the next page is read all the same."""
    register: Register = await offer(hass)
    port, device = read_entry.runtime_data, device_of(hass, camera)
    await put(register, hass, camera)
    ours = camera.rows.pop(PLATE)
    numbers = [f"浙A{number:05}" for number in range(120)]
    camera.rows = {number: {**ours, "plate": number} for number in numbers}
    written: set[str] = set()
    read: list[str] = []
    async for row in port.walk_credentials(device, written):
        read.append(row.number)
        if len(read) in (10, 60):
            gone = numbers[len(read) // 60]
            written.add(gone)
            await port.async_remove_credential(device, gone)
    assert read == numbers


async def test_an_unknown_plate_and_a_log_in_that_is_refused(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """That nobody can read the list any more does not end the warning, and counts nothing."""
    register: Register = await offer(hass)
    device = device_of(hass, camera)
    await put(register, hass, camera)
    camera.rows[OTHER] = {**camera.rows[PLATE], "plate": OTHER}
    assert register.wanted is not None
    register.wanted[device.device_id or ""] = []
    await register.credentials.async_check(device.device_id or "")
    await wait_until(hass, lambda: "unknown_plate" in alarms_of(hass, camera))
    assert "credentials" in device.readings
    camera.password = "changed"
    camera.sessions.clear()
    assert (await put(register, hass, camera)).status is Status.SENT
    assert await register.credentials.async_check(device.device_id or "") is None
    assert alarms_of(hass, camera)["unknown_plate"].present
    assert "credentials" not in device.readings


@pytest.mark.parametrize("fault", [Fault.NO_PAGES, Fault.NONSENSE])
async def test_pages_that_are_away(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera, fault: Fault
) -> None:
    """That nobody can read now what became of it is unproven, and not merely sent."""
    register: Register = await offer(hass)
    camera.faults.add(fault)
    result = await put(register, hass, camera)
    assert (result.status, result.reason) == (Status.UNCONFIRMED, Reason.NO_ANSWER)
    port = read_entry.runtime_data
    assert (module.NO_PAGES, camera.serial) in port.problems
    with pytest.raises(HomeAssistantError):
        [row async for row in port.walk_credentials(device_of(hass, camera), set())]
    camera.faults.clear()
    assert (await put(register, hass, camera)).status is Status.CONFIRMED
    assert port.problems == {}


async def test_a_log_in_that_is_refused(
    hass: HomeAssistant,
    read_entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """It is sent once, over restarts too; what is written is sent, and people are told."""
    register: Register = await offer(hass)
    camera.password = "changed"
    camera.sessions.clear()
    logins = camera.logins
    result = await put(register, hass, camera)
    assert result.status is Status.SENT
    for _ in range(3):
        await pass_time(hass, freezer, module.ASK_EVERY.total_seconds())
    assert camera.logins == logins + 1
    problem = read_entry.runtime_data.problems[module.NO_PAGES, camera.serial]
    assert problem.placeholders["reason"] == "the log-in was refused"
    await hass.config_entries.async_reload(read_entry.entry_id)
    key = (module.NO_PAGES, camera.serial)
    await wait_until(hass, lambda: key in read_entry.runtime_data.problems)
    assert camera.logins == logins + 1


async def test_a_session_that_has_run_out(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """It logs in once more."""
    register: Register = await offer(hass)
    await put(register, hass, camera)
    camera.sessions.clear()
    assert (await put(register, hass, camera)).status is Status.CONFIRMED


@pytest.mark.parametrize("mode", [OFFLINE, NEVER])
async def test_a_list_that_does_not_count(
    hass: HomeAssistant,
    read_entry: MockConfigEntry,
    camera: Camera,
    mode: int,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """A list that is written and never looked at would look like success."""
    camera.mode = mode
    port = read_entry.runtime_data
    await pass_time(hass, freezer, module.ASK_EVERY.total_seconds() + 1)
    key = (module.NOT_COUNTED, camera.serial)
    await wait_until(hass, lambda: key in port.problems)
    register: Register = await offer(hass)
    await put(register, hass, camera)
    assert not camera.drive(PLATE)
    camera.mode = 1
    await pass_time(hass, freezer, module.ASK_EVERY.total_seconds() + 1)
    await wait_until(hass, lambda: key not in port.problems)


async def test_another_zone(
    hass: HomeAssistant,
    read_entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """Its times have no zone: its pages show which it has, and its heartbeat does not."""
    camera.offset = timedelta(hours=8)
    await pass_time(hass, freezer, module.ASK_EVERY.total_seconds() + 1)
    await wait_until(hass, lambda: "clock_wrong" in alarms_of(hass, camera))
    camera.offset = timedelta()
    await pass_time(hass, freezer, module.ASK_EVERY.total_seconds() + 1)
    await wait_until(hass, lambda: "clock_wrong" not in alarms_of(hass, camera))


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "浙A 0T5K9"},
        {"number": "浙a0t5k9"},
        {"doors": ["2"]},
        {"end": BEGIN},
        {"begin": LATEST, "end": LATEST + timedelta(days=1)},
    ],
)
async def test_not_possible(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera, wrong: dict[str, Any]
) -> None:
    """What would never match is refused before it is sent."""
    register: Register = await offer(hass)
    with pytest.raises(ServiceValidationError) as error:
        await put(register, hass, camera, **wrong)
    assert error.value.translation_key == "credential_not_possible"
    assert "white_list_operator" not in camera.ordered


async def test_a_list_that_changes(
    hass: HomeAssistant, read_entry: MockConfigEntry, camera: Camera
) -> None:
    """A list that another program fills while it is read is none."""
    register: Register = await offer(hass)
    await put(register, hass, camera)

    async def read() -> None:
        device = device_of(hass, camera)
        async for _row in read_entry.runtime_data.walk_credentials(device, set()):
            for plate in (OTHER, "浙A00001"):
                camera.rows[plate] = {**camera.rows[PLATE], "plate": plate}

    with pytest.raises(HomeAssistantError) as error:
        await read()
    assert error.value.translation_key == "list_changed"
