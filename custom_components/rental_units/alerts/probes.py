"""A provider that could send nothing is known before it burns."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import LOGGER
from ..register import RegisterConfigEntry
from .channels.base import Channel, SendError
from .engine import Engine

#: Seconds between two rounds; after the start, when what Home Assistant has is there; and
#: until one that has failed is asked again: a moment's failure is no dead provider.
EVERY_SECONDS: Final = 3600.0
FIRST_SECONDS: Final = 90.0
AGAIN_SECONDS: Final = 300.0


class Probes:
    """Asks the providers of a property, without a message, if they would send."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, engine: Engine
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._entry = entry
        self._engine = engine
        #: Channels whose last question has failed.
        self._failed: set[str] = set()
        self._cancel: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Ask for the first time soon, and then again and again."""
        self._later(FIRST_SECONDS)

    @callback
    def stop(self) -> None:
        """Ask no more."""
        if self._cancel:
            self._cancel()
            self._cancel = None

    async def async_ask(self, _: datetime | None = None) -> None:
        """Ask them all, and tell of those that have failed twice."""
        channels = {
            name: channel
            for name, channel in self._engine.dispatcher.channels.items()
            if channel.can_probe()
        }
        reasons = await self._async_reasons(channels)
        for name in self._failed - channels.keys():
            self._engine.tell_dead(name, None)
        for name, reason in reasons.items():
            if reason is None or name in self._failed:
                self._engine.tell_dead(name, reason)
        news = {name for name, reason in reasons.items() if reason} - self._failed
        self._failed = {name for name, reason in reasons.items() if reason}
        self._later(AGAIN_SECONDS if news else EVERY_SECONDS)

    @staticmethod
    async def _async_reasons(channels: Mapping[str, Channel]) -> dict[str, str | None]:
        async def ask(channel: Channel) -> str | None:
            try:
                await channel.async_probe()
            except SendError as err:
                return err.reason
            except Exception as err:  # noqa: BLE001
                # Whatever it is: the others are asked all the same.
                LOGGER.error("A provider could not be asked: %s", type(err).__name__)
                return "error"
            return None

        found = await asyncio.gather(*map(ask, channels.values()))
        return dict(zip(channels, found, strict=True))

    def _later(self, seconds: float) -> None:
        self._cancel = async_call_later(self._hass, seconds, self._begin)

    @callback
    def _begin(self, now: datetime) -> None:
        self._cancel = None
        self._entry.async_create_background_task(
            self._hass, self.async_ask(now), "rental_units probes"
        )
