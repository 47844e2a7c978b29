"""The steps of the sightings' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "sightings",
    (
        statements(
            """CREATE TABLE sighting_sources (
                id INTEGER PRIMARY KEY,
                device_id TEXT NOT NULL,
                channel TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_sighting_sources_channel ON sighting_sources"
            " (device_id, channel)",
            """CREATE TABLE seen_numbers (
                id INTEGER PRIMARY KEY,
                kind TEXT NOT NULL,
                number_row TEXT NOT NULL,
                number_hash TEXT NOT NULL,
                digits TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_seen_numbers_number_hash ON seen_numbers"
            " (number_hash, kind)",
            """CREATE TABLE sightings (
                event_id TEXT NOT NULL,
                source_id INTEGER NOT NULL REFERENCES sighting_sources (id),
                at DOUBLE PRECISION NOT NULL,
                number_id INTEGER REFERENCES seen_numbers (id),
                card_id TEXT REFERENCES cards (id) ON DELETE SET NULL,
                decision TEXT,
                granted BOOLEAN,
                inwards BOOLEAN,
                category TEXT,
                attributes JSON,
                PRIMARY KEY (event_id, source_id)
            )""",
            "CREATE INDEX ix_sightings_at ON sightings (at)",
            "CREATE INDEX ix_sightings_source ON sightings (source_id, at)",
            "CREATE INDEX ix_sightings_number ON sightings (number_id, at)",
            "CREATE INDEX ix_sightings_card ON sightings (card_id, at)",
        ),
        statements(
            "ALTER TABLE seen_numbers ADD COLUMN folded_hash TEXT",
            "CREATE INDEX ix_seen_numbers_folded_hash ON seen_numbers (folded_hash)",
            "CREATE INDEX ix_sightings_category ON sightings (category, at)"
            " WHERE category IS NOT NULL",
        ),
    ),
)
