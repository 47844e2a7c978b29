"""A person's side of a whole Home Assistant: starts it, clicks, restarts it."""

import asyncio
from contextlib import suppress
from pathlib import Path
import sys
from typing import Any, Self

from simulator.broker import free_port
from simulator.demo.configuration import begin_onboarding, confirm_http
from simulator.demo.flows import CONFIG as FLOWS, begin, check, enter, walk
from simulator.demo.home_assistant import CallError, HomeAssistant
from simulator.demo.setup import onboard
from tests.complaints import complaints

#: What Home Assistant's program says when it wants to be started again.
RESTART = 100
#: Real seconds, on a busy machine.
PATIENCE = 300
CONFIGURATION = """
automation:
script:
config:
frontend:
logger:
  default: warning
"""


class Home:
    """One Home Assistant in a folder of its own."""

    def __init__(self, folder: Path, github: str) -> None:
        """Prepare an empty configuration."""
        self.folder = folder
        self.custom = folder / "custom_components"
        self._github = github
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: list[str] = []
        #: The Python that it runs with: that of another release updates Home Assistant.
        self.python = sys.executable
        self._port = free_port()
        self.hass = HomeAssistant(self._port)
        (folder / "configuration.yaml").write_text(CONFIGURATION)
        confirm_http(folder, self._port)
        begin_onboarding(folder)

    async def __aenter__(self) -> Self:
        """Return the home, not started yet."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End it, however it is. Nothing of all that was done with it is deprecated or blocks."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self.hass.__aexit__()
        self._hear()
        assert self._complaints == []

    def _hear(self) -> None:
        """Keep what Home Assistant has complained of: the start after the next takes the log."""
        self._complaints += complaints(self.log())

    async def move_in(self) -> None:
        """Start it for the first time, as its first user."""
        await self._launch()
        assert await self._answers(), self.log()
        self.hass.token = await onboard(self.hass, "en")
        await self._until_it_runs()

    async def start(self) -> None:
        """Start it, and wait until it runs."""
        await self._launch()
        await self._until_it_runs()

    async def stop(self) -> None:
        """Have it end, as a person does who updates Home Assistant."""
        with suppress(CallError):
            await self.hass.action("homeassistant.stop")
        assert self._process
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0, self.log()

    async def restart(self) -> None:
        """Have it restart, as a person does."""
        # It may end before it answers.
        with suppress(CallError):
            await self.hass.action("homeassistant.restart")
        await self.start_again()

    async def start_again(self) -> None:
        """Start it when it has ended to be started, as often as it wants that."""
        assert self._process
        while True:
            async with asyncio.timeout(PATIENCE):
                code = await self._process.wait()
            assert code == RESTART, self.log()
            await self._launch()
            if await self._answers():
                break
        await self._until_it_runs()

    async def _launch(self) -> None:
        self._hear()
        self._process = await asyncio.create_subprocess_exec(
            self.python,
            # Home Assistant would find the integrations of this checkout in the path.
            "-P",
            str(Path(__file__).with_name("house.py")),
            self._github,
            "--config",
            str(self.folder),
            "--skip-pip",
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def _answers(self) -> bool:
        """Return if it comes to answer before it ends."""
        assert self._process
        async with asyncio.timeout(PATIENCE):
            while self._process.returncode is None:
                if await self.hass.is_up():
                    return True
                await asyncio.sleep(0.1)
        return False

    async def _until_it_runs(self) -> None:
        assert await self._answers(), self.log()
        await self.hass.connect()

        async def runs() -> bool:
            return (await self.hass.call("get_config"))["state"] == "RUNNING"

        await self.until(runs)

    @staticmethod
    async def until(what: Any) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not await what():  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def log(self) -> str:
        """Return what Home Assistant has written since its last start."""
        path = self.folder / "home-assistant.log"
        return path.read_text("utf-8") if path.exists() else ""

    # What a person sees

    async def entries(self, domain: str) -> dict[str, str]:
        """Return the states of the config entries of an integration, by their id."""
        rows = await self.hass.call("config_entries/get", domain=domain)
        return {row["entry_id"]: row["state"] for row in rows}

    async def version(self, domain: str) -> str:
        """Return the version of an integration that runs."""
        manifest = await self.hass.call("manifest/get", integration=domain)
        return str(manifest["version"])

    async def issues(self) -> set[str]:
        """Return what there is to repair."""
        found = await self.hass.call("repairs/list_issues")
        return {f"{row['domain']}.{row['issue_id']}" for row in found["issues"]}

    async def units(self) -> set[str]:
        """Return the rental units that there are."""
        # Each property has a device of its own, too.
        properties = await self.entries("rental_units")
        return {
            row["name"]
            for row in await self.hass.call("config/device_registry/list")
            for domain, key, *_ in row["identifiers"]
            if domain == "rental_units" and key not in properties
        }

    # What a person does

    async def add_gateway(self, broker_port: int, topic: str) -> None:
        """Add the broker, and a gateway on it."""
        broker = {
            "broker": "127.0.0.1",
            "port": broker_port,
            "protocol": "3.1.1",
            "other_settings": {
                "set_client_cert": False,
                "set_ca_cert": "off",
                "transport": "tcp",
            },
        }
        await walk(self.hass, FLOWS, "mqtt", broker)
        await walk(
            self.hass,
            FLOWS,
            "community_safety",
            {"next_step_id": "native"},
            {"topic": topic},
        )

    async def add_sidecar(self) -> str:
        """Add the sidecar and a property, and return the id of that."""
        ended = await begin(
            self.hass, FLOWS, "community_safety", {"next_step_id": "rental_units"}, {}
        )
        check("the sidecar", ended, "abort")
        assert ended["reason"] == "sidecar_added"
        kind, flow_id = ended["next_flow"]
        assert kind == "config_flow"
        form = await self.hass.rest("GET", f"{FLOWS}/{flow_id}")
        answer = {"name": "Xingqiao", "database": "sqlite"}
        result = await enter(self.hass, FLOWS, form, answer)
        check("the property", result)
        return str(result["result"]["entry_id"])

    async def delete(self, domain: str) -> None:
        """Delete all config entries of an integration."""
        for entry_id in await self.entries(domain):
            await self.hass.rest(
                "DELETE", f"/api/config/config_entries/entry/{entry_id}"
            )

    async def back_up(self) -> str:
        """Make a backup of everything, and return its id."""
        agent = "backup.local"
        await self.hass.call(
            "backup/generate", agent_ids=[agent], include_database=True
        )

        async def is_there() -> bool:
            found = await self.hass.call("backup/info")
            return found["state"] == "idle" and bool(found["backups"])

        await self.until(is_there)
        found = await self.hass.call("backup/info")
        return str(found["backups"][0]["backup_id"])

    async def restore(self, backup_id: str) -> None:
        """Restore a backup, which restarts Home Assistant."""
        with suppress(CallError):
            await self.hass.call(
                "backup/restore",
                backup_id=backup_id,
                agent_id="backup.local",
                restore_database=True,
                restore_homeassistant=True,
            )
        await self.start_again()
