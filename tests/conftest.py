"""A real broker, Home Assistant's own MQTT integration, and a gateway on them."""

from asyncio import Task, format_helpers
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import closing
from itertools import islice
import logging
from pathlib import Path
import sqlite3
import subprocess
import sys
from traceback import FrameSummary, StackSummary
from types import FrameType, ModuleType
from typing import Any, override

from hypothesis import HealthCheck, settings
import pytest
from pytest_homeassistant_custom_component import patch_time
from pytest_homeassistant_custom_component.common import MockConfigEntry
import pytest_socket

from benchmarks.broker import running
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.storage import SCHEMA, VERSION
from homeassistant.components.mqtt.util import EnsureJobAfterCooldown
from homeassistant.core import HomeAssistant, callback
from simulator.listening import held_port

from .common import Peer, add_gateway, clear_broker, wait_until
from .complaints import COMPLAINT

# No test is timed, and each run tries the same: a busy machine, or luck, fails nothing.
settings.register_profile(
    "repository",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repository")

ROOT = Path(__file__).parent.parent
#: How much of a stack asyncio's debug mode keeps of who made a task, future or timer.
MOST_FRAMES = 4
MQTT_CLIENT = "homeassistant.components.mqtt.client"


@pytest.fixture(autouse=True, scope="session")
def _short_stacks() -> Generator[None]:
    """Keep the nearest frames of each task, future and timer, not all of pytest's too.

    Debug mode is on in all tests, for what it checks. Most of its price is a whole stack
    of each future, for whose every file the disk is asked if it has changed.
    """

    def extract(
        frames: Iterator[tuple[FrameType, int]], *, limit: int | None = None, **_: Any
    ) -> StackSummary:
        most = MOST_FRAMES if limit is None else min(limit, MOST_FRAMES)
        return StackSummary(
            FrameSummary(
                frame.f_code.co_filename, line, frame.f_code.co_name, lookup_line=False
            )
            for frame, line in islice(frames, most)
        )

    def nearest(
        frame: FrameType | None = None, _limit: int | None = None
    ) -> list[tuple[str, int, str, None]]:
        # As asyncio does it for each callback; what shows a stack takes rows like these too.
        frame = frame or sys._getframe(1)
        found: list[tuple[str, int, str, None]] = []
        while frame is not None and len(found) < MOST_FRAMES:
            code = frame.f_code
            found.append((code.co_filename, frame.f_lineno, code.co_name, None))
            frame = frame.f_back
        found.reverse()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StackSummary, "extract", extract)
        patch.setattr(format_helpers, "extract_stack", nearest)
        yield


@pytest.fixture(autouse=True, scope="session")
def _quick_freezing() -> Generator[None]:
    """Let time be frozen without a look at each name of each module.

    To see if a module has new ones since time was last frozen, how many it has is enough.
    """

    def state(module: ModuleType) -> str:
        return f"{id(module)}-{len(getattr(module, '__dict__', ()))}"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patch_time, "ha_get_module_attributes_hash", state)
        yield


@pytest.fixture(autouse=True, scope="session")
def _quiet_statements() -> None:
    """Let no statement of SQL be logged, as Home Assistant does by default.

    The test plugin asks for it, and each record is kept until its test is over: in one of
    10,000 runs that takes all memory there is.
    """
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


class _Complaints(logging.Handler):
    """Keeps what Home Assistant complains of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if COMPLAINT.search(message := record.getMessage()):
            self.heard.append(message)


@pytest.fixture(scope="session")
def complaints() -> Generator[list[str]]:
    """Return what Home Assistant complains of, in all tests of this process."""
    handler = _Complaints()
    logging.getLogger().addHandler(handler)
    yield handler.heard
    logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _no_complaints(complaints: list[str]) -> Generator[None]:
    """Let nothing be deprecated, and nothing block: on each release that is tested."""
    complaints.clear()
    yield
    assert complaints == []


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return a Chromium, or skip where none can be had."""
    found = subprocess.run(
        [ROOT / "scripts/browser"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(found.stderr)
    return found.stdout.strip()


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Load the integrations of this repository."""


@pytest.fixture(autouse=True)
def _own_folder(hass: HomeAssistant, tmp_path: Path) -> None:
    """Give every test a configuration folder of its own."""
    (tmp_path / "configuration.yaml").touch()
    hass.config.config_dir = str(tmp_path)


@pytest.fixture(scope="session")
def broker_port(tmp_path_factory: pytest.TempPathFactory) -> Generator[int]:
    """Run a broker for all tests of this process: mosquitto where it can be had."""
    found = subprocess.run(
        [ROOT / "scripts/mosquitto"], stdout=subprocess.PIPE, text=True, check=False
    )
    # Each test's set-up closes the sockets anew.
    pytest_socket.enable_socket()
    with running(found.stdout.strip(), tmp_path_factory.mktemp("broker")) as broker:
        yield broker.port


@pytest.fixture
def kept_port(socket_enabled: None) -> Generator[int]:
    """Return a port at which a server of the test may listen, and nobody else."""
    with held_port() as port:
        yield port


class _Patient(EnsureJobAfterCooldown):
    """A pause before subscribing that waits for the broker, if it is asked meanwhile.

    Without a pause Home Assistant's own looks at each turn of the loop if the broker has
    answered yet.
    """

    _is_asked = False

    @callback
    @override
    def async_execute(self) -> Task[None]:
        if self._task:
            self._is_asked = True
            return self._task
        return super().async_execute()

    @callback
    @override
    def _async_task_done(self, task: Task[None]) -> None:
        super()._async_task_done(task)
        if self._is_asked:
            self._is_asked = False
            self.async_schedule()


@pytest.fixture
def mqtt_discovery() -> bool:
    """Return if MQTT looks for devices by itself: that takes 74 subscriptions, one by one."""
    return False


@pytest.fixture
async def mqtt_entry(
    hass: HomeAssistant,
    socket_enabled: None,
    broker_port: int,
    mqtt_discovery: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> MockConfigEntry:
    """Set up Home Assistant's MQTT integration on the broker."""
    # It waits for the house to be complete before it subscribes: here it is.
    for name in ("INITIAL_SUBSCRIBE_COOLDOWN", "SUBSCRIBE_COOLDOWN"):
        monkeypatch.setattr(f"{MQTT_CLIENT}.{name}", 0.0)
    monkeypatch.setattr(f"{MQTT_CLIENT}.EnsureJobAfterCooldown", _Patient)
    await hass.async_add_executor_job(clear_broker, broker_port)
    entry = MockConfigEntry(
        domain="mqtt",
        data={
            "broker": "127.0.0.1",
            "port": broker_port,
            "protocol": "3.1.1",
            # None: where a test lets days pass at once, it would end the connection.
            "keepalive": 0,
        },
        options={"discovery": mqtt_discovery},
        version=2,
        minor_version=1,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


@pytest.fixture
async def peer(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry, broker_port: int
) -> AsyncGenerator[Peer]:
    """Return the other side of the broker."""
    peer = Peer(hass, broker_port)
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
async def gateway(hass: HomeAssistant, peer: Peer) -> MockConfigEntry:
    """Return a gateway that is set up and online, without devices."""
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    return entry


@pytest.fixture
def hass_config_file(hass: HomeAssistant) -> Generator[sqlite3.Connection]:
    """Return the database as an earlier run has left it: empty, with its tables."""
    with closing(sqlite3.connect(hass.config.path(f"{DOMAIN}.db"))) as database:
        database.executescript(SCHEMA)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA user_version={VERSION}")
        yield database
