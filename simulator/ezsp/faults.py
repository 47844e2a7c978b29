"""How the simulation misbehaves, on request, by name.

line(lose, corrupt, duplicate, delay, delay_seconds)   the serial line, both ways
radio(lose, duplicate, delay, delay_seconds)           the air, both ways
reset(code)        the co-processor resets by itself
hung               it acknowledges, but answers nothing, until it is reset
dead               nothing comes back at all
full               it has no buffers for messages
cut                the connection breaks once
silent(node)       a node neither hears nor says anything
slow(node, seconds)       messages to a node, or through it, take so long
address(node)      a node comes back at another network address
device(node, fault)       a physical device's own fault
none               all of that ends
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.device import Fault

from .ash import ResetCode
from .noise import Badness

if TYPE_CHECKING:
    from .node import Node
    from .simulator import EzspSimulator


def _line(simulator: EzspSimulator, **options: float) -> None:
    for line in (simulator.ncp.link.to_host, simulator.ncp.link.from_host):
        line.badness = Badness(**options)


def _radio(simulator: EzspSimulator, **options: float) -> None:
    simulator.air.badness = Badness(**options)


def _reset(simulator: EzspSimulator, code: int = ResetCode.WATCHDOG) -> None:
    simulator.ncp.reset(ResetCode(code))


def _hung(simulator: EzspSimulator) -> None:
    simulator.ncp.hung = True


def _dead(simulator: EzspSimulator) -> None:
    simulator.ncp.link.dead = True


def _full(simulator: EzspSimulator) -> None:
    simulator.ncp.full = True


def _cut(simulator: EzspSimulator) -> None:
    simulator.cut()


def _silent(_simulator: EzspSimulator, node: Node) -> None:
    node.deaf = True


def _slow(_simulator: EzspSimulator, node: Node, seconds: float) -> None:
    node.delay = seconds


def _address(simulator: EzspSimulator, node: Node) -> None:
    simulator.air.rejoin(node)


def _device(_simulator: EzspSimulator, node: Node, fault: str) -> None:
    if node.body.device:
        node.body.device.faults.add(Fault(fault))


def _none(simulator: EzspSimulator) -> None:
    _line(simulator)
    _radio(simulator)
    simulator.ncp.hung = simulator.ncp.full = simulator.ncp.link.dead = False
    for node in simulator.nodes:
        node.deaf = False
        node.delay = 0.0
        node.body.release_zones()
        if node.body.device:
            node.body.device.clear()


FAULTS: dict[str, Callable[..., None]] = {
    "line": _line,
    "radio": _radio,
    "reset": _reset,
    "hung": _hung,
    "dead": _dead,
    "full": _full,
    "cut": _cut,
    "silent": _silent,
    "slow": _slow,
    "address": _address,
    "device": _device,
    "none": _none,
}
