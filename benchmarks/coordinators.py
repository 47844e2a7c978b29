"""Simulated Zigbee coordinators in a process of their own, and what is asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
import itertools
import json
import os
from pathlib import Path
import queue
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from .wire import HOST

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
ANSWER_SECONDS = 300
#: Reports that a steady load asks for at a time, in seconds of it.
LOAD_SECONDS = 0.5


@dataclass(slots=True)
class Load:
    """What a load has done, once it has ended."""

    sent: int = 0
    seconds: float = 0


@dataclass(slots=True, kw_only=True)
class Coordinators:
    """The simulation. Nodes are named by their address, as 16 hexadecimal digits."""

    process: subprocess.Popen[str]
    ports: list[int]
    connection: socket.socket
    #: Records of nodes, after `watch`.
    records: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _answers: dict[int, queue.Queue[dict[str, Any]]] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """Return where a gateway finds each of them."""
        return [f"tcp://{HOST}:{port}" for port in self.ports]

    def ask(self, what: str, coordinator: int = 0, **arguments: Any) -> Any:
        """Return the answer to a command. Raises ValueError or TimeoutError."""
        return self.end(self.begin(what, coordinator, **arguments))

    def begin(self, what: str, coordinator: int = 0, **arguments: Any) -> int:
        """Give a command; `end` with the number that this returns has its answer."""
        number = next(self._ids)
        self._answers[number] = queue.Queue()
        question = {
            "id": number,
            "do": what,
            "coordinator": coordinator,
            **arguments,
        }
        self.connection.sendall(json.dumps(question).encode() + b"\n")
        return number

    def end(self, number: int) -> Any:
        """Return the answer to a command. Raises ValueError or TimeoutError."""
        try:
            answer = self._answers[number].get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise TimeoutError("the simulator does not answer") from None
        finally:
            del self._answers[number]
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    def add(self, coordinator: int, **models: int) -> dict[str, list[str]]:
        """Add so many nodes of each model; return their addresses."""
        return {
            model: [
                row["eui64"]
                for row in self.ask("add", coordinator, model=model, number=number)
            ]
            for model, number in models.items()
        }

    def delivered(self, coordinator: int) -> int:
        """Return how many messages went to the host until now."""
        return int(self.ask("counts", coordinator)["air"].get("to host", 0))

    def cpu(self) -> float:
        """Return the seconds of processor time that the simulation has used."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text("ascii")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def load(self, rate: float, coordinator: int = 0) -> Iterator[Load]:
        """Have nodes report at so many reports a second meanwhile."""
        done = threading.Event()
        load = Load()

        def run() -> None:
            while not done.is_set():
                figures = self.ask(
                    "load", coordinator, number=round(rate * LOAD_SECONDS), rate=rate
                )
                load.sent += figures["sent"]

        thread = threading.Thread(target=run, daemon=True)
        began = time.monotonic()
        thread.start()
        try:
            yield load
        finally:
            done.set()
            thread.join()
            load.seconds = time.monotonic() - began

    def read(self) -> None:
        """Take answers and records until the connection ends."""
        with suppress(OSError), self.connection.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if record := message.get("record"):
                    self.records.put(record)
                elif answers := self._answers.get(message["id"]):
                    answers.put(message)


@contextmanager
def running(number: int) -> Iterator[Coordinators]:
    """Run so many coordinators. Raises OSError if they do not start."""
    command = [sys.executable, "-m", "simulator.ezsp", "--coordinators", str(number)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line:
                raise OSError("the simulator does not start")
            ports = json.loads(line)
            with socket.create_connection(
                (HOST, ports["control_port"]), timeout=START_SECONDS
            ) as connection:
                connection.settimeout(None)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                found = Coordinators(
                    process=process, ports=ports["ports"], connection=connection
                )
                threading.Thread(target=found.read, daemon=True).start()
                yield found
                connection.shutdown(socket.SHUT_RDWR)
        finally:
            process.terminate()
