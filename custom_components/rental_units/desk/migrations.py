"""The steps of the desks' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, statements

FEATURE = Feature(
    "desk",
    (
        statements(
            """CREATE TABLE desk_exports (
                id TEXT PRIMARY KEY,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                notices INTEGER NOT NULL
            )""",
            "CREATE INDEX ix_desk_exports_at ON desk_exports (at)",
            """CREATE TABLE desk_notices (
                id TEXT PRIMARY KEY,
                lease_id TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
                kind TEXT NOT NULL,
                state TEXT NOT NULL,
                begins_on DATE NOT NULL,
                counts_from DATE NOT NULL,
                due_on DATE NOT NULL,
                is_assumed BOOLEAN NOT NULL,
                settled_at DOUBLE PRECISION,
                settled_by TEXT,
                settled_how TEXT,
                receipt TEXT NOT NULL,
                late BOOLEAN NOT NULL,
                export_id TEXT REFERENCES desk_exports (id) ON DELETE SET NULL,
                exported TEXT,
                exported_as TEXT,
                version INTEGER NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_desk_notices_lease_kind"
            " ON desk_notices (lease_id, kind)",
            "CREATE INDEX ix_desk_notices_state ON desk_notices (state)",
            "CREATE INDEX ix_desk_notices_export_id ON desk_notices (export_id)",
            "CREATE TABLE desk_state (id INTEGER PRIMARY KEY, since DATE NOT NULL)",
        ),
        # Desks have queues, and write down who came in there.
        statements(
            """CREATE TABLE desk_tickets (
                id TEXT PRIMARY KEY,
                desk_id TEXT NOT NULL,
                day DATE NOT NULL,
                number INTEGER NOT NULL,
                taken_at DOUBLE PRECISION NOT NULL,
                called_at DOUBLE PRECISION,
                called_by TEXT,
                ended_at DOUBLE PRECISION,
                outcome TEXT
            )""",
            "CREATE UNIQUE INDEX ux_desk_tickets_number"
            " ON desk_tickets (desk_id, day, number)",
            "CREATE INDEX ix_desk_tickets_day ON desk_tickets (day)",
            """CREATE TABLE desk_arrivals (
                id TEXT PRIMARY KEY,
                lease_id TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
                desk_id TEXT,
                at DOUBLE PRECISION NOT NULL,
                who TEXT,
                is_identified BOOLEAN NOT NULL,
                is_briefed BOOLEAN NOT NULL
            )""",
            "CREATE UNIQUE INDEX ux_desk_arrivals_lease_id ON desk_arrivals (lease_id)",
            "CREATE INDEX ix_desk_arrivals_at ON desk_arrivals (at)",
        ),
    ),
)
