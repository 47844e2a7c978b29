"""The steps of the watches' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "care",
    (
        statements(
            """CREATE TABLE care_watches (
                id TEXT PRIMARY KEY,
                consent_id TEXT NOT NULL REFERENCES consents (id) ON DELETE CASCADE,
                unit_id TEXT NOT NULL
                    REFERENCES units (id) ON DELETE CASCADE ON UPDATE CASCADE,
                in_charge TEXT,
                started_at DOUBLE PRECISION NOT NULL,
                started_by TEXT,
                sealed_id TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_care_watches_consent_id ON care_watches (consent_id)",
            "CREATE INDEX ix_care_watches_unit_id ON care_watches (unit_id)",
            """CREATE TABLE care_months (
                month TEXT PRIMARY KEY,
                asked INTEGER NOT NULL DEFAULT 0,
                told INTEGER NOT NULL DEFAULT 0,
                needless INTEGER NOT NULL DEFAULT 0,
                real INTEGER NOT NULL DEFAULT 0
            )""",
            "CREATE TABLE care_looked"
            " (number INTEGER PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
        ),
    ),
)
