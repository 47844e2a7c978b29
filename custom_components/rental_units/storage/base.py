"""What all tables of the sidecar have in common."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Base of all tables. A change of one needs a step in its feature's migrations."""
