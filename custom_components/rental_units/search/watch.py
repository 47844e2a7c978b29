"""What is newer than what those know who wait for it, as pure functions on a session."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
import time
from typing import Final

from sqlalchemy.orm import Session

from ..storage.vault import RULES, Compartment, Vault
from . import find, rows
from .find import Spotted, Wanted
from .models import SearchCase

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class News:
    """The newest sighting in a case that somebody watches."""

    case_id: str
    watched_by: str
    spotted: Spotted


def newest(
    session: Session, box: Vault, today: date, event_ids: Collection[str]
) -> list[News]:
    """Return what is newer than what those know who wait.

    Of these events, or of all: after a start nobody says what is new.
    """
    found, now = list[News](), time.time()
    for case_id, brief in rows.read(session).items():
        case = session.get(SearchCase, case_id)
        if case is None or not case.watched_by or not brief.is_open(now):
            continue
        wanted = wanted_of(session, box, case, now)
        if wanted is None:
            continue
        seen = find.search(
            session,
            box,
            wanted,
            today,
            most=1,
            only=event_ids,
        )
        for spotted in seen.rows:
            if spotted.at > (case.seen_at or 0.0):
                found.append(News(case_id, case.watched_by, spotted))
    return found


def know(session: Session, news: Iterable[News]) -> None:
    """Let those who wait know of what they were told."""
    for row in news:
        if case := session.get(SearchCase, row.case_id):
            case.seen_at = max(case.seen_at or 0.0, row.spotted.at)


def wanted_of(
    session: Session, box: Vault, case: SearchCase, now: float
) -> Wanted | None:
    """Return what a case is about, over all that is kept; None if nothing can be looked for."""
    subject = rows.subject_of(session, box, case)
    plate = subject.plate if subject else ""
    if not case.person_id and not plate:
        return None
    keep = RULES[Compartment.SIGHTINGS].keep_days * _DAY
    return Wanted(
        person_id=case.person_id,
        plate=None if case.person_id else plate,
        since=now - keep,
        # A controller's clock may be ahead of ours.
        until=now + _DAY,
    )
