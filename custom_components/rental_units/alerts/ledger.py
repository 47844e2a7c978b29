"""Rows on their way to the database: everything that waits is one transaction.

Thirteen hundred deliveries that begin at once cost a few commits and not thousands. A
row that could not be written stays queued and is tried again until it is on disk. Until
then it is in a file, from which the next start takes it in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import batched
import json
import re
from typing import Any

from sqlalchemy import JSON, TextClause, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.json import json_dumps

from ..const import LOGGER
from ..storage.errors import RegisterError, explain
from .const import About
from .models import TABLES, Alert, Row, values
from .unwritten import Tables, Unwritten

RETRY_SECONDS = 5
#: A database that does not answer must not hold up an alert for longer.
PATIENCE_SECONDS = 1.0
#: So many rows are taken before others have their turn.
AT_ONCE = 200

#: What a register that cannot be read or written may raise.
TROUBLE = (SQLAlchemyError, HomeAssistantError, OSError)

#: NUL as JSON has it, after any number of escaped backslashes.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

type Run = Callable[[Callable[[Session], Any]], Awaitable[Any]]


class Ledger:
    """Writes rows behind, and tells when they are on disk."""

    def __init__(
        self,
        hass: HomeAssistant,
        run: Run,
        unwritten: Unwritten,
        on_trouble: Callable[[str | None], None],
        now: Callable[[], float],
    ) -> None:
        """Initialize; `run` calls a function with a session in an executor.

        `on_trouble` hears why nothing can be written, and None when it can be again.
        """
        self._hass = hass
        self._run = run
        self._unwritten = unwritten
        self._on_trouble = on_trouble
        self._now = now
        self._queue: dict[str, Row] = {}
        self._waiting: list[asyncio.Future[bool]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._closed = False
        #: What an earlier run could not write, and this one not yet.
        self._earlier: Tables = {}
        #: A commit has taken longer than anybody waits: nobody waits for it now.
        self._is_stalled = False
        #: Why nothing can be written; None while all is well.
        self.trouble: str | None = None
        #: Alerts of which nothing is kept.
        self._dropped: set[str] = set()
        #: Called with the rows that are new or have changed.
        self.listener: Callable[[Sequence[Row]], None] = lambda _rows: None

    @property
    def waiting(self) -> int:
        """Return how many rows are not on disk."""
        return len(self._queue)

    @callback
    def put(self, *rows: Row) -> asyncio.Future[bool]:
        """Queue rows.

        The result is True when they are on disk, False when the database refused or did
        not answer within PATIENCE_SECONDS; they are then still queued.
        """
        if self._dropped:
            rows = tuple(row for row in rows if _alert_id(row) not in self._dropped)
        for row in rows:
            self._queue[row.id] = row
            if isinstance(row, Alert):
                row.as_of = self._now()
        self.listener(rows)
        future: asyncio.Future[bool] = self._hass.loop.create_future()
        if self.trouble or self._is_stalled or self._closed:
            # The database is known not to answer: nobody waits for the next try.
            future.set_result(False)
            return future
        if self._patience is None:
            self._patience = self._hass.loop.call_later(
                PATIENCE_SECONDS, self._lose_patience, self._waiting
            )
        self._waiting.append(future)
        if self._flushing is None:
            self._begin()
        return future

    @callback
    def drop(self, alert_id: str) -> None:
        """Write no more of an alert, whatever is still to come of it."""
        self._dropped.add(alert_id)
        for row in [
            row for row in self._queue.values() if _alert_id(row) in self._dropped
        ]:
            del self._queue[row.id]

    async def async_open(self, *, is_away: bool = False) -> None:
        """Take in what an earlier run could not write; later, while the database is away.

        Raises RegisterError.
        """
        self._earlier = await self._unwritten.async_load()
        if self._earlier and not is_away:
            await self._async_take_in()
            await self._unwritten.async_remove()

    async def _async_take_in(self) -> None:
        lost = await self._run(partial(_take_in, tables=self._earlier))
        if lost:
            LOGGER.error("%d rows of alerts have lost their alert", lost)
        self._earlier = {}

    async def _async_write(self, tables: Tables) -> None:
        """Write rows; one that no database takes is left out, and holds up no other."""
        try:
            await self._run(partial(_write, tables=tables))
        except RegisterError as err:
            if err.key != "register_failed":
                raise
            await self._run(partial(_write_each, tables=tables))

    async def _async_keep(self, rows: Iterable[Row]) -> None:
        """Hold these rows in the file, beside those of an earlier run that are not taken in."""
        tables = await _async_tables(rows, to_file=True)
        for name, earlier in self._earlier.items():
            both = json.loads(earlier) + json.loads(tables.get(name, "[]"))
            tables[name] = json_dumps(both)
        await self._unwritten.async_keep(tables)

    async def async_flush(self) -> None:
        """Wait until all that was put is on disk, or known not to be."""
        if self._queue or self._flushing:
            await self.put()

    async def async_close(self) -> None:
        """Write what is queued, into the file if not into the database; take no more."""
        self._closed = True
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None
        if self._flushing:
            await self._flushing
        if self._queue and not self._cancel_retry:
            await self._async_commit()
        if self._cancel_retry:
            self._cancel_retry()
        self._answer(False)
        if self._queue:
            await self._async_keep(self._queue.values())
            LOGGER.error(
                "%d rows of alerts could not be written: the next start does it",
                len(self._queue),
            )

    @callback
    def _begin(self) -> None:
        # No background task: these are cancelled at the stop, with what they write.
        self._flushing = self._hass.async_create_task(
            self._async_flush_all(), "rental_units ledger", eager_start=False
        )

    async def _async_flush_all(self) -> None:
        try:
            while (self._queue or self._waiting) and not self._cancel_retry:
                await self._async_commit()
        finally:
            self._flushing = None

    async def _async_commit(self) -> None:
        """Commit all that is queued; what fails is queued again for later."""
        batch, self._queue = self._queue, {}
        waiting, self._waiting = self._waiting, []
        patience, self._patience = self._patience, None
        if patience:
            # Whoever waits for this commit waits no longer than they would have.
            patience.cancel()
            patience = self._hass.loop.call_at(
                patience.when(), self._lose_patience, waiting
            )
        if self._unwritten.is_there:
            # Killed between the commit and its removal, it must not hold what is older.
            await self._async_keep(batch.values())
        try:
            tables = await _async_tables(batch.values())
            if self._earlier:
                await self._async_take_in()
            await self._async_write(tables)
        except Exception as err:  # noqa: BLE001
            # Whatever it is, the alert goes on. A newer change of the same row has
            # overtaken the failed one.
            self._queue = {**batch, **self._queue}
            self._tell(getattr(err, "key", type(err).__name__))
            _answer(waiting, False)
            self._answer(False)
            self._cancel_retry = async_call_later(
                self._hass, RETRY_SECONDS, self._retry
            )
            await self._async_keep(self._queue.values())
        else:
            self._tell(None)
            _answer(waiting, True)
            if self._unwritten.is_there:
                await self._unwritten.async_remove()
        finally:
            self._is_stalled = False
            if patience:
                patience.cancel()

    @callback
    def _answer(self, stored: bool) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None
        waiting, self._waiting = self._waiting, []
        _answer(waiting, stored)

    @callback
    def _retry(self, _now: datetime) -> None:
        self._cancel_retry = None
        self._begin()

    @callback
    def _lose_patience(self, waiting: list[asyncio.Future[bool]]) -> None:
        self._is_stalled = True
        if waiting is self._waiting:
            self._waiting, self._patience = [], None
        _answer(waiting, False)

    @callback
    def _tell(self, reason: str | None) -> None:
        # Without the statement and its values: they hold what nobody may read in a log.
        if reason and not self.trouble:
            LOGGER.error("Alerts cannot be written to the register: %s", reason)
        elif self.trouble and not reason:
            LOGGER.info("Alerts can be written to the register again")
        if bool(reason) != bool(self.trouble):
            self._on_trouble(reason)
        self.trouble = reason


def _alert_id(row: Row) -> str:
    return row.id if isinstance(row, Alert) else row.alert_id


def _answer(waiting: list[asyncio.Future[bool]], stored: bool) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(stored)


async def _async_tables(rows: Iterable[Row], *, to_file: bool = False) -> Tables:
    """Return rows as they are now: the loop goes on changing them while they are written.

    Thousands are taken some at a time, and others have their turn in between: what changes
    meanwhile is queued anew. What is said of somebody is for the database, and in no file
    of ours.
    """
    found: dict[str, list[str]] = {}
    for index, part in enumerate(batched(rows, AT_ONCE, strict=False)):
        if index:
            await asyncio.sleep(0)
        for name, text_ in _tables(part, to_file=to_file).items():
            found.setdefault(name, []).append(text_[1:-1])
    return {name: f"[{','.join(parts)}]" for name, parts in found.items()}


def _tables(rows: Sequence[Row], *, to_file: bool) -> Tables:

    def said(row: Row) -> dict[str, Any]:
        is_kept_back = to_file and isinstance(row, Alert) and row.private
        return values(row) | ({"message": None} if is_kept_back else {})

    return {
        table.__tablename__: _without_nul(json_dumps([said(row) for row in own]))
        for table in TABLES
        if (own := [row for row in rows if isinstance(row, table)])
    }


def _without_nul(rows: str) -> str:
    """Return a JSON text without the one character that PostgreSQL takes in no text."""
    return _NUL.sub(r"\1", rows) if r"\u0000" in rows else rows


def _write(session: Session, tables: Tables) -> None:
    dialect = session.get_bind().dialect.name
    for table in TABLES:
        if rows := tables.get(table.__tablename__):
            session.execute(_upsert(table, dialect), {"rows": rows})


def _take_in(session: Session, tables: Tables) -> int:
    """Write rows of an earlier run; return how many belong to an alert that is gone.

    It is gone with a database that was damaged, or replaced by an older backup.
    """
    found: dict[str, list[dict[str, Any]]] = {
        name: json.loads(rows) for name, rows in tables.items()
    }
    for row in found.get(Alert.__tablename__, ()):
        # A release of before has written the file.
        row.setdefault("private", False)
        row.setdefault("about", About.PLACE)
    ids = {row["id"] for row in found.get(Alert.__tablename__, ())}
    others = {
        row["alert_id"] for rows in found.values() for row in rows if "alert_id" in row
    }
    ids |= set(session.scalars(select(Alert.id).where(Alert.id.in_(others - ids))))
    kept = {
        name: [row for row in rows if row.get("alert_id", row["id"]) in ids]
        for name, rows in found.items()
    }
    _write_each(session, {name: json_dumps(rows) for name, rows in kept.items()})
    return sum(map(len, found.values())) - sum(map(len, kept.values()))


def _write_each(session: Session, tables: Tables) -> None:
    """Write rows one by one, and leave out what the database refuses."""
    dialect = session.get_bind().dialect.name
    for table in TABLES:
        for row in json.loads(tables.get(table.__tablename__, "[]")):
            try:
                with session.begin_nested():
                    session.execute(
                        _upsert(table, dialect), {"rows": json_dumps([row])}
                    )
            except DBAPIError as err:
                if explain(err).key != "register_failed":
                    # It is not about the row.
                    raise
                # By its id: the driver puts the row itself into its message.
                LOGGER.error(
                    "A row of %s cannot be written, and is left out: %s",
                    table.__tablename__,
                    row["id"],
                )


@cache
def _upsert(table: type[Row], dialect: str) -> TextClause:
    """Return the statement that writes all rows of a table from one JSON text.

    One statement and not one for each row: the thread asks for the interpreter once,
    while the event loop is busiest, and a server that is far away is asked once.
    """
    columns = table.__table__.columns
    keys = columns.keys()
    names = ", ".join(keys)
    if dialect == "sqlite":
        cells = ", ".join(
            f"value {'->' if isinstance(column.type, JSON) else '->>'} '{key}'"
            for key, column in columns.items()
        )
        source = f"SELECT {cells} FROM json_each(:rows) WHERE true"  # noqa: S608
    else:
        source = (
            f"SELECT {names} FROM"  # noqa: S608
            f" json_populate_recordset(NULL::{table.__tablename__}, CAST(:rows AS json))"
        )
    changes = ", ".join(f"{key} = excluded.{key}" for key in keys if key != "id")
    return text(
        f"INSERT INTO {table.__tablename__} ({names}) {source}"
        f" ON CONFLICT (id) DO UPDATE SET {changes}"
    )
