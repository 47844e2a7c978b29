"""What a cell says, whatever the program has made of it."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from custom_components.rental_units.transfer import cells
from custom_components.rental_units.transfer.cells import CellError, Masked
from custom_components.rental_units.transfer.columns import columns_of, parse_word
from custom_components.rental_units.transfer.sheet import as_text, from_text


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("building", "5栋", "5"),
        ("building", "5号楼", "5"),
        ("building", "５幢", "5"),
        ("building", "A座", "A"),
        ("building", "第十二栋", "12"),
        ("building", "Block 7", "7"),
        ("building", "东区", "东区"),
        ("stairwell", "1单元", "1"),
        ("stairwell", "二单元", "2"),
        ("stairwell", "2#", "2"),
        ("number", "501室", "501"),
        ("number", "501号房", "501"),
        ("number", "５０１\u200b", "501"),
        ("number", "\u202d0501\u202c", "0501"),
        ("number", "501\u3000", "501"),
        ("number", "'0501", "0501"),
        ("number", 501.0, "501"),
        ("number", "501.0", "501"),
        ("number", "501-1", "501-1"),
        ("number", "501－A", "501-A"),
        ("number", "44205室", "44205"),
        ("number", "商铺 3", "商铺 3"),
    ],
)
def test_place(column: str, value: Any, said: str) -> None:
    """The words around a number are no part of a name, and neither is how it is set."""
    assert cells.parse_place(column, value) == said


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        # Gene names and house numbers (Ziemann et al., Genome Biology 17:177, 2016); the
        # settings of other countries as LibreOffice and Excel write them.
        ("3月1日", "made_date"),
        ("2001年3月", "made_date"),
        ("1-Mar", "made_date"),
        ("1. Mrz", "made_date"),
        ("01-mars", "made_date"),
        ("Mar-01", "made_date"),
        ("Sept-2", "made_date"),
        ("2026/3/1", "made_date"),
        ("2026-03-01 00:00:00", "made_date"),
        ("3/1/2026", "made_date"),
        ("5:01", "made_date"),
        ("5:01:00 AM", "made_date"),
        ("46082", "made_date"),
        (46082, "made_date"),
        (datetime(2026, 3, 1), "made_date"),  # noqa: DTZ001
        (time(5, 1), "made_date"),
        (timedelta(hours=29), "made_date"),
        (5.1, "made_decimal"),
        ("1.38E+10", "shortened"),
        ("1,38E+10", "shortened"),
        (1.3800138001380014e18, "shortened"),
        ("#REF!", "formula_error"),
        ("#N/A", "formula_error"),
        ("#NAME?", "formula_error"),
        ("#DIV/0!", "formula_error"),
        ("#BEZUG!", "formula_error"),
        ("#NV", "formula_error"),
        ("#名称?", "formula_error"),
        ("Err:502", "formula_error"),
        ("########", "formula_error"),
        ("=?", "unsolved"),
        ("锟斤拷", "damaged"),
        ("\ufffd\ufffd1", "damaged"),
        ("??", "damaged"),
        ("å¼ ä¸‰", "damaged"),
    ],
)
def test_places_that_are_destroyed(value: Any, problem: str) -> None:
    """What a spreadsheet or an encoding has destroyed is a unit's name nowhere."""
    with pytest.raises(CellError) as refusal:
        cells.parse_place("number", value)
    assert refusal.value.problem == problem


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("１-１-１０１", ("1", "1", "101")),
        ("5—1—501", ("5", "1", "501")),
        ("5-501", ("5", "", "501")),
        ("5-1-501-2", ("5", "1", "501-2")),
        ("5栋1单元501室", ("5", "1", "501")),
        ("5号楼二单元501", ("5", "2", "501")),
        ("A座1203号", ("A", "", "1203")),
        ("12幢-3单元-0402", ("12", "3", "0402")),
        ("501", None),
        ("-501", None),
        ("5--501", None),
    ],
)
def test_unit_in_one_cell(text: str, unit: tuple[str, str, str] | None) -> None:
    """A unit in one cell is taken apart."""
    assert cells.split_unit(text) == unit


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05",
        "2026-1-5",
        "2026/1/5",
        "2026.1.5",
        "2026年1月5日",
        "2026 年 1 月 5 日",
        "２０２６／１／５",
        "2026-01-05 00:00:00",
        "2026/1/5 0:00",
        "2026-01-05T00:00:00",
        "20260105",
        "46027",
        "46027.0",
        46027,
        46027.0,
        date(2026, 1, 5),
        datetime(2026, 1, 5),  # noqa: DTZ001
    ],
)
def test_dates(value: Any) -> None:
    """A day in the ways in which it is written, and as Excel counts it."""
    assert cells.parse_date(value) == date(2026, 1, 5)


@pytest.mark.parametrize(
    "value",
    ["1/5/2026", "05.01.2026", "26-1-5", "2026-13-01", "2026-02-30", "2026年1月", "长期", 5, time(1)],
)  # fmt: skip
def test_dates_that_are_none(value: Any) -> None:
    """A date that may be another one is refused."""
    with pytest.raises(CellError) as refusal:
        cells.parse_date(value)
    assert refusal.value.problem == "not_a_date"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("7:00", "07:00:00"),
        ("07:00:00", "07:00:00"),
        ("７：００", "07:00:00"),
        ("7点", "07:00:00"),
        ("22點30分", "22:30:00"),
        ("上午7:00", "07:00:00"),
        ("下午10:00", "22:00:00"),
        ("7:00 AM", "07:00:00"),
        ("12:00 am", "00:00:00"),
        ("10:00 pm", "22:00:00"),
        ("0.25", "06:00:00"),
        (0.25, "06:00:00"),
        (time(7), "07:00:00"),
        (datetime(1899, 12, 30, 7), "07:00:00"),  # noqa: DTZ001
        (timedelta(hours=7), "07:00:00"),
    ],
)
def test_hours(value: Any, said: str) -> None:
    """A time of day in the ways in which it is written."""
    assert cells.parse_hour(value) == said


@pytest.mark.parametrize("value", ["24:00", "7", "soon", "7:61", 7, 0.9999])
def test_hours_that_are_none(value: Any) -> None:
    """A time that is none is refused."""
    with pytest.raises(CellError) as refusal:
        cells.parse_hour(value)
    assert refusal.value.problem == "not_a_time"


@pytest.mark.parametrize(
    "value",
    [
        13800138001,
        13800138001.0,
        "13800138001.0",
        "'13800138001",
        "‘13800138001".replace("‘", "’"),
        "\u202a13800138001\u202c",
        "138 0013 8001",
        "138-0013-8001",
        "１３８００１３８００１",
        "+86 138 0013 8001",
        "0086-13800138001",
        "'+8613800138001",
    ],
)
def test_numbers(value: Any) -> None:
    """A phone number in the ways in which it is written."""
    assert cells.parse_number(value, "CN") == "+8613800138001"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("13800138001/13900139001", "several"),
        ("13800138001、13900139001", "several"),
        ("13800138001 13900139001", "several"),
        ("13800138001\n13900139001", "several"),
        ("13800138001_x000D_\n13900139001", "several"),
        ("13800138001或13900139001", "several"),
        ("010-12345678/79", "several"),
        ("010-12345678转801", "extension"),
        ("010-12345678-801", "extension"),
        ("010-12345678 ext. 801", "extension"),
        ("01012345678x801", "extension"),
        ("1380013800O", "not_a_phone"),
        ("13800138001(妻子)", "not_a_phone"),
        ("1380013800", "not_a_phone"),
        ("无", "not_a_phone"),
        ("1.38E+10", "shortened"),
        ("8.61380E+12", "shortened"),
        (datetime(2026, 3, 1), "made_date"),  # noqa: DTZ001
    ],
)
def test_numbers_that_are_none(value: Any, problem: str) -> None:
    """What would be dialled is another number: refused, with the reason.

    google/libphonenumber (its FAQ) parses vanity letters and drops extensions in E.164.
    """
    with pytest.raises(CellError) as refusal:
        cells.parse_number(value, "CN")
    assert refusal.value.problem == problem


@pytest.mark.parametrize(
    "text", ["138****8001", "138xxxx8001", "+86*******8001", "138●●●●8001", "***8001"]
)
def test_masked_numbers(text: str) -> None:
    """A masked number tells a known one from others."""
    masked = cells.parse_number(text, "CN")
    assert isinstance(masked, Masked)
    assert masked.fits("+8613800138001")
    assert not masked.fits("+8613800138002")


@pytest.mark.parametrize(
    ("number", "region", "text"),
    [
        ("+8613800138001", "CN", "13800138001"),
        ("+861012345678", "CN", "1012345678"),
        ("+85291234567", "CN", "00 852 9123 4567"),
        ("+85291234567", "HK", "91234567"),
        ("+886912345678", "TW", "912345678"),
        ("+390612345678", "IT", "06 1234 5678"),
        ("+12015550123", None, "00 1 201-555-0123"),
    ],
)
def test_numbers_come_back(number: str, region: str | None, text: str) -> None:
    """A number is written so that Excel leaves it, and is the same when it is read."""
    assert cells.written_phone(number, region) == text
    assert cells.parse_number(text, region) == number


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd|'!A0", "'-2+3+cmd|'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠SUM", "'＠SUM"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("'t Hooft", "'t Hooft"),
        ("''", "''"),
        ("O'Neil = O", "O'Neil = O"),
    ],
)
def test_formulas(text: str, written: str) -> None:
    """No text is a formula in a spreadsheet, and each comes back as it was.

    OWASP, CSV Injection; the signs in full width are formulas for a Chinese Excel.
    """
    assert as_text(text) == written
    assert from_text(written) == text


def test_headings() -> None:
    """Headings are known by what they mean, however they are set."""
    assert columns_of(["*楼栋号", "单元", "房 号（室）", "承租人", "承租人联系电话"]) == [
        "building", "stairwell", "number", "tenant.name", "tenant.phone"
    ]  # fmt: skip
    assert columns_of(["Building No.", "Unit", "Room No."]) == [
        "building", "stairwell", "number"
    ]  # fmt: skip
    assert columns_of(["Building", "Unit", "备注"]) == ["building", "number", None]
    assert columns_of(["樓棟", "單元", "房號", "業主姓名", "手機號碼"]) == [
        "building", "stairwell", "number", "landlord.name", "phone"
    ]  # fmt: skip
    assert parse_word("承租人", ["landlord", "tenant"]) == "tenant"
    assert parse_word("簡體中文", ["en", "zh-Hans"]) == "zh-Hans"
