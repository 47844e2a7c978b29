"""Files of rows: read and written, whatever they are about."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import csv
import io
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook

from homeassistant.exceptions import ServiceValidationError

from ..const import DOMAIN

#: A register of many thousand people is far below.
MOST_BYTES = 20_000_000
MOST_ROWS = 50_000
#: Excel in China writes GBK where it is not told to write UTF-8.
_ENCODINGS = ("utf-8-sig", "gb18030")
#: Where a spreadsheet would take a text for a formula. A number in E.164 is none.
_FORMULA = ("=", "@", "-", "\t", "\r")

#: One row of a file: its number as a spreadsheet shows it, and its cells by column.
type Row = tuple[int, dict[str, str]]


def read_sheet(path: Path, columns: Mapping[str, str]) -> list[Row]:
    """Return the rows of a file; `columns` maps its headings to ours.

    Raises ServiceValidationError if it is no such file.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refused("file_too_large")
        content = path.read_bytes()
    except OSError:
        raise _refused("file_unreadable") from None
    lines = _excel(content) if path.suffix.lower() == ".xlsx" else _csv(content)
    heading = next(lines, [])
    names = [columns.get(cell.strip().casefold()) for cell in heading]
    if not {"building", "number"} <= set(names):
        raise _refused("file_without_columns")
    rows: list[Row] = []
    for number, line in enumerate(lines, 2):
        cells = {
            name: cell.strip().removeprefix("'")
            for name, cell in zip(names, line, strict=False)
            if name and cell.strip()
        }
        if cells:
            rows.append((number, cells))
        if len(rows) > MOST_ROWS:
            raise _refused("file_too_large")
    return rows


def write_sheet(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> int:
    """Write rows to a file that only Home Assistant's own user may read.

    Returns how many. Raises ServiceValidationError.
    """
    lines = [[_cell(row.get(column)) for column in columns] for row in rows]
    buffer = io.BytesIO()
    if path.suffix.lower() == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        for line in [list(columns), *lines]:
            sheet.append(line)
        book.save(buffer)
    else:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *lines])
        buffer.write(text.getvalue().encode("utf-8-sig"))
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(buffer.getvalue())
    except OSError:
        raise _refused("file_unwritable") from None
    return len(lines)


def _csv(content: bytes) -> Iterator[list[str]]:
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        heading = text.partition("\n")[0]
        delimiter = max(",;\t", key=heading.count)
        try:
            yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        except csv.Error:
            raise _refused("file_unreadable") from None
        return
    raise _refused("file_unreadable")


def _excel(content: bytes) -> Iterator[list[str]]:
    # openpyxl raises whatever it stumbles over in a file that is no workbook.
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for line in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(cell) for cell in line]
    except BadZipFile, KeyError, ValueError, IndexError, TypeError, SyntaxError:
        raise _refused("file_unreadable") from None


def _text(cell: Any) -> str:
    """Return a cell of Excel as it would stand in CSV."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "date"):
        return str(cell.date())
    return str(cell)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _refused(key: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)
