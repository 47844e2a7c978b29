"""The database of the alarm book, latches and device settings.

One SQLite file, one writer thread. Everything that waits is committed together, so a
thousand alarms of one moment cost a few commits. A row that could not be written stays
queued and is tried again until it is on disk.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
import sqlite3
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import json_loads_object

from ..const import LOGGER

VERSION = 1
RETRY_SECONDS = 5
#: A disk that does not answer must not hold up an alarm for longer.
PATIENCE_SECONDS = 1.0
KEEP_DAYS = 400
KEEP_ROWS = 200_000

#: When it was closed, and its JSON.
type Row = tuple[float | None, str]

# All rows of a table in one statement: the thread asks for the interpreter once and not
# for each row, while the event loop is busiest.
_UPSERT = """
    INSERT INTO {table} (key, closed_at, data)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
    ON CONFLICT (key) DO UPDATE SET closed_at = excluded.closed_at, data = excluded.data
"""
_DELETE = "DELETE FROM {table} WHERE key IN (SELECT value FROM json_each(?))"
_TABLES = ("alarms", "latches", "settings", "counts", "seen", "devices")
SCHEMA = "".join(
    f"""
    CREATE TABLE IF NOT EXISTS {table} (
        key TEXT PRIMARY KEY,
        closed_at REAL,          -- Unix time; NULL while the row is alive
        data TEXT NOT NULL       -- JSON
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS {table}_closed ON {table} (closed_at);
    """
    for table in _TABLES
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
        self._waiting: list[asyncio.Future[bool]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._reason: str | None = None
        #: Where a damaged file was moved to when this run began.
        self.moved: Path | None = None

    async def async_open(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Open the file and return the living rows by table and key.

        A file that SQLite cannot read is moved aside, so that alarms go on.
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
        self._end_retry()
        if self._flushing and not self._flushing.done():
            await self._flushing
        elif self._queue:
            await self._async_flush()
        self._end_retry()
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
        self._queue[table, key] = (
            None if data is None else (closed_at, json_dumps(data))
        )
        future: asyncio.Future[bool] = self._hass.loop.create_future()
        if self._patience is None:
            # It runs from here: an earlier commit may be what takes so long.
            self._patience = self._hass.loop.call_later(
                PATIENCE_SECONDS, _answer, self._waiting, False
            )
        self._waiting.append(future)
        if self._cancel_retry or self._closed:
            # The disk is known to be broken: nobody waits for the next try.
            self._answer(*self._take_waiting(), False)
        elif not self._is_flushing:
            self._begin_flush()
        return future

    @property
    def is_busy(self) -> bool:
        """Return if anything is not on disk yet."""
        return bool(self._queue) or self._is_flushing

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
        """Bring everything into the one file, for a backup. Raises sqlite3.Error."""
        await self._async_run(
            lambda: self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        )

    async def _async_run[*Ts, T](self, target: Callable[[*Ts], T], *args: *Ts) -> T:
        return await self._hass.loop.run_in_executor(self._executor, target, *args)

    @property
    def _is_flushing(self) -> bool:
        return self._flushing is not None and not self._flushing.done()

    @callback
    def _begin_flush(self) -> None:
        # No background task: these are cancelled when Home Assistant stops, and with
        # them what they were about to write. It has begun at the return: an alarm waits.
        self._flushing = self._hass.async_create_task(
            self._async_flush_all(), "community_safety storage"
        )

    async def _async_flush_all(self) -> None:
        while self._queue and not self._cancel_retry:
            await self._async_flush()

    async def _async_flush(self) -> None:
        """Commit all that is queued; what fails is queued again for later."""
        batch, self._queue = self._queue, {}
        waiting = self._take_waiting()
        try:
            await self._async_run(self._commit, batch)
        except sqlite3.Error as err:
            # A newer row of the same key has overtaken the failed one.
            self._queue = {**batch, **self._queue}
            self._trouble(str(err))
            self._answer(*waiting, False)
            self._answer(*self._take_waiting(), False)
            self._cancel_retry = async_call_later(
                self._hass, RETRY_SECONDS, self._retry
            )
        else:
            self._trouble(None)
            self._answer(*waiting, True)

    def _take_waiting(
        self,
    ) -> tuple[list[asyncio.Future[bool]], asyncio.TimerHandle | None]:
        """Return who waits, with the timer of their patience."""
        taken = self._waiting, self._patience
        self._waiting, self._patience = [], None
        return taken

    @staticmethod
    def _answer(
        waiting: list[asyncio.Future[bool]],
        patience: asyncio.TimerHandle | None,
        stored: bool,
    ) -> None:
        if patience:
            patience.cancel()
        _answer(waiting, stored)

    @callback
    def _retry(self, _now: datetime) -> None:
        self._cancel_retry = None
        self._begin_flush()

    def _end_retry(self) -> None:
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None

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
        try:
            return {table: self._living(table) for table in _TABLES}, trouble
        except sqlite3.OperationalError as err:
            # Better without the past than without a present.
            return {table: {} for table in _TABLES}, str(err)

    def _living(self, table: str) -> dict[str, dict[str, Any]]:
        rows = self._db.execute(
            f"SELECT key, data FROM {table} WHERE closed_at IS NULL"  # noqa: S608
        )
        return {key: json_loads_object(data) for key, data in rows}

    def _prepare(self) -> None:
        if self._db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the file is damaged")
        if self._db.execute("PRAGMA user_version").fetchone() != (VERSION,):
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(SCHEMA)
            self._db.execute(f"PRAGMA user_version={VERSION}")

    def _move_aside(self) -> None:
        self._close()
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        self.moved = self.path.with_name(f"{self.path.name}.broken-{stamp}")
        for suffix in ("-wal", "-shm", ""):
            file = self.path.with_name(self.path.name + suffix)
            if file.exists():
                file.rename(f"{self.moved}{suffix}")

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
            "SELECT data FROM alarms WHERE closed_at >= ? AND closed_at <= ?"
            " ORDER BY closed_at DESC LIMIT ?",
            (since, until, most),
        ).fetchall()
        return [json_loads_object(data) for (data,) in rows]

    def _rows(self, table: str, keys: list[str]) -> list[dict[str, Any]]:
        rows = self._db.execute(
            f"SELECT data FROM {table} WHERE key IN"  # noqa: S608
            " (SELECT value FROM json_each(?))",
            (json_dumps(keys),),
        ).fetchall()
        return [json_loads_object(data) for (data,) in rows]

    def _purge(self, before: float) -> None:
        for table in _TABLES:
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


def _answer(waiting: Iterable[asyncio.Future[bool]], stored: bool) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(stored)
