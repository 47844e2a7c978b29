"""Registers as people save them: what comes of each as a whole."""

import csv
from datetime import datetime
import io
from pathlib import Path
import time
import tracemalloc
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.transfer import sheet, workbook
from custom_components.rental_units.transfer.actions import read_content
from custom_components.rental_units.transfer.rows import Content, Entry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from tests.rental_units.test_transfer import put

HEAD = (
    "楼栋,单元,房号,标准地址,角色,姓名,电话,免打扰开始,免打扰结束,起始日期,结束日期\r\n"
)


@pytest.fixture
def database() -> dict[str, Any]:
    """Return the data of a property on SQLite."""
    return {}


def xlsx(*rows: list[Any], **sheets: list[list[Any]]) -> bytes:
    """Return a workbook."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name, lines in sheets.items():
        made = book.create_sheet(name)
        for row in lines:
            made.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    """Return the bytes of a workbook."""
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def patched(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook in which a part says something else."""
    buffer = io.BytesIO()
    with (
        ZipFile(io.BytesIO(content)) as source,
        ZipFile(buffer, "w", ZIP_DEFLATED) as book,
    ):
        for name in source.namelist():
            data = source.read(name)
            book.writestr(name, data.replace(old, new) if name == part else data)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def read(content: bytes | str) -> Content:
    """Return what a file says."""
    data = content if isinstance(content, bytes) else content.encode()
    return read_content(data, "CN", "en")


def said(entry: Entry) -> tuple[str, str, Any, Any]:
    """Return a row in short: unit, role, name and number."""
    contact = entry.contact
    assert contact
    return entry.key, str(entry.role), contact.name, contact.phone


def problems(content: Content) -> list[tuple[str, str]]:
    """Return the cells that are refused, and why."""
    return [(row.place.cell, row.problem) for row in content.errors]


@pytest.mark.parametrize(
    "row",
    [
        "5,1,501,,租客,MARK-A,13800138001,,,2026/1/5,2026/12/31\r\n",
        "5,1,501,,租客,MARK-A,13800138001,22:00,7:00,,\r\n",
        "5,1,501,,租客,MARK-A,13800138001,22:00:00,7:00:00,,\r\n",
        "5,1,501,,租客,MARK-A,13800138001,,,2026年1月5日,2026年12月31日\r\n",
        "5,1,501,,租客,MARK-A,13800138001,,,2026.1.5,2026.12.31\r\n",
        "5,1,501,,租客,MARK-A,13800138001,22:00,07:00,2026-01-05,2026-12-31\r\n",
    ],
)
async def test_saved_by_excel(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any, row: str
) -> None:
    """A register that a Chinese Excel has saved: GBK, 2026/1/5 and 7:00.

    Any CSV that Excel saves under Chinese regional settings (short date yyyy/M/d).
    """
    put(hass, "register.csv", (HEAD + row).encode("gbk"))
    answer = await transfer("import", "register.csv", dry_run=False)
    assert (answer["imported"], answer["errors"]) == (True, [])


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
async def test_own_export_through_excel(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any, language: str
) -> None:
    """An export that Excel has opened and saved changes nothing when it comes back."""
    row = "5,1,501,,租客,MARK-A,13800138001,22:00,07:00,2026-01-05,2026-12-31\r\n"
    put(hass, "register.csv", HEAD + row)
    assert (await transfer("import", "register.csv", dry_run=False))["imported"]
    await transfer("export", "out.csv", language=language)
    path = Path(hass.config.path("rental_units", "out.csv"))
    lines = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))

    def excel(cell: str) -> str:
        """Return what Excel makes of a text that looks like a number, date or time."""
        for form, shown in (("%Y-%m-%d", "{0.year}/{0.month}/{0.day}"), ("%H:%M:%S", "{0.hour}:{0:%M:%S}")):  # fmt: skip
            try:
                return shown.format(datetime.strptime(cell, form))  # noqa: DTZ007
            except ValueError:
                continue
        try:
            number = float(cell)
        except ValueError:
            return cell
        return f"{number:.0f}" if number < 10**11 else f"{number:.5E}"

    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([[excel(cell) for cell in line] for line in lines])
    put(hass, "back.csv", buffer.getvalue().encode("gbk"))
    answer = await transfer("import", "back.csv")
    assert (answer["errors"], answer["summary"]["unchanged"]) == ([], answer["rows"])
    assert "MARK-A" in buffer.getvalue()


async def test_dates_that_a_workbook_made_of_units(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any
) -> None:
    """3-1 that Excel took for the first of March is refused by its cell."""
    book = xlsx(
        ["building", "stairwell", "number", "role", "name", "phone"],
        [5, 1, datetime(2026, 3, 1), "tenant", "MARK-T", 13800138002],  # noqa: DTZ001
    )
    put(hass, "r.xlsx", book)
    answer = await transfer("import", "r.xlsx", dry_run=False)
    assert not answer["imported"]
    assert [(row["cell"], row["problem"]) for row in answer["errors"]] == [
        ("C2", "made_date")
    ]


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("3月1日", "made_date"),
        ("1-Mar", "made_date"),
        ("1.38E+10", "shortened"),
        ("#N/A", "formula_error"),
        ("#REF!", "formula_error"),
        ("########", "formula_error"),
    ],
)
async def test_dates_that_a_text_made_of_units(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    transfer: Any,
    cell: str,
    problem: str,
) -> None:
    """The same in CSV, and other ways in which Excel destroys a number."""
    head = "building,stairwell,number,role,name,phone\n"
    put(hass, "r.csv", f"{head}5,1,{cell},tenant,MARK-T,13800138002\n")
    answer = await transfer("import", "r.csv", dry_run=False)
    assert not answer["imported"]
    (error,) = answer["errors"]
    assert (error["cell"], error["value"], error["problem"]) == ("C2", cell, problem)
    assert [unit.title for unit in entry.runtime_data.units.values()] == [
        "1-1-101", "1-1-102", "1-2-101"
    ]  # fmt: skip


def test_a_property_managers_workbook() -> None:
    """A title over all columns, a heading of two lines, merged buildings, notes, a sum.

    The layout of the ledgers that property managers pass on (业主租户信息登记表).
    """
    book = Workbook()
    page = book.active
    page.append(["幸福花园出租房登记台账"])
    page.append(
        ["填表说明：每户一行", None, None, None, None, None, None, "2026年11月"]
    )
    page.append(
        ["序号", "栋号", "单元", "室", "业主", None, "承租人", None, "到期日", "备注"]
    )
    page.append(
        [None, None, None, None, "姓名", "电话", "姓名", "联系电话", None, None]
    )
    page.append([1, "5栋", "1单元", "501室", "MARK-L", 13800138001, "MARK-T", "13800138002", "2026年12月31日", "押一付三"])  # fmt: skip
    page.append([2, None, None, "502室", "MARK-L", 13800138001, None, None, None, None])
    page.append(
        [3, "6栋", "2单元", "５０１", None, None, "MARK-U", "138 0013 8003", None, None]
    )
    page.append(["合计", None, None, 3])
    page.append(["制表：物业服务中心"])
    for cells in ("A1:J1", "B3:B4", "C3:C4", "D3:D4", "E3:F3", "G3:H3", "I3:I4", "B5:B6", "C5:C6"):  # fmt: skip
        page.merge_cells(cells)
    content = read(saved(book))
    assert problems(content) == []
    assert [said(entry) for entry in content.entries] == [
        ("5-1-501", "landlord", "MARK-L", "+8613800138001"),
        ("5-1-501", "tenant", "MARK-T", "+8613800138002"),
        ("5-1-502", "landlord", "MARK-L", "+8613800138001"),
        ("6-2-501", "tenant", "MARK-U", "+8613800138003"),
    ]
    # The lease is the tenant's.
    assert [str(entry.end) for entry in content.entries[:2]] == ["None", "2026-12-31"]
    assert [place.row for place in content.skipped] == [1, 2, 8, 9]
    assert content.ignored == ["序号", "备注"]


def test_merged_cells_of_a_text() -> None:
    """A text has only the first of merged cells: the others are named, not guessed."""
    text = "楼栋,房号,角色,姓名,电话\n5,501,租客,MARK-A,13800138001\n,502,租客,MARK-B,13800138002\n"
    content = read(text)
    assert [said(entry)[0] for entry in content.entries] == ["5-501"]
    assert problems(content) == [("A3", "missing")]


def test_a_sheet_for_each_building() -> None:
    """All sheets with a heading count; one without is named, a hidden one is not read."""
    head = ["楼栋", "房号", "角色", "姓名", "电话"]
    content = xlsx(
        ["Export Summary"],
        a=[head, [1, 101, "租客", "MARK-A", 13800138001]],
        b=[head, [2, 0, "租客", "MARK-B", 138]],
        c=[head, [3, 101, "租客", "MARK-C", 13800138003]],
    )
    content = patched(
        content, "xl/workbook.xml", b'name="c" sheetId="4" state="visible"',
        b'name="c" sheetId="4" state="hidden"'
    )  # fmt: skip
    found = read(content)
    assert [said(entry)[0] for entry in found.entries] == ["1-101"]
    assert [(row.place.sheet, row.place.cell) for row in found.errors] == [("b", "E2")]
    assert [(row.sheet, row.value) for row in found.skipped] == [
        ("Sheet", "Export Summary")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\n楼栋;房号;角色;姓名;电话\r\n5;501;租客;MARK-A;13800138001\r\n",
        "楼栋\t房号\t角色\t姓名\t电话\r\n5\t501\t租客\tMARK-A\t13800138001\r\n",
        "房屋,身份,姓名,手机号\r\n5栋501室,承租人,MARK-A,13800138001\r\n",
        "房源编号,承租人,承租人电话\r\n5-501,MARK-A,13800138001\r\n",
        "楼栋,房号,人员类型,姓名,联系方式\r\n5号楼,501室,租户,MARK-A,'13800138001\r\n",
        "樓棟,房號,角色,姓名,電話\r\n５,５０１,承租人,MARK-A,１３８００１３８００１\r\n",
        "\r\n\r\n登记表,,,,\r\n\r\n楼栋,房号,角色,姓名,电话\r\n\r\n5,501,租客,MARK-A,13800138001\r\n,,,,\r\n",
        "building,unit,role,name,mobile no.\r\nBlock 5,Flat 501,Lessee,MARK-A,13800138001\r\n",
        "楼栋,房号,角色,姓名,电话\r\n5.0,501.0,租客,MARK-A,13800138001.0\r\n",
    ],
)
def test_ways_to_write_the_same(text: str) -> None:
    """Excel, WPS, LibreOffice, Numbers and pandas write one person in many ways."""
    content = read(text)
    assert problems(content) == []
    assert [said(entry) for entry in content.entries] == [
        ("5-501", "tenant", "MARK-A", "+8613800138001")
    ]


def test_notes_are_no_rows_and_rows_are_no_notes() -> None:
    """A row of hints, an example and a page's heading are skipped, each named."""
    lines = [
        "楼栋,房号,角色,姓名,电话",
        "必填,必填,必填,选填,选填",
        "示例,,,张三,",
        "5,501,租客,MARK-A,13800138001",
        "楼栋,房号,角色,姓名,电话",
        "注意路5号,502,租客,MARK-B,13800138002",
        "以上信息由各户自行填写并核对无误后上报,,,,",
        "5,,,,",
    ]
    content = read("\n".join(lines))
    assert [place.row for place in content.skipped] == [2, 3, 5, 7]
    assert [said(entry)[2] for entry in content.entries] == ["MARK-A", "MARK-B"]
    assert problems(content) == [("B8", "missing")]


@pytest.mark.parametrize(
    ("head", "key", "names"),
    [
        (
            "楼栋,房号,电话,手机",
            "file_column_twice",
            {"first": "电话", "second": "手机"},
        ),
        (
            "楼栋,房号,业主,承租人,联系电话",
            "file_column_unclear",
            {"heading": "联系电话"},
        ),
        ("姓名,电话", "file_without_columns", {}),
    ],
)
def test_headings_that_are_unclear(head: str, key: str, names: dict[str, str]) -> None:
    """Whose number it is must not be guessed."""
    with pytest.raises(ServiceValidationError) as refusal:
        read(f"{head}\n1,2,3,4,5\n")
    assert refusal.value.translation_key == key
    assert refusal.value.translation_placeholders == names


def test_a_quotation_mark_that_is_never_closed() -> None:
    """It would swallow all people below it."""
    with pytest.raises(ServiceValidationError) as refusal:
        read('楼栋,房号,角色,姓名,电话\n5,501,租客,"MARK-A,13800138001\n5,502,,,\n')
    assert refusal.value.translation_key == "file_unreadable"


def test_a_formula_without_a_result() -> None:
    """A program that does not calculate leaves no result: no row is lost silently.

    openpyxl's documentation, data_only; an empty result is one.
    """
    book = xlsx(
        ["楼栋", "房号", "角色", "姓名", "电话"],
        [5, "=500+1", "租客", "MARK-A", 13800138001],
    )
    assert problems(read(book)) == [("B2", "unsolved")]
    solved = patched(book, SHEET, b"<f>500+1</f><v />", b"<f>500+1</f><v>501</v>")
    assert [said(entry)[0] for entry in read(solved).entries] == ["5-501"]
    empty = patched(book, SHEET, b'<c r="B2">', b'<c r="B2" t="str">')
    assert problems(read(empty)) == [("B2", "missing")]


def test_rows_that_contradict_each_other() -> None:
    """Of two rows about one unit, neither is right by being the last."""
    text = "楼栋,单元,房号,房间数,标准地址\n5,1,501,2,MARK-1\n5,,1-501,3,\n"
    content = read(text)
    assert [(row.problem, row.details) for row in content.errors] == [
        ("contradiction", {"other": "2"})
    ]


def rows_xml(count: int, row: str) -> bytes:
    """Return so many rows of a sheet, from the third on."""
    return "".join(row.format(number) for number in range(3, count + 3)).encode()


@pytest.mark.parametrize(
    "blank",
    [
        '<row r="{0}" spans="1:5" s="1" customFormat="1" ht="15"/>',
        '<row r="{0}"><c r="A{0}" s="1"/><c r="B{0}" s="1"></c></row>',
    ],
)
def test_a_million_empty_rows(blank: str) -> None:
    """Rows that only have a format take seconds and no memory to speak of.

    openpyxl takes a minute and gigabytes for them.
    """
    rows = rows_xml(1_000_000, blank)
    last = b'<row r="1048576"><c r="A1048576"><v>5</v></c><c r="B1048576"><v>509</v></c></row>'
    book = patched(
        xlsx(["楼栋", "房号"], [5, 501]), SHEET, b"</sheetData>", rows + last + b"</sheetData>"
    )  # fmt: skip
    assert len(book) < sheet.MOST_BYTES
    del rows
    tracemalloc.start()
    begin = time.monotonic()
    content = read(book)
    took = time.monotonic() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(entry.key, entry.place.row) for entry in content.entries] == [
        ("5-501", 2),
        ("5-509", 1_048_576),
    ]
    assert took < 60
    assert peak < 40_000_000


@pytest.mark.parametrize("dimension", [b"A1:XFD1048576", b"A1:A1", b"A1"])
def test_a_dimension_that_is_wrong(dimension: bytes) -> None:
    """What a sheet says of its size is not relied on."""
    book = xlsx(["楼栋", "房号"], [5, 501], [5, 502])
    book = patched(
        book, SHEET, b'<dimension ref="A1:B3"', b'<dimension ref="%s"' % dimension
    )
    assert [entry.key for entry in read(book).entries] == ["5-501", "5-502"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ",,,,\n"])
def test_blank_lines(end: str) -> None:
    """A text of blank lines is read within bounds, or refused."""
    text = "楼栋,房号\n5,501\n" + end * 100_000 + "5,502\n"
    assert [entry.key for entry in read(text).entries] == ["5-501", "5-502"]
    with pytest.raises(ServiceValidationError) as refusal:
        read("楼栋,房号\n5,501\n" + end * 1_100_000)
    assert refusal.value.translation_key == "file_too_large"


@pytest.mark.parametrize("limit", ["MOST_UNPACKED", "MOST_FILLED"])
def test_bombs(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small workbook that is large inside is refused before it is unpacked."""
    monkeypatch.setattr(workbook, limit, 10_000_000)
    cell = '<row r="{0}"><c r="A{0}"><v>5</v></c></row>'
    book = xlsx(["楼栋", "房号"])
    book = patched(
        book, SHEET, b"</sheetData>", rows_xml(300_000, cell) + b"</sheetData>"
    )
    assert len(book) < 2_000_000
    with pytest.raises(ServiceValidationError) as refusal:
        read(book)
    assert refusal.value.translation_key == "file_too_large"


def test_entities_are_no_bomb() -> None:
    """The entities of a sheet are not multiplied."""
    entities = b"".join(
        b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10)
        for level in range(1, 10)
    )
    bomb = b'<!DOCTYPE x [<!ENTITY a0 "xxxxxxxxxx">%s]><worksheet' % entities
    book = patched(xlsx(["&楼栋"]), SHEET, b"<worksheet", bomb)
    book = patched(book, SHEET, b"<v>", b"<v>&a9;")
    with pytest.raises(ServiceValidationError):
        read(book)
