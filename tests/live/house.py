"""A whole Home Assistant, started as a program: it can be killed at any moment.

    python -m tests.live.house CONFIG_FOLDER BROKER_PORT BASE_TOPIC [--hold]

With --hold it sets everything up and waits for a line on its standard input before it
starts: until then no automation listens.
"""

import asyncio
from pathlib import Path
import sys
from typing import Any

from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar


async def main(folder: str, port: int, topic: str, *, hold: bool) -> None:
    """Run until killed."""
    entries: dict[str, tuple[str, dict[str, Any], int]] = {
        "mqtt": (
            "mqtt",
            {"broker": "127.0.0.1", "port": port, "protocol": "3.1.1"},
            2,
        ),
        "community_safety": (
            f"mqtt/{topic}",
            {"dialect": "native", "topic": topic},
            1,
        ),
    }
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    ar.async_get(hass).async_get_or_create("1-1-201")
    for domain, (unique_id, data, version) in entries.items():
        # A killed run may or may not have saved them.
        if not hass.config_entries.async_entries(domain):
            await hass.config_entries.async_add(
                ConfigEntry(
                    data=data,
                    discovery_keys={},  # type: ignore[arg-type]
                    domain=domain,
                    minor_version=1,
                    options={},
                    source="user",
                    subentries_data=None,
                    title=domain,
                    unique_id=unique_id,
                    version=version,
                )
            )
    await hass.async_block_till_done()
    print("set up", flush=True)  # noqa: T201
    if hold:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await hass.async_run()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    _, folder, port, topic, *options = sys.argv
    asyncio.run(main(folder, int(port), topic, hold="--hold" in options))
