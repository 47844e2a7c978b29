"""The tables of the scores. A change here needs a step in migrations.py."""

import time

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from ..storage.base import Base


class ScoreCatalogue(Base):
    """A version of the table of criteria. The database refuses to change it."""

    __tablename__ = "score_catalogues"
    __table_args__ = (
        Index("ux_score_catalogues_digest", "digest", unique=True),
        Index("ux_score_catalogues_version", "version", unique=True),
    )

    #: Counts up in the order in which they were saved.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    version: Mapped[str]
    #: 2027-01
    first_month: Mapped[str]
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time)
    #: Id of the Home Assistant user.
    who: Mapped[str | None]
    #: Canonical JSON, and the file that it was read from.
    body: Mapped[str]
    source: Mapped[str]
