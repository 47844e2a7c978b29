"""Nothing personal is anywhere but in the register's own database."""

from base64 import b64encode
from datetime import timedelta
import json
import logging
from pathlib import Path
import re
from typing import Any
from unittest.mock import AsyncMock

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import func, select

from custom_components.community_safety.core.passages import Decision, Means, Passage
from custom_components.rental_units.access import MARK, sealed
from custom_components.rental_units.access_control.readers import DATA_READERS
from custom_components.rental_units.access_control.sink import Sink
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import IssueCodes
from custom_components.rental_units.care.models import CareWatch
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.places.book import DATA_BOOKS
from custom_components.rental_units.sightings.journal import journal_of
from custom_components.rental_units.storage.vault import Compartment, CompartmentRow
from homeassistant.const import EVENT_CALL_SERVICE, EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import wait_until

from .common import (
    administrator,
    call,
    check_in,
    device_id,
    fill_unit,
    unit_form,
    unit_id,
)
from .panel import Panel, content, panel_of
from .reports.conftest import Phone
from .reports.pictures import COMMENT, MAKER, PLACE, photo, scene
from .test_config_flow import UNIT, begin, fill

#: Names, the national parts of the numbers, addresses.
MARKS = (
    "MARK-",
    "mark-mail",
    "mark_mail",
    "mark_person",
    "1380013800",
    "77004711",
    "M4RK5",
)

#: Photos full of marks: made here, as the library that writes them logs them.
PHOTOS = (photo(), photo("heif", scene(2)), photo("png", scene(3)))


@pytest.fixture
def recorder_db_url(tmp_path: Path) -> str:
    """Let the recorder write a file."""
    return f"sqlite:///{tmp_path}/recorder.db"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_marked_data(
    recorder_mock: Any,
    hass: HomeAssistant,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    hass_storage: dict[str, Any],
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: Any,
    tmp_path: Path,
) -> None:
    """A register full of marks, used in every way: no mark is anywhere else."""
    logging.getLogger().setLevel(logging.DEBUG)
    # It would log each message of each integration as it is: see docs/websocket.md.
    for name in ("http.connection", "http"):
        logger = logging.getLogger(f"homeassistant.components.websocket_api.{name}")
        logger.setLevel(logging.INFO)
    admin = MockUser(is_owner=True).add_to_hass(hass)
    client = await hass_client_no_auth()
    events: list[Event] = []
    hass.bus.async_listen("*", events.append)
    assert await async_setup_component(
        hass,
        "script",
        {
            "script": {
                "move_in": {
                    "sequence": [
                        {
                            "action": "rental_units.check_in",
                            "data": {
                                "device_id": device_id(hass, entry, "1-1-102"),
                                # Put together here, so that only the call has it.
                                "name": "{{ 'MARK' ~ '-S' }}",
                                "phone": "{{ '138001' ~ '38005' }}",
                            },
                        }
                    ]
                }
            }
        },
    )

    await hass.services.async_call("script", "move_in", blocking=True)
    await fill_unit(hass, await unit_form(hass, entry), UNIT)
    responder = {"duty": "police", "name": "MARK-P", "phone": "13800138006"}
    await fill(hass, await begin(hass, entry, "responder"), responder)
    added = {"building": "3", "number": "9", "address": "MARK-ADDRESS-3"}
    await call(
        hass, "add_unit", {"config_entry_id": entry.entry_id, **added}, user=admin
    )
    changed = {"device_id": device_id(hass, entry, "3-9"), "address": "MARK-ADDRESS-4"}
    await call(hass, "update_unit", changed, user=admin)
    result = await unit_form(hass, entry, "3-1-301")
    await fill_unit(hass, result, {**UNIT, "tenants": []})
    person = await check_in(
        hass,
        entry,
        "1-1-101",
        email="mark-mail-1@example.com",
        person="person.mark_person",
        end="2020-01-01",
        start="2019-01-01",
    )
    device = device_id(hass, entry, "1-1-101")
    contact = {"person_id": person, "name": "MARK-NEW", "notify": "notify.mark_mail"}
    await call(hass, "update_contact", contact)
    await call(
        hass, "get_unit", {"device_id": device, "reason": "alarm", "reveal": True}
    )
    for data in ({"phone": "MARK-PHONE"}, {"role": "king", "phone": "x"}):
        with pytest.raises(Exception, match=r".") as failure:
            await check_in(hass, entry, "1-1-101", **data)
        assert "MARK-NAME" not in str(failure.value)
    for marks in (
        {"name": "MARK-RELATIVE", "phone": "13800138007"},
        {"name": "MARK-FRIEND", "email": "mark-mail-2@example.com"},
    ):
        consent = {"person_id": person, "scope": "inactivity"}
        await call(hass, "give_consent", {**consent, "contacts": [marks]}, user=admin)
    await call(hass, "get_consents", {"person_id": person}, user=admin)
    file = {"config_entry_id": entry.entry_id, "file": "register.csv"}
    await call(hass, "export_register", file, user=admin)
    await call(hass, "import_register", {**file, "dry_run": False}, user=admin)
    # An export is asked for, and is where it was asked for.
    Path(hass.config.path(DOMAIN, "register.csv")).unlink()
    of_entry = {"config_entry_id": entry.entry_id}
    assert "MARK" not in repr(await call(hass, "get_files", of_entry, user=admin))
    await use_cards(hass, entry, person, device)
    await use_places(hass, await panel_of(hass, entry, hass_ws_client, admin), entry)
    await use_reports(
        hass, await panel_of(hass, entry, hass_ws_client, admin), entry, client
    )
    code = await use_visitors(hass, entry, client)
    await use_doors(hass, entry, admin)
    await use_rounds(hass, await panel_of(hass, entry, hass_ws_client, admin), person)
    await use_search(await panel_of(hass, entry, hass_ws_client, admin), person)
    await use_care(
        hass, await panel_of(hass, entry, hass_ws_client, admin), entry, person
    )
    await use_panel(await panel_of(hass, entry, hass_ws_client, admin), entry, person)
    await use_desk(await panel_of(hass, entry, hass_ws_client, admin))
    await call(hass, "check_out", {"device_id": device})
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.async_run(
            lambda session: session.connection().exec_driver_sql(
                "INSERT INTO persons (id) VALUES (?)", ("MARK-ID",)
            )
        )
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await async_wait_recording_done(hass)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()

    written = {
        "states": repr([state.as_dict() for state in hass.states.async_all()]),
        "events": repr([event.data for event in events]),
        "diagnostics": repr(diagnostics),
        "log": caplog.text,
        "traces": repr(
            [
                trace.as_extended_dict()
                for runs in hass.data["trace"].values()
                for trace in runs.all_traces()
            ]
        ),
        "storage": json.dumps(hass_storage, default=repr),
    }
    own = entry.runtime_data.database.path
    files = {
        str(path): path.read_bytes().decode("latin-1")
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.name.startswith(own.name)
    }
    assert any(name.endswith("recorder.db") for name in files)
    assert "call_service" in files[f"{tmp_path}/recorder.db"] + "".join(files.values())
    assert any(event.event_type == EVENT_CALL_SERVICE for event in events)
    assert entry.entry_id in written["storage"]
    assert "rental_units" in written["traces"]
    assert MARK in written["traces"]
    found = [
        (where, mark, text[max(0, text.index(mark) - 200) : text.index(mark) + 80])
        for where, text in {**written, **files}.items()
        for mark in (*MARKS, code)
        if mark in text
    ]
    assert found == []
    database = b"".join(path.read_bytes() for path in own.parent.glob(f"{own.name}*"))
    # Not even there: numbers of cards are encrypted.
    assert b"77004711" not in database
    assert b"M4RK5" not in database
    assert code.encode() not in database
    # Nor who is looked for, but what those who respond have been told: until it is over.
    # Nor what is known of who is visited.
    for mark in (
        b"MARK-LOST",
        b"MARK-GUARDIAN",
        b"MARK-LOOKS",
        b"MARK-ROUND",
        b"MARK-SEEN",
    ):
        assert mark not in database
    assert b"MARK-VISITOR" in database
    assert b"MARK-CALLER" in database
    assert b"MARK-LANDLORD" in database
    assert b"MARK-PARTY" in database
    assert b"MARK-VISIT" in database
    assert b"MARK-S" in database
    assert b"MARK-HAZARD" in database
    assert b"MARK-ADDED" in database
    assert b"MARK-MENDED" in database
    assert b"MARK-RECEIPT" in database
    assert b"MARK-ARRIVES" in database
    # What phones write into photos is nowhere, and the pixels are not in the database.
    for mark in (MAKER.encode(), PLACE.encode(), COMMENT, b"JFIF"):
        assert mark not in database


async def use_cards(
    hass: HomeAssistant, entry: MockConfigEntry, person: str, device: str
) -> None:
    """Issue cards with marked numbers, look, and have some refused."""
    of_entry = {"config_entry_id": entry.entry_id}
    card = {"person_id": person, "card_number": "7700471101"}
    await call(hass, "check_in", {"device_id": device, "person_id": person})
    issued = await call(hass, "issue_card", card)
    for number in ("7700471101", "77004711-x"):
        with pytest.raises(ServiceValidationError) as failure:
            await call(hass, "issue_card", {**card, "card_number": number})
        assert "77004711" not in str(failure.value)
    visit = {
        "device_id": device,
        "name": "MARK-VISITOR",
        "phone": "13800138009",
        "holder": "visitor",
        "end": dt_util.now() + timedelta(days=1),
    }
    await call(hass, "request_card", visit)
    await call(hass, "issue_card", {**visit, "card_number": "7700471102"})
    plate = {"person_id": person, "plate": "浙A·M4RK5"}
    await call(hass, "issue_plate", plate)
    for wrong in ("浙A·M4RK5", "M4RK5A1"):
        with pytest.raises(HomeAssistantError):
            await call(hass, "issue_plate", {**plate, "plate": wrong})
    shown = await call(hass, "get_cards", {"person_id": person})
    masked = {row["card_number"] for row in shown["cards"]}
    assert masked == {"••••1101", "••••RK5"}
    for action in ("get_card_doors", "suspend_card", "lose_card"):
        await call(hass, action, {"card_id": issued["card_id"]})
    await call(hass, "get_doors", of_entry)
    admin = administrator(hass)
    invited = await call(
        hass,
        "invite_visitor",
        {"device_id": device, "name": "MARK-GUEST", "end": visit["end"]},
        user=admin,
    )
    await call(hass, "end_visit", {"card_id": invited["card_id"]})


async def use_doors(
    hass: HomeAssistant, entry: MockConfigEntry, admin: MockUser
) -> None:
    """Let marked cards pass and be read at a desk, and look who passed."""
    # What a device has a list of is answered at once.
    credentials = AsyncMock(takes=lambda _device: None)
    sink = Sink(hass, credentials, journal_of(hass).passed)
    controller = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("community_safety", "x")}
    )
    of_entry = {"config_entry_id": entry.entry_id, "device_id": controller.id}

    def seen(number: str, *, corrected: bool = False) -> None:
        sink.passed(
            Passage(
                device_id=controller.id,
                door="1",
                number=number,
                decision=Decision.SEEN,
                at=dt_util.utcnow(),
                index=9,
                means=Means.PLATE,
                category="car",
                score=0.9,
                event="1790000000.5-abcdef",
                corrected=corrected,
            )
        )

    def passed(number: str) -> None:
        sink.passed(
            Passage(
                device_id=controller.id,
                door="1",
                number=number,
                decision=Decision.UNKNOWN,
                at=dt_util.utcnow(),
                index=int(number[-2:]),
            )
        )

    # Not waited for with the rest: it waits for a card.
    reading = hass.async_create_background_task(
        call(hass, "read_card", {**of_entry, "door": "1"}, user=admin), "reading"
    )
    await wait_until(hass, lambda: bool(hass.data[DATA_READERS]._waiting))
    for number in ("7700471101", "7700471103"):
        passed(number)
    with pytest.raises(ServiceValidationError) as failure:
        await reading
    assert failure.value.translation_key == "several_cards"
    # A camera has misread a plate, and says so.
    seen("浙A·M4RK5X")
    seen("浙A·M4RK5", corrected=True)
    await journal_of(hass).async_detach(entry.entry_id)
    found = await call(
        hass, "get_passages", {**of_entry, "reason": "alarm"}, user=admin
    )
    assert {row["card_number"] for row in found["passages"]} == {
        "••••1101",
        "••••1103",
        "••••4RK5",
    }


async def use_rounds(hass: HomeAssistant, panel: Panel, person: str) -> None:
    """Let somebody be visited, with marks in all that is written of it."""
    of = {"person_id": person}
    await panel.get("give_consent", **of, scope="visits")
    home = (await panel.get("round_form", **of))["homes"][0]["unit_id"]
    said = {"risk": "high", "note": "MARK-ROUND", "unit_id": home}
    await panel.get("put_round", **of, **said)
    seen = {"outcome": "not_met", "no_scan": "no_plate"}
    await panel.get("record_visit", **of, **seen, note="MARK-SEEN")
    await call(hass, "record_visit", {**of, **seen, "note": "MARK-SEEN-2"})
    shown = await panel.get("round", **of)
    assert "MARK-ROUND" in repr(shown)
    assert "MARK-SEEN-2" in repr(shown)
    await panel.refusal("record_visit", **of, outcome="MARK-12", no_scan="no_plate")
    await panel.refusal("put_round", **of, risk="MARK-13")
    await panel.refusal("rounds_at_place", code="MARK-14")


async def use_search(panel: Panel, person: str) -> None:
    """Look for marks, tell who responds how they look, export, and end it."""
    said = {"kind": "lost_child", "authority": "MARK-GUARDIAN"}
    case = await panel.get(
        "open_search_case",
        **said,
        subject="MARK-LOST",
        description="MARK-LOOKS",
        plate="浙A·M4RK5",
    )
    theirs = await panel.get("open_search_case", **said, person_id=person)
    for of in (case, theirs):
        look = await panel.get("search_sightings", **of, household=True)
        assert "M4RK5" not in repr(look)
        given = {**of, "deed_id": look["deed_id"], "format": "csv"}
        await panel.get("export_search", **given)
        await panel.get("search_case", **of)
    await panel.get("search_sightings", **case, plate="*M4RK5")
    await panel.get("watch_search_case", **case)
    shown = b64encode(PHOTOS[0]).decode()
    await panel.get("attach_search_picture", **case, photo=shown)
    await panel.get("search_case_picture", **case)
    await panel.refusal("attach_search_picture", **case, photo="MARK-NO-PHOTO")
    assert (await panel.get("alert_search_case", **case))["told"]
    for wrong in (
        {**said, "subject": ["MARK-LOST-2"]},
        {**said, "kind": "MARK-LOST-3"},
        {**said, "plate": "MARK-LOST-4*?("},
    ):
        await panel.refusal("open_search_case", **wrong)
    for of in (case, theirs):
        await panel.get("close_search_case", **of, outcome="found")


async def use_care(
    hass: HomeAssistant, panel: Panel, entry: MockConfigEntry, person: str
) -> None:
    """Watch somebody, let them be heard and call for help, and end it: nothing is left."""
    unit = unit_id(entry, "1-1-101")
    hass.states.async_set("binary_sensor.flat", "off")
    said = {
        "person_id": person,
        "unit_id": unit,
        "sources": [{"entity_id": "binary_sensor.flat", "kind": "inside", "how": "on"}],
        "contacts": [{"name": "MARK-CARER", "phone": "13800138007"}],
    }
    before = await rows_of(entry)
    of = await panel.get("care_start", **said)
    assert await rows_of(entry) != before
    hass.states.async_set("binary_sensor.flat", "on")
    for answer in ("help", "out", "fine"):
        await panel.get("care_answer", **of, answer=answer)
    data = {"person_id": person, "until": dt_util.now() + timedelta(days=1)}
    await call(hass, "care_away", dict(data), user=None)
    for wrong in (
        {**said, "person_id": ["MARK-CARE-1"]},
        {**said, "contacts": [{"name": ["MARK-CARE-2"]}]},
        {**said, "sources": [{"MARK-CARE-3": "x"}]},
        {**said, "born": "MARK-CARE-4"},
    ):
        await panel.refusal("care_start", **wrong)
    assert "MARK-CARER" in repr(await panel.get("care_watch", **of))
    await panel.get("care_watches")
    await panel.get("care_revoke", **of)
    assert await rows_of(entry) == before


async def rows_of(entry: MockConfigEntry) -> list[int]:
    """Return how many watches there are, and how much the vault holds by consents to them."""
    return await entry.runtime_data.async_run(
        lambda session: [
            session.scalar(select(func.count()).select_from(CareWatch)) or 0,
            session.scalar(
                select(func.count())
                .select_from(CompartmentRow)
                .where(CompartmentRow.compartment == Compartment.CARE)
            )
            or 0,
        ]
    )


async def use_places(hass: HomeAssistant, panel: Panel, entry: MockConfigEntry) -> None:
    """Say who answers for a place, visit it, print its code and look at it."""
    hass.config.external_url = "https://home.example.cn"
    place_id = (await panel.get("save_place", kind="shared_place", name="Roof"))[
        "written"
    ]
    of = {"place_id": place_id}
    await panel.get("save_place", **of, address="MARK-ROOF")
    party = {"name": "MARK-PARTY", "phone": "13800138008", "organisation": True}
    await panel.get("put_place_party", **of, **party)
    await panel.get("visit_place", **of, finding="hazard", note="MARK-VISIT")
    await panel.get("print_codes", place_ids=[place_id])
    assert "MARK-VISIT" in repr(await panel.get("place", **of))
    await panel.refusal("visit_place", **of, finding="hazard", note=["MARK-6"])
    await panel.refusal("place", code="MARK-7")


async def use_visitors(hass: HomeAssistant, entry: MockConfigEntry, client: Any) -> str:
    """Let a visitor in on the page of a landlord without an account; return the code."""
    host = await check_in(
        hass, entry, "1-1-102", name="MARK-HOST", phone="13800138000", role="landlord"
    )
    places = hass.data[DATA_BOOKS][entry.entry_id]
    place = next(
        row
        for row in places.places.values()
        if row.unit_id == unit_id(entry, "1-1-102")
    )
    application = application_of(hass, entry.entry_id)
    issued = IssueCodes([place.id], places.new_token)
    (plate,) = await application.async_fill(issued, None)
    # What is given to who has entered a one-time code.
    given = places.links.sign("resident", place=place.id, person=host)
    headers = {"Cookie": f"rental_units_resident={given}"}
    path = f"/api/q/{plate.token}/resident/visitors"

    async def form() -> dict[str, str]:
        page = await (await client.get(path, headers=headers)).text()
        found = re.search(r'name="form" value="([^"]+)"', page)
        assert found
        begin = dt_util.now().strftime("%Y-%m-%dT%H:%M")
        return {"form": found[1], "name": "MARK-CALLER", "begin": begin, "hours": "2"}

    wrong = {**await form(), "hours": "MARK-10"}
    for said, status in ((wrong, 400), ({**await form(), "end": "MARK-11"}, 303)):
        answer = await client.post(
            path, data=said, headers=headers, allow_redirects=False
        )
        assert answer.status == status
    answer = await client.post(path, data=await form(), headers=headers)
    found = re.search(r"<dd>(\d{10})</dd>", await answer.text())
    assert found
    return found[1]


async def use_reports(
    hass: HomeAssistant, panel: Panel, entry: MockConfigEntry, client: Any
) -> None:
    """Report a hazard with a photo full of marks, work it, and send what is no photo."""
    rows = (await panel.get("place_list"))["places"]
    place_id = next(row["place_id"] for row in rows if row["number"] == "101")
    places = hass.data[DATA_BOOKS][entry.entry_id]
    issued = IssueCodes([place_id], places.new_token)
    application = application_of(hass, entry.entry_id)
    (code,) = await application.async_fill(issued, None)
    phone = Phone(client, code.token)
    path = await phone.report(*PHOTOS[:2], text="MARK-HAZARD", danger="1")
    await phone.send(b"MARK-NO-PHOTO", text="MARK-HAZARD-2")
    await phone.send(text="MARK-HAZARD-3" * 50)
    await phone.add(path, PHOTOS[2], text="MARK-ADDED")
    (row,) = (await panel.get("reports"))["reports"]
    of = {"report_id": row["report_id"]}
    shown = await panel.get("report", **of)
    assert "MARK-HAZARD" in repr(shown)
    await panel.get("report_photo", photo_id=shown["pictures"][0]["photo_id"])
    await panel.refusal("assign_report", **of, party="MARK-8")
    await panel.refusal("mend_report", **of, photos=[content("MARK-9")])
    await panel.get("assign_report", **of, party="property", note="MARK-NOTE")
    data = {**of, "note": "MARK-MENDED"}
    await call(hass, "mend_report", data)
    await phone.answer(path, "reopened")


async def use_desk(panel: Panel) -> None:
    """Tell of marks with marked receipts, and take them along."""
    rows = (await panel.get("notices"))["notices"]
    assert "MARK-" in repr(rows)
    seen = {rows[0]["notice_id"]: rows[0]["version"]}
    told = {"notices": seen, "how": "registered"}
    await panel.refusal("give_notice", **told, receipt=["MARK-12"])
    await panel.refusal("give_notice", **{**told, "how": "MARK-13"}, receipt="1")
    await panel.get("give_notice", **told, receipt="MARK-RECEIPT")
    for kind in ("csv", "xlsx"):
        await panel.get("export_notices", format=kind, everything=True)
    arrives = {"unit_id": rows[0]["unit_id"], "name": "MARK-ARRIVES"}
    arrives |= {"identified": True, "briefed": True, "confirmed": True}
    await panel.get("check_in_at_desk", **arrives, card_number="7700471155")
    wrong = {**arrives, "identified": "MARK-14"}
    await panel.refusal("check_in_at_desk", **wrong, card_number="77004711-y")
    assert "MARK-ARRIVES" in repr(await panel.get("arrivals"))


async def use_panel(panel: Panel, entry: MockConfigEntry, person: str) -> None:
    """Show, find, change and answer with marks, and send what cannot be read."""
    unit = unit_id(entry, "1-2-101")
    new = {"unit_id": unit, "name": "MARK-W", "phone": "13800138007"}
    assert (await panel.get("check_in", **new))["written"]
    # As a doubt, they are shown.
    await panel.get("check_in", **{**new, "name": "MARK-X"})
    found = await panel.get("search", query="MARK-")
    assert "MARK-W" in repr(found)
    await panel.get("unit", unit_id=unit)
    visit = {
        "holder": "visitor",
        "end": (dt_util.now() + timedelta(days=1)).isoformat(),
    }
    await panel.get("request_card", unit_id=unit, name="MARK-GUEST", **visit)
    assert "MARK-GUEST" in repr(await panel.get("visitors", unit_id=unit))
    await panel.get("door_cards", device_id="unknown")
    shown = await panel.get("reveal", person_id=person, reason="request")
    assert "mark-mail" in repr(shown)
    await panel.get("duplicates")
    named = [{"name": "MARK-R", "phone": "13800138009"}]
    consent = {"person_id": person, "scope": "photos"}
    await panel.get("give_consent", **consent, contacts=named)
    await panel.get("consents", person_id=person)
    await panel.get("revoke_consent", **consent)
    await panel.get("verify_contacts", person_id=person)
    await panel.get("roster_week")
    await panel.get("update_person", person_id=person, name="MARK-Y")
    file = content("building,stairwell,number,role,name\n1,1,102,tenant,MARK-F\n")
    await panel.get("import_preview", content=file)
    await panel.get("audit", person_id=person)
    for wrong in (
        {**new, "name": ["MARK-1"]},
        {**new, "MARK-2": "MARK-3"},
        {**new, "phone": "MARK-4"},
        {**new, "email": "MARK-5"},
    ):
        await panel.refusal("check_in", **wrong)


def test_what_cannot_be_redacted_is_refused() -> None:
    """Data that a call event would show is not taken."""
    schema = sealed(lambda data: data)
    data = {"name": "MARK-1", "role": "tenant"}
    assert schema(data) == {"name": "MARK-1", "role": "tenant"}
    assert data == {"name": MARK, "role": "tenant"}
    with pytest.raises(Exception, match="redacted"):
        schema(("name", "MARK-1"))
