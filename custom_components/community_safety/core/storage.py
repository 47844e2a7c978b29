"""The database of the alarm book, latches and device settings.

One SQLite file, one writer thread. Everything that waits is committed together, so a
thousand alarms of one moment cost a few commits. A row that could not be written stays
queued and is tried again until it is on disk.

A table that cannot be read is `unread`, never empty: it is tried again, and what is put
into it meanwhile takes the place of nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
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

#: 2: self-tests have a table of their own. 3: doors that a fire has released. 4: what people
#: have ordered doors to do.
VERSION = 4
RETRY_SECONDS = 5
#: A damaged file whose new one cannot be written is read anew after so many seconds.
RESCUE_SECONDS = 60
#: A start waits for the file no longer than this; what comes later is taken over then.
OPEN_SECONDS = 10
#: A disk that does not answer must not hold up an alarm for longer.
PATIENCE_SECONDS = 1.0
#: Who sets something waits so long for it: a machine that has just started is busy, and a disk
#: that is slow has not refused.
LONG_PATIENCE_SECONDS = 10.0
#: So long those are answered who wait, in seconds, before others have their turn.
ANSWER_SECONDS = 0.05
#: Pages of the log file at which SQLite takes them into the database: its default.
LOG_PAGES = 1000
PAGE_BYTES = 4096
#: What SQLite keeps in memory by default; negative: in KiB.
CACHE_SIZE = -2000
KEEP_DAYS = 400
KEEP_ROWS = 200_000

#: When it was closed, and its JSON.
type Row = tuple[float | None, str]
#: Living rows by table and key.
type Found = dict[str, dict[str, dict[str, Any]]]
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
TABLES = (
    "alarms",
    "latches",
    "settings",
    "counts",
    "seen",
    "devices",
    "tests",
    "releases",
    "orders",
)
#: The table whose keys are new for each row: one of this run takes no other's place.
NEW_KEYS = "alarms"
#: In a file that was rescued, until the end of that run: what has become of the damaged one.
_RESCUED = "CREATE TABLE rescued (path TEXT NOT NULL, lost TEXT NOT NULL)"
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
        self._waiting = _Waiting(self._answer)
        #: Who is answered next, and what goes on with it.
        self._answers: deque[tuple[Waiter, bool]] = deque()
        self._answering: asyncio.Handle | None = None
        #: Done when nothing is being written any more.
        self._idle: asyncio.Future[None] | None = None
        #: Hands over what is queued, after the present turn of the loop.
        self._due: asyncio.Handle | None = None
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._reason: str | None = None
        #: The file was looked at, and may be written.
        self._ready = False
        self._is_damaged = False
        #: When an earlier run has last written something, in Unix time; 0 if none has.
        self.last_written = 0.0
        #: Tables that could not be read yet.
        self.unread = set(TABLES)
        #: What was put into them meanwhile.
        self._held: dict[tuple[str, str], Row | None] = {}
        #: Hears of living rows that could only be read after the start, and with none
        #: when a damaged file was replaced after it; set by the house.
        self.on_found: Callable[[Found], None] = lambda _found: None
        #: What was found while `async_open` waits.
        self._early: Found | None = None
        #: Where a damaged file was moved to when this run began.
        self.moved: Path | None = None
        #: Tables of which a damaged file could be read in part or not at all.
        self.lost: tuple[str, ...] = ()
        #: The version of a file that a newer version has written; it is only read.
        self.newer: int | None = None

    async def async_open(self) -> Found:
        """Open the file and return the living rows, of each table that could be read.

        What cannot be read within OPEN_SECONDS is `unread`: it is tried again, and
        `on_found` hears of it. A file that is damaged is moved aside, so that alarms go on;
        what can be read of it is taken over. One of a newer version is read and never
        written.
        """
        self._early = {}
        self._begin_writing()
        if self._idle:
            await asyncio.wait({self._idle}, timeout=OPEN_SECONDS)
        found, self._early = self._early, None
        return found

    async def async_close(self) -> None:
        """Write what is queued, and close the file. Nothing is taken afterwards."""
        if self._closed:
            return
        self._closed = True
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None
        if (self._queue or self._held) and not self._is_writing:
            self._begin_writing()
        if self._idle:
            await self._idle
        while self._answers:
            self._answer_next()
        if self.waiting:
            LOGGER.error("%d records could not be stored", self.waiting)
        await self._async_run(self._end)
        await self._hass.async_add_executor_job(self._executor.shutdown)

    @callback
    def put(
        self,
        table: str,
        key: str,
        data: dict[str, Any] | None,
        *,
        closed_at: float | None = None,
        patient: bool = False,
    ) -> asyncio.Future[bool]:
        """Queue a row, or its removal (None).

        The result is True when it is on disk, False when the disk refused or did not
        answer within PATIENCE_SECONDS; it is then still queued. Who is `patient` waits for
        LONG_PATIENCE_SECONDS, also for a file that is being opened.
        """
        future: asyncio.Future[bool] = self._hass.loop.create_future()
        self.put_then(
            table,
            key,
            data,
            partial(_resolve, future),
            closed_at=closed_at,
            patient=patient,
        )
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
        patient: bool = False,
    ) -> None:
        """Queue a row as `put` does, and call `then` once, at once when it is answered.

        It must not raise: an alarm waits for no future, and no task.
        """
        if self.newer is not None:
            self._hass.loop.call_soon(then, False)
            return
        row = None if data is None else (closed_at, json_dumps(data))
        if table in self.unread and table != NEW_KEYS:
            self._held[table, key] = row
        else:
            self._queue[table, key] = row
        may_be_ready = self._ready or (patient and self._is_writing)
        if self._cancel_retry or self._closed or not may_be_ready:
            # The disk is known to be broken: nobody waits for the next try.
            self._hass.loop.call_soon(then, False)
            return
        # Patience runs from here: an earlier commit may be what takes so long.
        seconds = LONG_PATIENCE_SECONDS if patient else PATIENCE_SECONDS
        self._waiting.add(then, self._hass.loop, seconds)
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
        return bool(self.waiting or self._answers) or self._is_writing

    async def async_written(self) -> bool:
        """Return if all that was put is on disk, once it is.

        False if the disk refuses, or does not answer within PATIENCE_SECONDS.
        """
        # What is put last is written last: here, that there is no such row.
        return not self.is_busy or await self.put(NEW_KEYS, "", None)

    @property
    def waiting(self) -> int:
        """Return how many rows are queued."""
        return len(self._queue) + len(self._held)

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
        """Return rows by their keys, closed ones too; what cannot be read is missing.

        Nobody waits for a file that is not open yet: `on_found` tells when it is.
        """
        if not (wanted := list(keys)) or not self._ready:
            return []
        try:
            return await self._async_run(self._rows, table, wanted)
        except sqlite3.Error as err:
            LOGGER.error("Closed alarms cannot be read: %s", err)
            return []

    async def async_latest(
        self, table: str, prefix: str, most: int
    ) -> list[dict[str, Any]]:
        """Return the closed rows whose keys begin so, by key, the last ones first.

        Raises sqlite3.Error.
        """
        return await self._async_run(self._latest, table, prefix, most)

    async def async_closed(
        self, table: str, after: tuple[float, str], until: float, most: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return closed rows with their keys, in order of time and key, from there on.

        Raises sqlite3.Error.
        """
        return await self._async_run(self._closed_rows, table, after, until, most)

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
        waiting, self._waiting = self._waiting, _Waiting(self._answer)
        self._executor.submit(self._write, batch, waiting)
        if not self._is_writing:
            self._idle = self._hass.loop.create_future()
            if batch:
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
                    self._hass,
                    RESCUE_SECONDS if self._is_damaged else RETRY_SECONDS,
                    self._retry,
                )
        elif self.newer is not None:
            # Found out only now: nothing of it is written.
            self._queue.clear()
        if error is None and self._queue:
            # The thread writes on while this one tells what is written.
            self._begin_writing()
        elif self._idle:
            self._idle.set_result(None)
        waiting.answer(error is None and self.newer is None)
        if error is not None:
            self._waiting.answer(False)

    @callback
    def _answer(self, waiters: Iterable[Waiter], stored: bool) -> None:
        """Answer some of those who wait, one after the other.

        Each may start an automation: hundreds of alarms are stored at the same moment.
        """
        self._answers.extend((waiter, stored) for waiter in waiters)
        if self._answering is None:
            self._answer_next()

    @callback
    def _answer_next(self) -> None:
        """Answer for a moment, and go on when others have had their turn."""
        self._answering = None
        until = time.perf_counter() + ANSWER_SECONDS
        while self._answers:
            waiter, stored = self._answers.popleft()
            waiter(stored)
            if self._answers and time.perf_counter() >= until:
                self._answering = self._hass.loop.call_soon(self._answer_next)
                return

    @callback
    def _take(self, found: Found) -> None:
        """Take what the thread has read; what was put into it meanwhile is newer."""
        found = {
            table: {
                key: row
                for key, row in rows.items()
                if self._held.get((table, key), ()) is not None
            }
            for table, rows in found.items()
            if table in self.unread
        }
        self.unread -= found.keys()
        for item in [item for item in self._held if item[0] in found]:
            self._queue[item] = self._held.pop(item)
        if self._early is not None:
            self._early |= found
        elif found or self._ready:
            self.on_found(found)

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

    def _open(self) -> None:
        """Make the file ready, and hand over what is alive in it.

        Raises sqlite3.Error or OSError if it cannot be written; what can be read is handed
        over all the same.
        """
        found: Found = {}
        self.last_written = self.last_written or _last_written(self.path)
        try:
            self._put_in_place()
            try:
                self._check()
                for table in TABLES:
                    if table in self.unread:
                        found[table] = self._living(table)
            except sqlite3.DatabaseError as err:
                if not _is_damage(err):
                    raise
                LOGGER.error("%s is damaged: %s", self.path, err)
                self._is_damaged = True
                self._rescue(found)
                self._put_in_place()
                self._check()
            self._prepare()
            self._ready, self._is_damaged = True, False
        finally:
            if not self._ready:
                self._close()
            self._hand_over(found)

    def _hand_over(self, found: Found) -> None:
        # The loop may be closed: then nobody waits any more.
        with suppress(RuntimeError):
            self._hass.loop.call_soon_threadsafe(self._take, found)

    def _living(self, table: str) -> dict[str, dict[str, Any]]:
        """Return the living rows; one that cannot be read is empty here, and stays."""
        if not _columns(self._db, table):
            # Of another version.
            return {}
        rows = self._db.execute(
            f"SELECT {_BYTES} FROM {table} WHERE closed_at IS NULL"  # noqa: S608
        )
        found: dict[str, dict[str, Any]] = {}
        for key, _closed_at, data in rows:
            name = key.decode(errors="replace")
            try:
                found[name] = json_loads_object(data)
            except ValueError as err:
                LOGGER.error("A row of %s cannot be read: %s", table, err)
                found[name] = {}
        return found

    def _check(self) -> None:
        """Look if the file is whole, and what it is."""
        if self._db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the file is damaged")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            # What it means is not known: nothing of it is changed, and nothing is added.
            self._close()
            self._connection = _read_only(self.path)
            self.newer = version
        if _columns(self._db, "rescued"):
            path, lost = self._db.execute("SELECT path, lost FROM rescued").fetchone()
            self.moved, self.lost = Path(path), tuple(lost.split())

    def _prepare(self) -> None:
        """Make the file one of this version."""
        if self.newer is not None:
            return
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(SCHEMA)
            self._db.execute(f"PRAGMA user_version={VERSION}")
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

    def _rescue(self, found: Found) -> None:
        """Write what can be read of a damaged file into a new one beside it.

        What is alive comes first: it is handed over before the rest is read. The new file
        is one transaction, and has its name only once it is whole. Raises sqlite3.Error or
        OSError; then everything is as it was.
        """
        self._close()
        lost: set[str] = set()
        unreadable: dict[str, sqlite3.Error] = {}
        for table in TABLES:
            found[table] = {}
            try:
                with closing(_read_only(self.path)) as source:
                    for key, closed_at, row in _read(source, table, lost, alive=True):
                        if closed_at is None and (row or key not in found[table]):
                            found[table][key] = row
            except sqlite3.DatabaseError as err:
                if not _is_damage(err):
                    found.clear()
                    raise
                LOGGER.error("%s of the damaged file: %s", table, err)
                unreadable[table] = err
        if not any(found.values()):
            for error in unreadable.values():
                if isinstance(error, sqlite3.OperationalError):
                    # The disk gives nothing at all: it may be away for a moment only.
                    found.clear()
                    raise error
        self._hand_over(found)
        new = self._beside(".rescuing")
        for suffix in ("-journal", "-wal", "-shm", ""):
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        with closing(sqlite3.connect(new, autocommit=True)) as target:
            target.executescript(f"BEGIN; {SCHEMA} {_RESCUED}")
            for table, rows in found.items():
                target.executemany(
                    f"INSERT INTO {table} VALUES (?, NULL, ?)",  # noqa: S608
                    ((key, json_dumps(row)) for key, row in rows.items()),
                )
            for table in TABLES:
                if table not in unreadable:
                    with closing(_read_only(self.path)) as source:
                        target.executemany(
                            f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)",  # noqa: S608
                            (
                                (key, closed_at, json_dumps(row))
                                for key, closed_at, row in _read(source, table, lost)
                            ),
                        )
            lost |= unreadable.keys()
            target.execute(
                "INSERT INTO rescued VALUES (?, ?)",
                (
                    str(self._beside(f".broken-{stamp}")),
                    " ".join(table for table in TABLES if table in lost),
                ),
            )
            target.execute(f"PRAGMA user_version={VERSION}")
            target.execute("COMMIT")
            target.execute("PRAGMA journal_mode=WAL")
        new.rename(self._beside(".rescued"))

    def _put_in_place(self) -> None:
        """Let a rescued file take the place of the damaged one, which is moved aside.

        Whatever ends this halfway, the next start goes on with it.
        """
        rescued = self._beside(".rescued")
        if not rescued.exists():
            return
        try:
            with closing(sqlite3.connect(rescued)) as database:
                (moved,) = database.execute("SELECT path FROM rescued").fetchone()
        except sqlite3.DatabaseError as err:
            if not (_is_damage(err) and self.path.exists()):
                raise
            # It has gone bad as well: the first one is read anew.
            rescued.unlink()
            return
        for suffix in ("-wal", "-shm", ""):
            if (file := self._beside(suffix)).exists():
                file.rename(f"{moved}{suffix}")
        rescued.rename(self.path)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _write(
        self, batch: dict[tuple[str, str], Row | None], waiting: _Waiting
    ) -> None:
        error: str | None = None
        try:
            if not self._ready:
                self._open()
            if batch and self.newer is None:
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

    def _latest(self, table: str, prefix: str, most: int) -> list[dict[str, Any]]:
        rows = self._db.execute(
            f"SELECT {_BYTES} FROM {table} WHERE key >= ? AND key < ?"  # noqa: S608
            " AND closed_at IS NOT NULL ORDER BY key DESC LIMIT ?",
            (prefix, f"{prefix}\U0010ffff", most),
        ).fetchall()
        return [_row(*row) for row in rows]

    def _closed_rows(
        self, table: str, after: tuple[float, str], until: float, most: int
    ) -> list[tuple[str, dict[str, Any]]]:
        rows = self._db.execute(
            f"SELECT {_BYTES} FROM {table}"  # noqa: S608
            " WHERE (closed_at, key) > (?, ?) AND closed_at < ?"
            " ORDER BY closed_at, key LIMIT ?",
            (*after, until, most),
        ).fetchall()
        return [(row[0].decode(errors="replace"), _row(*row)) for row in rows]

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

    def _end(self) -> None:
        if self._ready and self.moved and self.newer is None:
            # People were told of it; after a crash they are told once more.
            with suppress(sqlite3.Error):
                self._db.execute("DROP TABLE IF EXISTS rescued")
        self._close()

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


class _Waiting:
    """Who waits for one batch, and for how long at most."""

    __slots__ = ("_tell", "_timers", "_waiters")

    def __init__(self, tell: Callable[[list[Waiter], bool], None]) -> None:
        """Initialize; `tell` answers those whose time is over, or whose rows are on disk."""
        self._tell = tell
        #: By their patience, in seconds, and when it ends.
        self._waiters: dict[float, list[Waiter]] = {}
        self._timers: dict[float, asyncio.TimerHandle] = {}

    def add(
        self, waiter: Waiter, loop: asyncio.AbstractEventLoop, seconds: float
    ) -> None:
        """Let one more wait, for so many seconds at most."""
        if (waiters := self._waiters.get(seconds)) is None:
            waiters = self._waiters[seconds] = []
            self._timers[seconds] = loop.call_later(
                seconds, self._answer, seconds, False
            )
        waiters.append(waiter)

    def answer(self, stored: bool) -> None:
        """Answer everybody who still waits."""
        for seconds in tuple(self._waiters):
            self._answer(seconds, stored)

    def _answer(self, seconds: float, stored: bool) -> None:
        self._timers.pop(seconds).cancel()
        self._tell(self._waiters.pop(seconds), stored)


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


def _last_written(path: Path) -> float:
    times = [0.0]
    for name in (path, Path(f"{path}-wal")):
        with suppress(OSError):
            times.append(name.stat().st_mtime)
    return max(times)


def _columns(source: sqlite3.Connection, table: str) -> list[Any]:
    return source.execute(f"PRAGMA table_info({table})").fetchall()


def _is_damage(error: sqlite3.Error) -> bool:
    """Return if the content is at fault, or the disk below it: not a lock, or no room."""
    if not isinstance(error, sqlite3.OperationalError):
        return True
    # Without a code it is Python's own: a text that is none.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF == sqlite3.SQLITE_IOERR


@contextmanager
def _past_damage() -> Generator[None]:
    try:
        yield
    except sqlite3.DatabaseError as err:
        if not _is_damage(err):
            raise


def _read(
    source: sqlite3.Connection, table: str, lost: set[str], *, alive: bool = False
) -> Iterator[tuple[str, float | None, dict[str, Any]]]:
    """Yield what can be read of a damaged table, some rows more than once.

    If that is not all of it, the table is added to `lost`. Where it is of those that are
    `alive`, closed rows may be missing, and one that is only known to be there is empty.
    Raises sqlite3.Error if nothing can be read at all.
    """
    for key, closed_at, data in _walk(source, table, lost, alive=alive):
        try:
            name = key.decode()
            row = json_loads_object(data)
        except (AttributeError, ValueError) as err:
            LOGGER.error("A row of %s cannot be rescued: %s", table, err)
            lost.add(table)
            if not alive:
                continue
            name, row = (key or b"").decode(errors="replace"), {}
        yield name, closed_at, row


def _walk(
    source: sqlite3.Connection, table: str, lost: set[str], *, alive: bool
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the rows of a damaged table as bytes.

    A damaged page ends a walk over the table. So it is walked from both ends, and what
    lies between two damaged pages is asked for by the keys that the index still names.
    """
    if not _columns(source, table):
        return
    rows = f"SELECT {_BYTES} FROM {table}"  # noqa: S608
    index = f"INDEXED BY {table}_closed"
    if alive:
        index += " WHERE closed_at IS NULL"
    for walk in (
        *([f"{rows} {index}"] if alive else []),
        f"{rows} ORDER BY key ASC",
        f"{rows} ORDER BY key DESC",
    ):
        with _past_damage():
            yield from source.execute(walk)
            return
    lost.add(table)
    with _past_damage():
        for (key,) in source.execute(
            f"SELECT CAST(key AS BLOB) FROM {table} {index}"  # noqa: S608
        ).fetchall():
            with _past_damage():
                yield from source.execute(f"{rows} WHERE key = CAST(? AS TEXT)", (key,))
                continue
            if alive:
                # What it said is lost; that it was there is not.
                yield key, None, b"{}"
