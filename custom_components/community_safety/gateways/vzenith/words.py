"""The words of Vzenith cameras: topics, envelopes, plates and records.

From the pages of the maker's open platform (open.vzicloud.com/doc/mqtt), and what was seen at
cameras of several builds. Nothing here imports a gateway: the flow needs it before there is one.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import re
from typing import Any

from homeassistant.util import dt as dt_util

from ...core.ports import Credential
from ..messages import decode

#: A result carries pictures, which are not looked at: bytes of a message at most.
MOST_BYTES = 8 * 1024 * 1024
#: Serial numbers: two times eight hexadecimal digits.
SERIAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}")
#: Every camera of a broker, whichever of the layouts it has; a topic may begin with a slash.
ANY_CAMERA = ("+/+/message/up/+", "+/+/+/message/up/+")
#: The only barrier of a camera.
BARRIER = "1"
#: What stands for a vehicle without a plate.
NO_PLATE = "_无_"
#: A plate as cameras read it: no spaces, no dots.
_PLATE = re.compile(r"[0-9A-Z\u3400-\u9fff]{2,16}")
_TIME = "%Y-%m-%d %H:%M:%S"
#: Times that every build can hold.
EARLIEST = datetime(2000, 1, 2, tzinfo=dt_util.UTC)
LATEST = datetime(2037, 12, 31, tzinfo=dt_util.UTC)


def layouts(serial: str) -> tuple[str, ...]:
    """Return what topics of a camera may begin with: the maker's layouts, old and new."""
    return tuple(
        f"{slash}{name}"
        for slash in ("", "/")
        for name in (f"device/{serial}", f"{serial}/device")
    )


def unpack(payload: bytes) -> dict[str, Any]:
    """Return a message; a heartbeat may begin with a NUL. Raises ValueError."""
    message = decode(payload.lstrip(b"\0"), MOST_BYTES)
    if not isinstance(message, dict) or not isinstance(message.get("sn"), str):
        raise ValueError("no message of a camera")  # noqa: TRY004 - so says decode
    return message


def inner(message: Mapping[str, Any], *path: str) -> Any:
    """Return what is at a path of a message. Raises ValueError if there is nothing."""
    found: Any = message
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            raise ValueError(f"without {name}")
        found = found[name]
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """A vehicle that was recognized; `key` is the same if it is told once more."""

    plate: str
    key: str
    index: int
    at: datetime
    #: It was stored while there was no connection.
    late: bool


def seen(message: Mapping[str, Any]) -> Seen:
    """Return what a result tells. Raises ValueError, without the plate."""
    result = inner(message, "payload", "AlarmInfoPlate", "result", "PlateResult")
    text = inner(result, "license")
    seconds = inner(result, "timeStamp", "Timeval", "sec")
    index = inner(result, "plateid")
    if (
        not isinstance(text, str)
        or not isinstance(seconds, int)
        or not isinstance(index, int)
    ):
        raise ValueError("without plate, time or number")  # noqa: TRY004 - as above
    # Old builds have no `unique_id`.
    unique = result.get("unique_id") or f"{index}/{seconds}"
    return Seen(
        plate=_plain(text),
        key=str(unique),
        index=index,
        at=dt_util.utc_from_timestamp(seconds),
        late=result.get("isoffline") == 1,
    )


def _plain(text: str) -> str:
    """Return a plate, which is base64 over MQTT, and plain where it came another way."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text


def is_plate(text: str) -> bool:
    """Return if a camera could read this; digits alone are a card's."""
    return _PLATE.fullmatch(text) is not None and not text.isdecimal()


# Records of the list. Times are local to the camera, which is to have our zone.


def record(credential: Credential, *, with_creation: bool) -> dict[str, Any]:
    """Return the record to write; builds of before October 2022 know no time of creation."""
    return {
        "plate": credential.number,
        "enable": 1,
        **({"create_time": _local(dt_util.utcnow())} if with_creation else {}),
        "enable_time": _local(credential.begin),
        # The last second in which it is let in.
        "overdue_time": _local(credential.end - timedelta(seconds=1)),
        "need_alarm": 0,
        "time_seg_enable": 0,
        "seg_time_start": "00:00:00",
        "seg_time_end": "00:00:00",
    }


def credential(row: Mapping[str, Any]) -> Credential:
    """Return a record as it is in the list.

    One that is switched off, on the black list, or for some hours of a day opens nothing that
    we have given; nor does one whose times are none.
    """
    try:
        begin, last = (
            _moment(str(row.get(key))) for key in ("enable_time", "overdue_time")
        )
    except ValueError:
        begin = last = dt_util.utc_from_timestamp(0)
    is_ours = (
        row.get("enable") == 1
        and not row.get("need_alarm")
        and not row.get("time_seg_enable")
    )
    return Credential(
        number=str(row.get("plate")),
        begin=begin,
        end=last + timedelta(seconds=1),
        doors=frozenset({BARRIER} if is_ours else ()),
    )


def _local(at: datetime) -> str:
    return dt_util.as_local(at).strftime(_TIME)


def _moment(text: str) -> datetime:
    at = datetime.strptime(text, _TIME)  # noqa: DTZ007 - it says no zone
    return dt_util.as_utc(at.replace(tzinfo=dt_util.get_default_time_zone()))
