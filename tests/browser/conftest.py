"""The demo, once for all tests here, and a browser for each."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from tests.live.demo import Demo

from .frontend import Frontend, frontend


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without the Home Assistant of other tests: here it is a process of its own."""


@pytest.fixture(autouse=True)
def _own_folder() -> None:
    """Do without its folder."""


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, Any]]:
    """Run the demo; return where it is, and how to sign in."""
    pytest_socket.enable_socket()
    demo = Demo(tmp_path_factory.mktemp("demo"), "en")
    try:
        yield json.loads((demo.config.parent / "run.json").read_text("utf-8"))
    finally:
        assert demo.stop() == 0


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the browsers keep what they have fetched."""
    return tmp_path_factory.mktemp("profile")


@pytest.fixture
async def browse(
    socket_enabled: None, chromium: str, profile: Path, run: dict[str, Any]
) -> AsyncGenerator[Callable[..., Any]]:
    """Return what opens a browser."""
    async with AsyncExitStack() as stack:

        async def browse(**how: Any) -> Frontend:
            return await stack.enter_async_context(
                frontend(chromium, profile, run, **how)
            )

        yield browse
