"""Questions and changes about scores, as pure functions on a session."""

from collections.abc import Mapping, Sequence
import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .canonical import canonical
from .catalogue import Catalogue, parse
from .models import ScoreCatalogue
from .tree import Tree


class VersionTakenError(Exception):
    """Another table of criteria has this version already."""


def save_catalogue(
    session: Session, catalogue: Catalogue, source: str, now: float, who: str | None
) -> ScoreCatalogue:
    """Write a table of criteria, if it is not there yet. Raises VersionTakenError."""
    wanted = catalogue.digest
    for row in session.scalars(select(ScoreCatalogue)):
        if row.digest == wanted:
            return row
        if row.version == catalogue.version:
            raise VersionTakenError
    number = session.scalar(select(func.max(ScoreCatalogue.number))) or 0
    row = ScoreCatalogue(
        number=number + 1,
        digest=wanted,
        version=catalogue.version,
        first_month=catalogue.first_month,
        at=now,
        who=who,
        body=canonical(catalogue.as_data()),
        source=source,
    )
    session.add(row)
    session.flush()
    return row


def catalogues(session: Session) -> Sequence[ScoreCatalogue]:
    """Return all tables of criteria, the newest first."""
    return session.scalars(
        select(ScoreCatalogue).order_by(ScoreCatalogue.number.desc())
    ).all()


def catalogue_for(session: Session, month: str) -> ScoreCatalogue | None:
    """Return the table of a month: the last that was saved and is for it."""
    return session.scalar(
        select(ScoreCatalogue)
        .where(ScoreCatalogue.first_month <= month)
        .order_by(ScoreCatalogue.number.desc())
        .limit(1)
    )


def catalogue_at(session: Session, said: Mapping[str, Any]) -> Catalogue | None:
    """Return the criteria of what a sheet says; None for one without."""
    if not (known := said.get("catalogue")):
        return None
    digest = known["digest"]
    row = session.scalar(select(ScoreCatalogue).where(ScoreCatalogue.digest == digest))
    return catalogue_of(row) if row else None


def catalogue_of(row: ScoreCatalogue) -> Catalogue:
    """Return the criteria of a row."""
    return parse(Tree(json.loads(row.body)))
