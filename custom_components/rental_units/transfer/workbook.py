"""Workbooks of Excel: read within bounds of time and memory, whatever they hold."""

from collections.abc import Iterator
from dataclasses import dataclass
import io
import re
from typing import Any
import warnings
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo
import zlib

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from .sheet import MOST_LINES, Table, refused

MOST_COLUMNS = 100
#: Bytes of a workbook unpacked, with its empty cells and without them. 50,000 rows of a
#: register are 45 MB; a million formatted empty rows are 250 MB, looked through in 4 s.
MOST_UNPACKED = 400_000_000
MOST_FILLED = 80_000_000
#: How an old workbook begins, or one with a password: OLE and no ZIP.
OLE = b"\xd0\xcf\x11\xe0"
ZIP = b"PK"
#: What stands for the value of a formula that nobody has calculated.
UNSOLVED = "=?"

_PIECE = 1 << 20
_TAG = rb"<(?:\w+:)?"
_END = rb"</(?:\w+:)?"
#: Cells and rows with a format and no value. What does not say where it is must stay.
_EMPTY_CELL = re.compile(_TAG + rb'c\b(?=[^>]*\br=")[^>]*(?:/>|>\s*' + _END + rb"c>)")
_EMPTY_ROW = re.compile(
    _TAG + rb'row\b(?=[^>]*\br=")[^>]*(?:/>|>\s*' + _END + rb"row>)"
)
_MERGED = re.compile(_TAG + rb'mergeCell\b[^>]*\bref="([A-Z]+\d+:[A-Z]+\d+)"')
#: A formula without a result.
_UNSOLVED = re.compile(
    _TAG
    + rb"c\b([^>]*)>\s*"
    + _TAG
    + rb"f\b(?:[^>]*/>|[^>]*>[^<]*"
    + _END
    + rb"f>)\s*("
    + _TAG
    + rb"v\s*/>|"
    + _TAG
    + rb"v>\s*"
    + _END
    + rb"v>)?\s*"
    + _END
    + rb"c>"
)
_REFERENCE = re.compile(rb'\br="([A-Z]+\d+)"')


@dataclass(frozen=True, slots=True)
class _Part:
    """What openpyxl does not tell of a sheet that it only reads."""

    merged: tuple[str, ...] = ()
    unsolved: tuple[str, ...] = ()


def read_workbook(content: bytes) -> list[Table]:
    """Return the visible sheets. Raises ServiceValidationError if it is no workbook."""
    # openpyxl raises whatever it stumbles over in a file that is none.
    try:
        packed, parts = _without_blanks(content)
        with warnings.catch_warnings(action="ignore"):
            book: Any = load_workbook(packed, read_only=True, data_only=True)
            return [
                _table(sheet, parts.get(sheet._worksheet_path, _Part()))  # noqa: SLF001
                for sheet in book.worksheets
                if sheet.sheet_state == "visible"
            ]
    except (
        BadZipFile,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        NotImplementedError,
        SyntaxError,
        OSError,
        RuntimeError,
        zlib.error,
    ):
        raise refused("file_unreadable") from None


def _table(sheet: Any, part: _Part) -> Table:
    table = Table(sheet.title)
    rows = sheet.iter_rows(max_row=MOST_LINES, max_col=MOST_COLUMNS, values_only=True)
    for number, row in enumerate(rows, 1):
        if len(row) > row.count(None):
            table.add(number, list(row))
    for column, number, _, _ in _places(part.unsolved):
        table.lines.setdefault(number, [None] * MOST_COLUMNS)[column - 1] = UNSOLVED
    for column, first, _, last in _places(part.merged):
        # Only downwards: what is merged sideways is a title, and no email address.
        value = table.lines.get(first, [None] * MOST_COLUMNS)[column - 1]
        for number in range(first + 1, last + 1):
            if (line := table.lines.get(number)) and line[column - 1] is None:
                line[column - 1] = value
    return table


def _places(found: tuple[str, ...]) -> Iterator[tuple[int, int, int, int]]:
    """Yield cells as left, top, right, bottom, from 1, that are in our bounds."""
    for place in found:
        left, top, right, bottom = (int(edge or 0) for edge in range_boundaries(place))
        if left <= MOST_COLUMNS and top <= MOST_LINES:
            yield left, top, right, min(bottom, MOST_LINES)


def _without_blanks(content: bytes) -> tuple[io.BytesIO, dict[str, _Part]]:
    """Return a workbook without its empty cells, and what else its sheets tell.

    A sheet whose million empty rows have a format takes openpyxl minutes and gigabytes.
    """
    packed, parts, filled = io.BytesIO(), {}, 0
    with (
        ZipFile(io.BytesIO(content)) as source,
        ZipFile(packed, "w", ZIP_STORED) as book,
    ):
        infos = {row.filename: row for row in source.infolist()}
        if sum(info.file_size for info in infos.values()) > MOST_UNPACKED:
            raise refused("file_too_large")
        for name, info in infos.items():
            if not name.endswith((".xml", ".rels")):
                continue  # Pictures.
            is_sheet = "worksheets/" in name
            data = bytearray()
            for piece in _pieces(source, info):
                if is_sheet:
                    piece = _EMPTY_ROW.sub(b"", _EMPTY_CELL.sub(b"", piece))
                data += piece
                if filled + len(data) > MOST_FILLED:
                    raise refused("file_too_large")
            filled += len(data)
            book.writestr(name, bytes(data))
            if is_sheet:
                merged = (found.decode() for found in _MERGED.findall(data))
                parts[name] = _Part(tuple(merged), tuple(_unsolved(data)))
    packed.seek(0)
    return packed, parts


def _unsolved(data: bytearray) -> Iterator[str]:
    """Yield the cells of formulas without a result; an empty text is a result."""
    for attributes, is_empty in _UNSOLVED.findall(data):
        is_text = is_empty and b't="str"' in attributes
        if not is_text and (found := _REFERENCE.search(attributes)):
            yield found[1].decode()


def _pieces(source: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    """Yield a part of the workbook in pieces that end with an element, if they can."""
    with source.open(info) as file:
        rest = b""
        while read := file.read(_PIECE):
            piece = rest + read
            cut = piece.rfind(b">") + 1 or len(piece)
            yield piece[:cut]
            rest = piece[cut:]
        yield rest
