"""The ways by which a release comes into a Home Assistant, each as a person goes it."""

from abc import ABC, abstractmethod
import io
from pathlib import Path
import shutil
from typing import Any, override
import zipfile

from simulator.demo.flows import CONFIG as FLOWS, check, enter, walk
from simulator.demo.home_assistant import CallError

from .github import NUMBER, REPOSITORY, GitHub
from .home import Home

FOLDER = "community_safety"


class Installer(ABC):
    """Puts releases of GitHub into a home."""

    def __init__(self, home: Home, github: GitHub) -> None:
        """Initialize."""
        self.home = home
        self.github = github

    @abstractmethod
    async def prepare(self) -> None:
        """Do what is done once, before the first installation, in a home that runs."""

    @abstractmethod
    async def install(self) -> None:
        """Install the newest release, or update to it."""

    @abstractmethod
    async def uninstall(self) -> None:
        """Remove what was installed."""


class ByHand(Installer):
    """Unpacks the zip into `custom_components`."""

    @override
    async def prepare(self) -> None:
        await self.install()
        await self.home.restart()

    @override
    async def install(self) -> None:
        await self.uninstall()
        with zipfile.ZipFile(io.BytesIO(self.github.releases[0].asset)) as archive:
            archive.extractall(self.home.custom / FOLDER)

    @override
    async def uninstall(self) -> None:
        shutil.rmtree(self.home.custom / FOLDER, ignore_errors=True)


class Marketplace(Installer):
    """Home Assistant's own, from 2026.11."""

    repository = str(NUMBER)

    async def accept(self) -> None:
        """Wait until it is set up, and accept what it warns of, as each person does once."""
        await self.home.until(self._is_ready)
        await self.home.hass.call("marketplace/warning/accept")

    @override
    async def prepare(self) -> None:
        hass = self.home.hass
        await self.accept()
        try:
            await self._add()
        except CallError as err:
            assert "GitHub" in str(err)  # noqa: PT017
        flow = (await hass.call("marketplace/github/connect"))["flow_id"]
        form = await hass.rest("GET", f"{FLOWS}/{flow}")
        check("GitHub", await enter(hass, FLOWS, form, {}), "abort")
        await self.home.until(self.is_connected)
        await self._add()

    async def _add(self) -> None:
        await self.home.hass.call(
            "marketplace/repositories/add",
            repository=f"https://github.com/{REPOSITORY}",
            category="integration",
        )

    async def installed_version(self) -> str | None:
        """Return which release it knows to be installed."""
        rows = await self.home.hass.call("marketplace/repositories/list")
        ours = next(row for row in rows if row["full_name"] == REPOSITORY)
        return ours["installed_version"] if ours["installed"] else None

    async def _info(self) -> dict[str, Any]:
        """Return how it is; nothing while it is being set up."""
        try:
            info: dict[str, Any] = await self.home.hass.call("marketplace/info")
        except CallError:
            return {}
        return info if info["stage"] == "running" else {}

    async def _is_ready(self) -> bool:
        return bool(await self._info())

    async def is_connected(self) -> bool:
        """Return if it may ask GitHub in somebody's name."""
        return bool((await self._info()).get("github_connected"))

    @override
    async def install(self) -> None:
        hass = self.home.hass
        await self.home.until(self._is_ready)
        await hass.call("marketplace/repository/refresh", repository=self.repository)
        await hass.call("marketplace/repository/install", repository=self.repository)

    @override
    async def uninstall(self) -> None:
        await self.home.hass.call(
            "marketplace/repository/uninstall", repository=self.repository
        )


class FromCatalogue(Marketplace):
    """The Marketplace, for who has no account at GitHub."""

    @override
    async def prepare(self) -> None:
        await self.accept()

    @override
    async def install(self) -> None:
        await self.home.hass.call(
            "marketplace/repository/install", repository=self.repository
        )


def copy_hacs(checkout: Path, folder: Path) -> None:
    """Copy the integration of a checkout into a folder of integrations."""
    shutil.copytree(checkout / "custom_components/hacs", folder / "hacs")
    # Its panel is built elsewhere, and comes with its releases alone.
    panel = folder / "hacs/hacs_frontend"
    panel.mkdir(exist_ok=True)
    (panel / "__init__.py").write_text(
        "VERSION = '0'\n\n\ndef locate_dir():\n    return __path__[0]\n"
    )


class Hacs(Installer):
    """HACS, from a checkout of its code."""

    def __init__(self, home: Home, github: GitHub, checkout: Path) -> None:
        """Put HACS in place."""
        super().__init__(home, github)
        copy_hacs(checkout, home.custom)

    @override
    async def prepare(self) -> None:
        hass = self.home.hass
        consent = dict.fromkeys(
            ("acc_logs", "acc_addons", "acc_untested", "acc_disable"), True
        )
        await walk(hass, FLOWS, "hacs", consent)
        await self.home.until(self._is_ready)
        await hass.call(
            "hacs/repositories/add", repository=REPOSITORY, category="integration"
        )

    async def _is_ready(self) -> bool:
        try:
            info = await self.home.hass.call("hacs/info")
        except CallError:
            return False
        return info["stage"] == "running"

    async def _repository(self) -> Any:
        rows = await self.home.hass.call("hacs/repositories/list")
        return next(row for row in rows if row["full_name"] == REPOSITORY)

    @override
    async def install(self) -> None:
        hass = self.home.hass
        await self.home.until(self._is_ready)
        found = (await self._repository())["id"]
        await hass.call("hacs/repository/refresh", repository=found)
        await hass.call("hacs/repository/download", repository=found)

    @override
    async def uninstall(self) -> None:
        found = (await self._repository())["id"]
        await self.home.hass.call("hacs/repository/remove", repository=found)
