"""The demo's processes: started, watched, and ended without orphans."""

import asyncio
from collections.abc import Iterable
import contextlib
import ctypes
import os
import signal
import socket
import sys

from .place import LOGS, REPOSITORY

#: Seconds that a process gets to end by itself.
GRACE_SECONDS = 25
_PR_SET_PDEATHSIG = 1


class ProcessError(Exception):
    """A process ended, or said nothing in time; the text says which, and its log."""


def _die_with_parent() -> None:
    """Let the kernel end the process when the demo is killed (on Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A Python module that runs in a process of its own."""

    def __init__(self, name: str, module: str, *arguments: str, **env: str) -> None:
        """Initialize."""
        self.name = name
        self._command = (sys.executable, "-m", module, *arguments)
        self._env = env
        self._log = LOGS / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *, wait_for: bytes | None = None) -> None:
        """Start it, and wait for a first line if it gives one. Raises ProcessError."""
        LOGS.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if wait_for else log,
                stderr=log,
                # Ctrl-C is for the demo: it ends its processes in the right order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        if wait_for:
            assert self._process.stdout
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    if (await self._process.stdout.readline()).strip() == wait_for:
                        return
            raise ProcessError(f"The {self.name} did not start, see {self._log}")

    @property
    def is_running(self) -> bool:
        """Return if it has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def wait(self) -> int:
        """Wait until it ends; return its exit code."""
        assert self._process
        return await self._process.wait()

    async def stop(self) -> None:
        """End it, by force if it does not want to."""
        if not self._process:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                await self._process.wait()


def free_port(wanted: Iterable[int]) -> int:
    """Return the first port of the loopback address that nobody uses, else any."""
    for port in (*wanted, 0):
        with contextlib.closing(socket.socket()) as probe:
            # As servers do: a port whose last connections still linger is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise ProcessError("There is no free port on 127.0.0.1")
