"""The steps of the alerts' tables. See storage/migrations.py for what a step must be."""

from ..storage.migrations import Feature, Step, statements

_TABLES = (
    """CREATE TABLE alerts (
        id TEXT PRIMARY KEY,
        created_at DOUBLE PRECISION NOT NULL,
        state TEXT NOT NULL,
        severity TEXT NOT NULL,
        hazard TEXT,
        message TEXT,
        place TEXT NOT NULL,
        unit_ids JSON NOT NULL,
        area_ids JSON NOT NULL,
        audiences JSON NOT NULL,
        policy JSON NOT NULL,
        alarm_id TEXT,
        drill BOOLEAN NOT NULL,
        step INTEGER NOT NULL,
        round INTEGER NOT NULL,
        answered_units JSON NOT NULL,
        due_at DOUBLE PRECISION,
        ends_at DOUBLE PRECISION NOT NULL,
        acknowledged_at DOUBLE PRECISION,
        closed_at DOUBLE PRECISION
    )""",
    """CREATE TABLE deliveries (
        id TEXT PRIMARY KEY,
        alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
        address_id TEXT NOT NULL,
        person_id TEXT,
        unit_id TEXT,
        role TEXT NOT NULL,
        channel TEXT NOT NULL,
        step INTEGER NOT NULL,
        round INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        rest JSON NOT NULL,
        created_at DOUBLE PRECISION NOT NULL,
        due_at DOUBLE PRECISION,
        expires_at DOUBLE PRECISION NOT NULL,
        sent_at DOUBLE PRECISION,
        reference TEXT,
        reason TEXT
    )""",
    """CREATE TABLE alert_timeline (
        id TEXT PRIMARY KEY,
        alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
        at DOUBLE PRECISION NOT NULL,
        kind TEXT NOT NULL,
        unit_id TEXT,
        person_id TEXT,
        delivery_id TEXT,
        data JSON NOT NULL
    )""",
    "CREATE INDEX ix_alerts_created_at ON alerts (created_at)",
    "CREATE INDEX ix_alerts_alarm_id ON alerts (alarm_id)",
    "CREATE INDEX ix_alerts_closed_at ON alerts (closed_at)",
    "CREATE INDEX ix_deliveries_alert_state ON deliveries (alert_id, state)",
    "CREATE INDEX ix_deliveries_person_id ON deliveries (person_id)",
    "CREATE INDEX ix_deliveries_reference ON deliveries (reference)",
    "CREATE INDEX ix_alert_timeline_alert_id ON alert_timeline (alert_id)",
    "CREATE INDEX ix_alert_timeline_person_id ON alert_timeline (person_id)",
)

#: What an open alert of before is taken to be.
_INCIDENTS = (
    "ALTER TABLE alerts ADD COLUMN alarm_ids JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE alerts ADD COLUMN over_alarm_ids JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE alerts ADD COLUMN incident_id TEXT",
    "ALTER TABLE alerts ADD COLUMN hazards JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE alerts ADD COLUMN announced BOOLEAN NOT NULL DEFAULT TRUE",
    "ALTER TABLE alerts ADD COLUMN who TEXT",
    "ALTER TABLE alerts ADD COLUMN vacant_units JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE alerts ADD COLUMN begun_at DOUBLE PRECISION NOT NULL DEFAULT 0",
    "ALTER TABLE alerts ADD COLUMN as_of DOUBLE PRECISION NOT NULL DEFAULT 0",
    "ALTER TABLE deliveries ADD COLUMN decides BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE deliveries ADD COLUMN answer TEXT",
    "UPDATE alerts SET begun_at = created_at, as_of = created_at",
    """UPDATE deliveries SET decides = TRUE
        WHERE unit_id IS NULL AND person_id IS NOT NULL""",
    """CREATE TABLE alert_help (
        id TEXT PRIMARY KEY,
        alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
        person_id TEXT NOT NULL,
        unit_id TEXT,
        at DOUBLE PRECISION NOT NULL,
        taken_at DOUBLE PRECISION,
        closed_at DOUBLE PRECISION,
        closed_by TEXT,
        note TEXT
    )""",
    "CREATE INDEX ix_alerts_incident_id ON alerts (incident_id)",
    "CREATE INDEX ix_alert_help_alert_id ON alert_help (alert_id)",
    "CREATE INDEX ix_alert_help_person_id ON alert_help (person_id)",
)

STEPS: tuple[Step, ...] = (
    statements(*_TABLES),
    statements(*_INCIDENTS),
    statements(
        "ALTER TABLE deliveries ADD COLUMN answered_at DOUBLE PRECISION",
        "ALTER TABLE deliveries ADD COLUMN via TEXT",
    ),
    statements(
        "ALTER TABLE alerts ADD COLUMN private BOOLEAN NOT NULL DEFAULT FALSE",
    ),
    statements(
        "ALTER TABLE alerts ADD COLUMN about TEXT NOT NULL DEFAULT 'place'",
        "ALTER TABLE alerts ADD COLUMN person_id TEXT",
        "ALTER TABLE alerts ADD COLUMN unit_id TEXT",
        "ALTER TABLE alerts ADD COLUMN answer_by DOUBLE PRECISION",
        "CREATE INDEX ix_alerts_person_id ON alerts (person_id)",
    ),
)

FEATURE = Feature("alerts", STEPS)
