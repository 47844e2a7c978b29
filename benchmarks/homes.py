"""Houses from outside: started, asked, told to stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
import json
import os
from pathlib import Path
import queue
import subprocess
import sys
import threading
import time
from typing import Any

from simulator.broker import free_port
from simulator.demo.configuration import confirm_http

from .broker import Broker
from .devices import OFF_BY_DEFAULT, Fleet
from .house import Options
from .wire import Wire

ROOT = Path(__file__).parents[1]
OURS, PEER = "ours", "peer"
#: The fleet of smoke sensors whose alarms an automation acts on.
ALARMING = "alarming"
START_SECONDS = 180
ANSWER_SECONDS = 300


class HouseError(Exception):
    """A house did not do what it was asked; the text says where its log is."""


@dataclass(slots=True, kw_only=True)
class Program:
    """One Home Assistant as it is seen from outside."""

    name: str
    side: str
    process: subprocess.Popen[str]
    folder: Path
    lines: queue.Queue[dict[str, Any]]

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer to a command. Raises HouseError."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self.process.stdin.flush()
        return self.line(ANSWER_SECONDS)

    def line(self, seconds: float) -> dict[str, Any]:
        """Return the next thing that it says. Raises HouseError."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            line = {}
        if not line or "error" in line:
            reason = line.get("error", "no answer")
            raise HouseError(f"{self.name}: {reason}; see {self.folder}/log")
        return line


@dataclass(slots=True, kw_only=True)
class Home(Program):
    """One with a broker: of our side, or of the other one."""

    wire: Wire
    port: int
    fleets: dict[str, Fleet]
    markers: int = 0
    #: Messages of each fleet until now, so that each has values other than the last.
    sent: dict[str, int] = field(default_factory=dict)

    def mark(self, stream: bytes = b"", seconds: float = ANSWER_SECONDS) -> Any:
        """Send a stream and a marker; return the counts when both were processed."""
        self.markers += 1
        marker = str(self.markers)
        self.wire.send(stream)
        self.wire.publish(f"benchmark/{self.name}/marker", marker.encode())
        while (answer := self.line(seconds)).get("marker") != marker:
            pass
        return answer

    def announce(self, fleet: Fleet) -> None:
        """Tell what devices there are, and their first readings."""
        numbers = range(fleet.count)
        if self.side == OURS:
            self.wire.send(self.wire.encode(fleet.online(), retain=True))
            configs = [fleet.config(number) for number in numbers]
        else:
            configs = [
                row
                for number in numbers
                for row in fleet.discovery(number, f"benchmark/{self.name}/discovery")
            ]
        self.wire.send(self.wire.encode(configs, retain=True))
        # Retained, as our protocol asks for: discovery subscribes some time later.
        states = [fleet.state(number, 0) for number in numbers]
        self.wire.send(self.wire.encode(states, retain=True))
        self.wire.settle()

    def move_in(self) -> None:
        """Announce every fleet, and wait until all entities are there."""
        least = self.ask("counts")["states"]
        for fleet in self.fleets.values():
            self.announce(fleet)
            least += fleet.entities
        self.wait_quiet(least)
        # What the recorder and the registries have put off would disturb.
        time.sleep(10)

    def stream(self, key: str, messages: int, **fixed: bool) -> bytes:
        """Return the next messages of a fleet, one device after the other, encoded."""
        fleet = self.fleets[key]
        first = self.sent.setdefault(key, fleet.count)
        self.sent[key] += messages
        return self.wire.encode(
            fleet.state(index % fleet.count, index // fleet.count, **fixed)
            for index in range(first, first + messages)
        )

    def wait_quiet(self, least: int, seconds: float = 600) -> dict[str, Any]:
        """Wait until there are so many states and no more come; return the counts.

        The counts are those of the moment when the last one came.
        Raises HouseError.
        """
        until = time.monotonic() + seconds
        last = counts = self.ask("counts")
        while True:
            time.sleep(0.2)
            counts = self.ask("counts")
            if (counts["states"], counts["changed"]) != (
                last["states"],
                last["changed"],
            ):
                last = counts
            elif counts["at"] - last["at"] > 3 and counts["states"] >= least:
                return last
            if time.monotonic() > until:
                raise HouseError(
                    f"{self.name}: {counts['states']} states instead of {least};"
                    f" see {self.folder}/log"
                )


@contextmanager
def home(
    name: str,
    side: str,
    broker: Broker,
    folder: Path,
    *,
    fleets: dict[str, Fleet] | None = None,
    recorder: bool = False,
    unlimited: bool = False,
) -> Iterator[Home]:
    """Run a house; its base topics begin with `benchmark/<name>/`. Raises HouseError."""
    fleets = {
        key: Fleet(f"benchmark/{name}/{key}", fleet.kind, fleet.count)
        for key, fleet in (fleets or {}).items()
    }
    config = folder / name
    _configure(config, side, fleets, recorder=recorder)
    options = Options(
        root=f"benchmark/{name}",
        port=broker.port,
        protocol=broker.protocol,
        gateways=[fleet.base for fleet in fleets.values()] if side == OURS else [],
        enable=[
            f"mqtt/{fleet.base}/{fleet.id(number)}/{key}"
            for fleet in fleets.values()
            if side == OURS and fleet.kind == "breaker_monitor"
            for number in range(fleet.count)
            for key in OFF_BY_DEFAULT
        ],
        unlimited=unlimited,
    )
    (config / "options.json").write_text(json.dumps(asdict(options)))
    with (
        Wire(broker.port, f"benchmark-{name}") as wire,
        running("benchmarks.house", config) as (process, lines),
    ):
        yield Home(
            name=name,
            side=side,
            process=process,
            folder=config,
            wire=wire,
            port=broker.port,
            fleets=fleets,
            lines=lines,
        )


@contextmanager
def running(
    module: str, config: Path
) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[dict[str, Any]]]]:
    """Run a house's program on a configuration folder, once it is ready.

    Raises HouseError.
    """
    lines: queue.Queue[dict[str, Any]] = queue.Queue()
    port = free_port()
    confirm_http(config, port)
    with (
        (config / "log").open("a") as log,
        subprocess.Popen(
            [sys.executable, "-m", module, str(config)],
            cwd=ROOT,
            env={**os.environ, "SETUP_PORT": str(port)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        try:
            try:
                ready = lines.get(timeout=START_SECONDS)
            except queue.Empty:
                ready = {}
            if not ready:
                raise HouseError(f"It does not start; see {config}/log")
            yield process, lines
        finally:
            _end(process)


def _read(process: subprocess.Popen[str], lines: queue.Queue[dict[str, Any]]) -> None:
    assert process.stdout
    for line in process.stdout:
        if line.startswith("{"):
            lines.put(json.loads(line))
    lines.put({})


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    try:
        process.stdin.close()
        process.wait(30)
    except OSError, subprocess.TimeoutExpired:
        process.kill()


def _configure(
    config: Path, side: str, fleets: dict[str, Fleet], *, recorder: bool
) -> None:
    """Write a configuration folder. YAML is a superset of JSON."""
    furnish(config, ours=side == OURS)
    sensors = [
        f"binary_sensor.{fleet.entity(number, 'smoke')}"
        for key, fleet in fleets.items()
        if key == ALARMING
        for number in range(fleet.count)
    ]
    configuration = basics()
    if recorder:
        configuration["recorder"] = {}
    if sensors:
        trigger, key = (
            ({"trigger": "community_safety.alarm_raised"}, "{{ trigger.device_name }}")
            if side == OURS
            else (
                {"trigger": "state", "entity_id": sensors, "to": "on"},
                "{{ trigger.entity_id }}",
            )
        )
        configuration["automation"] = [
            {
                "alias": "What a fire sets off",
                "mode": "parallel",
                "max": 2000,
                "triggers": [trigger],
                "actions": [{"action": "benchmark.stamp", "data": {"key": key}}],
            }
        ]
    (config / "configuration.yaml").write_text(json.dumps(configuration))


def furnish(config: Path, *, ours: bool) -> None:
    """Make a configuration folder, with our integration or without."""
    (config / "custom_components").mkdir(parents=True)
    if ours:
        (config / "custom_components" / "community_safety").symlink_to(
            ROOT / "custom_components" / "community_safety"
        )


def basics() -> dict[str, Any]:
    """Return what is in every configuration."""
    return {"logger": {"default": "warning"}}


def in_process(module: str, *arguments: str) -> dict[str, Any]:
    """Return what a module prints last, run in a process of its own. Raises HouseError."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise HouseError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
