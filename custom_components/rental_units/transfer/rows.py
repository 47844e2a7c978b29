"""What a row of a register's file says: a unit and the people in it, or a responder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
import re
from typing import Any

from homeassistant.exceptions import ServiceValidationError

from ..const import LANGUAGES, Duty, Letting, PartyKind, Role
from ..places.const import NEEDED, OF_UNIT, PlaceKind
from ..register.addresses import KINDS, PHONE, PHONE_CHANNELS
from ..register.people import Contact, parse_contact
from ..register.units import unit_title
from .cells import (
    CellError,
    Masked,
    parse_cards,
    parse_date,
    parse_degrees,
    parse_hour,
    parse_name,
    parse_number,
    parse_place,
    parse_rooms,
    parse_storey,
    plain_of,
    split_unit,
    text_of,
    visible,
)
from .columns import columns_of, heading_of, parse_word, words_of
from .sheet import Line, Table, Value, cell_name, refused

#: What a responder has not: they are there for the whole property.
_OF_A_UNIT = (
    *("building", "number", "stairwell", "address", "area", "start", "end"),
    *("kind", "place", "storey", "latitude", "longitude", "card"),
)
#: What only a unit has: nobody lives in a bicycle shed.
_NOT_OF_A_PLACE = (
    *("number", "rooms", "letting", "role", "name", "start", "end"),
    "card",
)
#: Where a contact that was refused is wrong.
_COLUMN_OF = {
    **{kind.error: kind.key for kind in KINDS},
    "quiet_half": "quiet_until",
    "phone_without_use": "channels",
}
#: Addresses but numbers, which are read with more care.
_AS_THEY_ARE = tuple(kind.key for kind in KINDS if kind.headings and kind is not PHONE)
#: Whose they are is unclear where a row has the columns of two people.
_OF_ONE = (PHONE.key, "card", *_AS_THEY_ARE)
#: What the words of a column are of.
_CHOICES: dict[str, tuple[str, ...]] = {
    "role": (*Role, *Duty),
    "letting": tuple(Letting),
    "kind": tuple(PlaceKind),
    "party": tuple(PartyKind),
    "channels": PHONE_CHANNELS,
    "language": LANGUAGES,
}
#: How a line begins that tells about the table, and is none of its rows.
_NOTE = re.compile(
    r"备注|備註|说明|說明|注意|注[:：]|填表|填写|填寫|合计|合計|总计|總計|小计|小計|制表|製表|示例|例[:：如]"
    r"|必填|选填|選填|可选|(notes?|total|example|required|optional|remarks?)\b",
    re.IGNORECASE,
)
#: A single cell of this many signs is a sentence.
_SENTENCE = 16
#: Characters of a cell that an answer repeats.
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file."""

    row: int
    sheet: str
    #: The cell as a spreadsheet calls it, its heading in the file and what stands there.
    cell: str = ""
    heading: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in a row."""

    place: Place
    column: str
    #: A translation key, and what its text needs beside the place.
    problem: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """A row that was understood, or one person's part of it."""

    place: Place
    unit: dict[str, Any]
    area: str | None
    address: str | None
    role: Role | Duty | None
    contact: Contact | None
    #: What is not said is None, and changes nothing.
    start: date | None
    end: date | None
    #: Where its cells are, by their column.
    locate: Callable[[str], Place]
    has_channels: bool = False
    masked: Masked | None = None
    #: When a responder is on duty.
    schedule: str | None = None
    #: What is said of the place: of a unit as what it is and where; else all of it.
    spot: dict[str, Any] = field(default_factory=dict)
    #: A word of const.PartyKind.
    party: str | None = None
    #: Numbers of cards, as controllers have them.
    cards: tuple[str, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """Return what is unique to the unit, empty for a responder."""
        return place_key(self.unit) if self.unit else ""

    def error(self, column: str, problem: str, **details: Any) -> RowError:
        """Return an error of this row."""
        texts = {key: str(value) for key, value in details.items()}
        return RowError(self.locate(column), column, problem, texts)


@dataclass(slots=True)
class Content:
    """What a file says."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    #: Lines that are no rows (titles, notes, totals), and columns that are not known.
    skipped: list[Place] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def place_key(unit: Mapping[str, Any]) -> str:
    """Return what spellings of a unit have in common: 1 / 1-101 is 1 / 1 / 101."""
    return plain_of(unit_title(unit)).replace(" ", "").casefold()


def count_headings(line: Sequence[Any]) -> int:
    """Return how many columns a line names."""
    return len({column for column in columns_of(map(_shown, line)) if column})


def parse_tables(tables: Sequence[Table], region: str | None, language: str) -> Content:
    """Return what the sheets of a file say. Raises ServiceValidationError if it is none."""
    content, named = Content(), 0
    for table in tables:
        found = _heading(table)
        if found is None:
            content.skipped += [
                Place(number, table.name, value=_first(line))
                for number, line in table.head().items()
            ][:1]
            continue
        named += 1
        _Reader(table, found, content, region, language).read()
    if not named:
        raise refused("file_without_columns")
    _check_units(content)
    return content


@dataclass(slots=True)
class _Heading:
    """The heading of a table: it may have two lines."""

    last: int
    texts: list[str]
    columns: list[str | None]
    title: list[int]

    @property
    def score(self) -> int:
        return len(set(self.columns) - {None})

    @property
    def is_whole(self) -> bool:
        return "number" in self.columns and self.score > 1


def _heading(table: Table) -> _Heading | None:
    """Return the best heading among the first lines, or None if there is none."""
    best: _Heading | None = None
    before: list[int] = []
    lines = list(table.head().items())
    for index, (number, line) in enumerate(lines):
        texts = [_shown(value) for value in line]
        candidates = [_Heading(number, texts, columns_of(texts), before[:])]
        if index + 1 < len(lines):
            below, second = lines[index + 1]
            joined = _join(texts, [_shown(value) for value in second])
            candidates.append(_Heading(below, joined, columns_of(joined), before[:]))
        for found in candidates:
            if found.is_whole and (best is None or found.score > best.score):
                best = found
        before.append(number)
    return best


def _join(first: list[str], second: list[str]) -> list[str]:
    """Return the heading of two lines: 业主 over 姓名 and 电话 is meant for both."""
    joined, over = [], ""
    for index in range(max(len(first), len(second))):
        upper = first[index] if index < len(first) else ""
        lower = second[index] if index < len(second) else ""
        over = upper or (over if lower else "")
        joined.append(over if over == lower else over + lower)
    return joined


class _Reader:
    """Reads the rows of a table below its heading."""

    def __init__(
        self,
        table: Table,
        heading: _Heading,
        content: Content,
        region: str | None,
        language: str,
    ) -> None:
        self._table = table
        self._heading = heading
        self._content = content
        self._region = region
        self._language = language
        self._index: dict[str, int] = {}
        for index, column in enumerate(heading.columns):
            if column is None:
                if text := heading.texts[index]:
                    content.ignored.append(text)
            elif column in self._index:
                raise refused(
                    "file_column_twice",
                    first=heading.texts[self._index[column]],
                    second=heading.texts[index],
                )
            else:
                self._index[column] = index
        roles = {column.partition(".")[0] for column in self._index if "." in column}
        for column in _OF_ONE:
            if len(roles) > 1 and column in self._index:
                text = heading.texts[self._index[column]]
                raise refused("file_column_unclear", heading=text)

    def read(self) -> None:
        """Read all rows."""
        for number, line in self._table.lines.items():
            if number <= self._heading.last:
                if number in self._heading.title:
                    self._skip(number, line)
            elif self._is_note(line):
                self._skip(number, line)
            else:
                self._read_row(number, line)

    def _skip(self, number: int, line: Line) -> None:
        self._content.skipped.append(
            Place(number, self._table.name, value=_first(line))
        )

    def _is_note(self, line: Line) -> bool:
        texts = [text for value in line if (text := _shown(value))]
        if not texts or texts == [text for text in self._heading.texts if text]:
            return True  # Nothing visible, or the heading of another page.
        if len(texts) == 1:
            return len(texts[0]) >= _SENTENCE or bool(_NOTE.match(texts[0]))
        if self._value(line, "number") and self._value(line, "name"):
            return all(map(_NOTE.match, texts))
        return bool(_NOTE.match(texts[0]))

    def _value(self, line: Line, column: str) -> Value | None:
        index = self._index.get(column)
        if index is None or index >= len(line) or not _shown(line[index]):
            return None
        return line[index]

    def _place(self, number: int, line: Line, role: Role | None, key: str) -> Place:
        """Return where a column stands in a row; of one that is not there, its name."""
        index = self._index.get(f"{role}.{key}", self._index.get(key))
        if index is None:
            return Place(number, self._table.name, "", heading_of(key, self._language))
        value = line[index] if index < len(line) else None
        return Place(
            number,
            self._table.name,
            cell_name(number, index + 1),
            self._heading.texts[index],
            _shown(value)[:_MOST_SHOWN],
        )

    def _read_row(self, number: int, line: Line) -> None:
        """Add what a row says: an entry of each person, or its errors."""
        cells = {
            column: value
            for column in self._index
            if (value := self._value(line, column)) is not None
        }
        errors: dict[tuple[str, str], RowError] = {}
        entries = []
        for role, values in self._people(cells):
            locate = partial(self._place, number, line, role)
            row = _Row(values, locate, self._region, self._language)
            entries.append(row.parse(Place(number, self._table.name), role))
            # The unit of a row is read for each of its people.
            errors |= {(error.place.cell, error.column): error for error in row.errors}
        if errors:
            self._content.errors += errors.values()
        else:
            self._content.entries += entries

    def _people(
        self, cells: Mapping[str, Value]
    ) -> Iterator[tuple[Role | None, dict[str, Value]]]:
        """Yield what a row says of each person: 承租人电话 is of one, 电话 of the row's."""
        shared = {key: value for key, value in cells.items() if "." not in key}
        found = False
        for role in Role:
            own = {
                key.removeprefix(f"{role}."): value
                for key, value in cells.items()
                if key.startswith(f"{role}.")
            }
            if own:
                found = True
                lease = ("start", "end") if role is Role.LANDLORD else ()
                others = {key: shared[key] for key in shared if key not in lease}
                yield role, others | own
        if not found or "name" in shared or "role" in shared:
            yield None, shared


@dataclass(slots=True)
class _Row:
    """The cells of one person's row, and what to do about those that are wrong."""

    cells: Mapping[str, Value]
    locate: Callable[[str], Place]
    region: str | None
    language: str
    errors: list[RowError] = field(default_factory=list)

    def parse(self, place: Place, role: Role | None) -> Entry:
        """Return the row, which is none if there are errors."""
        word = self._word("role") if role is None else str(role)
        duty = Duty(word) if word in set(Duty) else None
        spot = {} if duty else self._spot()
        is_other = spot.get("kind", PlaceKind.UNIT) not in OF_UNIT
        unit = {} if duty or is_other else self._unit()
        if is_other:
            for column in _NOT_OF_A_PLACE:
                if column in self.cells:
                    self._wrong(column, "not_of_a_place")
        if duty:
            for column in _OF_A_UNIT:
                if column in self.cells:
                    self._wrong(column, "not_of_a_responder")
        start, end = (self._take(key, parse_date) for key in ("start", "end"))
        if start and end and end < start:
            self._wrong("end", "before_start")
        number = self._take("phone", lambda value: parse_number(value, self.region))
        contact = self._contact(number)
        if contact and "role" not in self.cells and not role:
            self._wrong("role", "missing")
        if "role" in self.cells and "name" not in self.cells:
            self._wrong("name", "missing")
        if (role or "card" in self.cells) and "name" not in self.cells:
            self._wrong("name", "missing")
        return Entry(
            place,
            unit,
            self._take("area", parse_name),
            self._take("address", parse_name),
            duty or (Role(word) if word else None),
            contact,
            start,
            end,
            self.locate,
            "channels" in self.cells,
            number if isinstance(number, Masked) else None,
            self._take("schedule", text_of),
            spot,
            self._word("party"),
            self._take("card", parse_cards) or (),
        )

    def _wrong(self, column: str, problem: str, **details: str) -> None:
        self.errors.append(RowError(self.locate(column), column, problem, details))

    def _take[T](self, column: str, parse: Callable[[Value], T]) -> T | None:
        """Return what a cell says, None for an empty one and for a wrong one."""
        if (value := self.cells.get(column)) is None:
            return None
        try:
            return parse(value)
        except CellError as err:
            self._wrong(column, err.problem)
        return None

    def _word(self, column: str) -> str | None:
        try:
            return self._take(
                column, lambda value: parse_word(text_of(value), _CHOICES[column])
            )
        except ValueError:
            self._wrong(column, "unknown", allowed=self._allowed(column))
        return None

    def _allowed(self, column: str) -> str:
        return words_of(_CHOICES[column], self.language)

    def _unit(self) -> dict[str, Any]:
        """Return the unit of a row."""
        unit: dict[str, Any] = {}
        for column in ("building", "stairwell", "number"):
            value = self._take(column, partial(parse_place, column))
            if value:
                unit[column] = value
        if "number" in unit and "building" not in self.cells:
            if parts := split_unit(unit["number"]):
                names = ("building", "stairwell", "number")
                unit |= {
                    key: text for key, text in zip(names, parts, strict=True) if text
                }
            else:
                self._wrong("building", "missing")
        if "number" not in self.cells:
            self._wrong("number", "missing")
        if rooms := self._take("rooms", parse_rooms):
            unit["rooms"] = rooms
        if letting := self._word("letting"):
            unit["letting"] = letting
        return unit

    def _spot(self) -> dict[str, Any]:
        """Return what a row says of the place; all of it where that is no unit."""
        spot: dict[str, Any] = {
            "kind": self._word("kind"),
            "storey": self._take("storey", parse_storey),
            "latitude": self._take("latitude", partial(parse_degrees, 90)),
            "longitude": self._take("longitude", partial(parse_degrees, 180)),
        }
        for column, other in (("latitude", "longitude"), ("longitude", "latitude")):
            if column in self.cells and other not in self.cells:
                self._wrong(other, "missing")
        kind = spot["kind"]
        if kind and kind not in OF_UNIT:
            spot |= {
                "building": self._take("building", partial(parse_place, "building")),
                "stairwell": self._take("stairwell", partial(parse_place, "stairwell")),
                "name": self._take("place", parse_name),
            }
            for name in NEEDED[PlaceKind(kind)]:
                column = "place" if name == "name" else name
                if column not in self.cells:
                    self._wrong(column, "missing")
        elif "place" in self.cells:
            self._wrong("place", "not_of_a_unit")
        return {key: value for key, value in spot.items() if value is not None}

    def _channels(self) -> list[str] | None:
        value = self._take("channels", text_of)
        if value is None:
            return None
        try:
            return [
                parse_word(word, PHONE_CHANNELS)
                for word in re.split(r"[,，、;；/+\s]+", value)
            ]
        except ValueError:
            self._wrong("channels", "unknown", allowed=self._allowed("channels"))
        return None

    def _contact(self, number: str | Masked | None) -> Contact | None:
        fields = {
            **{key: self._take(key, text_of) for key in _AS_THEY_ARE},
            **{
                key: self._take(key, parse_hour)
                for key in ("quiet_from", "quiet_until")
            },
            "name": self._take("name", parse_name),
            "phone": number if isinstance(number, str) else None,
            "channels": self._channels(),
            "language": self._word("language"),
        }
        if self.errors or not fields["name"]:
            return None
        try:
            return parse_contact(fields, self.region)
        except ServiceValidationError as err:
            problem = str(err.translation_key)
            self._wrong(_COLUMN_OF.get(problem, "name"), problem)
        return None


def _check_units(content: Content) -> None:
    """Refuse rows of one unit that contradict each other."""
    known: dict[tuple[str, str], tuple[Any, int]] = {}
    for entry in content.entries:
        said = {
            **{key: entry.unit.get(key) for key in ("rooms", "letting")},
            **{key: entry.spot.get(key) for key in ("kind", "storey", "latitude")},
            "address": entry.address,
            "area": entry.area,
        }
        for column, value in said.items():
            if value is None or not entry.unit:
                continue
            first, row = known.setdefault((entry.key, column), (value, entry.place.row))
            if first != value:
                content.errors.append(entry.error(column, "contradiction", other=row))


def _shown(value: Value | None) -> str:
    """Return what a person sees in a cell."""
    return "" if value is None else visible(str(value)).replace("\n", " ")


def _first(line: Line) -> str:
    return next((text for value in line if (text := _shown(value))), "")[:_MOST_SHOWN]
