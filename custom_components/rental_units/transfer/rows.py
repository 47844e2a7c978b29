"""What a row of a register's file says: a unit and a person in it, or a responder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from homeassistant.exceptions import ServiceValidationError

from ..const import LANGUAGES, Duty, Letting, Role
from ..register.households import as_date
from ..register.people import PHONE_CHANNELS, Contact, parse_contact, parse_time
from ..register.units import UNIT_FIELDS, unit_key
from .sheet import Row

#: The columns in their order, with their headings in Chinese.
COLUMNS = {
    "building": "楼栋",
    "stairwell": "单元",
    "number": "房号",
    "address": "标准地址",
    "area": "区域",
    "rooms": "房间数",
    "letting": "出租方式",
    "role": "角色",
    "name": "姓名",
    "phone": "电话",
    "channels": "方式",
    "email": "邮箱",
    "push": "应用",
    "notify": "通知实体",
    "webhook": "网络钩子",
    "language": "语言",
    "quiet_from": "免打扰开始",
    "quiet_until": "免打扰结束",
    "start": "起始日期",
    "end": "结束日期",
    "schedule": "值班表",
}
HEADINGS = {
    heading: key for key, chinese in COLUMNS.items() for heading in (key, chinese)
}
#: Words of a cell for ours, besides ours themselves.
_WORDS = {
    "房东": Role.LANDLORD,
    "租客": Role.TENANT,
    "租户": Role.TENANT,
    "微型消防站": Duty.FIRE_POST,
    "物业": Duty.PROPERTY_OFFICE,
    "民警": Duty.POLICE,
    "志愿者": Duty.VOLUNTEER,
    "整租": Letting.WHOLE,
    "合租": Letting.SHARED,
    "宿舍": Letting.DORMITORY,
    "短租": Letting.SHORT_TERM,
    "自住": Letting.OWNER,
    "短信": "sms",
    "电话": "call",
}
#: What a responder has not: they are there for the whole property.
_OF_A_UNIT = ("building", "number", "stairwell", "address", "area", "start", "end")


#: Where a contact that was refused is wrong.
_COLUMN_OF = {
    "invalid_email": "email",
    "invalid_webhook": "webhook",
    "quiet_half": "quiet_until",
}


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in a row; it never holds what the cell holds."""

    row: int
    column: str
    problem: str


@dataclass(slots=True)
class Entry:
    """A row that was understood."""

    row: int
    unit: dict[str, Any]
    area: str | None
    address: str | None
    role: Role | Duty | None
    contact: Contact | None
    start: Any
    end: Any
    #: When a responder is on duty.
    schedule: str | None = None

    @property
    def key(self) -> str:
        """Return what is unique to the unit, empty for a responder."""
        return unit_key(self.unit) if self.unit else ""


def parse_rows(
    rows: Iterable[Row], region: str | None
) -> tuple[list[Entry], list[RowError]]:
    """Return the rows that were understood, and what is wrong in the others."""
    entries, errors = [], []
    for number, cells in rows:
        found: list[RowError] = []
        entry = _parse(number, cells, region, found)
        if found:
            errors += found
        else:
            entries.append(entry)
    return entries, errors


def _parse(
    number: int, cells: dict[str, str], region: str | None, errors: list[RowError]
) -> Entry:
    def take[T](column: str, parse: Callable[[str], T], problem: str) -> T | None:
        if not (text := cells.get(column)):
            return None
        try:
            return parse(text)
        except ValueError, ServiceValidationError:
            errors.append(RowError(number, column, problem))
            return None

    role = take("role", _role, "unknown")
    if isinstance(role, Duty):
        errors += [
            RowError(number, column, "not_of_a_responder")
            for column in _OF_A_UNIT
            if column in cells
        ]
    else:
        errors += [
            RowError(number, column, "missing")
            for column in ("building", "number")
            if column not in cells
        ]
    rooms = take("rooms", _rooms, "not_a_number")
    letting = take("letting", lambda text: Letting(_WORDS.get(text, text)), "unknown")
    start, end = (take(key, as_date, "not_a_date") for key in ("start", "end"))
    if start and end and end < start:
        errors.append(RowError(number, "end", "before_start"))
    phone = take(
        "phone",
        lambda text: parse_contact({"phone": text}, region).phone,
        "not_a_phone",
    )
    channels = take("channels", _channels, "unknown")
    language = take("language", _language, "unknown")
    quiet = {
        key: take(key, _time_text, "not_a_time")
        for key in ("quiet_from", "quiet_until")
    }
    name = cells.get("name")
    if name and "role" not in cells:
        errors.append(RowError(number, "role", "missing"))
    if "role" in cells and not name:
        errors.append(RowError(number, "name", "missing"))
    contact = None
    if name and not errors:
        fields = {
            **{key: cells.get(key) for key in ("push", "email", "notify", "webhook")},
            **quiet,
            "name": name,
            "phone": phone,
            "channels": channels,
            "language": language,
        }
        try:
            contact = parse_contact(fields, region)
        except ServiceValidationError as err:
            problem = str(err.translation_key)
            errors.append(RowError(number, _COLUMN_OF.get(problem, "name"), problem))
            contact = None
        if contact and not phone and not any(contact.direct.values()):
            errors.append(RowError(number, "phone", "no_way_to_reach"))
    unit: dict[str, Any] = {key: cells[key] for key in UNIT_FIELDS if key in cells}
    for key, value in (("rooms", rooms), ("letting", letting)):
        if value is not None:
            unit[key] = str(value) if key == "letting" else value
    return Entry(
        number,
        unit,
        cells.get("area"),
        cells.get("address"),
        role,
        contact,
        start,
        end,
        cells.get("schedule"),
    )


def _role(text: str) -> Role | Duty:
    word = _WORDS.get(text, text)
    return Duty(word) if word in set(Duty) else Role(word)


def _rooms(text: str) -> int:
    if not 1 <= (rooms := int(text)) <= 99:
        raise ValueError
    return rooms


def _channels(text: str) -> list[str]:
    words = text.replace("，", ",").replace("、", ",").split(",")
    channels = [_WORDS.get(word.strip(), word.strip()) for word in words]
    if not set(channels) <= set(PHONE_CHANNELS):
        raise ValueError
    return [str(channel) for channel in channels]


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError
    return text


def _time_text(text: str) -> str:
    return parse_time(text).isoformat()
