"""The steps of the searches' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "search",
    (
        statements(
            """CREATE TABLE search_cases (
                id TEXT PRIMARY KEY,
                kind TEXT NOT NULL,
                person_id TEXT REFERENCES persons (id) ON DELETE SET NULL,
                sealed_id TEXT,
                opened_at DOUBLE PRECISION NOT NULL,
                opened_by TEXT,
                closes_at DOUBLE PRECISION NOT NULL,
                closed_at DOUBLE PRECISION,
                closed_by TEXT,
                outcome TEXT,
                watched_by TEXT,
                seen_at DOUBLE PRECISION,
                told_at DOUBLE PRECISION,
                taken_back_at DOUBLE PRECISION
            )""",
            "CREATE INDEX ix_search_cases_person_id ON search_cases (person_id)",
            "CREATE INDEX ix_search_cases_closed_at ON search_cases (closed_at)",
            """CREATE TABLE search_deeds (
                id TEXT PRIMARY KEY,
                case_id TEXT NOT NULL REFERENCES search_cases (id) ON DELETE CASCADE,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                what TEXT NOT NULL,
                sealed_id TEXT,
                command_id TEXT,
                shown INTEGER,
                digest TEXT
            )""",
            "CREATE INDEX ix_search_deeds_case_id ON search_deeds (case_id)",
        ),
        statements("ALTER TABLE search_cases ADD COLUMN picture_id TEXT"),
    ),
)
