"""What a cell says, whatever the program has made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
import math
import re
import unicodedata

import phonenumbers

from ..access_control import numbers
from ..register.addresses import DEFAULT_REGION, parse_phone
from .charsets import is_damaged
from .sheet import Value, from_text
from .workbook import UNSOLVED


class CellError(ValueError):
    """A cell that says nothing that is allowed there; the problem is a translation key."""

    def __init__(self, problem: str) -> None:
        """Initialize."""
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Masked:
    """A phone number of which only the beginning and the end are shown: 138****8001."""

    begin: str
    end: str

    def fits(self, number: str) -> bool:
        """Return if a number in E.164 may be meant."""
        parsed = phonenumbers.parse(number)
        ways = number.lstrip("+"), phonenumbers.national_significant_number(parsed)
        return any(
            len(way) > len(self.begin) + len(self.end)
            and way.startswith(self.begin)
            and way.endswith(self.end)
            for way in (*ways, f"0{ways[1]}")
        )


#: Errors of formulas in Excel, WPS and LibreOffice, and a column that is too narrow.
_ERROR = re.compile(
    r"#[^\W\d_][\w/]*[!?]|#N(/[AD]|V)|#(SPILL|CALC|BUSY|GETTING_DATA)|Err:\d+|#{2,}",
    re.IGNORECASE,
)
_SHORTENED = re.compile(r"[+-]?\d+([.,]\d+)?E\+\d+", re.IGNORECASE)
#: From here on a spreadsheet has lost digits.
_EXACT = 10**15
#: Digits that Excel shows of a number before it makes an exponent of it.
_SHOWN = 11
_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sept|sep|oct|nov|dec"
    "|fev|fév|mär|mrz|avr|abr|mai|mag|maj|juin|giu|juil|lug|aou|aoû|ago|set|okt|ott|out|dez|déc|dic|ene|gen"
)
#: What Excel makes of 3-1, 1/2 and 5:01 under the settings of several countries.
_MADE_DATE = re.compile(
    r"\d{1,2}月\d{1,2}[日号]?|\d{4}年\d{1,2}月(\d{1,2}[日号]?)?"
    rf"|\d{{1,2}}[-. /]+({_MONTHS})[a-zé]*\.?([-. /]+\d{{2,4}})?"
    rf"|({_MONTHS})[a-zé]*\.?[-. /]+\d{{1,4}}"
    r"|(19|20)\d\d[-/.]\d{1,2}([-/.]\d{1,2})?( .*)?|\d{1,2}/\d{1,2}/\d{2,4}"
    r"|\d{1,2}:\d{2}(:\d{2})?( ?[AP]M)?",
    re.IGNORECASE,
)
#: Days of 2020 to 2030 as Excel counts them: a year that it adds to 3-1 is the current one.
_SERIALS = range(43831, 47849)
#: 1990 to 2100.
_DAYS = range(32874, 73416)
_DAY_0 = date(1899, 12, 30)

_DATE = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?([T ]+0?0:00(:00(\.0+)?)?)?"
    r"|(\d{4})(\d\d)(\d\d)"
)
_TIME = re.compile(
    r"(上午|下午|早上|晚上|凌晨|中午)?(\d{1,2})(?:[:点點时時](\d{1,2})?(?::(\d{1,2})(?:\.0+)?)?[分]?)"
    r" ?(am|pm)?",
    re.IGNORECASE,
)
_DIGITS = str.maketrans("一二两兩三四五六七八九", "12223456789")
_PLAIN = r"[0-9A-Za-z]+(?:[-.][0-9A-Za-z]+)*"
#: What stands before and after the name of a building, a stairwell and a flat.
_AROUND = {
    "building": (r"(?:building|bldg\.?|block|tower|no\.?|#)?", r"(?:号楼|栋楼|栋|幢|座|楼|号|#)?"),
    "stairwell": (r"(?:unit|entrance|staircase|stair|no\.?|#)?", r"(?:号单元|单元|号门|门|梯|号|#)?"),
    "number": (r"(?:room|flat|apartment|apt\.?|unit|no\.?|#)?", r"(?:号房|号室|房间|房|室|户|号|#)?"),
}  # fmt: skip
_NUMERAL = r"(?:[一二两三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九])"
#: A whole unit in one cell.
_WHOLE = re.compile(
    rf"第?([0-9A-Za-z]+|{_NUMERAL})(?:号楼|栋|幢|座|楼|#)-?"
    rf"(?:([0-9A-Za-z]+|{_NUMERAL})(?:号单元|单元|门|梯)-?)?"
    r"([0-9A-Za-z]+(?:-[0-9A-Za-z]+)*)(?:号房|号室|房|室|户|号)?"
)
_DASHES = re.compile(r"[‐‑‒–—―−﹣－]")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufe0f]|_x00(0D|0B)_")

_SEVERAL = re.compile(r"[/,;|\\、，；\n\r]|或|和|及|&")
_EXTENSION = re.compile(
    r"(转|轉|分机|分機|内线|內線|ext(ension)?\.?|x|#)[:.]?\s*\d{1,6}$", re.IGNORECASE
)
_MASKED = re.compile(r"(\d*)[*•×xX#●]{2,}(\d+)")
_NUMBER = re.compile(r"\+?[\d ().\-]+")


def text_of(value: Value) -> str:
    """Return a cell as text: no invisible signs, one blank at most, and no mark before it.

    Raises CellError for what a spreadsheet or a wrong encoding has destroyed.
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        if abs(value) >= _EXACT:
            raise CellError("shortened")
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, datetime):
        return str(value)
    text = from_text(visible(str(value)))
    plain = plain_of(text)
    if value == UNSOLVED:
        raise CellError("unsolved")
    if _ERROR.fullmatch(plain):
        raise CellError("formula_error")
    if _SHORTENED.fullmatch(plain):
        raise CellError("shortened")
    if is_damaged(str(value).strip()):
        raise CellError("damaged")
    return text


def visible(text: str) -> str:
    """Return what is seen of a text: its lines, with one blank between words at most."""
    if text.isascii() and text.isprintable() and "_x00" not in text:
        return " ".join(text.split())
    text = "".join(
        sign
        for sign in _INVISIBLE.sub("\n", unicodedata.normalize("NFC", text))
        if unicodedata.category(sign) != "Cf"
    )
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def plain_of(text: str) -> str:
    """Return a text in half width, with one kind of dash."""
    if text.isascii():
        return text.strip()
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text)).strip()


def parse_name(value: Value) -> str:
    """Return a name or an address, as it is written. Raises CellError."""
    if isinstance(value, (date, time, timedelta)):
        raise CellError("made_date")
    return text_of(value).replace("\n", " ")


def parse_place(column: str, value: Value) -> str:
    """Return a building, stairwell or flat: 5栋 is 5. Raises CellError."""
    if isinstance(value, (date, time, timedelta)):
        raise CellError("made_date")
    if isinstance(value, float) and not value.is_integer():
        raise CellError("made_decimal")
    text = re.sub(r"^(\d+)\.0+$", r"\1", plain_of(text_of(value)).lstrip("'’`"))
    if _MADE_DATE.fullmatch(text) or (text.isdecimal() and int(text) in _SERIALS):
        raise CellError("made_date")
    before, after = _AROUND[column]
    if found := re.fullmatch(rf"{before} ?({_PLAIN}) ?{after}", text, re.IGNORECASE):
        return found[1]
    if found := re.fullmatch(rf"第?({_NUMERAL}){after}", text):
        return _numeral(found[1])
    return text.replace("\n", " ")


def split_unit(text: str) -> tuple[str, str, str] | None:
    """Return building, stairwell and flat of a text that holds them all, or None."""
    plain = plain_of(text).replace(" ", "")
    if found := _WHOLE.fullmatch(plain):
        building, stairwell, number = found.groups("")
        return _numeral(building), _numeral(stairwell), number
    building, *others = plain.split("-")
    if not building or not others or not all(others):
        return None
    return building, *(
        ("", others[0]) if len(others) == 1 else (others[0], "-".join(others[1:]))
    )


def _numeral(text: str) -> str:
    """Return a number below 100 in digits: 十二 is 12."""
    if not re.fullmatch(_NUMERAL, text):
        return text
    tens, ten, ones = text.translate(_DIGITS).rpartition("十")
    return str(int(tens or 1) * 10 + int(ones or 0)) if ten else ones


def parse_date(value: Value) -> date:
    """Return a day. Raises CellError; also where month and day cannot be told apart."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, (time, timedelta, bool)):
        raise CellError("not_a_date")
    text = plain_of(text_of(value)).replace(" ", " ")
    if re.fullmatch(r"\d{5}(\.0+)?", text) and int(text[:5]) in _DAYS:
        return _DAY_0 + timedelta(days=int(text[:5]))
    if found := _DATE.fullmatch(re.sub(r"(?<=[-/.年月]) | (?=[-/.年月日])", "", text)):
        parts = found.group(1, 2, 3) if found[1] else found.group(7, 8, 9)
        return _or_raise(lambda: date(*map(int, parts)), "not_a_date")
    raise CellError("not_a_date")


def parse_hour(value: Value) -> str:
    """Return a time of day in ISO 8601. Raises CellError."""
    if isinstance(value, datetime):
        return value.time().isoformat()
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, timedelta):
        value = value / timedelta(days=1)
    text = plain_of(text_of(value))
    if re.fullmatch(r"0?\.\d+|0", text):
        minutes = round(float(text) * 1440)
        return _or_raise(lambda: time(*divmod(minutes, 60)), "not_a_time").isoformat()
    found = _TIME.fullmatch(text)
    if not found:
        raise CellError("not_a_time")
    half, hour, minute, second, noon = found.groups()
    is_late = half in ("下午", "晚上") or (noon or "").lower() == "pm"
    is_early = half in ("上午", "凌晨", "早上") or (noon or "").lower() == "am"
    hours = int(hour) % 12 if (is_early and int(hour) == 12) else int(hour)
    if is_late and hours < 12:
        hours += 12
    return _or_raise(
        lambda: time(hours, int(minute or 0), int(second or 0)), "not_a_time"
    ).isoformat()


def parse_rooms(value: Value) -> int:
    """Return a number of rooms, 1 to 99. Raises CellError."""
    text = re.sub(r"\.0+$|[间間室]$", "", plain_of(text_of(value)))
    if not re.fullmatch(r"\d{1,2}", text) or not int(text):
        raise CellError("not_a_number")
    return int(text)


def parse_storey(value: Value) -> int:
    """Return a floor: 3层 is 3, B1 and 地下1层 are -1. Raises CellError."""
    text = re.sub(r"\.0+$", "", plain_of(text_of(value)).replace(" ", ""))
    found = re.fullmatch(
        r"(-|B|地下|负|負)?(\d{1,3})(F|层|層|楼|樓)?", text, re.IGNORECASE
    )
    if not found or not int(found[2]) or int(found[2]) > (20 if found[1] else 200):
        raise CellError("not_a_storey")
    return -int(found[2]) if found[1] else int(found[2])


def parse_degrees(most: int, value: Value) -> float:
    """Return a latitude (at most 90) or a longitude (180). Raises CellError."""
    try:
        degrees = float(plain_of(text_of(value)).replace(" ", "").rstrip("°"))
    except ValueError:
        degrees = math.nan
    if not -most <= degrees <= most:
        raise CellError("not_a_position")
    return degrees


def parse_cards(value: Value) -> tuple[str, ...]:
    """Return the numbers of cards, as controllers have them. Raises CellError.

    A comma belongs to a number, as in 100,58400.
    """
    if isinstance(value, (date, time, timedelta)):
        raise CellError("made_date")
    texts = re.split(r"[、;；/\n]", text_of(value).lstrip("'’`"))
    found = [
        numbers.normal(re.sub(r"\.0+$", "", text)) for text in texts if text.strip()
    ]
    if None in found:
        raise CellError("card_number_invalid")
    return tuple(dict.fromkeys(filter(None, found)))


def parse_number(value: Value, region: str | None) -> str | Masked:
    """Return a phone number in E.164, or what a masked one shows. Raises CellError.

    Two numbers or an extension are refused: what is dialled would be another number.
    """
    if isinstance(value, (date, time, timedelta)):
        raise CellError("made_date")
    text = re.sub(r"^(\d+)\.0+$", r"\1", plain_of(text_of(value)).lstrip("'’`"))
    compact = re.sub(r"[ ()\-]", "", text)
    if found := _MASKED.fullmatch(compact.removeprefix("+")):
        return Masked(*found.groups())
    if _EXTENSION.search(text):
        raise CellError("extension")
    pieces = [piece for piece in _SEVERAL.split(text) if re.search(r"\d", piece)]
    if len(pieces) > 1:
        raise CellError("several")
    try:
        if _NUMBER.fullmatch(text):
            return parse_phone(text, region)
    except ValueError:
        _explain_number(text, region)
    raise CellError("not_a_phone")


def _explain_number(text: str, region: str | None) -> None:
    """Raise CellError if it is two numbers after each other, or has an extension."""

    def is_one(part: str) -> bool:
        try:
            parse_phone(part, region)
        except ValueError:
            return False
        return True

    for cut in re.finditer(r"[ \-]+", text):
        first, second = text[: cut.start()], text[cut.end() :]
        if is_one(first):
            raise CellError("several" if is_one(second) else "extension")


def written_phone(number: str, region: str | None) -> str:
    """Return a number in E.164 as it is written into a file.

    Excel makes 8.61E+12 of +8613800138001: a number of the country is written without its
    code, another one with blanks.
    """
    region = region or DEFAULT_REGION
    parsed = phonenumbers.parse(number)
    plain = phonenumbers.national_significant_number(parsed)
    is_ours = phonenumbers.region_code_for_number(parsed) == region
    if is_ours and len(plain) <= _SHOWN and not plain.startswith("0"):
        return str(plain)
    return str(phonenumbers.format_out_of_country_calling_number(parsed, region))


def _or_raise[T](make: Callable[[], T], problem: str) -> T:
    try:
        return make()
    except ValueError:
        raise CellError(problem) from None
