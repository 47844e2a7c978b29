"""The steps from an older database to the present one.

A step is never changed once it was released; a new one is added at the end. Each runs in
one transaction with the number of its version, in words that SQLite and PostgreSQL share.
"""

from collections.abc import Callable

from sqlalchemy import Connection, inspect, text

from ..alerts.migration import STATEMENTS as ALERTS

type Step = Callable[[Connection], None]


class TooNewError(Exception):
    """The database was written by a newer release."""


def statements(*texts: str) -> Step:
    """Return a step that runs these statements."""

    def run(connection: Connection) -> None:
        for statement in texts:
            connection.execute(text(statement))

    return run


STEPS: tuple[Step, ...] = (
    statements(
        "CREATE TABLE units (id TEXT PRIMARY KEY, address TEXT NOT NULL)",
        "CREATE TABLE persons (id TEXT PRIMARY KEY, name TEXT NOT NULL, language TEXT NOT NULL)",
        """CREATE TABLE addresses (
            id TEXT PRIMARY KEY,
            person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
            channel TEXT NOT NULL,
            target TEXT NOT NULL,
            quiet_from TIME,
            quiet_until TIME
        )""",
        """CREATE TABLE leases (
            id TEXT PRIMARY KEY,
            unit_id TEXT NOT NULL
                REFERENCES units (id) ON DELETE CASCADE ON UPDATE CASCADE,
            person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
            role TEXT NOT NULL,
            "start" DATE,
            "end" DATE,
            left_on DATE
        )""",
        """CREATE TABLE responders (
            id TEXT PRIMARY KEY,
            person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE
        )""",
        """CREATE TABLE audit (
            id TEXT PRIMARY KEY,
            at DOUBLE PRECISION NOT NULL,
            who TEXT,
            what TEXT NOT NULL,
            why TEXT NOT NULL,
            unit_id TEXT,
            person_id TEXT
        )""",
        "CREATE INDEX ix_addresses_person_id ON addresses (person_id)",
        "CREATE INDEX ix_addresses_target ON addresses (target)",
        "CREATE INDEX ix_leases_unit_id ON leases (unit_id)",
        "CREATE INDEX ix_leases_person_id ON leases (person_id)",
        "CREATE INDEX ix_responders_person_id ON responders (person_id)",
        "CREATE INDEX ix_audit_at ON audit (at)",
    ),
    statements(*ALERTS),
    statements("ALTER TABLE addresses ADD COLUMN language TEXT"),
)


def migrate(connection: Connection, steps: tuple[Step, ...] | None = None) -> None:
    """Bring a database to the present version. Raises TooNewError.

    The caller's transaction holds all steps: half a migration is none.
    """
    steps = STEPS if steps is None else steps
    version = read_version(connection)
    if version > len(steps):
        raise TooNewError
    for step in steps[version:]:
        step(connection)
    connection.execute(
        text("UPDATE register_version SET version = :version"), {"version": len(steps)}
    )


def read_version(connection: Connection) -> int:
    """Return the version of a database, 0 for an empty one."""
    if not inspect(connection).has_table("register_version"):
        connection.execute(text("CREATE TABLE register_version (version INTEGER)"))
        connection.execute(text("INSERT INTO register_version VALUES (0)"))
    return int(
        connection.execute(text("SELECT version FROM register_version")).scalar_one()
    )
