"""Plates at vehicle gates: bound to leases as cards are, proven where the list can be read."""

from collections.abc import AsyncGenerator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.core import credentials
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways.vzenith import gateway as vzenith
from custom_components.rental_units.access_control import numbers
from custom_components.rental_units.access_control.const import (
    GRACE_SECONDS,
    RESEND_SECONDS,
)
from custom_components.rental_units.access_control.leaving import ISSUE
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.sightings.journal import FLUSH_SECONDS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from simulator.uhppote import Board
from simulator.vzenith import Camera, Fault
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import add_boards, pass_time
from tests.community_safety.gateways.vzenith.common import (
    add_camera,
    device_of,
    local_time,
    say_anew,
)
from tests.rental_units.common import call
from tests.rental_units.panel import panel_of

from .common import NUMBER, OWN, House, refusal, settle, until

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

WRITTEN, PLATE = "浙A·0T5K9", "浙A0T5K9"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing that frozen time would never bring."""
    monkeypatch.setattr(vzenith, "GAP_SECONDS", 0)
    monkeypatch.setattr(credentials, "FIRST_BACKOFF_SECONDS", 0)


@pytest.fixture
async def camera(
    mqtt_entry: MockConfigEntry, broker_port: int
) -> AsyncGenerator[Camera]:
    """Return a camera at the vehicle gate."""
    camera = Camera(broker_port, clock=local_time)
    await camera.start()
    yield camera
    await camera.stop()


@pytest.fixture(params=[False, True], ids=["sent", "proven"])
def can_read(request: pytest.FixtureRequest) -> bool:
    """Return if the list of the camera can be read."""
    return bool(request.param)


@pytest.fixture
async def gate(hass: HomeAssistant, camera: Camera, can_read: bool) -> None:
    """Have a gateway of the camera, while time goes on."""
    login = {"url": camera.url, "username": "admin", "password": "admin"}
    await add_camera(hass, camera, **(login if can_read else {}))


@pytest.fixture
async def site(
    hass: HomeAssistant,
    gate: None,
    shanghai: None,
    boards: list[Board],
    entry: MockConfigEntry,
    camera: Camera,
) -> House:
    """Return a property with a door of its stairwell, and a vehicle gate for everybody."""
    await say_anew(hass, camera)
    house = House(hass, entry, await add_boards(hass, *boards), *boards)
    await house.assign(house.first, building="1", stairwell="1")
    answer = await call(
        hass,
        "assign_door",
        {
            "config_entry_id": entry.entry_id,
            "device_id": device_of(hass, camera).device_id,
            "door": "1",
        },
    )
    assert answer["door_id"]
    return house


async def issue(house: House, person: str, plate: str = WRITTEN) -> str:
    """Give somebody a plate; return its id."""
    answer = await call(
        house.hass, "issue_plate", {"person_id": person, "plate": plate}
    )
    return str(answer["card_id"])


async def test_from_check_in_to_check_out(
    site: House, camera: Camera, can_read: bool
) -> None:
    """It is let in until the lease's end; then nobody calls proven what was only sent."""
    person = await site.move_in()
    card = await issue(site, person)
    await site.becomes(person, "active" if can_read else "sent")
    assert set(camera.rows) == {PLATE}
    # Nobody opens a door with a plate.
    assert site.first.cards == []
    # The end of the last day in Shanghai.
    assert camera.rows[PLATE]["overdue_time"] == "2026-10-31 23:59:59"
    assert camera.drive(PLATE)
    (shown,) = await site.cards(person)
    assert (shown["medium"], shown["card_number"]) == ("plate", "••••5K9")
    (row,) = (await site.doors(card)).values()
    assert (row["proof"], row["opens"]) == ("proven" if can_read else "sent", True)
    assert (row["proven_at"] is not None) is can_read

    await site.move_out(person)
    await site.becomes(person, "expired" if can_read else "sent")
    await wait_until(site.hass, lambda: camera.rows == {})
    (row,) = (await site.doors(card)).values()
    assert (row["proof"], row["opens"]) == ("proven" if can_read else "sent", False)
    camera.lower()
    assert not camera.drive(PLATE)
    assert site.repair() is None


async def test_cards_open_no_gate(site: House, camera: Camera) -> None:
    """A card goes where cards are listed, and nowhere else."""
    person = await site.move_in()
    await site.issue(person, NUMBER)
    await site.becomes(person, "active")
    assert site.numbers(site.first) == [NUMBER]
    assert camera.rows == {}


@pytest.mark.parametrize("can_read", [False], indirect=True)
async def test_home_assistant_stopped_over_the_end(
    site: House, camera: Camera, freezer: FrozenDateTimeFactory
) -> None:
    """The end is in the camera, and goes by its clock: it refuses without us."""
    person = await site.move_in(end="2026-09-02")
    await issue(site, person)
    await site.becomes(person, "sent")
    for entry in site.hass.config_entries.async_loaded_entries("community_safety"):
        await site.hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to("2026-09-02 15:59:00+00:00")
    assert camera.drive(PLATE)
    camera.lower()
    freezer.move_to("2026-09-02 16:00:00+00:00")
    assert not camera.drive(PLATE)


@pytest.mark.parametrize("can_read", [False], indirect=True)
async def test_sent_again(
    site: House, camera: Camera, freezer: FrozenDateTimeFactory
) -> None:
    """A camera that was changed for another has nothing, and cannot say so."""
    person = await site.move_in()
    await issue(site, person)
    await site.becomes(person, "sent")
    camera.rows.clear()
    for _ in range(2):
        camera.beat()
        await pass_time(site.hass, freezer, RESEND_SECONDS / 2 + GRACE_SECONDS)
    await wait_until(site.hass, lambda: set(camera.rows) == {PLATE})


async def test_list_of_a_gate(
    site: House, camera: Camera, can_read: bool, hass_ws_client: WebSocketGenerator
) -> None:
    """Its page says that it holds plates, and how much of that is proven."""
    person = await site.move_in()
    await issue(site, person)
    await site.becomes(person, "active" if can_read else "sent")
    panel = await panel_of(site.hass, site.entry, hass_ws_client)
    gate = device_of(site.hass, camera).device_id
    found = await panel.get("door_cards", device_id=gate)
    assert (found["medium"], found["total"]) == ("plate", 1)
    assert found["sent"] == (0 if can_read else 1)
    assert (found["pending"], found["missing"], found["left"]) == (0, 0, 0)
    assert [row["proof"] for row in found["cards"]] == (
        ["proven"] if can_read else ["sent"]
    )
    assert {row["medium"] for row in (await panel.get("doors"))["doors"]} == {
        "card",
        "plate",
    }
    # Taken back, it is gone for all that anybody knows.
    await site.move_out(person)
    await site.becomes(person, "expired" if can_read else "sent")
    found = await panel.get("door_cards", device_id=gate)
    assert (found["total"], found["sent"]) == ((0, 0) if can_read else (1, 1))
    board = await panel.get("door_cards", device_id=site.controller(site.first))
    assert (board["medium"], board["sent"]) == ("card", 0)


@pytest.mark.parametrize("can_read", [False], indirect=True)
async def test_not_even_sent(site: House, camera: Camera) -> None:
    """What was refused is unproven, and a repair, until it was taken."""
    camera.faults.add(Fault.REFUSES)
    person = await site.move_in()
    card = await issue(site, person)
    await site.becomes(person, "unproven")
    (row,) = (await site.doors(card)).values()
    assert row["why_unproven"] == "refused"
    assert site.repair() is not None


@pytest.mark.parametrize("can_read", [False], indirect=True)
async def test_lost_and_revoked(site: House, camera: Camera) -> None:
    """Stolen plates are taken at once; once revoked, the plate is free."""
    person = await site.move_in()
    card = await issue(site, person)
    await site.becomes(person, "sent")
    await site.decide("lose", card)
    await wait_until(site.hass, lambda: camera.rows == {})
    again = {"person_id": person, "plate": WRITTEN}
    assert await refusal(site.hass, "issue_plate", **again) == "card_number_lost"
    await site.decide("revoke", card)

    async def is_closed() -> bool:
        return bool((await site.cards(person))[0]["closed_at"])

    await until(site.hass, is_closed)
    await issue(site, person)
    await wait_until(site.hass, lambda: set(camera.rows) == {PLATE})


@pytest.mark.parametrize("can_read", [True], indirect=True)
async def test_a_plate_that_nobody_has_given(site: House, camera: Camera) -> None:
    """It is found when the list is read; what of it is shown is its end."""
    person = await site.move_in()
    await issue(site, person)
    await site.becomes(person, "active")
    camera.rows["沪B99999"] = {**camera.rows[PLATE], "plate": "沪B99999"}
    device = device_of(site.hass, camera)
    lists = site.hass.data[DATA_HOUSE].credentials
    assert await lists.async_check(device.device_id or "")
    assert device.readings["unknown_credential"] is True
    answer = await call(
        site.hass, "get_doors", {"config_entry_id": site.entry.entry_id}
    )
    assert "沪" not in repr(answer["lists"])
    assert {row["medium"] for row in answer["doors"]} == {"card", "plate"}


@pytest.mark.parametrize("can_read", [False], indirect=True)
async def test_refused(site: House) -> None:
    """What is no plate, or somebody's already."""
    person = await site.move_in()
    for plate in ("A0T5K9", "浙A", "12345678", "浙A0T5K9浙A0"):
        data = {"person_id": person, "plate": plate}
        found = await refusal(site.hass, "issue_plate", **data)
        assert found == "plate_number_invalid"
    await issue(site, person)
    other = await site.move_in(OWN, name="MARK-OTHER")
    data = {"person_id": other, "plate": PLATE}
    assert await refusal(site.hass, "issue_plate", **data) == "card_number_taken"


@pytest.mark.parametrize("can_read", [False], indirect=True)
async def test_who_drove_in(
    site: House, camera: Camera, freezer: FrozenDateTimeFactory
) -> None:
    """A plate is kept as one, with whose it is; what is told once more is there once."""
    person = await site.move_in()
    card = await issue(site, person)
    await site.becomes(person, "sent")
    stamp = {"Timeval": {"sec": int(dt_util.utcnow().timestamp())}}
    asked = {
        "config_entry_id": site.entry.entry_id,
        "device_id": device_of(site.hass, camera).device_id,
        "reason": "inspection",
        "until": "2026-09-03T00:00:00+08:00",
        "since": "2026-08-31T00:00:00+08:00",
    }
    assert camera.drive(PLATE, plateid=7, timeStamp=stamp)
    camera.lower()
    camera.drive("沪B99999", plateid=8, timeStamp=stamp, isoffline=1)
    # As a camera does that was not heard to be understood.
    camera.drive(PLATE, plateid=7, timeStamp=stamp, unique_id="again", isoffline=1)

    async def rows() -> list[dict[str, Any]]:
        await pass_time(site.hass, freezer, FLUSH_SECONDS)
        found = await call(site.hass, "get_passages", asked)
        return list(found["passages"])

    async def are_there() -> bool:
        return len(await rows()) >= 2

    await until(site.hass, are_there)
    found = {row["card_number"]: row for row in await rows()}
    assert len(await rows()) == 2
    assert {row["medium"] for row in found.values()} == {"plate"}
    ours, other = found["••••5K9"], found["••••999"]
    assert (ours["card_id"], ours["person_id"]) == (card, person)
    assert (other["card_id"], other["granted"]) == (None, None)


async def test_property_is_removed(
    site: House, camera: Camera, hass_storage: dict[str, Any]
) -> None:
    """Its plates are taken first; where nobody can read the list, until that was sent."""
    person = await site.move_in()
    await issue(site, person)
    old = await issue(site, person, "浙B·12345")
    await wait_until(site.hass, lambda: len(camera.rows) == 2)
    await site.decide("revoke", old)

    async def is_closed() -> bool:
        return any(row["closed_at"] for row in await site.cards(person))

    await until(site.hass, is_closed)
    await site.hass.config_entries.async_remove(site.entry.entry_id)
    await wait_until(site.hass, lambda: camera.rows == {})
    await wait_until(
        site.hass,
        lambda: ir.async_get(site.hass).async_get_issue(DOMAIN, ISSUE) is None,
    )
    await settle(site.hass)
    assert f"{DOMAIN}.leaving" not in hass_storage


@pytest.mark.parametrize(
    ("text", "country", "plate"),
    [
        ("浙A·0T5K9", "CN", "浙A0T5K9"),
        (" 浙a d12345 ", "CN", "浙AD12345"),
        ("粤Z1234港", "CN", "粤Z1234港"),
        ("１２３４５６使", "CN", "123456使"),
        ("浙A1234学", "CN", "浙A1234学"),
        ("A0T5K9", "CN", None),
        ("AB 1234", "HK", "AB1234"),
        ("12345678", "HK", None),
        ("B-MW 1234", None, "BMW1234"),
        ("", None, None),
    ],
)
def test_plates(
    database: None, text: str, country: str | None, plate: str | None
) -> None:
    """As cameras read them, and in China with their province."""
    assert numbers.plate(text, country) == plate
