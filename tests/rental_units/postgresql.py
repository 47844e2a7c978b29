"""A real PostgreSQL of the tests' own."""

from collections.abc import Generator
from contextlib import contextmanager
import os
from pathlib import Path
import shutil
import subprocess
import tempfile
import time

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from simulator.listening import held_port
from tests.common import real_seconds

ROOT = Path(__file__).parents[2]
#: This user owns nothing.
NOBODY = 65534
#: Nothing here has to survive, and each test leaves tables that nobody looks at again.
_FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
    *("autovacuum=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB"),
)


class Server:
    """A PostgreSQL with a folder of its own: it can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path, port: int) -> None:
        """Make an empty database."""
        self._programs = programs
        self._folder = folder
        # PostgreSQL does not run as root.
        self._user = (
            {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            if os.geteuid() == 0
            else {}
        )
        if self._user:
            os.chown(folder, NOBODY, NOBODY)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        setup = ["--no-sync", "--username=tests", "--auth=trust", "--encoding=UTF8"]
        subprocess.run(
            [programs / "initdb", *setup, "--locale=C", f"--pgdata={folder / 'data'}"],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._user,
        )

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"postgresql://tests@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers. Raises RuntimeError."""
        options = (f"port={self._port}", "listen_addresses=127.0.0.1", *_FAST)
        self._process = subprocess.Popen(
            [
                self._programs / "postgres",
                *("-D", self._folder / "data", "-k", self._folder),
                *(part for option in options for part in ("-c", option)),
            ],
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **self._user,
        )
        self._wait(self._process)

    def stop(self) -> None:
        """End the connections, then itself."""
        if self._process:
            self._process.send_signal(2)
            self._process.wait(30)
            self._process = None

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait on a clock that tests cannot freeze; who only listens may be starting yet."""
        engine = create_engine(self.url.replace("postgresql:", "postgresql+pg8000:"))
        deadline = real_seconds() + 60
        while real_seconds() < deadline and process.poll() is None:
            try:
                engine.connect().close()
            except DBAPIError:
                time.sleep(0.05)
            else:
                engine.dispose()
                return
        raise RuntimeError("PostgreSQL did not start")


@contextmanager
def server() -> Generator[Server]:
    """Run a PostgreSQL. Raises RuntimeError where none can be had."""
    found = subprocess.run(
        [ROOT / "scripts/postgresql"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise RuntimeError(f"No PostgreSQL: {found.stderr.strip()}")
    # Not pytest's folder: another user could not pass through it.
    root = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    folder = Path(tempfile.mkdtemp(prefix="rental_units_postgresql_", dir=root))
    with held_port() as port:
        running = Server(Path(found.stdout.strip()), folder, port)
        try:
            running.start()
            yield running
        finally:
            running.stop()
            shutil.rmtree(folder)


@contextmanager
def postgresql() -> Generator[str]:
    """Run a PostgreSQL and yield its URL. Raises RuntimeError where none can be had."""
    with server() as running:
        yield running.url
