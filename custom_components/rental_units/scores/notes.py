"""What people write: apart from all records, which have its digest alone."""

import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from .canonical import digest
from .models import ScoreNote


def keep(session: Session, text: str, now: float) -> str | None:
    """Write a text; return its digest, or None for no text."""
    if not (text := text.strip()):
        return None
    salt = secrets.token_hex(16)
    row = ScoreNote(digest=digest(salt, text), salt=salt, text=text, at=now)
    session.add(row)
    session.flush()
    return row.digest


def read(session: Session, digests: set[str]) -> dict[str, str]:
    """Return what is still kept, and is what was written."""
    rows = session.scalars(select(ScoreNote).where(ScoreNote.digest.in_(digests)))
    return {row.digest: row.text for row in rows if is_whole(row)}


def is_whole(row: ScoreNote) -> bool:
    """Return if a text is the one that was written."""
    return digest(row.salt, row.text) == row.digest


def purge(session: Session, before: float) -> None:
    """Forget what was written before a Unix time."""
    session.execute(delete(ScoreNote).where(ScoreNote.at < before))
