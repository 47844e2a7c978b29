"""A whole Home Assistant, started as a program: it can be killed at any moment.

    python -m tests.live.house CONFIG_FOLDER BROKER_PORT [--hold]

With --hold it sets everything up and waits for a line on its standard input before it
starts: until then no automation listens.
"""

import asyncio
from pathlib import Path
import sys

from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from tests.common import BASE

ENTRIES = {
    "mqtt": ("mqtt", {"broker": "127.0.0.1", "protocol": "3.1.1"}, 2),
    "community_safety": (f"mqtt/{BASE}", {"dialect": "native", "topic": BASE}, 1),
}


async def main(folder: str, port: int, *, hold: bool) -> None:
    """Run until killed."""
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    ar.async_get(hass).async_get_or_create("1-1-201")
    for domain, (unique_id, data, version) in ENTRIES.items():
        # A killed run may or may not have saved them.
        if not hass.config_entries.async_entries(domain):
            await hass.config_entries.async_add(
                ConfigEntry(
                    data={**data, **({"port": port} if domain == "mqtt" else {})},
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
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), hold="--hold" in sys.argv))
