"""The steps of the cards' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "access_control",
    (
        statements(
            """CREATE TABLE cards (
                id TEXT PRIMARY KEY,
                person_id TEXT REFERENCES persons (id) ON DELETE SET NULL,
                holder TEXT NOT NULL,
                unit_id TEXT
                    REFERENCES units (id) ON DELETE SET NULL ON UPDATE CASCADE,
                everywhere BOOLEAN NOT NULL,
                begin_at DOUBLE PRECISION,
                end_at DOUBLE PRECISION,
                decision TEXT NOT NULL,
                decided_at DOUBLE PRECISION NOT NULL,
                is_over BOOLEAN NOT NULL,
                number_row TEXT,
                number_hash TEXT,
                digits TEXT NOT NULL,
                created_at DOUBLE PRECISION NOT NULL,
                version INTEGER NOT NULL,
                closed_at DOUBLE PRECISION
            )""",
            "CREATE INDEX ix_cards_person_id ON cards (person_id)",
            "CREATE INDEX ix_cards_unit_id ON cards (unit_id)",
            "CREATE UNIQUE INDEX ux_cards_number_hash ON cards (number_hash)"
            " WHERE closed_at IS NULL",
            """CREATE TABLE card_places (
                card_id TEXT NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
                device_id TEXT NOT NULL,
                wanted BOOLEAN NOT NULL,
                doors JSON NOT NULL,
                begin_at DOUBLE PRECISION NOT NULL,
                end_at DOUBLE PRECISION NOT NULL,
                revision INTEGER NOT NULL,
                proof TEXT NOT NULL,
                reason TEXT,
                next_at DOUBLE PRECISION NOT NULL,
                proven_at DOUBLE PRECISION,
                PRIMARY KEY (card_id, device_id)
            )""",
            "CREATE INDEX ix_card_places_device_id ON card_places (device_id)",
            "CREATE INDEX ix_card_places_due ON card_places (proof, next_at)",
            """CREATE TABLE access_doors (
                id TEXT PRIMARY KEY,
                device_id TEXT NOT NULL,
                door TEXT NOT NULL,
                building TEXT NOT NULL,
                stairwell TEXT NOT NULL,
                number TEXT NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_access_doors_door ON access_doors"
            " (device_id, door, building, stairwell, number)",
        ),
        # Plates are bound to leases as cards are, and open vehicle gates.
        statements(
            "ALTER TABLE cards ADD COLUMN medium TEXT NOT NULL DEFAULT 'card'",
            "ALTER TABLE access_doors ADD COLUMN medium TEXT NOT NULL DEFAULT 'card'",
        ),
        # Visitors end with the stay of who lets them in.
        statements("ALTER TABLE cards ADD COLUMN host_id TEXT"),
        # A form of the landlord's page lets in one visitor, also over a restart.
        statements(
            "ALTER TABLE cards ADD COLUMN form_digest TEXT",
            "CREATE UNIQUE INDEX ux_cards_form_digest ON cards (form_digest)",
        ),
    ),
)
