"""The database of the alarm book, latches and device settings.

One SQLite file, one writer thread. Everything that waits is committed together, so a
thousand alarms of one moment cost a few commits. A row that could not be written stays
queued and is tried again until it is on disk.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
import os
from pathlib import Path
import sqlite3
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import json_loads_object

from ..const import LOGGER

#: 2: self-tests have a table of their own.
VERSION = 2
RETRY_SECONDS = 5
#: A disk that does not answer must not hold up an alarm for longer.
PATIENCE_SECONDS = 1.0
#: Pages of the log file at which SQLite takes them into the database: its default.
LOG_PAGES = 1000
PAGE_BYTES = 4096
#: What SQLite keeps in memory by default; negative: in KiB.
CACHE_SIZE = -2000
KEEP_DAYS = 400
KEEP_ROWS = 200_000

#: When it was closed, and its JSON.
type Row = tuple[float | None, str]
#: Who waits for a row to be on disk: True, or False if the disk refused or is silent.
type Waiter = Callable[[bool], None]

#: A row as bytes: its text may be none.
_BYTES = "CAST(key AS BLOB), closed_at, CAST(data AS BLOB)"

# All rows of a table in one statement: the thread asks for the interpreter once and not
# for each row, while the event loop is busiest.
_UPSERT = """
    INSERT INTO {table} (key, closed_at, data)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
    ON CONFLICT (key) DO UPDATE SET closed_at = excluded.closed_at, data = excluded.data
"""
_DELETE = "DELETE FROM {table} WHERE key IN (SELECT value FROM json_each(?))"
TABLES = ("alarms", "latches", "settings", "counts", "seen", "devices", "tests")
SCHEMA = "".join(
    f"""
    CREATE TABLE IF NOT EXISTS {table} (
        key TEXT PRIMARY KEY,
        closed_at REAL,          -- Unix time; NULL while the row is alive
        data TEXT NOT NULL       -- JSON
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS {table}_closed ON {table} (closed_at);
    """
    for table in TABLES
)


class Storage:
    """Rows of JSON by table and key, written behind and confirmed."""

    def __init__(
        self,
        hass: HomeAssistant,
        path: Path,
        on_trouble: Callable[[str | None], None],
    ) -> None:
        """Initialize; `on_trouble` hears the reason of a failure, None when it is over."""
        self._hass = hass
        self.path = path
        self._on_trouble = on_trouble
        self._executor = ThreadPoolExecutor(1, "community_safety_storage")
        self._queue: dict[tuple[str, str], Row | None] = {}
        self._waiting = _Waiting()
        #: Done when nothing is being written any more.
        self._idle: asyncio.Future[None] | None = None
        #: Hands over what is queued, after the present turn of the loop.
        self._due: asyncio.Handle | None = None
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._reason: str | None = None
        #: Where a damaged file was moved to when this run began.
        self.moved: Path | None = None
        #: Tables of which a damaged file could be read in part or not at all.
        self.lost: tuple[str, ...] = ()
        #: The version of a file that a newer version has written; it is only read.
        self.newer: int | None = None

    async def async_open(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Open the file and return the living rows by table and key.

        A file that is damaged is moved aside, so that alarms go on; what can be read of
        it is taken over. One of a newer version is read and never written.
        """
        found, broken = await self._async_run(self._open)
        if broken:
            self._trouble(broken)
        return found

    async def async_close(self) -> None:
        """Write what is queued, and close the file. Nothing is taken afterwards."""
        if self._closed:
            return
        self._closed = True
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None
        if self._queue and not self._is_writing:
            self._begin_writing()
        if self._idle:
            await self._idle
        if self._queue:
            LOGGER.error("%d records could not be stored", len(self._queue))
        await self._async_run(self._close)
        await self._hass.async_add_executor_job(self._executor.shutdown)

    @callback
    def put(
        self,
        table: str,
        key: str,
        data: dict[str, Any] | None,
        *,
        closed_at: float | None = None,
    ) -> asyncio.Future[bool]:
        """Queue a row, or its removal (None).

        The result is True when it is on disk, False when the disk refused or did not
        answer within PATIENCE_SECONDS; it is then still queued.
        """
        future: asyncio.Future[bool] = self._hass.loop.create_future()
        self.put_then(table, key, data, partial(_resolve, future), closed_at=closed_at)
        return future

    @callback
    def put_then(
        self,
        table: str,
        key: str,
        data: dict[str, Any] | None,
        then: Waiter,
        *,
        closed_at: float | None = None,
    ) -> None:
        """Queue a row as `put` does, and call `then` once, at once when it is answered.

        It must not raise: an alarm waits for no future, and no task.
        """
        if self.newer is not None:
            self._hass.loop.call_soon(then, False)
            return
        self._queue[table, key] = (
            None if data is None else (closed_at, json_dumps(data))
        )
        if self._cancel_retry or self._closed:
            # The disk is known to be broken: nobody waits for the next try.
            self._hass.loop.call_soon(then, False)
            return
        # Patience runs from here: an earlier commit may be what takes so long.
        self._waiting.add(then, self._hass.loop)
        if not (self._is_writing or self._due):
            self._due = self._hass.loop.call_soon(self._begin_writing)

    @callback
    def hurry(self) -> None:
        """Write at once what would be written once the loop has done what it is doing.

        The thread that writes gets the interpreter now: somebody waits for it.
        """
        if self._due:
            self._begin_writing()
            os.sched_yield()

    @property
    def is_busy(self) -> bool:
        """Return if anything is not on disk yet."""
        return bool(self._queue) or self._is_writing

    @property
    def waiting(self) -> int:
        """Return how many rows are queued."""
        return len(self._queue)

    @property
    def trouble(self) -> str | None:
        """Return why the file cannot be written, None while it can."""
        return self._reason

    async def async_history(
        self, since: float, until: float, most: int
    ) -> list[dict[str, Any]]:
        """Return closed alarms by time of closing, the newest first."""
        return await self._async_run(self._history, since, until, most)

    async def async_rows(self, table: str, keys: Iterable[str]) -> list[dict[str, Any]]:
        """Return rows by their keys, closed ones too; what cannot be read is missing."""
        if not (wanted := list(keys)):
            return []
        try:
            return await self._async_run(self._rows, table, wanted)
        except sqlite3.Error as err:
            LOGGER.error("Closed alarms cannot be read: %s", err)
            return []

    async def async_purge(self) -> None:
        """Drop closed rows that are too old or too many."""
        try:
            await self._async_run(self._purge, time.time() - KEEP_DAYS * 86400)
        except sqlite3.Error as err:
            LOGGER.warning("Old alarms could not be dropped: %s", err)

    async def async_checkpoint(self) -> None:
        """Bring everything into the one file, and keep it as it is, for a backup.

        What is written from now on is in the log file beside it, until the backup is
        over. Raises sqlite3.Error.
        """

        def checkpoint() -> None:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._db.execute("PRAGMA wal_autocheckpoint=0")

        # What was put in this very turn is before the backup, too.
        self.hurry()
        await self._async_run(checkpoint)

    async def async_backup_over(self) -> None:
        """Let the log file go into the one file again. Raises sqlite3.Error."""

        def go_on() -> None:
            self._db.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
            self._lengthen_log()

        await self._async_run(go_on)

    async def _async_run[*Ts, T](self, target: Callable[[*Ts], T], *args: *Ts) -> T:
        return await self._hass.loop.run_in_executor(self._executor, target, *args)

    @property
    def _is_writing(self) -> bool:
        return self._idle is not None and not self._idle.done()

    @callback
    def _begin_writing(self) -> None:
        """Hand all that is queued to the thread. The next batch waits for its answer."""
        if self._due:
            self._due.cancel()
            self._due = None
        batch, self._queue = self._queue, {}
        waiting, self._waiting = self._waiting, _Waiting()
        self._executor.submit(self._write, batch, waiting)
        if not self._is_writing:
            self._idle = self._hass.loop.create_future()
            # No background task: those are cancelled when Home Assistant stops.
            self._hass.async_create_task(
                self._async_wait(self._idle), "community_safety storage"
            )

    @staticmethod
    async def _async_wait(idle: asyncio.Future[None]) -> None:
        await asyncio.shield(idle)

    @callback
    def _written(
        self,
        batch: dict[tuple[str, str], Row | None],
        waiting: _Waiting,
        error: str | None,
    ) -> None:
        """Take the thread's answer; what has failed is queued again for later."""
        self._trouble(error)
        if error is not None:
            # A newer row of the same key has overtaken the failed one.
            self._queue = {**batch, **self._queue}
            if not self._closed:
                self._cancel_retry = async_call_later(
                    self._hass, RETRY_SECONDS, self._retry
                )
        if error is None and self._queue:
            # The thread writes on while this one tells what is written.
            self._begin_writing()
        elif self._idle:
            self._idle.set_result(None)
        waiting.answer(error is None)
        if error is not None:
            self._waiting.answer(False)

    @callback
    def _retry(self, _now: datetime) -> None:
        self._cancel_retry = None
        self._begin_writing()

    @callback
    def _trouble(self, reason: str | None) -> None:
        if reason == self._reason:
            return
        if reason:
            LOGGER.error("The alarm book cannot be written: %s", reason)
        else:
            LOGGER.info("The alarm book can be written again")
        self._reason = reason
        self._on_trouble(reason)

    # Below: in the writer thread

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self.path, autocommit=True)
            # An alarm is on disk before it is announced, also if the power goes with it.
            self._connection.execute("PRAGMA synchronous=FULL")
        return self._connection

    def _open(self) -> tuple[dict[str, dict[str, dict[str, Any]]], str | None]:
        trouble = None
        try:
            self._prepare()
        except sqlite3.OperationalError as err:
            # Locked or full: the file itself may be sound, so it is kept.
            trouble = str(err)
        except sqlite3.DatabaseError as err:
            trouble = str(err)
            self._move_aside()
            self._prepare()
            self._rescue()
        try:
            return {table: self._living(table) for table in TABLES}, trouble
        except sqlite3.OperationalError as err:
            # Better without the past than without a present.
            return {table: {} for table in TABLES}, str(err)

    def _living(self, table: str) -> dict[str, dict[str, Any]]:
        """Return the living rows; one that cannot be read costs that row, and stays."""
        if self.newer is not None and not _columns(self._db, table):
            return {}
        rows = self._db.execute(
            f"SELECT {_BYTES} FROM {table} WHERE closed_at IS NULL"  # noqa: S608
        )
        found: dict[str, dict[str, Any]] = {}
        for key, _closed_at, data in rows:
            try:
                found[key.decode()] = json_loads_object(data)
            except ValueError as err:
                LOGGER.error("A row of %s cannot be read: %s", table, err)
        return found

    def _prepare(self) -> None:
        if self._db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the file is damaged")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            # What it means is not known: nothing of it is changed, and nothing is added.
            self.newer = version
            self._close()
            self._connection = _read_only(self.path)
        elif version < VERSION:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(SCHEMA)
            self._db.execute(f"PRAGMA user_version={VERSION}")
        if self.newer is None:
            self._lengthen_log()

    def _lengthen_log(self) -> None:
        """Give the log file the length that it has later anyhow.

        A commit that also lengthens the file waits half as long again for the disk. What
        is rolled back stays in the file as room, and means nothing.
        """
        try:
            self._db.execute("PRAGMA cache_size=10")
            self._db.execute("BEGIN")
            self._db.execute("CREATE TABLE room (bytes BLOB)")
            self._db.execute(
                "INSERT INTO room VALUES (zeroblob(?))", (LOG_PAGES * PAGE_BYTES,)
            )
        except sqlite3.OperationalError as err:
            # A full disk: what matters more than speed will say so.
            LOGGER.debug("The log file stays short: %s", err)
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._db.execute(f"PRAGMA cache_size={CACHE_SIZE}")

    def _rescue(self) -> None:
        """Take over what can be read of the file that was moved aside, table by table."""
        lost: list[str] = []
        for table in TABLES:
            rows: dict[bytes, Row] = {}
            try:
                with closing(_read_only(self.moved)) as source:
                    is_whole = _read(source, table, rows)
            except sqlite3.Error as err:
                LOGGER.error("%s of the damaged file: %s", table, err)
                is_whole = False
            for key, (closed_at, data) in rows.items():
                try:
                    row = (key.decode(), closed_at, json_dumps(json_loads_object(data)))
                except ValueError as err:
                    LOGGER.error("A row of %s cannot be rescued: %s", table, err)
                    is_whole = False
                    continue
                self._db.execute(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",  # noqa: S608
                    row,
                )
            if not is_whole:
                lost.append(table)
        self.lost = tuple(lost)

    def _move_aside(self) -> None:
        self._close()
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        self.moved = self.path.with_name(f"{self.path.name}.broken-{stamp}")
        for suffix in ("-wal", "-shm", ""):
            file = self.path.with_name(self.path.name + suffix)
            if file.exists():
                file.rename(f"{self.moved}{suffix}")

    def _write(
        self, batch: dict[tuple[str, str], Row | None], waiting: _Waiting
    ) -> None:
        error: str | None = None
        try:
            self._commit(batch)
        except Exception as err:  # noqa: BLE001
            # Whatever it is, somebody waits for the answer.
            error = str(err) or repr(err)
        # The loop may be closed: then nobody waits any more.
        with suppress(RuntimeError):
            self._hass.loop.call_soon_threadsafe(self._written, batch, waiting, error)

    def _commit(self, batch: dict[tuple[str, str], Row | None]) -> None:
        written: dict[str, list[Any]] = {}
        for (table, key), row in batch.items():
            statement = (_UPSERT if row else _DELETE).format(table=table)
            written.setdefault(statement, []).append([key, *row] if row else key)
        work: list[tuple[str, tuple[str, ...]]] = [
            (what, (json_dumps(rows),)) for what, rows in written.items()
        ]
        if len(work) > 1:
            # One alone is a transaction by itself: an alarm waits for no more than that.
            work = [("BEGIN IMMEDIATE", ()), *work, ("COMMIT", ())]
        try:
            for statement, parameters in work:
                self._db.execute(statement, parameters)
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _history(self, since: float, until: float, most: int) -> list[dict[str, Any]]:
        rows = self._db.execute(
            f"SELECT {_BYTES} FROM alarms"  # noqa: S608
            " WHERE closed_at >= ? AND closed_at <= ? ORDER BY closed_at DESC LIMIT ?",
            (since, until, most),
        ).fetchall()
        return [_row(*row) for row in rows]

    def _rows(self, table: str, keys: list[str]) -> list[dict[str, Any]]:
        rows = self._db.execute(
            f"SELECT {_BYTES} FROM {table} WHERE key IN"  # noqa: S608
            " (SELECT value FROM json_each(?))",
            (json_dumps(keys),),
        ).fetchall()
        return [_row(*row) for row in rows]

    def _purge(self, before: float) -> None:
        for table in TABLES:
            self._db.execute(f"DELETE FROM {table} WHERE closed_at < ?", (before,))  # noqa: S608
            self._db.execute(
                f"DELETE FROM {table} WHERE closed_at <= (SELECT closed_at FROM {table}"  # noqa: S608
                " WHERE closed_at IS NOT NULL ORDER BY closed_at DESC"
                " LIMIT 1 OFFSET ?)",
                (KEEP_ROWS,),
            )

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


class _Waiting:
    """Who waits for one batch, and for how long at most."""

    __slots__ = ("_patience", "_waiters")

    def __init__(self) -> None:
        """Initialize."""
        self._waiters: list[Waiter] = []
        self._patience: asyncio.TimerHandle | None = None

    def add(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> None:
        """Let one more wait."""
        if self._patience is None:
            self._patience = loop.call_later(PATIENCE_SECONDS, self.answer, False)
        self._waiters.append(waiter)

    def answer(self, stored: bool) -> None:
        """Answer everybody who still waits."""
        if self._patience:
            self._patience.cancel()
            self._patience = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter(stored)


def _resolve(future: asyncio.Future[bool], stored: bool) -> None:
    if not future.done():
        future.set_result(stored)


def _row(key: bytes, closed_at: float | None, data: bytes) -> dict[str, Any]:
    """Return a row with when it was closed; of one that cannot be read only that."""
    try:
        row = json_loads_object(data)
    except ValueError as err:
        LOGGER.error("The row %r cannot be read: %s", key, err)
        row = {}
    return {**row, "closed_at": closed_at}


def _read_only(path: Path | None) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(path or '').as_uri()}?mode=ro", uri=True)


def _columns(source: sqlite3.Connection, table: str) -> list[Any]:
    return source.execute(f"PRAGMA table_info({table})").fetchall()


def _read(source: sqlite3.Connection, table: str, found: dict[bytes, Row]) -> bool:
    """Read what can be read of a damaged table; return if that is all of it.

    A damaged page ends a walk over the table. So it is walked from both ends, and what
    lies between two damaged pages is asked for by the keys that the index still names.
    Raises sqlite3.Error if nothing can be read at all.
    """
    if not _columns(source, table):
        return True
    for order in ("ASC", "DESC"):
        try:
            for key, *row in source.execute(
                f"SELECT {_BYTES} FROM {table} ORDER BY key {order}"  # noqa: S608
            ):
                found[key] = tuple(row)
        except sqlite3.DatabaseError:
            continue
        return True
    with suppress(sqlite3.DatabaseError):
        for (key,) in source.execute(
            f"SELECT CAST(key AS BLOB) FROM {table} INDEXED BY {table}_closed"  # noqa: S608
            " ORDER BY closed_at"
        ).fetchall():
            if key not in found:
                with suppress(sqlite3.DatabaseError):
                    row = source.execute(
                        f"SELECT {_BYTES} FROM {table}"  # noqa: S608
                        " WHERE key = CAST(? AS TEXT)",
                        (key,),
                    ).fetchone()
                    found[key] = row[1:]
    return False
