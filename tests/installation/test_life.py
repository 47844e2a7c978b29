"""The life of an installation: installed, used, updated, backed up, restored and removed."""

import asyncio
from importlib.util import find_spec
import json
from pathlib import Path
import shutil
from typing import Any
import zipfile

import paho.mqtt.publish as mqtt
import pytest

from scripts.packaging import Files, contents, files_below, write_zip
from simulator.demo.flows import OPTIONS, walk
from simulator.demo.home_assistant import CallError
from tests.bundled import files_of
from tests.common import BASE, clear_broker

from .github import GitHub, Release
from .home import Home
from .installers import ByHand, FromCatalogue, Hacs, Installer, Marketplace

pytestmark = pytest.mark.timeout(600)
HAS_MARKETPLACE = bool(find_spec("homeassistant.components.marketplace"))
NEXT = "99.0.0"
MANIFEST = "custom_components/community_safety/manifest.json"
EDITED, DELETED, PLAIN = "smoke_response.yaml", "elevator.yaml", "water_supply.yaml"


@pytest.fixture
def files(request: pytest.FixtureRequest) -> Files:
    """Return the release that is tested: that of --zip, or of this checkout."""
    if not (path := request.config.getoption("--zip", None)):
        return contents()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def release(files: Files, folder: Path) -> Release:
    """Return a release of these files, in a repository that looks like ours."""
    path = folder / "release.zip"
    write_zip(files, path)
    tree = dict.fromkeys(files_below("."), b"")
    for name in ("hacs.json", "README.md", MANIFEST):
        tree[name] = (Path(__file__).parents[2] / name).read_bytes()
    # As it is at the tag: git's, which is not quite that of the zip.
    version = json.loads(files["manifest.json"])["version"]
    manifest = {**json.loads(tree[MANIFEST]), "version": version}
    tree[MANIFEST] = json.dumps(manifest).encode()
    return Release(version, tree, path.read_bytes())


def next_version(files: Files) -> Files:
    """Return the next release: each blueprint has changed, and both integrations."""
    old = json.loads(files["manifest.json"])["version"]
    changed = dict(files)
    for name, content in files.items():
        if name.endswith(("manifest.json", "manifest.bundled.json", ".bundled")):
            changed[name] = content.replace(old.encode(), NEXT.encode())
        elif name.startswith("bundled/blueprints/"):
            changed[name] = content + b"# What is new.\n"
    changed["bundled/rental_units/new.py"] = b'"""What is new."""\n'
    return changed


@pytest.fixture
def gateway(broker_port: int, socket_enabled: None) -> Any:
    """Announce a gateway on the broker, and return its port."""
    message = {"version": 1, "id": "g1", "time": 1.0, "name": "Building 1"}
    port = {"hostname": "127.0.0.1", "port": broker_port}
    mqtt.single(f"{BASE}/gateway", json.dumps(message), qos=1, retain=True, **port)
    yield broker_port
    clear_broker(broker_port)


@pytest.fixture(
    params=[
        pytest.param(
            "marketplace",
            marks=pytest.mark.skipif(not HAS_MARKETPLACE, reason="from 2026.11"),
        ),
        pytest.param(
            "hacs", marks=pytest.mark.skipif(HAS_MARKETPLACE, reason="until 2026.10")
        ),
        pytest.param(
            "hand", marks=pytest.mark.skipif(HAS_MARKETPLACE, reason="as on 2026.10")
        ),
    ]
)
def installer(request: pytest.FixtureRequest) -> Any:
    """Return how to make an installer of a home."""
    if request.param == "hacs":
        if not (checkout := request.config.getoption("--hacs", None)):
            pytest.skip("--hacs names no checkout")
        return lambda home, github: Hacs(home, github, Path(checkout))
    return {"marketplace": Marketplace, "hand": ByHand}[request.param]


def test_life(tmp_path: Path, files: Files, gateway: int, installer: Any) -> None:
    """Nothing of a person's is lost at any step, and each update takes one restart."""
    home = tmp_path / "home"
    home.mkdir()

    async def story() -> None:
        with GitHub() as github:
            github.releases = [release(files, tmp_path)]
            async with Home(home, github.address) as house:
                life = Life(house, installer(house, github), files)
                await life.installed(gateway)
                github.releases.insert(0, release(next_version(files), tmp_path))
                await life.updated()
                await life.healed()
                await life.restored()
                await life.removed()

    asyncio.run(story())


class Life:
    """What happens to one installation, step by step."""

    def __init__(self, home: Home, installer: Installer, files: Files) -> None:
        """Initialize with the release that is installed first."""
        self.home = home
        self.installer = installer
        self.files = files
        self.blueprints = home.folder / "blueprints/automation/community_safety"
        self.property = ""

    async def installed(self, broker_port: int) -> None:
        """Install the zip, and add a gateway and the sidecar without more ado."""
        home, version = self.home, json.loads(self.files["manifest.json"])["version"]
        await home.move_in()
        await self.installer.prepare()
        await self.installer.install()
        # Home Assistant's caches aside, the folder holds what the zip holds.
        installed = files_of(home.custom / "community_safety")
        assert {
            key: row for key, row in installed.items() if "__pycache__" not in key
        } == self.files

        await home.add_gateway(broker_port, BASE)
        self.property = await home.add_sidecar()
        await walk(
            home.hass,
            OPTIONS,
            self.property,
            {"next_step_id": "units"},
            {"next_step_id": "unit_add"},
            {
                "building": "1",
                "stairwell": "1",
                "number": "201",
                "address": "Xingqiao 1-1-201",
                "rooms": 2,
                "letting": "whole",
                "landlord": {
                    "name": "Landlord",
                    "phone": "13800138001",
                    "channels": ["sms"],
                },
                "tenants": [],
            },
        )
        await self.runs(version)
        assert await home.issues() & OURS == set()
        listed = await home.hass.call("blueprint/list", domain="automation")
        mine = {name: row for name, row in listed.items() if "community_safety" in name}
        shipped = {
            Path(name).name
            for name in self.files
            if name.startswith("bundled/blueprints/automation/")
        }
        assert {path.name for path in self.blueprints.glob("*.yaml")} == shipped
        assert {Path(name).name for name in mine} == shipped
        assert [row for row in mine.values() if "error" in row] == []
        scripts = await home.hass.call("blueprint/list", domain="script")
        assert {"community_safety/sms.yaml", "community_safety/voice.yaml"} <= {
            *scripts
        }

    async def loaded(self, domain: str) -> None:
        """Wait until what was set up of an integration is loaded."""

        async def is_loaded() -> bool:
            return set((await self.home.entries(domain)).values()) == {"loaded"}

        await self.home.until(is_loaded)

    async def runs(self, version: str) -> None:
        """All that was set up is loaded, in one version, with the units that were entered."""
        home = self.home
        for domain in ("community_safety", "rental_units"):
            await self.loaded(domain)
            assert await home.version(domain) == version
        assert len(await home.units()) == 1
        marker = home.custom / "rental_units/.bundled"
        assert marker.read_text("utf-8").strip() == version

    async def updated(self) -> None:
        """One restart brings both integrations, and blueprints as a person wants them."""
        home = self.home
        edited = self.blueprints / EDITED
        edited.write_bytes(edited.read_bytes() + b"# mine\n")
        (self.blueprints / DELETED).unlink()
        await self.installer.install()
        await home.restart()
        await self.runs(NEXT)
        assert (home.custom / "rental_units/new.py").is_file()
        assert edited.read_bytes().endswith(b"# mine\n")
        assert not (self.blueprints / DELETED).exists()
        assert (self.blueprints / PLAIN).read_bytes().endswith(b"# What is new.\n")
        changed = f"community_safety.blueprint_changed_automation/{EDITED}"
        assert changed in await home.issues()
        assert "rental_units.restart_required" not in await home.issues()
        assert not list(home.custom.glob(".rental_units*"))

    async def healed(self) -> None:
        """Lose the sidecar's folder: the next start puts it back, and it runs."""
        shutil.rmtree(self.home.custom / "rental_units")
        await self.home.restart()
        await self.runs(NEXT)
        assert await self.home.issues() & OURS == set()

    async def restored(self) -> None:
        """Bring all of it back from a backup, after the worst."""
        home = self.home
        backup = await home.back_up()
        await home.delete("rental_units")
        assert not (home.custom / "rental_units").exists()
        shutil.rmtree(self.blueprints)
        (home.folder / "community_safety.db").unlink()
        await home.restore(backup)
        await self.runs(NEXT)
        assert (self.blueprints / EDITED).read_bytes().endswith(b"# mine\n")
        assert not (self.blueprints / DELETED).exists()
        assert (home.folder / "community_safety.db").is_file()

    async def removed(self) -> None:
        """Leave what is a person's; the sidecar goes with its last property alone."""
        home = self.home
        if isinstance(self.installer, Marketplace):
            with pytest.raises(CallError):
                await self.installer.uninstall()
        await home.delete("community_safety")
        await self.installer.uninstall()
        assert not (home.custom / "community_safety").exists()
        await home.restart()
        await self.loaded("rental_units")
        assert len(await home.units()) == 1
        assert (self.blueprints / EDITED).is_file()
        assert (home.folder / "community_safety.db").is_file()
        assert await home.issues() & OURS == set()
        await home.delete("rental_units")
        assert not (home.custom / "rental_units").exists()


#: What a person must not be asked after an installation or a removal.
OURS = {
    "rental_units.restart_required",
    "community_safety.sidecar_missing_rental_units",
    "community_safety.blueprint_not_written_automation",
    "homeassistant.integration_not_found.rental_units",
    "homeassistant.integration_not_found.community_safety",
}


@pytest.mark.skipif(not HAS_MARKETPLACE, reason="from 2026.11")
def test_from_the_catalogue(tmp_path: Path, files: Files, socket_enabled: None) -> None:
    """Who has no account at GitHub installs what the catalogue names, and needs no restart."""
    home = tmp_path / "home"
    home.mkdir()

    async def story() -> None:
        with GitHub() as github:
            github.releases = [release(files, tmp_path)]
            github.listed = True
            async with Home(home, github.address) as house:
                await house.move_in()
                installer = FromCatalogue(house, github)
                await installer.prepare()
                await installer.install()
                await house.add_sidecar()
                assert set((await house.entries("rental_units")).values()) == {"loaded"}

                async def has_blueprints() -> bool:
                    listed = await house.hass.call(
                        "blueprint/list", domain="automation"
                    )
                    return f"community_safety/{PLAIN}" in listed

                # Although there is no gateway.
                await house.until(has_blueprints)
                assert "safety" in await house.hass.call("get_panels")
                assert not [row for row in await house.issues() if "restart" in row]

    asyncio.run(story())
