"""Files of rows, whatever they are about: read and written."""

from collections.abc import Callable, Iterable, Sequence
import csv
from dataclasses import dataclass, field
from datetime import date, time, timedelta
import io
from itertools import islice
import os
from pathlib import Path
import re
from tempfile import NamedTemporaryFile
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from homeassistant.exceptions import ServiceValidationError

from ..app.files import PART
from ..const import DOMAIN
from .charsets import decode

#: A register of many thousand people is far below.
MOST_BYTES = 20_000_000
MOST_ROWS = 50_000
#: Excel's own limit; a text of more lines is no table.
MOST_LINES = 1_048_576
#: Where the heading has to be: a title and a note may stand above it.
HEADING_LINES = 30
_DELIMITERS = ",;\t|"
#: Where a spreadsheet would take a text for a formula, also after blanks and in full width.
_FORMULA = re.compile(r"'*[\s\ufeff\u200b]*[=+\-@＝＋－＠\t\r\n]")

type Value = str | int | float | bool | date | time | timedelta
#: The values of a row; None for an empty cell.
type Line = list[Value | None]


@dataclass(slots=True)
class Table:
    """A sheet of a file: its lines that are not empty, by their number from 1."""

    name: str = ""
    lines: dict[int, Line] = field(default_factory=dict)

    def add(self, number: int, line: Line) -> None:
        """Add a line. Raises ServiceValidationError if there are too many."""
        self.lines[number] = line
        if len(self.lines) > MOST_ROWS:
            raise refused("file_too_large")

    def head(self) -> dict[int, Line]:
        """Return the lines among which the heading has to be."""
        return dict(islice(self.lines.items(), HEADING_LINES))


def read_file(path: Path) -> bytes:
    """Return what a file holds. Raises ServiceValidationError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise refused("file_too_large")
        return path.read_bytes()
    except OSError:
        raise refused("file_unreadable") from None


def read_csv(content: bytes, headings: Callable[[Sequence[Any]], int]) -> Table:
    """Return the table of a text; `headings` says how many headings a line holds.

    Raises ServiceValidationError if it is no such file.
    """

    def head(text: str, delimiter: str) -> list[list[str]]:
        first = text[:50_000].splitlines()[:HEADING_LINES]
        return list(csv.reader(first, delimiter=delimiter))

    def is_ours(text: str) -> bool:
        return any(
            headings([cell for cell in line if not cell.isascii()])
            for sign in _DELIMITERS
            for line in head(text, sign)
        )

    def delimiter_of(text: str) -> str:
        """Return the delimiter that makes most headings of one of the first lines."""
        return max(
            _DELIMITERS,
            key=lambda sign: max(map(headings, head(text, sign)), default=0),
        )

    try:
        text = decode(content, is_ours)
        if text is None:
            raise refused("file_encoding")
        if text.count("\n") > MOST_LINES or text.count("\r") > MOST_LINES:
            raise refused("file_too_large")
        table = Table()
        # Strict: a quotation mark that is never closed would swallow all that follows.
        lines = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True
        )
        for number, line in enumerate(lines, 1):
            if any(cell.strip() for cell in line):
                table.add(number, [cell or None for cell in line])
    except csv.Error:
        raise refused("file_unreadable") from None
    return table


def cell_name(row: int, column: int) -> str:
    """Return what a spreadsheet calls a cell: D5. Both count from 1."""
    return f"{get_column_letter(column)}{row}"


def write_file(path: Path, content: bytes) -> None:
    """Write a file that only Home Assistant's own user may read.

    Raises ServiceValidationError; the file of before is there as it was then.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # A new file is readable for nobody else from its first byte, an old one may be.
        with NamedTemporaryFile(
            dir=path.parent, prefix=f"{path.name}.", suffix=PART, delete=False
        ) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError:
        raise refused("file_unwritable") from None


def as_bytes(
    heading: Sequence[str], rows: Iterable[Sequence[Any]], *, excel: bool
) -> bytes:
    """Return the file of a table."""
    lines = [heading, *([as_text(cell) for cell in row] for row in rows)]
    if not excel:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        return text.getvalue().encode("utf-8-sig")
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in lines:
        sheet.append(line)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def as_text(value: Any) -> str:
    """Return what is written for a value: an apostrophe keeps it from being a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def from_text(text: str) -> str:
    """Take the apostrophe off that keeps a text from being a formula, and no other."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error of a file."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )
