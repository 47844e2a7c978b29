"""The steps of the places' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "places",
    (
        statements(
            """CREATE TABLE places (
                id TEXT PRIMARY KEY,
                kind TEXT NOT NULL,
                unit_id TEXT
                    REFERENCES units (id) ON DELETE CASCADE ON UPDATE CASCADE,
                place_key TEXT,
                building TEXT NOT NULL,
                stairwell TEXT NOT NULL,
                name TEXT NOT NULL,
                address TEXT NOT NULL,
                area_id TEXT,
                storey INTEGER,
                latitude DOUBLE PRECISION,
                longitude DOUBLE PRECISION,
                grade TEXT,
                tag_id TEXT NOT NULL,
                version INTEGER NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_places_unit_id ON places (unit_id)",
            "CREATE UNIQUE INDEX ux_places_place_key ON places (place_key)",
            """CREATE TABLE place_codes (
                id TEXT PRIMARY KEY,
                place_id TEXT NOT NULL REFERENCES places (id) ON DELETE CASCADE,
                version INTEGER NOT NULL,
                digest TEXT NOT NULL,
                issued_at DOUBLE PRECISION NOT NULL,
                issued_by TEXT,
                revoked_at DOUBLE PRECISION,
                scans INTEGER NOT NULL,
                scanned_at DOUBLE PRECISION
            )""",
            "CREATE INDEX ix_place_codes_place_id ON place_codes (place_id)",
            "CREATE UNIQUE INDEX ux_place_codes_digest ON place_codes (digest)",
            """CREATE TABLE place_parties (
                id TEXT PRIMARY KEY,
                place_id TEXT NOT NULL REFERENCES places (id) ON DELETE CASCADE,
                person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
                role TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_place_parties_place_person ON place_parties"
            " (place_id, person_id)",
            "CREATE INDEX ix_place_parties_person_id ON place_parties (person_id)",
            """CREATE TABLE place_visits (
                id TEXT PRIMARY KEY,
                place_id TEXT NOT NULL REFERENCES places (id) ON DELETE CASCADE,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                finding TEXT NOT NULL,
                note TEXT NOT NULL,
                was_there BOOLEAN NOT NULL
            )""",
            "CREATE INDEX ix_place_visits_place_at ON place_visits (place_id, at)",
        ),
    ),
)
