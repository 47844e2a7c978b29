"""What an installer sees of the sidecar: it is offered, put in place, and goes on by itself."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from playwright.async_api import expect
import pytest

from scripts.packaging import contents
from tests.installation.home import Home

from .frontend import DESKTOP, PATIENCE, PHONE, frontend

SAFETY, UNITS = "community_safety", "rental_units"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
async def home(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[Home]:
    """Return a Home Assistant into which a release was unpacked, and nothing else was done."""
    folder = tmp_path / "home"
    folder.mkdir()
    # Nobody is at the address that stands for GitHub.
    async with Home(folder, "http://127.0.0.1:9") as home:
        for name, content in contents().items():
            path = home.custom / SAFETY / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        await home.move_in()
        yield home


async def test_adding_the_sidecar(home: Home, chromium: str, tmp_path: Path) -> None:
    """A disk that does not take it is named, on a phone and in Chinese too; then its own form opens."""
    run: dict[str, Any] = {"url": home.hass.url, "token": home.hass.token}
    menu = f"config.step.user.menu_options.{UNITS}"
    in_the_way = home.custom / f".{UNITS}.new"
    # A file, which cannot be made a folder.
    in_the_way.touch()
    for how in (
        {"language": "zh-Hans", "scheme": "dark", "size": PHONE},
        {"language": "en", "scheme": "light", "size": DESKTOP},
    ):
        async with frontend(chromium, tmp_path / "profile", run, **how) as view:
            await view.add(SAFETY)
            await view.choose(view.text(SAFETY, menu))
            shown = view.text(SAFETY, f"config.step.{UNITS}.description")
            await expect(view.dialog).to_contain_text(shown, timeout=PATIENCE)
            await view.submit()
            await view.error(view.beginning(SAFETY, "config.error.sidecar_not_written"))
            if how["size"] is PHONE:
                continue
            in_the_way.unlink()
            await view.submit()
            shown = view.text(UNITS, "config.step.user.description")
            await expect(view.dialog).to_contain_text(shown, timeout=PATIENCE)
            await view.fill("name", "Xingqiao")
            await view.submit()
            # It is a device, and may have a name of its own and an area.
            await expect(view.dialog.get_by_placeholder("Xingqiao")).to_be_visible(
                timeout=PATIENCE
            )
            assert set((await home.entries(UNITS)).values()) == {"loaded"}
