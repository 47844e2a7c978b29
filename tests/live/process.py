"""A Home Assistant process of its own, which can be killed."""

import asyncio
from collections.abc import Callable
from contextlib import closing
import os
from pathlib import Path
import sqlite3
import sys
from typing import Any

from simulator.broker import free_port

ROOT = Path(__file__).parents[2]
#: Real seconds; a busy machine takes a minute to start a house.
PATIENCE = 120


class Process:
    """One that says `set up`, and obeys lines; its property is `doors.property_entry`."""

    def __init__(self, folder: Path, module: str, *arguments: str) -> None:
        """Prepare a configuration folder."""
        self.folder = folder
        self._command = sys.executable, "-m", module, str(folder), *arguments
        (folder / "configuration.yaml").write_text("logger:\n  default: error\n")
        (folder / "custom_components").mkdir()
        for domain in ("community_safety", "rental_units"):
            (folder / "custom_components" / domain).symlink_to(
                ROOT / "custom_components" / domain
            )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it is set up."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            # Another Home Assistant may run on this machine.
            env={**os.environ, "SETUP_PORT": str(free_port())},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE):
            assert await self._process.stdout.readline() == b"set up\n"

    def tell(self, line: str) -> None:
        """Have it do something."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())

    def kill(self) -> None:
        """Kill -9, at once."""
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def dead(self) -> None:
        """Wait until it has ended."""
        if self._process:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()

    async def terminate(self) -> None:
        """Stop it as a system does that shuts down."""
        assert self._process
        self._process.terminate()
        await self.dead()
        assert self._process.returncode == 0

    def read(self, query: str) -> list[Any]:
        """Return what is on the disk of the register."""
        path = self.folder / "rental_units_01placeholder.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    async def until(self, proof: Callable[[], bool]) -> None:
        """Wait until something is so, as long as the process does what it does."""
        async with asyncio.timeout(PATIENCE):
            while not proof():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
