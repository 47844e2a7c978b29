"""The steps from an older database to the present one, each brought by its feature.

A step is never changed once it was released; a new one is added at the end of its
feature's. All steps that are missing run in one transaction with the versions, in words
that SQLite and PostgreSQL share: who is killed in the middle finds the database as it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, inspect, text

type Step = Callable[[Connection], None]

#: What the single number of before stood for, by feature.
_BEFORE: Final[Sequence[Mapping[str, int]]] = (
    {},
    {"register": 1},
    {"register": 1, "alerts": 1},
    {"register": 2, "alerts": 1},
)
#: A release of before reads this number, and refuses what it cannot know.
_TOO_NEW_FOR_BEFORE: Final = 1000


class TooNewError(Exception):
    """The database was written by a newer release."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's own steps, in their order."""

    name: str
    steps: Sequence[Step]


def statements(*texts: str) -> Step:
    """Return a step that runs these statements."""

    def run(connection: Connection) -> None:
        for statement in texts:
            connection.execute(text(statement))

    return run


def sealed(table: str, condition: str = "", columns: Sequence[str] = ()) -> Step:
    """Return a step after which the database itself refuses to change or delete rows.

    `condition` says which, of the row as it was (`OLD`); `columns` are those that may not be
    changed, if not all. Whatever program writes: who may drop the guard may do anything.
    """

    def run(connection: Connection) -> None:
        when = f"WHEN ({condition})" if condition else ""
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.execute(
                text(
                    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger"
                    " LANGUAGE plpgsql AS"
                    " $$ BEGIN RAISE EXCEPTION 'the row is sealed'; END $$"
                )
            )
        of = f" OF {', '.join(columns)}" if columns else ""
        for deed, what in (("update", f"UPDATE{of}"), ("delete", "DELETE")):
            refuse = (
                "BEGIN SELECT RAISE(ABORT, 'the row is sealed'); END"
                if is_sqlite
                else "EXECUTE FUNCTION refuse_change()"
            )
            connection.execute(
                text(
                    f"CREATE TRIGGER sealed_{table}_{deed} BEFORE {what} ON {table}"
                    f" FOR EACH ROW {when} {refuse}"
                )
            )

    return run


def migrate(connection: Connection, features: Iterable[Feature]) -> None:
    """Bring a database to the present version. Raises TooNewError.

    Features are in the order in which they build upon each other.
    """
    features = list(features)
    versions = read_versions(connection)
    known = {feature.name: len(feature.steps) for feature in features}
    if any(version > known.get(name, 0) for name, version in versions.items()):
        raise TooNewError
    for feature in features:
        done = versions.get(feature.name, 0)
        for step in feature.steps[done:]:
            step(connection)
        if done == len(feature.steps):
            continue
        connection.execute(
            text(
                "INSERT INTO schema_versions (feature, version)"
                " VALUES (:feature, :version)"
                " ON CONFLICT (feature) DO UPDATE SET version = excluded.version"
            ),
            {"feature": feature.name, "version": len(feature.steps)},
        )


def read_versions(connection: Connection) -> Mapping[str, int]:
    """Return how many steps of each feature a database has had. Raises TooNewError.

    One of before the features had a single number is taken over.
    """
    found = inspect(connection)
    if not found.has_table("schema_versions"):
        connection.execute(
            text(
                "CREATE TABLE schema_versions"
                " (feature TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
        )
        before = 0
        if found.has_table("register_version"):
            before = int(
                connection.execute(
                    text("SELECT version FROM register_version")
                ).scalar_one()
            )
        else:
            connection.execute(text("CREATE TABLE register_version (version INTEGER)"))
            connection.execute(text("INSERT INTO register_version VALUES (0)"))
        if before >= len(_BEFORE):
            raise TooNewError
        for name, version in _BEFORE[before].items():
            connection.execute(
                text("INSERT INTO schema_versions VALUES (:name, :version)"),
                {"name": name, "version": version},
            )
        connection.execute(
            text("UPDATE register_version SET version = :version"),
            {"version": _TOO_NEW_FOR_BEFORE},
        )
    rows = connection.execute(text("SELECT feature, version FROM schema_versions"))
    return {name: int(version) for name, version in rows}
