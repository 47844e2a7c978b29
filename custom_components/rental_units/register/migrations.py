"""The register's steps. See storage/migrations.py for what a step must be."""

import json

from sqlalchemy import Connection, text

from ..storage.migrations import Feature, Step, statements
from .names import search_key

_COLUMNS = (
    "unit_key TEXT",
    "building TEXT NOT NULL DEFAULT ''",
    "stairwell TEXT NOT NULL DEFAULT ''",
    "number TEXT NOT NULL DEFAULT ''",
    "area_id TEXT",
    "rooms INTEGER",
    "letting TEXT",
    "removed_by TEXT",
    "is_mirror BOOLEAN NOT NULL DEFAULT FALSE",
)


def _units_of_their_own(connection: Connection) -> None:
    """Let units have columns, filled from what their subentries have last said.

    They are mirrors of them until takeover.py has looked at the subentries themselves.
    """
    for column in _COLUMNS:
        connection.execute(text(f"ALTER TABLE units ADD COLUMN {column}"))
    connection.execute(text("UPDATE units SET is_mirror = TRUE"))
    taken: set[str] = set()
    rows = connection.execute(
        text(
            "SELECT id, facts, removed_at FROM units WHERE facts IS NOT NULL ORDER BY id"
        )
    )
    values = []
    for unit_id, facts, removed_at in rows.all():
        # SQLite has JSON as text.
        facts = json.loads(facts) if isinstance(facts, str) else facts
        key, data = facts["unique_id"], facts["data"]
        is_free = removed_at is not None or key not in taken
        if removed_at is None:
            taken.add(key)
        values.append(
            {
                "id": unit_id,
                "unit_key": key if is_free else None,
                "building": data["building"],
                "stairwell": data.get("stairwell") or "",
                "number": data["number"],
                **{row: data.get(row) for row in ("area_id", "rooms", "letting")},
            }
        )
    if values:
        names = [row for row in values[0] if row != "id"]
        changes = ", ".join(f"{row} = :{row}" for row in names)
        connection.execute(text(f"UPDATE units SET {changes} WHERE id = :id"), values)  # noqa: S608
    connection.execute(text("ALTER TABLE units DROP COLUMN facts"))
    connection.execute(
        text(
            "CREATE UNIQUE INDEX ux_units_unit_key ON units (unit_key)"
            " WHERE removed_at IS NULL"
        )
    )


def found_by_name(connection: Connection) -> None:
    """Let people be found by the pinyin of their names."""
    connection.execute(
        text("ALTER TABLE persons ADD COLUMN search TEXT NOT NULL DEFAULT ''")
    )
    rows = connection.execute(text("SELECT id, name FROM persons")).all()
    if values := [{"id": key, "search": search_key(name)} for key, name in rows]:
        connection.execute(
            text("UPDATE persons SET search = :search WHERE id = :id"), values
        )


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
    statements("ALTER TABLE addresses ADD COLUMN language TEXT"),
    # Leases get a history, which begins with what was known.
    statements(
        "ALTER TABLE units ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE units ADD COLUMN removed_at DOUBLE PRECISION",
        "ALTER TABLE persons ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE leases ADD COLUMN gone_from DATE",
        "ALTER TABLE leases ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE leases ADD COLUMN removed_at DOUBLE PRECISION",
        "ALTER TABLE audit ADD COLUMN command_id TEXT",
        "UPDATE leases SET gone_from = left_on",
        """CREATE TABLE lease_changes (
            id TEXT PRIMARY KEY,
            lease_id TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            what TEXT NOT NULL,
            "start" DATE,
            "end" DATE,
            left_on DATE,
            gone_from DATE,
            about TEXT,
            command_id TEXT,
            at DOUBLE PRECISION,
            who TEXT
        )""",
        """INSERT INTO lease_changes (id, lease_id, number, what, "start", "end")
            SELECT id || '-1', id, 1, 'started', "start", "end" FROM leases""",
        """INSERT INTO lease_changes (id, lease_id, number, what, left_on, gone_from)
            SELECT id || '-2', id, 2, 'left', left_on, left_on FROM leases
            WHERE left_on IS NOT NULL""",
        "UPDATE leases SET version = 2 WHERE left_on IS NOT NULL",
        "CREATE INDEX ix_lease_changes_lease_id ON lease_changes (lease_id)",
        "CREATE INDEX ix_lease_changes_command_id ON lease_changes (command_id)",
        """CREATE TABLE grants (
            id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL,
            role TEXT NOT NULL,
            person_id TEXT REFERENCES persons (id) ON DELETE CASCADE
        )""",
        "CREATE INDEX ix_grants_user_id ON grants (user_id)",
    ),
    # What a subentry says, so that one that is missing can be brought back.
    statements(
        "ALTER TABLE units ADD COLUMN facts JSON",
        "ALTER TABLE responders ADD COLUMN facts JSON",
        "ALTER TABLE responders ADD COLUMN removed_at DOUBLE PRECISION",
    ),
    _units_of_their_own,
    # Addresses are confirmed by their people.
    statements(
        "ALTER TABLE addresses ADD COLUMN asked_at DOUBLE PRECISION",
        "ALTER TABLE addresses ADD COLUMN outcome TEXT",
        "ALTER TABLE addresses ADD COLUMN verified_at DOUBLE PRECISION",
    ),
    # Who saves an old form is told what has changed.
    statements("ALTER TABLE units ADD COLUMN changes JSON NOT NULL DEFAULT '{}'"),
    statements(
        """CREATE TABLE consents (
            id TEXT PRIMARY KEY,
            person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
            scope TEXT NOT NULL,
            until DATE,
            given_at DOUBLE PRECISION NOT NULL,
            given_by TEXT
        )""",
        "CREATE UNIQUE INDEX ux_consents_person_scope ON consents (person_id, scope)",
        """CREATE TABLE consent_contacts (
            id TEXT PRIMARY KEY,
            consent_id TEXT NOT NULL REFERENCES consents (id) ON DELETE CASCADE,
            person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
            place INTEGER NOT NULL
        )""",
        "CREATE INDEX ix_consent_contacts_consent_id ON consent_contacts (consent_id)",
        "CREATE INDEX ix_consent_contacts_person_id ON consent_contacts (person_id)",
    ),
    found_by_name,
    # Refusals of one minute are counted.
    statements("ALTER TABLE audit ADD COLUMN times INTEGER NOT NULL DEFAULT 1"),
    # Who helps out for a week has a role for a week.
    statements(
        "ALTER TABLE grants ADD COLUMN given_at DOUBLE PRECISION",
        "ALTER TABLE grants ADD COLUMN until DATE",
    ),
    # Organisations are parties like persons.
    statements("ALTER TABLE persons ADD COLUMN kind TEXT NOT NULL DEFAULT 'person'"),
    # Relatives are asked first, and neighbours after them.
    statements(
        "ALTER TABLE consent_contacts ADD COLUMN turn INTEGER NOT NULL DEFAULT 1"
    ),
)

FEATURE = Feature("register", STEPS)
