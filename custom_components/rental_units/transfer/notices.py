"""What the police are to be told, as a file: each row bears the receipt of the file."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from homeassistant.util import dt as dt_util

from ..app.notices import Exported, Told
from ..desk.const import Change
from ..desk.texts import texts
from .cells import written_phone
from .sheet import as_bytes


def notices_file(
    given: Exported, *, title: str, region: str | None, language: str, excel: bool
) -> bytes:
    """Return the file: what it is and what has changed since the last, then the notices.

    `title` is the property's.
    """
    words = texts(language)
    sheet = words["sheet"]
    counts = {kind: sum(row.change == kind for row in given.rows) for kind in Change}
    notice = sheet["notice"].format(
        property=title,
        receipt=given.id,
        time=_time(given.at),
        before=_time(given.before) if given.before else sheet["never"],
        rows=len(given.rows),
        **{str(kind): count for kind, count in counts.items()},
    )
    lines = [[*_cells(row, words, region), given.id] for row in given.rows]
    return as_bytes([notice], [sheet["headings"], *lines], excel=excel)


def _cells(row: Told, words: Mapping[str, Any], region: str | None) -> Iterator[Any]:
    yield words["change"][row.change]
    yield words["kind"][row.kind]
    yield row.name
    yield " ".join(written_phone(phone, region) for phone in row.phones)
    yield row.unit
    yield row.address
    for day in (row.begins_on, row.start, row.end, row.left_on, row.due_on):
        yield _day(day)
    yield words["sheet"]["overdue"] if row.is_overdue else ""
    yield row.receipt


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _time(at: float) -> str:
    return f"{dt_util.as_local(dt_util.utc_from_timestamp(at)):%Y-%m-%d %H:%M}"
