"""What people read and hear of an alert, in their own language."""

from datetime import datetime
from functools import partial
import re
from typing import Any, Final
import unicodedata

from homeassistant.util import dt as dt_util

from ..spoken import in_all_languages, spoken
from .const import ALL_CLEAR, ANSWERS, About, Answer, Severity, Wording, pressed_key
from .facts import Facts
from .models import Alert

#: What to do, by hazard. None: there is nothing that everybody should do.
ADVICE = {
    "smoke": "fire",
    "heat": "fire",
    "overcurrent": "power",
    "leakage": "power",
    "over_temperature": "power",
    "overload": "power",
    "refused_to_open": "power",
    "e_bike_in_car": "bike",
    "all_clear": "over",
    "false_alarm": "over",
    **dict.fromkeys(
        (
            *("freezing", "overflow", "low_level", "low_pressure", "high_pressure"),
            *("over_voltage", "under_voltage", "tripped", "overlong_session"),
            *("held_too_long", "refused_to_release", "gateway_offline", "unresponsive"),
            *("sensor_fault", "implausible_jump", "low_battery", "tamper"),
            *("self_test_failed", "clock_wrong", "credential_unproven"),
            *("door_forced", "door_held_open", "unknown_credential"),
            *("barrier_stuck", "unknown_plate"),
            *("video_lost", "not_recording", "recordings_short"),
        )
    ),
}


#: What a phone puts behind a word.
_PUNCTUATION: Final = re.compile(r"[^\w\s]")

#: The texts of a language.
texts = partial(spoken, "alerts")


def hazards() -> list[str]:
    """Return the hazards that have a template."""
    return sorted(in_all_languages("alerts")["en"]["hazard"])


def title(alert: Alert, language: str) -> str:
    """Return the headline: `[DRILL] Smoke: 1-1-201`."""
    text = texts(language)
    head = (
        text["title"].format(hazard=_hazard(alert, text), place=alert.place)
        if alert.hazard
        else text["plain"].format(place=alert.place)
    )
    return _drill(alert, text) + str(head).strip(" :：")


def body(alert: Alert, language: str, *, advise: bool = True) -> str:
    """Return the message: the free one, or the hazard, the place, the time and what to do."""
    text = texts(language)
    if alert.message:
        return _drill(alert, text) + alert.message
    at: datetime = dt_util.as_local(dt_util.utc_from_timestamp(alert.created_at))
    # Chinese names the severity too, and no "all clear" may read as one more alarm.
    news = alert.hazard in ALL_CLEAR or alert.severity == Severity.MESSAGE
    known = alert.hazard in text["hazard"]
    parts = [
        text["news" if news else "body"].format(
            hazard=_hazard(alert, text),
            place=alert.place,
            severity=text["severity"][alert.severity] if known else "",
            time=f"{at:%H:%M}",
        )
    ]
    if advise and (advice := ADVICE.get(alert.hazard or "")):
        parts.append(text["advice"][advice])
    return _drill(alert, text) + str(text["stop"]).join(parts)


def who(name: str, unit: str, language: str) -> str:
    """Return what somebody is called to who knows them by name, or only where they live."""
    if not (name and unit):
        return name or unit
    return str(texts(language)["personal"]["with"]).format(name=name, unit=unit)


def personal(alert: Alert, wording: str, about: str, language: str) -> tuple[str, str]:
    """Return headline and message about a person; without a wording what is said aloud."""
    text = texts(language)
    said: dict[str, str] = text["personal"][alert.about]
    body = said.get(wording) or said.get("body", "")
    if wording not in set(Wording):
        # Whoever is there hears it: no name, no place.
        return "", _drill(alert, text) + text["personal"]["spoken"]
    at: datetime = dt_util.as_local(dt_util.utc_from_timestamp(alert.answer_by or 0))
    return (
        _drill(alert, text) + said["title"].format(who=about),
        _drill(alert, text) + body.format(who=about, time=f"{at:%H:%M}"),
    )


def replied(text: str) -> Answer | None:
    """Return what somebody has replied in any of our languages; None for anything else.

    By the phone's keys or in a word. Nothing is guessed: more than a word may mean anything.
    """
    said = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text)).casefold().strip()
    if answer := pressed_key(About.WELFARE, said):
        return answer
    for language in in_all_languages("alerts").values():
        for word, meant in language["personal"]["words"].items():
            if said in meant.split(", "):
                return Answer(word)
    return None


def keys(alert: Alert, language: str) -> str:
    """Return what is said of the phone's keys, where they are not those of every alarm."""
    own = texts(language)["personal"].get(alert.about, {})
    return str(own.get("keys", ""))


def page_title(alert: Alert, language: str) -> str:
    """Return what is above the page of a link."""
    text = texts(language)
    is_place = alert.about == About.PLACE
    return str(text["page"]["title"] if is_place else text["personal"]["page"])


def help_title(alert: Alert, units: str, language: str) -> str:
    """Return the headline of a call for help."""
    text = texts(language)
    return _drill(alert, text) + str(text["help"]["title"]).format(units=units)


def help_body(alert: Alert, units: str, language: str) -> str:
    """Return what is said of the calls for help that are open."""
    text = texts(language)
    return _drill(alert, text) + str(text["help"]["body"]).format(units=units)


def facts(known: Facts, language: str) -> list[str]:
    """Return sentences with what those who respond have to know."""
    text: dict[str, str] = texts(language)["facts"]
    said = []
    if known.addresses:
        said.append(text["address"].format(address="; ".join(known.addresses)))
    if known.people is not None:
        key = "people" if known.people else "nobody"
        said.append(text[key].format(count=known.people))
    if known.unproven:
        said.append(text["live"].format(names=", ".join(known.unproven)))
    if known.proven:
        said.append(text["cut"].format(count=known.proven))
    return said


def join(parts: list[str], language: str) -> str:
    """Return sentences as one text."""
    return str(texts(language)["stop"]).join(parts)


def buttons(alert: Alert, language: str) -> list[tuple[Answer, str]]:
    """Return what can be answered."""
    text = texts(language)["answer"]
    return [(answer, text[answer]) for answer in ANSWERS[About(alert.about)]]


def _drill(alert: Alert, text: dict[str, Any]) -> str:
    return str(text["drill"]) if alert.drill else ""


def _hazard(alert: Alert, text: dict[str, Any]) -> str:
    named = [
        str(text["hazard"].get(hazard, text["severity"][alert.severity]))
        for hazard in alert.hazards or [alert.hazard or ""]
    ]
    return str(text["and"]).join(dict.fromkeys(named))
