"""Cards as terminals keep them: each belongs to a person, who has the dates and the doors.

Two cards of one person have one end. So each of ours has a person of its own, named by its
number; nobody's name is written.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
import re
from typing import Any

from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from ...const import DOMAIN
from ...core.ports import Credential
from .terminal import rows

#: Terminals answer no more rows than this at once, whatever they are asked for.
PAGE = 30
#: The first and the last time that there is, by a terminal's clock.
EVER, NEVER = "1970-01-01T00:00:00", "2037-12-31T23:59:59"
#: The plan that is all day on a terminal as it comes out of its box.
_ALL_DAY = "1"
_OURS = "cs"
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,20}")


def person_of(number: str) -> str:
    """Return the person of a card of ours."""
    return f"{_OURS}{number}"


def number_of(person: str) -> str:
    """Return the number of the card whose person this is; empty for one of others."""
    return person[len(_OURS) :] if person.startswith(_OURS) else ""


def is_number(number: str) -> bool:
    """Return if a terminal can have a card with this number."""
    return bool(_NUMBER.fullmatch(number))


def is_ours(card: Mapping[str, Any] | None) -> bool:
    """Return if a card is as we have written it."""
    return card is not None and all(
        card.get(key) == value
        for key, value in card_info(str(card.get("cardNo")))["CardInfo"].items()
    )


def as_held(credential: Credential, doors: Collection[int]) -> Credential:
    """Return what a terminal with these doors makes of a credential: whole seconds.

    Raises ServiceValidationError for what is no card number, or never opens.
    """
    begin = _told(_written(credential.begin))
    end = _told(_written(credential.end))
    if (
        not is_number(credential.number)
        or not credential.doors
        or not credential.doors <= {str(door) for door in doors}
        or end <= begin
    ):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="credential_not_possible"
        )
    return Credential(
        number=credential.number, begin=begin, end=end, doors=credential.doors
    )


def user_info(credential: Credential) -> dict[str, Any]:
    """Return the person of a card, as it is written."""
    doors = sorted(credential.doors, key=int)
    return {
        "UserInfo": {
            "employeeNo": person_of(credential.number),
            "name": "",
            "userType": "normal",
            # Not `enable: false`: that is for ever.
            "Valid": {
                "enable": True,
                "beginTime": _written(credential.begin),
                "endTime": _written(credential.end),
                "timeType": "local",
            },
            "doorRight": ",".join(doors),
            "RightPlan": [
                {"doorNo": int(door), "planTemplateNo": _ALL_DAY} for door in doors
            ],
        }
    }


def card_info(number: str) -> dict[str, Any]:
    """Return a card, as it is written."""
    return {
        "CardInfo": {
            "employeeNo": person_of(number),
            "cardNo": number,
            "cardType": "normalCard",
        }
    }


def credential(card: Mapping[str, Any], person: Mapping[str, Any] | None) -> Credential:
    """Return a card as it is on a terminal, with its person; without one it opens nothing.

    A plan of some hours, another kind of card or of person, is a door of another name, so
    that such a card is never taken for one of ours.
    """
    person = person or {}
    valid = person.get("Valid")
    begin = end = dt_util.utc_from_timestamp(0)
    if isinstance(valid, dict):
        is_limited = str(valid.get("enable")).lower() == "true"
        is_utc = valid.get("timeType") == "UTC"
        times = (
            (str(valid.get("beginTime")), str(valid.get("endTime")))
            if is_limited
            else (EVER, NEVER)
        )
        begin, end = (_told(text, is_utc=is_utc) for text in times)
    marks = [
        kind
        for kind, usual in (
            (card.get("cardType"), "normalCard"),
            (person.get("userType"), "normal"),
        )
        if kind not in (usual, None)
    ]
    plans: dict[str, str] = {}
    for row in rows(person.get("RightPlan")):
        if isinstance(row, dict):
            plans[str(row.get("doorNo"))] = str(row.get("planTemplateNo"))
    doors: set[str] = set()
    for door in str(person.get("doorRight") or "").split(","):
        if door:
            plan = plans.get(door, "")
            doors.add("@".join((door, *marks, *([] if plan == _ALL_DAY else [plan]))))
    return Credential(
        number=str(card.get("cardNo")), begin=begin, end=end, doors=frozenset(doors)
    )


def without_card(person: Mapping[str, Any]) -> Credential | None:
    """Return what opens doors for a person without a card, None if nothing does."""
    ways = {"face": "numOfFace", "fingerprint": "numOfFP"}
    for way, field in ways.items():
        if str(person.get(field) or 0) != "0":
            # No number of a card: it is never one of ours.
            return credential({"cardNo": f"{person.get('employeeNo')}@{way}"}, person)
    return None


def _written(at: datetime) -> str:
    """Return a time as a terminal in our zone writes it, within what it can hold."""
    if at.year < 1971:
        return EVER
    if at.year > 2037:
        return NEVER
    return min(dt_util.as_local(at).strftime("%Y-%m-%dT%H:%M:%S"), NEVER)


def _told(text: str, *, is_utc: bool = False) -> datetime:
    """Return a time of a terminal; one that is none was long ago."""
    at = dt_util.parse_datetime(text)
    if at is None:
        return dt_util.utc_from_timestamp(0)
    if at.tzinfo is None:
        zone = dt_util.UTC if is_utc else dt_util.get_default_time_zone()
        at = at.replace(tzinfo=zone)
    return dt_util.as_utc(at)
