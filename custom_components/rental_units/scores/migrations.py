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
    ),
)
