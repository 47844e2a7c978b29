"""The register's steps. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, Step, statements

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
)

FEATURE = Feature("register", STEPS)
