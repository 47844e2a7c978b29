"""A whole Home Assistant, started as a program, that answers what the benchmark asks.

    python -m benchmarks.house CONFIG_FOLDER

The folder has the `Options` as options.json. Each line on the standard input is a command in JSON; its
answer is a line on the standard output. Markers, messages at `<root>/marker`, are
reported there as well, with what was counted when they were processed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
import gc
import inspect
import json
import logging
from pathlib import Path
import sys
import time
from typing import Any, override

from homeassistant import bootstrap, runner
from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, ServiceCall, callback
from homeassistant.helpers import entity_registry as er

LOGGER = logging.getLogger(__name__)
DOMAIN = "community_safety"
#: Version and minor version of config entries.
ENTRY_VERSIONS = {"mqtt": (2, 1), "zha": (5, 2), DOMAIN: (1, 1)}

type Command = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a house is started with; `gateways` are base topics, none on the other side."""

    root: str
    port: int
    protocol: str
    gateways: list[str] = field(default_factory=list)
    #: Unique ids of sensors to enable that are off by default.
    enable: list[str] = field(default_factory=list)
    #: Write each value as a state: no rate limit, whatever the catalogue says.
    unlimited: bool = False


class Watched:
    """Home Assistant with the few things that look at it."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self.hass = hass
        self.changed = 0
        self.reported = 0
        self.stamps: list[tuple[str, float]] = []

    async def start(self) -> None:
        """Begin to look."""
        self.hass.bus.async_listen(EVENT_STATE_CHANGED, self._changed)

    async def add_entry(
        self, domain: str, unique_id: str, data: dict[str, Any], options: dict[str, Any]
    ) -> ConfigEntry[Any]:
        """Add a config entry, and set it up."""
        version, minor_version = ENTRY_VERSIONS[domain]
        entry: ConfigEntry[Any] = ConfigEntry(
            data=data,
            discovery_keys={},  # type: ignore[arg-type]
            domain=domain,
            minor_version=minor_version,
            options=options,
            source="user",
            subentries_data=None,
            title=unique_id,
            unique_id=unique_id,
            version=version,
        )
        await self.hass.config_entries.async_add(entry)
        return entry

    @property
    def commands(self) -> dict[str, Command]:
        """Return what can be asked, by name; an answer is a dict, or to be awaited."""
        return {
            "counts": self.counts,
            "memory": self.memory,
            "stamps": self.take_stamps,
            "book": self.book,
            "reset": self.reset,
            "forgo_disk": partial(self.synchronous, "OFF"),
            "wait_for_disk": partial(self.synchronous, "FULL"),
        }

    async def serve(self) -> None:
        """Answer until nobody asks any more."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        commands = self.commands
        say({"ready": True})
        while line := (await reader.readline()).strip():
            ask = json.loads(line)
            try:
                answer = commands[ask.pop("do")](**ask)
                say(await answer if inspect.isawaitable(answer) else answer)
            except Exception as err:
                LOGGER.exception("The benchmark's command failed")
                say({"error": repr(err)})

    @callback
    def _changed(self, _event: Event[Any]) -> None:
        self.changed += 1

    @callback
    def _reported(self) -> None:
        self.reported += 1

    def counts(self) -> dict[str, Any]:
        """Return what has happened until now. Times are in seconds."""
        return {
            "at": time.monotonic(),
            "cpu": time.process_time(),
            "changed": self.changed,
            "reported": self.reported,
            "states": self.hass.states.async_entity_ids_count(),
            "stamps": len(self.stamps),
        }

    def memory(self) -> dict[str, Any]:
        """Return the proportional and the resident set, in bytes, without garbage."""
        gc.collect()
        lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()[1:]
        rows = dict(line.split(":", 1) for line in lines)
        return {
            **self.counts(),
            "registered": len(er.async_get(self.hass).entities),
            "pss": int(rows["Pss"].split()[0]) * 1024,
            "rss": int(rows["Rss"].split()[0]) * 1024,
        }

    def take_stamps(self) -> dict[str, Any]:
        """Return when actions ran, and forget it."""
        stamps, self.stamps = self.stamps, []
        return {"stamps": stamps}

    def book(self) -> dict[str, Any]:
        """Return what the alarm book holds, and what gateways did not take."""
        from custom_components.community_safety.core.house import DATA_HOUSE  # noqa: PLC0415

        house = self.hass.data[DATA_HOUSE]
        alarms = house.book.open.values()
        gateways: dict[str, Any] = {
            gateway.uid: gateway for gateway, _device in house.devices()
        }
        return {
            "open": len(alarms),
            "present": sum(alarm.present for alarm in alarms),
            "waiting": house.storage.waiting,
            "refused": sum(row.refused.total() for row in gateways.values()),
            "discarded": sum(row.discarded.total() for row in gateways.values()),
        }

    def reset(self) -> dict[str, Any]:
        """Close every alarm, as people do between two fires: one that is open may return.

        Raises ValueError while a hazard is present.
        """
        from custom_components.community_safety.core.house import DATA_HOUSE  # noqa: PLC0415

        book: Any = self.hass.data[DATA_HOUSE].book
        alarms = list(book.open.values())
        for alarm in alarms:
            book.reset(alarm, "benchmark", outcome="real")
        return {"closed": len(alarms)}

    def synchronous(self, level: str) -> dict[str, Any]:
        """Set if the alarm book waits for the disk (FULL) or not (OFF)."""
        from custom_components.community_safety.core.house import DATA_HOUSE  # noqa: PLC0415

        storage = self.hass.data[DATA_HOUSE].storage

        def pragma() -> None:
            storage._db.execute(f"PRAGMA synchronous={level}")  # noqa: SLF001

        # Its one writer thread: whatever comes next waits for it.
        storage._executor.submit(pragma)  # noqa: SLF001
        return {"synchronous": level}


class House(Watched):
    """One whose devices are reached through a broker."""

    def __init__(self, hass: HomeAssistant, options: Options) -> None:
        """Initialize."""
        super().__init__(hass)
        self.options = options

    @override
    async def start(self) -> None:
        """Connect to the broker, and set the gateways up."""
        await super().start()
        self.hass.services.async_register("benchmark", "stamp", self._stamp)
        options = self.options
        await self.add_entry(
            "mqtt",
            "mqtt",
            {"broker": "127.0.0.1", "port": options.port, "protocol": options.protocol},
            {"discovery": True, "discovery_prefix": f"{options.root}/discovery"}
            if not options.gateways
            else {},
        )
        await mqtt.async_subscribe(
            self.hass, f"{options.root}/marker", self._marker, qos=1
        )
        registry = er.async_get(self.hass)
        for unique_id in options.enable:
            registry.async_get_or_create("sensor", DOMAIN, unique_id)
        if options.unlimited:
            self._lift_limits()
        for base in options.gateways:
            entry = await self.add_entry(
                DOMAIN, f"mqtt/{base}", {"dialect": "native", "topic": base}, {}
            )
            # Counts every report that was taken, also those that write no state.
            entry.runtime_data.on_device(lambda device: device.watch(self._reported))

    @callback
    def _lift_limits(self) -> None:
        from custom_components.community_safety.catalogue.measurements import (  # noqa: PLC0415
            MEASUREMENTS,
        )

        for key, row in MEASUREMENTS.items():
            MEASUREMENTS[key] = replace(row, interval=0)

    @callback
    def _stamp(self, call: ServiceCall) -> None:
        self.stamps.append((str(call.data["key"]), time.time()))

    @callback
    def _marker(self, message: mqtt.ReceiveMessage) -> None:
        say({"marker": str(message.payload), **self.counts()})


def say(answer: dict[str, Any]) -> None:
    """Answer."""
    print(json.dumps(answer), flush=True)


async def main(folder: Path, kind: Callable[[HomeAssistant, Any], Watched]) -> None:
    """Run until nobody asks any more; `kind` makes the house of its options."""
    options = json.loads((folder / "options.json").read_bytes())
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=str(folder), skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    house = kind(hass, options)
    await house.start()
    await hass.async_start()
    await hass.async_block_till_done()
    await house.serve()
    await hass.async_stop(force=True)


def run(kind: Callable[[HomeAssistant, Any], Watched]) -> None:
    """Run the program."""
    loop = runner.create_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main(Path(sys.argv[1]), kind))


if __name__ == "__main__":
    run(lambda hass, options: House(hass, Options(**options)))
