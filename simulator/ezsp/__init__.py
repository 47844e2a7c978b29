"""A simulated EZSP network co-processor with Zigbee devices behind it.

    from simulator.ezsp import EzspSimulator

    async with EzspSimulator(version=14) as simulator:
        ...  # a host connects to tcp://127.0.0.1:<simulator.port>, and opens the network
        smoke = await simulator.join(simulator.add("smoke"))
        smoke.body.device.happen("smoke")

It speaks ASH and EZSP as Silicon Labs' UG101 and UG100 describe them, for any host.
"""

from . import commands
from .simulator import EzspSimulator
from .trust_center import JoinRefusedError

__all__ = ["EzspSimulator", "JoinRefusedError", "commands"]
