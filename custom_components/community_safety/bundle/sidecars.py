"""Sidecars: integrations that the release brings along, copied into `custom_components`.

They are copied and not linked: Home Assistant's restore drops links. Once in place a sidecar
keeps itself up to date, and outlives this integration. A folder without our marker, or a
link, is a person's and never touched.
"""

import importlib
import os
from pathlib import Path
import shutil

from homeassistant import loader
from homeassistant.core import DOMAIN as HOMEASSISTANT_DOMAIN, HomeAssistant
from homeassistant.helpers import issue_registry as ir, translation
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.setup import async_setup_component

from ..const import DOMAIN, LOGGER
from . import folder
from .folder import MARKER, is_whole

RENTAL_UNITS = "rental_units"
_MANIFEST = "manifest.json"
#: Its name in the bundle, and until the folder has its place: a scan of the integrations
#: that comes in between must not take a copy for one.
_BUNDLED_MANIFEST = "manifest.bundled.json"


def missing_sidecars(hass: HomeAssistant) -> list[str]:
    """Return the domains of sidecars that can be put in place. Blocks."""
    return [
        path.parent.name
        for path in sorted(folder.BUNDLED.glob(f"*/{_BUNDLED_MANIFEST}"))
        if is_whole(path.parent) and _is_missing(_place(hass, path.parent.name))
    ]


async def async_place_sidecar(hass: HomeAssistant, domain: str) -> None:
    """Put a sidecar in place, and let Home Assistant find it without a restart.

    What it had set up before its folder was gone runs again. Raises OSError if it cannot
    be written; then nothing of it is left.
    """
    await hass.async_add_executor_job(
        _copy, folder.BUNDLED / domain, _place(hass, domain)
    )
    await _async_look_anew(hass, domain)
    if _is_set_up(hass, domain) and await async_setup_component(hass, domain, {}):
        ir.async_delete_issue(
            hass, HOMEASSISTANT_DOMAIN, f"integration_not_found.{domain}"
        )


async def async_heal_sidecars(hass: HomeAssistant) -> None:
    """Put back each sidecar that has config entries and whose folder is gone, and start it."""
    for domain in await hass.async_add_executor_job(missing_sidecars, hass):
        if not _is_set_up(hass, domain):
            continue
        issue_id = f"sidecar_missing_{domain}"
        try:
            await async_place_sidecar(hass, domain)
        except OSError as err:
            LOGGER.error("The sidecar %s could not be put back: %s", domain, err)
            ir.async_create_issue(
                hass,
                DOMAIN,
                issue_id,
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="sidecar_missing",
                translation_placeholders={"sidecar": domain, "reason": str(err)},
            )
            continue
        LOGGER.warning(
            "The folder of the sidecar %s was gone, and was put back", domain
        )
        ir.async_delete_issue(hass, DOMAIN, issue_id)


async def async_resume_sidecars(hass: HomeAssistant) -> None:
    """Set up each sidecar that has something left to do, and may have no config entry any more.

    It says so with a file: Rental Units has cards of a removed property there, which are to
    be taken from our controllers.
    """
    left = Path(hass.config.path(STORAGE_DIR, f"{RENTAL_UNITS}.leaving"))
    if await hass.async_add_executor_job(left.exists):
        await async_setup_component(hass, RENTAL_UNITS, {})


def _is_set_up(hass: HomeAssistant, domain: str) -> bool:
    return bool(hass.config_entries.async_entries(domain, include_ignore=False))


def _place(hass: HomeAssistant, domain: str) -> Path:
    return Path(hass.config.path("custom_components", domain))


def _is_missing(place: Path) -> bool:
    """Return if nothing is in place, or what a power cut has left of a copy of ours."""
    if place.is_symlink():
        return False
    return not place.exists() or (
        (place / MARKER).is_file() and not (place / _MANIFEST).exists()
    )


def _copy(source: Path, place: Path) -> None:
    """Copy a sidecar. Whenever this ends, there is the whole of it or no integration."""
    old, staging = (place.with_name(f".{place.name}.{name}") for name in ("old", "new"))
    for left in (old, staging):
        shutil.rmtree(left, ignore_errors=True)
    try:
        for path in (source, *sorted(source.rglob("*"))):
            copy = staging / path.relative_to(source)
            if path.is_dir():
                copy.mkdir()
                continue
            with copy.open("xb") as file:
                file.write(path.read_bytes())
                file.flush()
                # A power cut must not leave empty files under their final names.
                os.fsync(file.fileno())
        if place.exists():
            # Not removed here: without its marker the rest would be a person's.
            place.rename(old)
        staging.rename(place)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    (place / _BUNDLED_MANIFEST).rename(place / _MANIFEST)
    shutil.rmtree(old, ignore_errors=True)


async def _async_look_anew(hass: HomeAssistant, domain: str) -> None:
    """Have files and texts looked for that were not there when they were last."""
    importlib.invalidate_caches()
    if invalidate := getattr(translation, "async_invalidate_translations", None):
        loader.async_clear_custom_components_cache(hass)  # type: ignore[attr-defined]
        invalidate(hass, {domain})
    else:
        # Home Assistant 2026.10 has no functions for it.
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS, None)
        texts = hass.data.get(translation.TRANSLATION_FLATTEN_CACHE)
        for loaded in texts.cache_data.loaded.values() if texts else ():
            loaded.discard(domain)
    # HACS takes it for granted that the list is there.
    await loader.async_get_custom_components(hass)
