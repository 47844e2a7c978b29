"""Simulated EZSP coordinators in a process of their own.

    python -m simulator.ezsp --port 6638 --control-port 6639
    python -m simulator.ezsp --coordinators 3 --ezsp 13 --model smoke --model breaker

It prints one line of JSON with the ports, then runs until it is told to end. What can be asked
of it over the control port is in `control`.
"""

import argparse
import asyncio
import json
from pathlib import Path
import signal

from .control import serve
from .frames import VERSIONS
from .models import MODELS
from .simulator import EUI64, EzspSimulator


async def run(arguments: argparse.Namespace) -> None:
    """Run until SIGINT or SIGTERM."""
    simulators = []
    for number in range(arguments.coordinators):
        flash = arguments.flash
        simulator = EzspSimulator(
            arguments.ezsp,
            eui64=EUI64 + number,
            flash_path=flash.with_suffix(f".{number}.json") if flash else None,
            latency=arguments.latency,
            seed=arguments.seed + number,
        )
        for model in arguments.model:
            simulator.add(model)
        await simulator.start(arguments.port and arguments.port + number)
        simulators.append(simulator)
    control = await serve(simulators, arguments.control_port)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    ports = {
        "ports": [simulator.port for simulator in simulators],
        "control_port": control.sockets[0].getsockname()[1],
    }
    print(json.dumps(ports), flush=True)
    await ended.wait()
    control.close()
    for simulator in simulators:
        await simulator.stop()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--port", type=int, default=0, help="of the first coordinator; 0 takes any"
    )
    parser.add_argument("--control-port", type=int, default=0, help="0 takes any")
    parser.add_argument("--coordinators", type=int, default=1)
    parser.add_argument("--ezsp", type=int, default=14, choices=VERSIONS)
    parser.add_argument(
        "--model", action="append", default=[], choices=MODELS, help="a node to add"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds one way")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flash", type=Path, help="file to keep the flash in")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
