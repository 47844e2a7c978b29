"""The database: opened, checked, migrated, and asked by threads of its own.

One thread writes, because SQLite has one writer anyway: who waits for it waits in a queue
and not in a lock that may be refused. Reading waits for no writer, neither ours nor another
program's: one thread reads what an alert needs, and one what takes long.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
import logging
from pathlib import Path
import sqlite3
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant

from ..const import DOMAIN, LOGGER
from .errors import AWAY, RegisterError, explain
from .migrations import Feature, TooNewError, migrate

#: How long another program may hold the SQLite file, a PostgreSQL may not answer to a
#: connection, or to a statement.
BUSY_SECONDS = 5
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30

#: Only the owner reads and writes.
PRIVATE = 0o600

_NO_BEGIN = "rental_units_no_begin"


class Database:
    """A register's database, SQLite by path or PostgreSQL by URL."""

    def __init__(
        self,
        hass: HomeAssistant,
        path: Path,
        url: str | None,
        schema: str,
        features: Sequence[Feature],
    ) -> None:
        """Initialize. In PostgreSQL, each property has a schema of its own."""
        self._hass = hass
        self._features = features
        self.path = None if url else path
        self._schema = schema
        where = postgresql_url(url) if url else path
        self._executor = ThreadPoolExecutor(1, f"{schema}_database")
        self._engine = open_engine(where, schema)
        self._reader = ThreadPoolExecutor(1, f"{schema}_reader")
        self._long_reader = ThreadPoolExecutor(1, f"{schema}_long_reader")
        self._reading = open_engine(where, schema, read_only=True)
        self._closed = False
        self._is_open = False
        #: Who has found it away since it was opened: who reads finds one there that is locked.
        self._missed_by: ThreadPoolExecutor | None = None
        #: Where a damaged file was moved to when this run began.
        self.moved: Path | None = None

    async def async_open(self) -> None:
        """Check and migrate. Raises RegisterError."""
        await self._async_call(self._executor, self._open)
        self._is_open = True

    async def async_run[T](self, work: Callable[[Session], T]) -> T:
        """Run work in one transaction, in the thread that writes.

        Raises RegisterError; nothing was changed then.
        """
        self._check_open()
        return await self._async_call(self._executor, partial(_run, self._engine, work))

    async def async_read[T](
        self, work: Callable[[Session], T], *, long: bool = False
    ) -> T:
        """Run work that only reads, beside all that is written. Raises RegisterError.

        What may take more than some milliseconds is `long`: no alert waits for it.
        """
        self._check_open()
        return await self._async_call(
            self._long_reader if long else self._reader,
            partial(_run, self._reading, work),
        )

    async def async_checkpoint(self) -> None:
        """Bring everything into the one file, for a backup. Raises RegisterError."""
        if self.path:
            await self._async_call(self._executor, self._checkpoint)

    async def async_close(self) -> None:
        """Close the database. Who asks afterwards is told so."""
        if self._closed:
            return
        self._closed = True
        for executor in (self._reader, self._long_reader, self._executor):
            await self._hass.async_add_executor_job(executor.shutdown)
        await self._hass.async_add_executor_job(self._dispose)

    def files(self) -> list[Path]:
        """Return the files of the database, if it is one of files. It may block."""
        return _files(self.path) if self.path else []

    async def async_leftovers(self) -> list[Path]:
        """Return the damaged files that were moved aside: they hold people too."""
        return await self._hass.async_add_executor_job(self._leftovers)

    async def async_remove_leftovers(self) -> list[str]:
        """Delete the damaged files that were moved aside; return their names."""

        def remove() -> list[str]:
            found = self._leftovers()
            for file in found:
                file.unlink(missing_ok=True)
            return [file.name for file in found]

        return await self._hass.async_add_executor_job(remove)

    async def async_erase(self) -> None:
        """Delete the whole database, where its property is removed. Raises RegisterError."""
        await self._async_call(self._executor, self._erase)

    def _check_open(self) -> None:
        # What is not migrated yet must not be written.
        if not self._is_open and not self._closed:
            raise RegisterError("register_unreachable")

    async def _async_call[T](
        self, executor: ThreadPoolExecutor, work: Callable[[], T]
    ) -> T:
        if self._closed:
            raise RegisterError("property_not_loaded")
        try:
            done = await self._hass.loop.run_in_executor(
                executor, partial(explained, work)
            )
        except RegisterError as err:
            # While it is opened, who opens it says so.
            if self._is_open and err.key in AWAY and self._missed_by is None:
                self._missed_by = executor
                LOGGER.warning("The database %s is away: %s", self._schema, err.key)
            raise
        if self._missed_by is executor:
            self._missed_by = None
            LOGGER.info("The database %s is back", self._schema)
        return done

    # Below: in a thread

    def _dispose(self) -> None:
        self._reading.dispose()
        # The last connection that is closed brings the log into the file.
        self._engine.dispose()

    def _open(self) -> None:
        try:
            self._prepare()
        except DBAPIError as err:
            if self.path is None or explain(err).key != "register_damaged":
                raise
            self._move_aside(self.path)
            self._prepare()

    def _prepare(self) -> None:
        with self._engine.begin() as connection:
            if self.path is None:
                connection.execute(
                    text(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
                )
            migrate(connection, self._features)
        if self.path:
            # Nobody but Home Assistant's own user; the log beside it follows the file.
            for file in (*_files(self.path), *self._leftovers()):
                file.chmod(PRIVATE)

    def _move_aside(self, path: Path) -> None:
        self._dispose()
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        self.moved = path.with_name(f"{path.name}.broken-{stamp}")
        for file in _files(path):
            file.rename(f"{self.moved}{file.name.removeprefix(path.name)}")

    def _checkpoint(self) -> None:
        with self._engine.connect() as connection:
            # A checkpoint is not possible in a transaction.
            connection.execution_options(**{_NO_BEGIN: True})
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _erase(self) -> None:
        if self.path is None:
            with self._engine.begin() as connection:
                connection.execute(
                    text(f'DROP SCHEMA IF EXISTS "{self._schema}" CASCADE')
                )
            return
        self._dispose()
        for file in (*_files(self.path), *self._leftovers()):
            file.unlink()

    def _leftovers(self) -> list[Path]:
        return (
            sorted(self.path.parent.glob(f"{self.path.name}.broken-*"))
            if self.path
            else []
        )


def _run[T](engine: Engine, work: Callable[[Session], T]) -> T:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return work(session)


def explained[T](work: Callable[[], T]) -> T:
    """Run work, and say its failures in words. Raises RegisterError."""
    try:
        return work()
    except (SQLAlchemyError, TooNewError, OSError) as err:
        raise explain(err) from None


def postgresql_url(url: str) -> URL:
    """Return the URL for our driver. Raises RegisterError if it is not of a PostgreSQL."""
    try:
        parsed = make_url(url.strip())
    except ArgumentError, ValueError:
        raise RegisterError("invalid_url") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres") or not (
        parsed.database
    ):
        raise RegisterError("invalid_url")
    return parsed.set(drivername="postgresql+pg8000")


def probe(url: str) -> None:
    """Connect, and see that tables can be made there. Raises RegisterError."""

    def connect() -> None:
        engine = open_engine(postgresql_url(url), None)
        try:
            with engine.connect() as connection:
                allowed = connection.execute(
                    text("SELECT has_database_privilege(current_database(), 'CREATE')")
                ).scalar_one()
        finally:
            engine.dispose()
        if not allowed:
            raise RegisterError("register_refused")

    explained(connect)


def _files(path: Path) -> list[Path]:
    names = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", ""))
    return [file for file in names if file.exists()]


def open_engine(
    where: Path | URL, schema: str | None, *, read_only: bool = False
) -> Engine:
    """Return an engine whose connections are as ours have to be."""
    # Parameters and rows are people: no error and no log may show them, not even where
    # everything is logged down to debug.
    for part in ("engine.Engine", "pool.impl.QueuePool"):
        logging.getLogger(f"sqlalchemy.{part}.{DOMAIN}").setLevel(logging.WARNING)
    if isinstance(where, Path):
        engine = create_engine(
            URL.create("sqlite", database=str(where)),
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            hide_parameters=True,
            logging_name=DOMAIN,
            pool_logging_name=DOMAIN,
            pool_size=2 if read_only else 1,
        )
        event.listen(engine, "connect", partial(_prepare_sqlite, read_only))
        event.listen(engine, "begin", partial(_begin_sqlite, read_only))
        return engine
    engine = create_engine(
        where,
        connect_args={"timeout": CONNECT_SECONDS},
        hide_parameters=True,
        logging_name=DOMAIN,
        pool_logging_name=DOMAIN,
        pool_pre_ping=True,
        pool_size=2 if read_only else 1,
    )
    # The driver would send the rows of an INSERT one by one, and wait for each.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    event.listen(engine, "connect", partial(_prepare_postgresql, schema, read_only))
    return engine


def _prepare_sqlite(read_only: bool, connection: Any, _record: Any) -> None:
    # SQLAlchemy says when a transaction begins, not the driver: see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    if read_only:
        cursor.execute("PRAGMA query_only=ON")
        cursor.close()
        return
    # What is deleted is overwritten: an erased person is gone from the file too.
    for pragma in (
        "foreign_keys=ON",
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    if cursor.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise _damaged()
    cursor.close()


def _begin_sqlite(read_only: bool, connection: Any) -> None:
    if read_only:
        connection.exec_driver_sql("BEGIN")
    # The lock is taken at once: a transaction that begins to write later may be refused.
    elif not connection.get_execution_options().get(_NO_BEGIN):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgresql(
    schema: str | None, read_only: bool, connection: Any, _record: Any
) -> None:
    cursor = connection.cursor()
    if read_only:
        cursor.execute("SET default_transaction_read_only = on")
    cursor.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
    cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    if schema:
        cursor.execute(f'SET search_path TO "{schema}"')
    cursor.close()
    connection.commit()


def _damaged() -> Exception:
    err = sqlite3.DatabaseError("the file is damaged")
    err.sqlite_errorname = "SQLITE_CORRUPT"
    return err
