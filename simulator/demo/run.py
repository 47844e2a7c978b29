"""Starts the demo, watches it, and ends it."""

import asyncio
import contextlib
import os
import signal
import time

from simulator.doors import CONTROLLERS

from . import configuration
from .home_assistant import HomeAssistant
from .place import (
    CONFIG,
    DEMO,
    HA_LOG,
    RUN_FILE,
    STATE_FILE,
    demo_lock,
    read,
    running,
    write,
)
from .plates import LABELS, PLATES
from .processes import Process, ProcessError, free_port
from .setup import (
    LANDLORD,
    LANDLORD_PASSWORD,
    LANDLORDS_UNIT,
    PASSWORD,
    POLICE,
    POLICE_PASSWORD,
    USER,
    Setup,
)

START_SECONDS = 120
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Home Assistant ends with this code when it wants to be started again.
RESTART_EXIT_CODE = 100
#: How long the broker stays away when it is restarted, in seconds.
BROKER_AWAY_SECONDS = 2.0


class Demo:
    """Broker, simulator and Home Assistant."""

    def __init__(self, port: int, language: str, zigbee: bool = False) -> None:
        """Initialize; the next free port is taken if `port` is in use."""
        self._wanted_port = port
        self._zigbee = zigbee
        self._language = language
        self._begun = time.monotonic()
        self._processes: list[Process] = []
        self._restart_broker = asyncio.Event()

    async def run(self) -> int:
        """Run until SIGINT or SIGTERM. Return the exit code."""
        with demo_lock() as is_mine:
            if not is_mine:
                run = running()
                where = run["url"] if run else "it is starting or ending"
                print(f"✗ The demo runs already: {where}")
                return 1
            return await self._run_and_end()

    async def _run_and_end(self) -> int:
        task = asyncio.current_task()
        assert task
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, task.cancel)
        loop.add_signal_handler(signal.SIGUSR1, self._restart_broker.set)
        try:
            await self._run()
        except asyncio.CancelledError:
            pass
        finally:
            self._say("Ending")
            for number in SIGNALS:
                # Impatience must not leave anything behind.
                loop.add_signal_handler(number, self._say, "Still ending")
            RUN_FILE.unlink(missing_ok=True)
            for process in reversed(self._processes):
                await process.stop()
            self._say("Ended: nothing of the demo runs any more")
        return 0

    async def _run(self) -> None:
        state = read(STATE_FILE)
        language = state.get("language", self._language)
        port = free_port(range(self._wanted_port, self._wanted_port + 20))
        broker_port = free_port(
            [state["broker_port"]] if "broker_port" in state else []
        )
        providers_port = free_port(
            [state["providers_port"]] if "providers_port" in state else []
        )
        state["providers_port"] = providers_port
        if port != self._wanted_port:
            self._say(f"Port {self._wanted_port} is in use, so it is {port}")
        radio_ports = []
        if self._zigbee or "radio_ports" in state:
            radio_ports = [
                free_port([wanted] if wanted else [])
                for wanted in state.get("radio_ports", (0, 0))
            ]
            state["radio_ports"] = radio_ports
        # The last one is that at which Home Assistant hears of boards.
        door_ports = [
            free_port([wanted] if wanted else [])
            for wanted in state.get("door_ports", (0,) * (len(CONTROLLERS) + 1))
        ]
        state["door_ports"] = door_ports
        frigate_port = free_port(
            [state["frigate_port"]] if "frigate_port" in state else []
        )
        state["frigate_port"] = frigate_port
        configuration.prepare(port)
        write(STATE_FILE, {**state, "language": language})

        self._say(f"MQTT broker on 127.0.0.1:{broker_port}")
        broker = Process("broker", "simulator.broker", "--port", str(broker_port))
        await self._start(broker, wait_for=str(broker_port).encode())
        self._say("Simulated compound Xingqiao")
        self._say(f"Providers of push, SMS and calls on 127.0.0.1:{providers_port}")
        more = ["--flash", str(DEMO), "--providers", str(providers_port)]
        for door_port in door_ports[:-1]:
            self._say(f"Door controller on 127.0.0.1:{door_port}")
            more += ["--door", str(door_port)]
        self._say(f"Frigate on 127.0.0.1:{frigate_port}")
        more += ["--frigate", str(frigate_port)]
        for radio_port in radio_ports:
            self._say(f"Zigbee coordinator on 127.0.0.1:{radio_port}")
            more += ["--radio", str(radio_port)]
        simulator = Process(
            "simulator",
            "simulator",
            "--port",
            str(broker_port),
            "--language",
            language,
            *more,
        )
        await self._start(simulator, wait_for=b"ready")
        self._say(f"Home Assistant on 127.0.0.1:{port}")
        arguments = ("--config", str(CONFIG), "--skip-pip", "--log-no-color")
        home_assistant = Process(
            "home-assistant", "homeassistant", *arguments, SETUP_PORT=str(port)
        )
        await self._start(home_assistant)

        async with HomeAssistant(port) as hass:
            await self._wait_up(hass, home_assistant)

            async def restart() -> None:
                await home_assistant.stop()
                await home_assistant.start()
                await self._wait_up(hass, home_assistant)

            await Setup(
                hass,
                language,
                self._say,
                restart,
                broker_port=broker_port,
                providers_port=providers_port,
                radio_ports=radio_ports,
                door_ports=door_ports,
                frigate_port=frigate_port,
            ).run()
            write(
                RUN_FILE,
                {
                    "pid": os.getpid(),
                    "url": hass.url,
                    "port": port,
                    "broker_port": broker_port,
                    "token": hass.token,
                },
            )
            self._welcome(hass.url)
        tasks = [
            asyncio.create_task(watch)
            for watch in (
                self._keep_broker(broker),
                self._keep_home_assistant(home_assistant),
                self._watch(simulator),
            )
        ]
        try:
            # Each ends with the error that ends the demo.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _start(self, process: Process, *, wait_for: bytes | None = None) -> None:
        self._processes.append(process)
        await process.start(wait_for=wait_for)

    async def _wait_up(self, hass: HomeAssistant, process: Process) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while process.is_running:
                    if await hass.is_up():
                        return
                    await asyncio.sleep(0.1)
        raise ProcessError(f"Home Assistant did not start, see {HA_LOG}")

    async def _keep_broker(self, broker: Process) -> None:
        """Start the broker again when it is asked for, and when it has ended."""
        while True:
            asked = asyncio.create_task(self._restart_broker.wait())
            ended = asyncio.create_task(broker.wait())
            await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            self._restart_broker.clear()
            self._say("The broker goes away")
            await broker.stop()
            await asyncio.sleep(BROKER_AWAY_SECONDS)
            await broker.start()
            self._say("The broker is back")

    async def _keep_home_assistant(self, process: Process) -> None:
        """Start Home Assistant again when somebody restarts it in its frontend."""
        while (code := await process.wait()) == RESTART_EXIT_CODE:
            self._say("Home Assistant restarts")
            await process.start()
        raise ProcessError(f"Home Assistant has ended with code {code}, see {HA_LOG}")

    async def _watch(self, process: Process) -> None:
        code = await process.wait()
        raise ProcessError(f"The {process.name} has ended with code {code}")

    def _say(self, text: str) -> None:
        print(f"• {time.monotonic() - self._begun:5.1f} s  {text}", flush=True)

    def _welcome(self, url: str) -> None:
        self._say("Ready")
        plate = f"{url}/api/q/{read(STATE_FILE)[PLATES][LANDLORDS_UNIT]}"
        print(
            f"""
  Open {url} in a browser on this machine.

    user {USER}, password {PASSWORD}            everything
    user {POLICE}, password {POLICE_PASSWORD}    reads, and nothing else
    user {LANDLORD}, password {LANDLORD_PASSWORD}    {LANDLORDS_UNIT} alone

  Who scans the plate at the door of {LANDLORDS_UNIT} opens {plate}
  All plates:                          {LABELS}
  What residents' phones get:          scripts/demo phones
  In another terminal:  scripts/demo smoke 1-1-201     (scripts/demo --help)
  Kept in:              {DEMO}     (delete it to begin anew)
  Ctrl-C ends everything.
""",
            flush=True,
        )
