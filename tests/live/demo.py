"""The demo as a newcomer starts it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import os
from pathlib import Path
import signal
import subprocess
import sys

from simulator.broker import free_port
from tests.complaints import complaints

ROOT = Path(__file__).parents[2]


class Demo:
    """The demo in a folder of its own."""

    def __init__(self, folder: Path, language: str) -> None:
        """Start it, and wait until it is ready."""
        self.config = folder / "config"
        self._env = {**os.environ, "DEMO_FOLDER": str(folder)}
        self._process = subprocess.Popen(
            self._command("--port", str(free_port()), "--language", language),
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.rstrip().endswith("Ready"):
                break
        assert self._process.poll() is None, "".join(said)
        # What could not be set up is said, and the rest goes on.
        assert not any("✗" in line for line in said), "".join(said)

    def run(self, *arguments: str) -> str:
        """Let something happen; return its timeline."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @asynccontextmanager
    async def phones(self) -> AsyncGenerator[asyncio.StreamReader]:
        """Show what comes to the phones of residents, a line each."""
        process = await asyncio.create_subprocess_exec(
            *self._command("phones"),
            cwd=ROOT,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        assert await process.stdout.readline(), "The demo does not run"
        try:
            yield process.stdout
        finally:
            process.send_signal(signal.SIGINT)
            await process.stdout.read()
            assert await process.wait() == 0

    def stop(self) -> int:
        """End it; return its exit code. Nothing of all that was done with it is deprecated or blocks."""
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=90)
        assert self.complaints() == []
        return self._process.returncode

    def log(self) -> str:
        """Return what Home Assistant has written since its last start."""
        return (self.config / "home-assistant.log").read_text("utf-8")

    def complaints(self) -> list[str]:
        """Return what it complains of, also before it was started again."""
        return [
            line
            for path in sorted(self.config.glob("home-assistant.log*"))
            for line in complaints(path.read_text("utf-8"))
        ]

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "simulator.demo", *arguments]
