"""The steps of the reports' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "reports",
    (
        statements(
            """CREATE TABLE hazard_reports (
                id TEXT PRIMARY KEY,
                place_id TEXT NOT NULL REFERENCES places (id) ON DELETE CASCADE,
                category TEXT NOT NULL,
                danger BOOLEAN NOT NULL,
                text TEXT NOT NULL,
                state TEXT NOT NULL,
                party TEXT,
                digest TEXT,
                created_at DOUBLE PRECISION NOT NULL,
                due_at DOUBLE PRECISION NOT NULL,
                mended_at DOUBLE PRECISION,
                closed_at DOUBLE PRECISION,
                late BOOLEAN NOT NULL,
                merged_into TEXT REFERENCES hazard_reports (id) ON DELETE CASCADE,
                version INTEGER NOT NULL
            )""",
            "CREATE INDEX ix_hazard_reports_place_id ON hazard_reports (place_id)",
            "CREATE INDEX ix_hazard_reports_merged_into ON hazard_reports (merged_into)",
            "CREATE UNIQUE INDEX ux_hazard_reports_digest ON hazard_reports (digest)",
            """CREATE TABLE report_photos (
                id TEXT PRIMARY KEY,
                report_id TEXT NOT NULL
                    REFERENCES hazard_reports (id) ON DELETE CASCADE,
                kind TEXT NOT NULL,
                sealed_id TEXT NOT NULL,
                fingerprint TEXT NOT NULL,
                width INTEGER NOT NULL,
                height INTEGER NOT NULL,
                at DOUBLE PRECISION NOT NULL
            )""",
            "CREATE INDEX ix_report_photos_report_id ON report_photos (report_id)",
            """CREATE TABLE report_steps (
                id TEXT PRIMARY KEY,
                report_id TEXT NOT NULL
                    REFERENCES hazard_reports (id) ON DELETE CASCADE,
                at DOUBLE PRECISION NOT NULL,
                what TEXT NOT NULL,
                who TEXT,
                note TEXT NOT NULL
            )""",
            "CREATE INDEX ix_report_steps_report_id ON report_steps (report_id)",
        ),
        # What is added to a report by a form is added once.
        statements(
            "ALTER TABLE report_steps ADD COLUMN digest TEXT",
            "CREATE UNIQUE INDEX ux_report_steps_digest ON report_steps (digest)",
        ),
    ),
)
