"""The broker, in a process of its own: mosquitto, else the simulator's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
import socket
import subprocess
import sys
import time

from simulator.listening import held_port

from .wire import HOST

#: No limit may lose a message or hold one back: the broker is not what is measured.
_CONFIGURATION = """
listener {port} {host}
allow_anonymous true
persistence false
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_dest none
"""
READY_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that runs; `protocol` is what Home Assistant speaks with it."""

    name: str
    port: int
    protocol: str


@contextmanager
def running(mosquitto: str, folder: Path) -> Iterator[Broker]:
    """Run a broker. Raises OSError or TimeoutError if it does not start."""
    with held_port() as port:
        yield from _running(mosquitto, folder, port)


def _running(mosquitto: str, folder: Path, port: int) -> Iterator[Broker]:
    if mosquitto:
        path = folder / "mosquitto.conf"
        path.write_text(_CONFIGURATION.format(port=port, host=HOST))
        command = [mosquitto, "-c", str(path)]
        helped = subprocess.run(
            [mosquitto, "-h"], capture_output=True, text=True, check=False
        )
        name = helped.stdout.partition("\n")[0].replace(" version", "")
        broker = Broker(name, port, "5")
    else:
        command = [sys.executable, "-m", "simulator.broker", "--port", str(port)]
        broker = Broker("amqtt (it bounds the figures)", port, "3.1.1")
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(port)
            yield broker
        finally:
            process.terminate()


def _wait(port: int) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError as err:
            if time.monotonic() > until:
                raise TimeoutError("the broker does not start") from err
            time.sleep(0.05)
        else:
            return
