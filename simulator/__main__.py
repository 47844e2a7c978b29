"""The simulated compound.

    python -m simulator --port N [--language zh-Hans|zh-Hant]

It prints `ready` when it has reached the broker, then runs until it is told to end.
"""

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path
import signal

from .compound import LANGUAGES
from .control import Control


async def run(arguments: argparse.Namespace) -> None:
    """Run until SIGINT or SIGTERM."""
    control = Control(
        arguments.port,
        arguments.language,
        arguments.flash,
        arguments.radio,
        arguments.providers,
        door_ports=arguments.door,
        frigate_port=arguments.frigate,
    )
    task = asyncio.create_task(control.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await control.wait_connected()
        print("ready", flush=True)
        await task


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of the broker")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.add_argument(
        "--radio",
        type=int,
        action="append",
        default=[],
        help="port of a Zigbee coordinator: none, or one for each of the two buildings",
    )
    parser.add_argument("--flash", type=Path, help="folder to keep their networks in")
    parser.add_argument(
        "--providers", type=int, help="port of the providers of push, SMS and calls"
    )
    parser.add_argument(
        "--door",
        type=int,
        action="append",
        default=[],
        help="port of a door controller: none, or one for each of the three",
    )
    parser.add_argument(
        "--frigate", type=int, help="port of a Frigate with two cameras"
    )
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
