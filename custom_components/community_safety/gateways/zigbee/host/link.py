"""The life of a coordinator: it is opened, watched, lost, and had back."""

from abc import abstractmethod
import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
import time
from typing import TYPE_CHECKING, Any, override

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers.event import async_track_time_interval

from ....const import DOMAIN, LOGGER
from ...base import Gateway, GatewayConfigEntry, Problem
from .connection import (
    CONF_BAUDRATE,
    CONF_FLOW_CONTROL,
    CONF_NETWORK,
    CONF_PATH,
    DEFAULT_BAUDRATE,
)
from .library import async_load_library

if TYPE_CHECKING:
    from . import radio as library

#: Keys of what a person must mend.
LIBRARY, INCONSISTENT = "zigbee_library", "zigbee_inconsistent"
#: Longest start in seconds: opening, reset and forming, with the radio's own retries.
START_SECONDS = 60.0
#: Seconds between two tries to have the coordinator back.
BACKOFF_SECONDS = (1, 2, 5, 10, 20, 30, 60)
#: A co-processor that says nothing for two of these tries is taken for hung: 15 s in all.
ALIVE_EVERY = timedelta(seconds=5)
ALIVE_SECONDS = 3.0
ALIVE_TRIES = 2


def database_path(hass: HomeAssistant, entry: GatewayConfigEntry) -> Path:
    """Return where zigpy keeps an entry's devices and network backups."""
    return Path(hass.config.path(f"{DOMAIN}_zigbee_{entry.entry_id}.db"))


def remove_database(hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
    """Forget what zigpy keeps of an entry. To be run in the executor."""
    path = database_path(hass, entry)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class LinkedGateway(Gateway):
    """A gateway that opens its coordinator, and opens it again when it was lost."""

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._library: Any = None
        self._radio: library.Radio | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._recovering: asyncio.Task[None] | None = None
        self._checking = False
        self._missed = 0
        self._stopped = False

    @abstractmethod
    def take_radio(self, radio: library.Radio) -> None:
        """Take a coordinator that was opened, with its devices."""

    @abstractmethod
    def drop_radio(self) -> None:
        """Let everything go that belongs to a coordinator, which is closed then."""

    @override
    async def async_start(self) -> None:
        try:
            self._library = await async_load_library(self.hass)
        except ConfigEntryError as err:
            self.add_problem(
                Problem(key=LIBRARY, placeholders=err.translation_placeholders or {})
            )
            raise
        self.end_problem(LIBRARY)
        try:
            await self._async_connect()
        except self._library.ANOTHER_NETWORK as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key="zigbee_inconsistent"
            ) from err
        except Exception as err:
            # Whatever the port, the radio or the library may raise: it is tried again.
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="zigbee_not_ready",
                translation_placeholders={
                    "path": self.entry.data[CONF_PATH],
                    "reason": str(err) or type(err).__name__,
                },
            ) from err
        self.on_unload(
            async_track_time_interval(
                self.hass, self._check_alive, ALIVE_EVERY, name="zigbee watchdog"
            ),
            self.hass.bus.async_listen_once(
                EVENT_HOMEASSISTANT_STOP, self._async_hass_stops
            ),
        )

    @override
    async def async_stop(self) -> None:
        await self._async_end()
        await super().async_stop()

    async def _async_hass_stops(self, _event: Event) -> None:
        """Close the radio: Home Assistant unloads nothing at its end.

        What zigpy has not written by then is lost, such as the scale of a device's
        readings: it is read once, when the device joins.
        """
        await self._async_end()

    async def _async_end(self) -> None:
        self._stopped = True
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._async_close()
        if self._closing:
            # The next one needs the port and the database.
            await asyncio.wait(self._closing)

    @override
    @classmethod
    async def async_forget(cls, hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
        await hass.async_add_executor_job(remove_database, hass, entry)

    async def _async_connect(self) -> None:
        """Open the coordinator, and take its devices. Raises whatever goes wrong."""
        data = self.entry.data
        radio = self._library.Radio(
            self._library.RadioConfig(
                path=data[CONF_PATH],
                baudrate=data.get(CONF_BAUDRATE, DEFAULT_BAUDRATE),
                flow_control=data.get(CONF_FLOW_CONTROL),
                database=str(database_path(self.hass, self.entry)),
                network=data[CONF_NETWORK],
                country=self.hass.config.country,
            ),
            self,
            self._create_task,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await radio.start()
        except self._library.ANOTHER_NETWORK:
            self.add_problem(Problem(key=INCONSISTENT, fixable=True))
            await self._async_stop_radio(radio)
            raise
        except BaseException:
            await self._async_stop_radio(radio)
            raise
        self.end_problem(INCONSISTENT)
        self._radio = radio
        self._missed = 0
        self.take_radio(radio)

    async def _async_close(self) -> None:
        radio, self._radio = self._radio, None
        self.drop_radio()
        if radio:
            await self._async_stop_radio(radio)

    async def _async_stop_radio(self, radio: library.Radio) -> None:
        """Close a radio to the end, also when whoever asks for it is cancelled."""
        closing = self.hass.async_create_background_task(
            radio.stop(), f"{DOMAIN} closing"
        )
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)

    def _create_task(
        self, work: Coroutine[Any, Any, None], name: str
    ) -> asyncio.Task[None]:
        """Run something until it ends or the gateway does."""
        task = self.hass.async_create_background_task(work, f"{DOMAIN} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @callback
    def link_lost(self, error: Exception | None) -> None:
        """Begin to have the coordinator back, once."""
        if self._stopped or (self._recovering and not self._recovering.done()):
            return
        LOGGER.debug("%s: the link was lost: %r", self.entry.title, error)
        self.set_connected(False)
        self._recovering = self._create_task(self._async_recover(), "recovery")

    async def _async_recover(self) -> None:
        # Those who wait for an answer hear first that there will be none.
        await asyncio.sleep(0.1)
        await self._async_close()
        tries = 0
        while True:
            try:
                await self._async_connect()
            except Exception as err:  # noqa: BLE001
                # Whatever the port, the radio or the library may raise.
                LOGGER.debug("%s: not back yet: %r", self.entry.title, err)
            else:
                return
            await asyncio.sleep(BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS) - 1)])
            tries += 1

    @callback
    def _check_alive(self, _now: datetime) -> None:
        if self._radio and not self._checking:
            self._checking = True
            self._create_task(self._async_check_alive(self._radio), "watchdog")

    async def _async_check_alive(self, radio: library.Radio) -> None:
        """Ask the co-processor for a word: one that hangs may still acknowledge frames."""
        asked = time.monotonic()
        try:
            async with asyncio.timeout(ALIVE_SECONDS):
                await radio.async_nop()
        except Exception as err:  # noqa: BLE001
            if radio is not self._radio:
                return
            if radio.last_word > asked:
                # It is busy, and says so.
                self._missed = 0
                return
            self._missed += 1
            if self._missed >= ALIVE_TRIES:
                self.link_lost(err)
        else:
            self._missed = 0
        finally:
            self._checking = False
