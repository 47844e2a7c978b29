"""Cards of a property that was removed: taken from every door first, and forgotten then.

The people of the property are erased at once. What stays is which number is to be taken from
which controller, encrypted with the property's key, until each controller has proven it.

It may be all that is left of this integration: after a restart nothing has it set up then
but Community Safety, which sees that the file is there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
import time
from typing import Any, Final, TypedDict

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..issues import ERROR, listed
from ..register import Register
from ..storage.errors import RegisterError
from ..storage.vault import Keys, Vault
from . import outbox
from .const import AWAY
from .office import (
    BEAT,
    DATA_CREDENTIALS,
    DATA_OFFICES,
    PORTION,
    async_fact_of,
    fact_of,
)
from .outbox import Fact

#: A controller that is away is looked for so often, in seconds, and one that has refused or
#: contradicted is left alone for so long.
RETRY_SECONDS: Final = 60
SUSPENDED_SECONDS: Final = 900
GONE: Final = Fact(is_there=False)
#: Keys of the repairs; that of the second is followed by the property's.
ISSUE: Final = "cards_leaving"
UNREAD: Final = "cards_left_unread"

DATA_LEAVING: HassKey[Leaving] = HassKey(f"{DOMAIN}_leaving")


class _StoredCard(TypedDict):
    device_id: str
    key_id: str
    body: str


class _StoredProperty(TypedDict):
    title: str
    cards: list[_StoredCard]


type _Stored = dict[str, _StoredProperty]


@dataclass(frozen=True, slots=True)
class _Left:
    """A card that is to be taken from a controller."""

    entry_id: str
    title: str
    stored: _StoredCard
    #: None: nobody can read it any more.
    number: str | None = field(repr=False)

    @property
    def device_id(self) -> str:
        """Return Home Assistant's id of the controller."""
        return self.stored["device_id"]


class Leaving:
    """What removed properties have left at controllers."""

    def __init__(self, hass: HomeAssistant, end: Callable[[], Awaitable[None]]) -> None:
        """Initialize; `end` is called when nothing is left any more."""
        self._hass = hass
        self._end = end
        self._store = Store[_Stored](
            hass, 1, f"{DOMAIN}.leaving", private=True, atomic_writes=True
        )
        self._rows: list[_Left] = []
        #: Not before this Unix time a controller is asked again.
        self._next: dict[str, float] = {}
        self._turning = False
        self._saving = asyncio.Lock()
        #: What is left is on the disk.
        self._is_saved = True

    async def async_load(self) -> None:
        """Take up what an earlier run has left, and go on with it."""
        try:
            stored = await self._store.async_load() or {}
        except HomeAssistantError as err:
            LOGGER.error("What removed properties have left cannot be read: %s", err)
            stored = {}
        for entry_id, found in stored.items():
            keys = Keys(self._hass, entry_id)
            try:
                await keys.async_load()
            except RegisterError as err:
                LOGGER.error("The key of a removed property: %s", err.key)
            self._rows += [
                _Left(entry_id, found["title"], card, _number(keys, entry_id, card))
                for card in found["cards"]
            ]
        async_at_started(self._hass, self._begin)

    @callback
    def _begin(self, _hass: HomeAssistant) -> None:
        async_track_time_interval(self._hass, self._beat, BEAT, cancel_on_shutdown=True)
        self.wake()

    async def async_take(self, entry: ConfigEntry, register: Register) -> None:
        """Take over the cards of a property before its database, which is open, is erased."""
        box = Vault(register.keys)
        try:
            await register.keys.async_load()
            found = await register.database.async_read(
                partial(outbox.left, box=box), long=True
            )
            rows = [
                _Left(
                    entry.entry_id,
                    entry.title,
                    _sealed(register.keys, entry.entry_id, device_id, number),
                    number,
                )
                for device_id, number in found
            ]
        except RegisterError as err:
            LOGGER.error("The cards of a removed property are not known: %s", err.key)
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                f"{UNREAD}_{entry.entry_id}",
                is_fixable=True,
                is_persistent=True,
                severity=ERROR,
                translation_key=UNREAD,
                translation_placeholders={"property": entry.title},
            )
            return
        self._rows += rows
        await self._async_save()

    def keeps(self, entry_id: str | None = None) -> bool:
        """Return if there is something left of a property, or of any."""
        return any(entry_id in (None, row.entry_id) for row in self._rows)

    def numbers(self, device_id: str) -> Collection[str]:
        """Return the numbers that are to be taken from a controller."""
        return {
            row.number
            for row in self._rows
            if row.device_id == device_id and row.number
        }

    async def async_forget(self) -> None:
        """Forget all of it, wherever it is: a person has said so."""
        await self._async_drop(list(self._rows))

    # What is ordered

    @callback
    def _beat(self, _now: datetime) -> None:
        if not self._is_saved:
            self._hass.async_create_background_task(
                self._async_save(), f"{DOMAIN} what removed properties have left"
            )
        self.wake()

    @callback
    def wake(self) -> None:
        """Have taken what is due."""
        self._show()
        if self._rows and not self._turning and DATA_CREDENTIALS in self._hass.data:
            self._turning = True
            self._hass.async_create_background_task(
                self._async_turn(), f"{DOMAIN} cards of removed properties"
            )

    async def _async_turn(self) -> None:
        now = time.time()
        devices = {
            row.device_id
            for row in self._rows
            if row.number and self._next.get(row.device_id, 0.0) <= now
        }
        try:
            await asyncio.gather(*map(self._async_serve, devices))
        finally:
            self._turning = False
            self._show()

    async def _async_serve(self, device_id: str) -> None:
        """Take cards from a controller, one after the other."""
        try:
            wanted = await self._async_wanted(device_id)
        except RegisterError as err:
            LOGGER.debug("Cards of removed properties are taken later: %s", err.key)
            return
        done = list[_Left]()
        for row in [row for row in self._rows if row.device_id == device_id]:
            if row.number is None:
                continue
            # Another property, or the same one once more, may have given it anew.
            fact = GONE if row.number in wanted else await self._async_order(row)
            if _is_gone(fact):
                done.append(row)
                if len(done) == PORTION:
                    await self._async_drop(done)
                    done.clear()
                continue
            self._next[device_id] = time.time() + (
                RETRY_SECONDS if fact.reason in AWAY else SUSPENDED_SECONDS
            )
            if fact.reason in AWAY:
                break
        await self._async_drop(done)

    async def _async_wanted(self, device_id: str) -> set[str]:
        """Return the numbers that are to be at a controller for others.

        Raises RegisterError while a property cannot say.
        """
        found = set[str]()
        entries = self._hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        for entry in entries:
            if (office := self._hass.data[DATA_OFFICES].get(entry.entry_id)) is None:
                raise RegisterError("property_not_loaded")
            found |= await office.async_numbers(device_id)
        return found

    async def _async_order(self, row: _Left) -> Fact:
        """Have a card taken; return what was proven."""
        assert row.number
        return await async_fact_of(
            self._hass.data[DATA_CREDENTIALS].async_remove(
                row.device_id, number=row.number
            )
        )

    # What Community Safety tells

    @callback
    def proved(self, result: Any) -> None:
        """Take what became of a card that was tried again."""
        if _is_taken(result):
            self._gone(result.device_id, {result.number})

    @callback
    def checked(self, difference: Any) -> None:
        """Take how the list of a controller was found."""
        gone = {row.number for row in difference.results if _is_taken(row)}
        self._gone(difference.device_id, gone | set(difference.gone))

    def _gone(self, device_id: str, numbers: Collection[str]) -> None:
        rows = [
            row
            for row in self._rows
            if row.device_id == device_id and row.number in numbers
        ]
        if rows:
            self._hass.async_create_background_task(
                self._async_drop(rows), f"{DOMAIN} card that is gone"
            )

    # What is kept

    async def _async_drop(self, rows: Iterable[_Left]) -> None:
        """Forget cards, and with the last one of a property its key."""
        rows = list(rows)
        if not rows:
            return
        self._rows = [row for row in self._rows if row not in rows]
        await self._async_save()
        for entry_id in {row.entry_id for row in rows}:
            if not (
                self.keeps(entry_id)
                # It came back: the process ended before it was removed.
                or self._hass.config_entries.async_get_entry(entry_id)
            ):
                await Keys(self._hass, entry_id).async_remove()
        self._show()
        if not self._rows:
            await self._end()

    async def _async_save(self) -> None:
        async with self._saving:
            stored: _Stored = {}
            for row in self._rows:
                found = stored.setdefault(
                    row.entry_id, _StoredProperty(title=row.title, cards=[])
                )
                found["cards"].append(row.stored)
            try:
                if stored:
                    await self._store.async_save(stored)
                else:
                    await self._store.async_remove()
                # The store logs what it cannot write, and raises nothing.
                self._is_saved = (await self._store.async_load() or {}) == stored
            except (HomeAssistantError, OSError) as err:
                LOGGER.error("What removed properties have left is not kept: %s", err)
                self._is_saved = False

    @callback
    def _show(self) -> None:
        """Show what is left as a repair, until nothing is."""
        if not self._rows:
            ir.async_delete_issue(self._hass, DOMAIN, ISSUE)
            return
        registry = dr.async_get(self._hass)
        controllers = {
            (device.name_by_user or device.name or "?")
            if (device := registry.async_get(key))
            else "?"
            for key in {row.device_id for row in self._rows}
        }
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            ISSUE,
            is_fixable=True,
            # It outlasts the last property, with which nothing of ours is loaded.
            is_persistent=True,
            severity=ERROR,
            translation_key=ISSUE,
            translation_placeholders={
                "properties": ", ".join(sorted({row.title for row in self._rows})),
                **listed(controllers, "controllers"),
                "count": str(len(self._rows)),
            },
        )


def _is_gone(fact: Fact) -> bool:
    """Return if an order to take a card is done: nobody can prove more of what was sent."""
    return fact.is_there is False or fact.is_sent


def _is_taken(result: Any) -> bool:
    """Return if a result is of a card that was taken."""
    return result.held is None and _is_gone(fact_of(result))


def _sealed(
    keys: Keys, entry_id: str, device_id: str, number: str | None
) -> _StoredCard:
    key_id, body = keys.seal(number, f"{entry_id} {device_id}") if number else ("", "")
    return _StoredCard(device_id=device_id, key_id=key_id, body=body)


def _number(keys: Keys, entry_id: str, card: _StoredCard) -> str | None:
    try:
        return keys.open(
            card["key_id"], card["body"], f"{entry_id} {card['device_id']}"
        )
    except RegisterError:
        return None
