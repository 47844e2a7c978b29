"""What a search has found, as a file to be given away: each row bears its receipt."""

from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.util import dt as dt_util

from ..app.search import Exported
from ..search.const import GAP_SECONDS
from ..search.find import Spotted
from ..search.texts import texts
from ..search.where import Where
from .sheet import as_bytes


def trail_file(
    given: Exported,
    *,
    case_id: str,
    who: str,
    places: Mapping[tuple[str, str], Where],
    language: str,
    excel: bool,
) -> bytes:
    """Return the file: what it is for and by whom it was given away, then the sightings.

    `places` are by device and channel.
    """
    words = texts(language)
    sheet = words["sheet"]
    notice = sheet["notice"].format(
        case=case_id,
        kind=words["kind"][given.kind],
        receipt=given.receipt,
        time=_time(given.at),
        who=who,
        rows=len(given.rows),
    )
    lines: list[list[Any]] = [sheet["headings"]]
    befores = [*(row.at for row in given.rows[1:]), None][: len(given.rows)]
    for row, before in zip(given.rows, befores, strict=True):
        where = places[row.device_id, row.channel]
        lines.append([*_cells(row, before, where, words), given.receipt])
    if given.cases:
        lines += [[], sheet["cases"], *_cases(given, words)]
    return as_bytes([notice], lines, excel=excel)


def _cells(
    row: Spotted, before: float | None, where: Where, words: Mapping[str, Any]
) -> Iterator[Any]:
    sheet, attributes = words["sheet"], row.attributes or {}
    gap = row.at - before if before is not None else 0.0
    yield _time(row.at)
    yield where.place
    yield where.name
    yield words["medium"].get(row.medium or "", "")
    yield f"••••{row.digits}" if row.digits else ""
    yield "" if row.inwards is None else sheet["inwards" if row.inwards else "outwards"]
    yield row.decision
    # In other words than these it is shown as it came.
    looks = {**attributes, "category": row.category}
    for key in ("category", "colour", "age_group"):
        yield words[key].get(looks.get(key), looks.get(key))
    yield sheet["yes" if row.exact else "alike"]
    yield round(gap / 60) if gap >= GAP_SECONDS else None


def _cases(given: Exported, words: Mapping[str, Any]) -> Iterator[list[Any]]:
    for case in given.cases:
        yield [
            case.id,
            words["kind"][case.kind],
            _time(case.opened_at),
            _time(case.closed_at) if case.closed_at else "",
            words["outcome"].get(case.outcome or "", ""),
            case.looks,
            *[""] * 6,
            given.receipt,
        ]


def _time(at: float) -> str:
    return f"{dt_util.as_local(dt_util.utc_from_timestamp(at)):%Y-%m-%d %H:%M:%S}"
