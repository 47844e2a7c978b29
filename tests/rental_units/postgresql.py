"""A real PostgreSQL of the tests' own."""

from collections.abc import Generator
from contextlib import contextmanager
import os
from pathlib import Path
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = Path(__file__).parents[2]
#: PostgreSQL does not run as root; this user owns nothing.
NOBODY = 65534
_FAST = "fsync=off", "synchronous_commit=off", "full_page_writes=off"


@contextmanager
def postgresql() -> Generator[str]:
    """Run a PostgreSQL and yield its URL. Raises RuntimeError where none can be had."""
    found = subprocess.run(
        [ROOT / "scripts/postgresql"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise RuntimeError(f"No PostgreSQL: {found.stderr.strip()}")
    programs = Path(found.stdout.strip())
    # Not pytest's folder: another user could not pass through it.
    folder = Path(tempfile.mkdtemp(prefix="rental_units_postgresql_"))
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    user = other if os.geteuid() == 0 else {}
    if user:
        os.chown(folder, NOBODY, NOBODY)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    setup = ["--no-sync", "--username=tests", "--auth=trust", "--encoding=UTF8"]
    subprocess.run(
        [programs / "initdb", *setup, "--locale=C", f"--pgdata={data}"],
        check=True,
        capture_output=True,
        cwd=folder,
        **user,
    )
    options = (f"port={port}", "listen_addresses=127.0.0.1", *_FAST)
    server = subprocess.Popen(
        [
            programs / "postgres",
            *("-D", data, "-k", folder),
            *(part for option in options for part in ("-c", option)),
        ],
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **user,
    )
    try:
        _wait(port, server)
        yield f"postgresql://tests@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(2)  # ends the connections, then itself
        server.wait(30)
        shutil.rmtree(folder)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start")
