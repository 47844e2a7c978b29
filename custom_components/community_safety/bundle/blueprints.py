"""Blueprints: brought along, and kept as a person wants them.

What was placed is known by its hash. A blueprint that nobody has changed follows the
release, one that was changed stays with a repair, and one that was deleted stays deleted.
Where the whole folder is gone, everything was removed, and is brought anew.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
import difflib
from hashlib import sha256
import os
from pathlib import Path

from homeassistant.const import SERVICE_RELOAD
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_when_setup
from homeassistant.util.file import WriteError, write_utf8_file_atomic
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from . import folder
from .folder import is_whole

DATA_BLUEPRINTS: HassKey[Blueprints] = HassKey(f"{DOMAIN}_blueprints")
#: Begins the id of the issue that a changed blueprint has a newer version.
CHANGED = "blueprint_changed_"
_DOMAINS = ("automation", "script")
_NOT_WRITTEN = "blueprint_not_written"
_MOST_LINES = 300


class Blueprints:
    """The blueprints of the bundle, by `automation/name.yaml`, and what was placed of them."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._store = Store[dict[str, str]](hass, 1, f"{DOMAIN}.blueprints")
        #: The hash of what was placed last, or of what a person has preferred theirs to.
        self._placed: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def async_bring(self, _hass: HomeAssistant, domain: str) -> None:
        """Write the blueprints of a domain that are missing, and those that nobody changed."""
        async with self._lock:
            try:
                self._placed = self._placed or await self._store.async_load() or {}
            except (HomeAssistantError, OSError) as err:
                # What a person has changed or deleted is not known: all stays as it is.
                self._show(domain, str(err))
                return
            before = dict(self._placed)
            if await self._hass.async_add_executor_job(self._is_gone, domain):
                self._placed = {
                    key: placed
                    for key, placed in self._placed.items()
                    if not key.startswith(f"{domain}/")
                }
            changed: list[str] = []
            updated, failure = False, ""
            for key in await self._hass.async_add_executor_job(_keys, domain):
                try:
                    done = await self._hass.async_add_executor_job(self._bring, key)
                except (OSError, WriteError) as err:
                    failure = failure or f"{key}: {err}"
                    continue
                updated |= done == "updated"
                changed += [key] if done == "changed" else []
            if self._placed != before:
                await self._store.async_save(self._placed)
        self._show(domain, failure)
        for key in changed:
            self._show_changed(key)
        if updated:
            await self._hass.services.async_call(domain, SERVICE_RELOAD, blocking=True)

    def _is_gone(self, domain: str) -> bool:
        """Return if there is no folder for the blueprints of a domain. Blocks."""
        return not os.path.lexists(self._folder(domain))

    def _bring(self, key: str) -> str:
        """Bring one blueprint, and return what that was. Blocks.

        Raises OSError or WriteError if the disk does not take it.
        """
        place = self._place(key)
        if place.is_symlink() or place.parent.is_symlink():
            return "linked"
        ours = _source(key).read_bytes()
        theirs = _read(place)
        placed, new = self._placed.get(key), _hash(ours)
        if theirs is None and placed is not None:
            return "deleted"
        if theirs == ours:
            self._placed[key] = new
            return "same"
        if theirs is not None and _hash(theirs) != placed:
            return "kept" if placed == new else "changed"
        self._write(place, ours)
        self._placed[key] = new
        return "placed" if theirs is None else "updated"

    async def async_difference(self, key: str) -> str:
        """Return how a person's blueprint differs from that of the release."""

        def compare() -> Iterator[str]:
            theirs = (_read(self._place(key)) or b"").decode(errors="replace")
            ours = _source(key).read_text("utf-8")
            yield from difflib.unified_diff(
                theirs.splitlines(), ours.splitlines(), "yours", "new", n=2, lineterm=""
            )

        lines = await self._hass.async_add_executor_job(lambda: list(compare()))
        more = ["…"] if len(lines) > _MOST_LINES else []
        return "\n".join([*lines[:_MOST_LINES], *more])

    async def async_replace(self, key: str) -> None:
        """Take the blueprint of the release; a person's is kept beside it.

        Raises OSError or WriteError if the disk does not take it; then all is as it was.
        """

        def replace() -> None:
            place = self._place(key)
            if (theirs := _read(place)) is not None:
                # Home Assistant reads .yaml alone.
                self._write(place.with_name(f"{place.name}.bak"), theirs)
            self._write(place, _source(key).read_bytes())

        async with self._lock:
            await self._hass.async_add_executor_job(replace)
        await self.async_keep(key)
        await self._hass.services.async_call(
            key.partition("/")[0], SERVICE_RELOAD, blocking=True
        )

    async def async_keep(self, key: str) -> None:
        """Remember that this version was seen, whichever of the two is in use."""
        async with self._lock:
            ours = await self._hass.async_add_executor_job(_source(key).read_bytes)
            self._placed[key] = _hash(ours)
            await self._store.async_save(self._placed)

    def _place(self, key: str) -> Path:
        domain, _slash, name = key.partition("/")
        return self._folder(domain) / name

    def _folder(self, domain: str) -> Path:
        return Path(self._hass.config.path("blueprints", domain, DOMAIN))

    @staticmethod
    def _write(place: Path, content: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_utf8_file_atomic(str(place), content, mode="wb")

    def _show(self, domain: str, failure: str) -> None:
        """Show that blueprints could not be written, or no longer."""
        issue_id = f"{_NOT_WRITTEN}_{domain}"
        if not failure:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
            return
        LOGGER.error("A blueprint could not be written: %s", failure)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_NOT_WRITTEN,
            translation_placeholders={"reason": failure},
        )

    def _show_changed(self, key: str) -> None:
        """Ask a person what is to become of a blueprint that they have changed."""
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            f"{CHANGED}{key}",
            data={"key": key},
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="blueprint_changed",
            translation_placeholders={"blueprint": key},
        )


async def async_setup_blueprints(hass: HomeAssistant) -> None:
    """Bring the blueprints, of each domain once it is set up.

    Not before: Home Assistant brings its own examples only where there is no folder yet.
    """
    if not await hass.async_add_executor_job(is_whole, _root()):
        return
    blueprints = hass.data[DATA_BLUEPRINTS] = Blueprints(hass)
    for domain in _DOMAINS:
        async_when_setup(hass, domain, blueprints.async_bring)


def _root() -> Path:
    return folder.BUNDLED / "blueprints"


def _keys(domain: str) -> list[str]:
    found = (_root() / domain / DOMAIN).glob("*.yaml")
    return sorted(f"{domain}/{path.name}" for path in found)


def _source(key: str) -> Path:
    domain, _slash, name = key.partition("/")
    return _root() / domain / DOMAIN / name


def _read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
