"""How it stands with somebody, and why, for those who may know."""

from collections.abc import Mapping
from datetime import UTC, datetime
import time
from typing import Any, Final

from .book import CareBook
from .habits import day_and_quarter
from .ward import Done, Ward
from .watch import CARDS, State

#: What needs somebody comes first.
ORDER: Final = (
    *(State.ALARM, State.ASKING, State.SUSPENDED),
    *(State.AWAY, State.PAUSED, State.WATCHING),
)


def moment(at: float | None) -> str | None:
    """Return a Unix time for an answer."""
    return datetime.fromtimestamp(at, UTC).isoformat() if at is not None else None


def stand(book: CareBook, watch_id: str) -> dict[str, Any]:
    """Return how it stands with somebody, and why."""
    if watch_id not in book.wards:
        # Its key is lost, or it has only just begun.
        return {"state": State.SUSPENDED, "why": [], "unreadable": True}
    ward, now = book.wards[watch_id], time.time()
    watch, found = ward.watch, ward.watch.look(now)
    kept = watch.kept
    return {
        "state": found.state,
        "why": list(found.why),
        "unreadable": False,
        "because": ward.because,
        "sensitivity": watch.sensitivity,
        "asks": watch.is_asked,
        "last": moment(found.last),
        "by": _source(book, found.by) if found.by else None,
        "silent_since": moment(found.silent_since),
        "usual_by": moment(found.usual.by),
        "usual_on_days": found.usual.on_days,
        "usual_of_days": found.usual.of_days,
        "ask_at": moment(found.ask_at),
        "tell_at": moment(found.tell_at),
        "asked_at": moment(found.asked_at),
        "told_at": moment(found.told_at),
        "away_since": moment(found.away_since),
        "away_until": moment(found.away_until),
        "paused_until": moment(_still(kept.paused_until, now)),
        "guests_until": moment(_still(kept.guests_until, now)),
        "moved": found.moved,
        "dead": [
            {**_source(book, key), "since": moment(watch.sources[key].lost_since)}
            for key in found.dead
        ],
    }


def detail(book: CareBook, watch_id: str) -> dict[str, Any]:
    """Return what is usual for somebody, how today is, and what has happened."""
    if (ward := book.wards.get(watch_id)) is None:
        return {}
    now, watch = time.time(), ward.watch
    day, quarter = day_and_quarter(now, watch.zone)
    return {
        "places": list(ward.places),
        "sources": [_heard_by(book, ward, key) for key in watch.sources],
        "chart": {
            "day": datetime.fromtimestamp(now, watch.zone).date().isoformat(),
            "usual": watch.habits.usual_day(day),
            "today": watch.habits.day(day),
        },
        "now_quarter": quarter,
        "deeds": [_done(row) for row in ward.deeds],
        "months": [
            {"month": month, **ward.months[month]}
            for month in sorted(ward.months, reverse=True)
        ],
    }


def _source(book: CareBook, key: str) -> dict[str, Any]:
    if key == CARDS:
        return {"key": key, "entity_id": None, "name": None, "area": None}
    entity_id, name, area = book.where(key)
    return {"key": key, "entity_id": entity_id, "name": name, "area": area}


def _heard_by(book: CareBook, ward: Ward, key: str) -> Mapping[str, Any]:
    source, evidence = ward.watch.sources[key], ward.evidence.get(key)
    return {
        **_source(book, key),
        "kind": source.kind,
        "how": evidence.how if evidence else None,
        "least": evidence.least if evidence else 0.0,
        "dead_since": moment(source.lost_since),
    }


def _done(row: Done) -> Mapping[str, Any]:
    return {
        "at": moment(row.at),
        "what": row.what,
        "user_id": row.user_id,
        "person_id": row.person_id,
    }


def _still(until: float | None, now: float) -> float | None:
    return until if until is not None and until > now else None
