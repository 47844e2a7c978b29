"""The integration's own folder, where Community Safety has copied it from its bundle.

It keeps itself up to date from there, and has Community Safety set up also where there is
no gateway: so everybody has the blueprints and the control room that came along. Without a
marker in it the folder is a person's: it is never touched, nor is a link.
"""

import os
from pathlib import Path
import shutil

from homeassistant import loader
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .const import DOMAIN, LOGGER

COMMUNITY_SAFETY = "community_safety"
FOLDER = Path(__file__).parent
BUNDLED = FOLDER.parent / COMMUNITY_SAFETY / "bundled" / DOMAIN
RESTART_REQUIRED = "restart_required"
#: Holds the version of what was copied. In the bundle it is written last.
_MARKER = ".bundled"
_MANIFEST = "manifest.json"
#: Its name wherever the folder is not an integration: a scan takes each manifest for one.
_BUNDLED_MANIFEST = "manifest.bundled.json"


async def async_setup_sidecar(hass: HomeAssistant) -> None:
    """Follow the bundle when Home Assistant ends: one restart updates both integrations."""
    if await hass.async_add_executor_job(_is_outdated):
        # The power was cut before the folder was exchanged, or the disk did not take it.
        ir.async_create_issue(
            hass,
            DOMAIN,
            RESTART_REQUIRED,
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=RESTART_REQUIRED,
        )

    async def exchange(_event: Event) -> None:
        try:
            await hass.async_add_executor_job(_refresh)
        except OSError as err:
            LOGGER.error("Rental Units could not be updated: %s", err)

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, exchange)
    if await hass.async_add_executor_job(_came_along):
        # Not waited for: alerts do not depend on it.
        hass.async_create_task(
            async_setup_component(hass, COMMUNITY_SAFETY, {}), "what came along"
        )


async def async_remove_sidecar(hass: HomeAssistant) -> None:
    """Remove the folder with the last property."""
    if hass.config_entries.async_entries(DOMAIN):
        return
    try:
        removed = await hass.async_add_executor_job(_remove)
    except OSError as err:
        LOGGER.warning("The folder of Rental Units could not be removed: %s", err)
        return
    if removed:
        # Home Assistant must not offer what is gone.
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS, None)
        await loader.async_get_custom_components(hass)


def _version(folder: Path) -> str | None:
    """Return what the marker of a folder says; None if the folder is not ours."""
    if folder.is_symlink():
        return None
    try:
        return (folder / _MARKER).read_text("utf-8").strip()
    except OSError:
        return None


def _came_along() -> bool:
    return None not in (_version(FOLDER), _version(BUNDLED))


def _is_outdated() -> bool:
    mine, theirs = _version(FOLDER), _version(BUNDLED)
    return mine is not None and theirs is not None and mine != theirs


def _refresh() -> None:
    """Take the bundle's version, if that is another.

    Raises OSError if the disk does not take it; the folder is as it was then. After a
    power cut in between Community Safety finds no integration here, and puts it back: when
    a gateway starts, or a person adds the sidecar once more.
    """
    old, new = (FOLDER.with_name(f".{DOMAIN}.{name}") for name in ("old", "new"))
    for left in (old, new):
        shutil.rmtree(left, ignore_errors=True)
    if not _is_outdated():
        return
    try:
        _copy(BUNDLED, new)
        (FOLDER / _MANIFEST).rename(FOLDER / _BUNDLED_MANIFEST)
        FOLDER.rename(old)
        new.rename(FOLDER)
        (FOLDER / _BUNDLED_MANIFEST).rename(FOLDER / _MANIFEST)
    except OSError:
        _undo(old, new)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    for path in (source, *sorted(source.rglob("*"))):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir()
            continue
        with copy.open("xb") as file:
            file.write(path.read_bytes())
            file.flush()
            # A power cut must not leave empty files under their final names.
            os.fsync(file.fileno())


def _undo(old: Path, new: Path) -> None:
    """Put the folder back as it was, as far as the disk lets us."""
    if old.exists():
        if FOLDER.exists():
            FOLDER.rename(new)
        old.rename(FOLDER)
    if not (FOLDER / _MANIFEST).exists():
        (FOLDER / _BUNDLED_MANIFEST).rename(FOLDER / _MANIFEST)
    shutil.rmtree(new, ignore_errors=True)


def _remove() -> bool:
    """Remove the folder if it was copied; return if it was."""
    if _version(FOLDER) is None:
        return False
    # A half of it must not be taken for an integration, nor for a person's folder.
    (FOLDER / _MANIFEST).unlink()
    old = FOLDER.with_name(f".{DOMAIN}.old")
    FOLDER.rename(old)
    shutil.rmtree(old)
    return True
