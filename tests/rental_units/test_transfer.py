"""Registers as files."""

from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from custom_components.rental_units.register import queries
from custom_components.rental_units.register.models import Lease
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.transfer import exchange, sheet
from custom_components.rental_units.transfer.actions import read_content
from custom_components.rental_units.transfer.columns import COLUMNS
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import area_registry as ar

from .common import call, check_in, unit_id

ROOT = Path(__file__).parents[2]
REGISTER = """\
building,stairwell,number,address,area,rooms,letting,role,name,phone,channels,language,quiet_from,quiet_until,start,end
5,1,501,MARK-ADDRESS,Flat 501,3,shared,landlord,MARK-L,13800138001,"sms,call",zh-Hans,22:00,07:00,,
5,1,501,,,,,tenant,MARK-T,13800138002,call,,,,2026-01-01,2026-12-31
5,1,502,,Flat 502,,,landlord,MARK-L,13800138001,,,,,,
1,1,101,,,2,,,,,,,,,,
"""
WRONG = """\
楼栋,单元,房号,角色,姓名,电话,起始日期,结束日期,房间数,方式,语言,免打扰开始,出租方式
5,1,501,租客,MARK-A,123,,,,,,,
,1,502,房东,MARK-B,13800138001,,,,,,,
5,1,503,king,MARK-C,13800138001,,,,,,,
5,1,504,租客,,13800138001,,,,,,,
5,1,505,,MARK-D,13800138001,,,,,,,
5,1,506,租客,MARK-E,13800138001,2026-02-01,2026-01-01,,,,,
5,1,507,租客,MARK-F,13800138001,yesterday,,many,fax,xx,soon,gift
5,1,508,租客,MARK-G,,,,,,,,
5,,,民警,MARK-H,13800138001,2026-01-01,,,,,,
"""


@pytest.fixture
def admin(hass: HomeAssistant) -> MockUser:
    """Return an administrator."""
    return MockUser(is_owner=True).add_to_hass(hass)


def put(hass: HomeAssistant, name: str, content: str | bytes) -> Path:
    """Write a file where imports are read."""
    path = Path(hass.config.path("rental_units", name))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def transfer(hass: HomeAssistant, entry: MockConfigEntry, admin: MockUser) -> Any:
    """Return a function that imports or exports."""

    async def run(action: str, file: str, **data: Any) -> Any:
        data = {"config_entry_id": entry.entry_id, "file": file, **data}
        answer = await call(hass, f"{action}_register", data, user=admin)
        await hass.async_block_till_done()
        return answer

    return run


async def test_import(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any
) -> None:
    """Tried first, then imported, then imported again, which does nothing."""
    put(hass, "register.csv", REGISTER)
    before = await entry.runtime_data.async_run(queries.counts)

    report = await transfer("import", "register.csv")

    changes = report.pop("changes")
    assert [(row["row"], row["status"], row["name"]) for row in changes] == [
        (5, "changed", None),
        (2, "added", "MARK-L"),
        (3, "added", "MARK-T"),
        (4, "added", "MARK-L"),
    ]
    assert changes[0] == {
        "row": 5,
        "sheet": "",
        "status": "changed",
        "unit": "1-1-101",
        "role": None,
        "name": None,
        "left_on": None,
        "fields": [{"field": "rooms", "old": None, "new": "2"}],
    }
    assert report == {
        "dry_run": True,
        "imported": False,
        "rows": 4,
        "units_added": 2,
        "units_changed": 1,
        "addresses_changed": 1,
        "people_added": 2,
        "people_changed": 0,
        "leases_added": 3,
        "leases_changed": 0,
        "responders_added": 0,
        "responders_changed": 0,
        "places_added": 0,
        "places_changed": 0,
        "cards_added": 0,
        "summary": {"added": 3, "changed": 1, "unchanged": 0, "refused": 0},
        "skipped": [],
        "ignored_columns": [],
        "error_count": 0,
        "errors": [],
    }
    after = await entry.runtime_data.async_run(queries.counts)
    assert after == {**before, "audit": 1}
    assert ar.async_get(hass).async_get_area_by_name("Flat 501") is None

    assert (await transfer("import", "register.csv", dry_run=False))["imported"]

    unit = entry.runtime_data.units[unit_id(entry, "5-1-501")]
    area = ar.async_get(hass).async_get_area_by_name("Flat 501")
    assert (unit.rooms, unit.letting, unit.area_id) == (3, "shared", area.id)
    assert entry.runtime_data.units[unit_id(entry, "1-1-101")].rooms == 2
    states = {row.name: row.state for row in hass.states.async_all("binary_sensor")}
    assert entry.runtime_data.summaries[unit.id].tenants == 1
    assert states["5-1-501 Registration"] == "off"
    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["units"], counts["persons"], counts["leases"]) == (5, 2, 3)

    again = await transfer("import", "register.csv", dry_run=False)
    assert {key: again[key] for key in again if key.endswith(("added", "changed"))} == (
        dict.fromkeys((key for key in again if key.endswith(("added", "changed"))), 0)
    )

    put(hass, "register.csv", REGISTER.replace("2026-12-31", "2027-12-31"))
    changed = await transfer("import", "register.csv", dry_run=False)
    assert (changed["leases_added"], changed["leases_changed"]) == (0, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_mistakes(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any, encoding: str
) -> None:
    """Each mistake is named by its cell, with what stands there and what may."""
    put(hass, "register.csv", WRONG.encode(encoding))
    report = await transfer("import", "register.csv", dry_run=False)
    assert not report["imported"]
    assert {
        (row["row"], row["column"], row["problem"]) for row in report["errors"]
    } == {
        (2, "phone", "not_a_phone"),
        (3, "building", "missing"),
        (4, "role", "unknown"),
        (5, "name", "missing"),
        (6, "role", "missing"),
        (7, "end", "before_start"),
        (8, "start", "not_a_date"),
        (8, "rooms", "not_a_number"),
        (8, "channels", "unknown"),
        (8, "language", "unknown"),
        (8, "quiet_from", "not_a_time"),
        (8, "letting", "unknown"),
        (9, "phone", "no_way_to_reach"),
        (10, "building", "not_of_a_responder"),
        (10, "start", "not_of_a_responder"),
    }
    said = {row["cell"]: row["message"] for row in report["errors"]}
    assert all(said.values())
    assert said["D4"] == (
        "D4 (角色) “king”: This is not known here. Allowed: landlord, tenant, "
        "fire_post, property_office, police, volunteer."
    )
    assert report["summary"] == {
        "added": 0, "changed": 0, "unchanged": 0, "refused": 9
    }  # fmt: skip
    chinese = await transfer("import", "register.csv", language="zh-Hans")
    messages = [row["message"] for row in chinese["errors"]]
    assert (
        "D4 (角色) “king”: 无法识别。可填写：房东, 租客, 微型消防站, 物业, 民警, 志愿者。"
        in messages
    )
    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["units"], counts["persons"]) == (3, 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_contacts_that_are_refused(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any
) -> None:
    """An address that is none, and half of the quiet hours, are named by row and column."""
    put(
        hass,
        "register.csv",
        b"building,number,role,name,phone,email,webhook,quiet_from,quiet_until\n"
        b"1,1,tenant,MARK-1,,x,,,\n"
        b"1,2,tenant,MARK-2,,,ftp://example.com,,\n"
        b"1,3,tenant,MARK-3,13800138001,,,22:00,\n",
    )
    report = await transfer("import", "register.csv", dry_run=False)
    assert [
        (row["row"], row["column"], row["problem"]) for row in report["errors"]
    ] == [
        (2, "email", "invalid_email"),
        (3, "webhook", "invalid_webhook"),
        (4, "quiet_until", "quiet_half"),
    ]
    assert not report["imported"]


@pytest.mark.parametrize("name", ["register.csv", "register.xlsx"])
async def test_what_is_exported_can_be_imported(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any, name: str
) -> None:
    """An export holds all of it, is for Home Assistant alone, and changes nothing."""
    await check_in(
        hass,
        entry,
        "1-1-101",
        name="=MARK-NAME-1",
        email="mark@example.com",
        quiet_from="22:00",
        quiet_until="07:00",
        end="2030-01-01",
    )
    answer = await transfer("export", name)
    assert answer == {"file": name, "rows": 3}
    path = Path(hass.config.path("rental_units", name))
    assert path.stat().st_mode & 0o077 == 0
    content = read_content(path.read_bytes(), "CN", "en")
    assert content.entries[0].contact.name == "=MARK-NAME-1"
    if name.endswith("csv"):
        assert "'=MARK-NAME-1" in path.read_text("utf-8-sig")
    report = await transfer("import", name, dry_run=False)
    assert report["imported"]
    assert sum(report[key] for key in report if key.endswith(("added", "changed"))) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_excel_of_people(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any
) -> None:
    """Cells of Excel may be numbers and dates."""
    book = Workbook()
    book.active.append(["楼栋", "房号", "角色", "姓名", "电话", "起始日期", "房间数"])
    date = datetime(2026, 1, 1)  # noqa: DTZ001
    book.active.append([7, 701.0, "租客", "MARK-X", 13800138001, date, 2.0])
    path = put(hass, "people.xlsx", b"")
    book.save(path)
    report = await transfer("import", "people.xlsx", dry_run=False)
    assert (report["errors"], report["leases_added"]) == ([], 1)
    assert entry.runtime_data.units[unit_id(entry, "7-701")].rooms == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.csv", b"name,phone\n", "file_without_columns"),
        ("a.csv", b"", "file_without_columns"),
        ("a.csv", b"\xff\xff\xff\xff", "file_encoding"),
        ("a.csv", b"building,number\n" + b"1" * 200_000, "file_unreadable"),
        ("a.xlsx", b"PK\x03\x04building,number\n", "file_unreadable"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file_locked_or_old"),
    ],
)
async def test_files_that_are_none(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    transfer: Any,
    name: str,
    content: bytes,
    key: str,
) -> None:
    """A file that is no register is refused in words."""
    put(hass, name, content)
    with pytest.raises(ServiceValidationError) as refusal:
        await transfer("import", name)
    assert refusal.value.translation_key == key


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_too_large_and_unwritable(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    transfer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Limits are kept, and a folder that is none is said so."""
    path = put(hass, "a.csv", REGISTER)
    for limit in ("MOST_BYTES", "MOST_ROWS"):
        with monkeypatch.context() as patch:
            patch.setattr(sheet, limit, 2)
            with pytest.raises(ServiceValidationError) as refusal:
                await transfer("import", "a.csv")
        assert refusal.value.translation_key == "file_too_large"
    path.unlink()
    path.parent.rmdir()
    path.parent.touch()
    with pytest.raises(ServiceValidationError) as refusal:
        await transfer("export", "a.csv")
    assert refusal.value.translation_key == "file_unwritable"


RESPONDERS = """\
角色,姓名,电话,值班表,楼栋,房号
微型消防站,MARK-F,13800138001,schedule.post,,
志愿者,MARK-T,13800138002,,,
租客,MARK-T,13800138002,,5,501
"""


async def test_responders(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any
) -> None:
    """Responders come in and go out; who also lives there is one person."""
    put(hass, "a.csv", RESPONDERS)
    tried = await transfer("import", "a.csv")
    done = await transfer("import", "a.csv", dry_run=False)
    assert tried["responders_added"] == done["responders_added"] == 2
    assert done["people_added"] == 2
    again = await transfer("import", "a.csv", dry_run=False)
    assert again["responders_added"] == again["responders_changed"] == 0
    duties = [
        row.data
        for row in entry.get_subentries_of_type("responder")
        if row.data["duty"] in ("fire_post", "volunteer")
    ]
    assert {"duty": "volunteer"} in duties
    assert {"duty": "fire_post", "schedule": "schedule.post"} in duties

    put(hass, "a.csv", RESPONDERS.replace("schedule.post", "schedule.other"))
    changed = await transfer("import", "a.csv", dry_run=False)
    assert (changed["responders_added"], changed["responders_changed"]) == (0, 1)
    found = await entry.runtime_data.async_recipients([], ["responders"])
    assert sorted(row.role for row in found) == ["fire_post", "volunteer"]

    await transfer("export", "out.csv")
    path = Path(hass.config.path("rental_units", "out.csv"))
    rows = read_content(path.read_bytes(), "CN", "en").entries
    assert [row.contact.name for row in rows if row.schedule] == ["MARK-F"]
    back = await transfer("import", "out.csv", dry_run=False)
    assert sum(back[key] for key in back if key.endswith(("added", "changed"))) == 0


async def test_stopped_in_the_middle(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    transfer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A database that fails leaves whole units, and the same file again completes them."""
    monkeypatch.setattr(exchange, "CHUNK_ROWS", 2)
    rows = [
        f"9,1,{number},tenant,MARK-{number}-{person},138001380{number}"
        for number in range(10, 20)
        for person in range(3)
    ]
    put(
        hass,
        "a.csv",
        "\n".join(["building,stairwell,number,role,name,phone", *rows]),
    )

    async def whole() -> int:
        leases = await entry.runtime_data.async_run(
            lambda session: session.execute(
                select(func.count()).select_from(Lease).group_by(Lease.unit_id)
            ).scalars()
        )
        assert set(leases) <= {3}
        units = [row for row in entry.runtime_data.units.values() if row.number > "1"]
        return sum(row.building == "9" for row in units)

    writes = 0

    def fail(session: Session, _context: Any, _instances: Any) -> None:
        nonlocal writes
        writes += any(isinstance(row, Lease) for row in session.new)
        if writes in failing:
            raise OperationalError("", {}, Exception("gone"))

    event.listen(Session, "before_flush", fail)
    try:
        failing = {1}
        with pytest.raises(RegisterError):
            await transfer("import", "a.csv", dry_run=False)
        assert await whole() == 0
        writes, failing = 0, {5}
        with pytest.raises(HomeAssistantError) as failure:
            await transfer("import", "a.csv", dry_run=False)
    finally:
        event.remove(Session, "before_flush", fail)
    assert failure.value.translation_key == "import_stopped"
    assert failure.value.translation_placeholders == {"done": "12", "rows": "30"}
    await hass.async_block_till_done()
    assert await whole() == 4
    report = await transfer("import", "a.csv", dry_run=False)
    assert (report["units_added"], report["people_added"]) == (6, 18)
    assert await whole() == 10


def test_template() -> None:
    """The template has all columns, and what it shows is right."""
    path = ROOT / "docs/rental_units_template.csv"
    heading = path.read_text("utf-8-sig").splitlines()[0]
    assert heading.split(",") == list(COLUMNS)
    assert read_content(path.read_bytes(), "CN", "en").entries == []
