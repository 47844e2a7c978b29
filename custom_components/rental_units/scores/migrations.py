"""The steps of the scores' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, sealed, statements

FEATURE = Feature(
    "scores",
    (
        statements(
            """CREATE TABLE score_catalogues (
                number INTEGER PRIMARY KEY,
                digest TEXT NOT NULL,
                version TEXT NOT NULL,
                first_month TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                body TEXT NOT NULL,
                source TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_score_catalogues_digest"
            " ON score_catalogues (digest)",
            "CREATE UNIQUE INDEX ux_score_catalogues_version"
            " ON score_catalogues (version)",
        ),
        sealed("score_catalogues"),
        statements(
            """CREATE TABLE score_notes (
                digest TEXT PRIMARY KEY,
                salt TEXT NOT NULL,
                text TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL
            )""",
            "CREATE INDEX ix_score_notes_at ON score_notes (at)",
            """CREATE TABLE score_sheets (
                id TEXT PRIMARY KEY,
                month TEXT NOT NULL,
                state TEXT NOT NULL,
                catalogue INTEGER REFERENCES score_catalogues (number),
                households INTEGER,
                households_origin TEXT,
                households_at DOUBLE PRECISION,
                opened_at DOUBLE PRECISION,
                opened_by TEXT,
                due_on DATE,
                due_assumed BOOLEAN NOT NULL,
                record INTEGER,
                version INTEGER NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_score_sheets_month ON score_sheets (month)",
            """CREATE TABLE score_facts (
                sheet_id TEXT NOT NULL
                    REFERENCES score_sheets (id) ON DELETE CASCADE,
                criterion TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                value TEXT,
                why TEXT,
                details JSON NOT NULL,
                stated TEXT,
                left_out BOOLEAN NOT NULL,
                stated_at DOUBLE PRECISION,
                stated_by TEXT,
                note TEXT,
                frozen BOOLEAN NOT NULL,
                PRIMARY KEY (sheet_id, criterion)
            )""",
            """CREATE TABLE score_entries (
                id TEXT PRIMARY KEY,
                sheet_id TEXT NOT NULL
                    REFERENCES score_sheets (id) ON DELETE CASCADE,
                criterion TEXT NOT NULL,
                cases INTEGER NOT NULL,
                points TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                note TEXT,
                withdrawn_at DOUBLE PRECISION,
                withdrawn_by TEXT,
                frozen BOOLEAN NOT NULL
            )""",
            "CREATE INDEX ix_score_entries_sheet_id ON score_entries (sheet_id)",
            """CREATE TABLE score_photos (
                id TEXT PRIMARY KEY,
                entry_id TEXT NOT NULL
                    REFERENCES score_entries (id) ON DELETE CASCADE,
                sealed_id TEXT NOT NULL,
                digest TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL
            )""",
            "CREATE INDEX ix_score_photos_entry_id ON score_photos (entry_id)",
            """CREATE TABLE score_comments (
                id TEXT PRIMARY KEY,
                sheet_id TEXT NOT NULL
                    REFERENCES score_sheets (id) ON DELETE CASCADE,
                criterion TEXT,
                entry_id TEXT,
                appeal BOOLEAN NOT NULL,
                note TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                outcome TEXT,
                answer TEXT,
                decided_at DOUBLE PRECISION,
                decided_by TEXT,
                frozen BOOLEAN NOT NULL
            )""",
            "CREATE INDEX ix_score_comments_sheet_id ON score_comments (sheet_id)",
            """CREATE TABLE score_records (
                number INTEGER PRIMARY KEY,
                kind TEXT NOT NULL,
                period TEXT NOT NULL,
                about TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                previous TEXT NOT NULL,
                digest TEXT NOT NULL,
                body TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_score_records_about"
            " ON score_records (kind, period, about)",
            """CREATE TABLE score_samples (
                day DATE NOT NULL,
                source TEXT NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                seen JSON NOT NULL,
                PRIMARY KEY (day, source)
            )""",
            """CREATE TABLE score_counts (
                number INTEGER PRIMARY KEY,
                month TEXT NOT NULL,
                kind TEXT NOT NULL,
                count INTEGER NOT NULL,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                file_digest TEXT
            )""",
            "CREATE INDEX ix_score_counts_month ON score_counts (month, kind)",
        ),
        sealed("score_sheets", "OLD.state = 'frozen'"),
        sealed("score_facts", "OLD.frozen"),
        sealed("score_entries", "OLD.frozen"),
        sealed("score_comments", "OLD.frozen"),
        sealed("score_records"),
        sealed("score_counts"),
    ),
)
