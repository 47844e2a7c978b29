"""A whole Home Assistant with one property and one Frigate, started as a program: it can be killed.

    python -m tests.live.gate CONFIG_FOLDER BROKER_PORT FRIGATE_URL

It says `set up` when it is.
"""

import asyncio
import sys

from homeassistant import bootstrap, runner
from homeassistant.core import HomeAssistant

from .doors import SAFETY, entry_of, property_entry


async def main(folder: str, broker_port: int, url: str) -> None:
    """Run until killed."""
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    if not hass.config_entries.async_entries(SAFETY):
        broker = {"broker": "127.0.0.1", "port": broker_port, "protocol": "3.1.1"}
        frigate = {"dialect": "frigate", "topic": "frigate", "url": url}
        for entry in (
            entry_of("mqtt", "broker", broker, version=2),
            property_entry(),
            entry_of(SAFETY, "mqtt/frigate", frigate, minor_version=2),
        ):
            await hass.config_entries.async_add(entry)
    running = asyncio.create_task(hass.async_run())
    await hass.async_block_till_done()
    print("set up", flush=True)  # noqa: T201
    await running


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
