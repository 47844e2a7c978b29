"""People as they were last read, in an encrypted file: for a start without the database.

It is the one place besides the database where people are, and who has which role. It
follows the register within a minute, and at once when somebody is erased or a role is
given or taken; without its key nobody can read it.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import time
import json
from typing import Any, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER
from ..storage.errors import RegisterError
from ..storage.vault import Keys
from .people import Address, Recipient
from .units import UnitInfo

#: How long after a change the file follows it.
DELAY_SECONDS = 60

#: People by their units, and responders by their subentries.
type Known = tuple[dict[str, list[Recipient]], dict[str, Recipient]]
#: Who has which role: users, roles, who they are in the register, and the last day.
type Grants = list[tuple[str, str, str | None, str | None]]


class _Stored(TypedDict):
    key: str
    body: str


class LastKnown:
    """The file of one property."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        keys: Keys,
        units: Callable[[], Collection[UnitInfo]] = list,
    ) -> None:
        """Initialize; `units` returns those that are there."""
        self._units = units
        self._hass = hass
        self._keys = keys
        self._about = f"{DOMAIN}.{entry_id}.last_known"
        # Thousands of people: nothing of what is written is changed after it was read.
        self._store = Store[_Stored](
            hass,
            1,
            self._about,
            private=True,
            atomic_writes=True,
            serialize_in_event_loop=False,
        )
        #: None until the register was read in this run.
        self._known: Known | None = None
        self._grants: Grants | None = None

    async def async_load(self) -> Known:
        """Return who was known; nobody if there is no file, or no key for it."""
        people, _ = await self._async_load()
        return people

    async def async_load_units(self) -> dict[str, UnitInfo]:
        """Return the units that were known."""
        _, units = await self._async_load()
        return units

    async def async_load_grants(self) -> Grants | None:
        """Return the roles that were known; None where the file does not say."""
        rows = (await self._async_read()).get("grants")
        return (
            None
            if rows is None
            else [(user, role, who, until) for user, role, who, until in rows]
        )

    async def _async_load(self) -> tuple[Known, dict[str, UnitInfo]]:
        if not (data := await self._async_read()):
            return ({}, {}), {}
        places = data.get("places", ())
        return _parse(data), {
            row["id"]: UnitInfo.from_data(row["id"], row) for row in places
        }

    async def _async_read(self) -> dict[str, Any]:
        """Return what the file holds; nothing if there is none, or no key for it."""
        if not (stored := await self._store.async_load()):
            return {}
        try:
            text = await self._hass.async_add_executor_job(
                self._keys.open, stored["key"], stored["body"], self._about
            )
        except RegisterError as err:
            LOGGER.error("The people who were last known cannot be read: %s", err.key)
            return {}
        data: dict[str, Any] = json.loads(text)
        return data

    async def async_follow_grants(self, grants: Grants) -> None:
        """Write who has which role now, at once if it is news: a right may have ended."""
        before, self._grants = self._grants, grants
        if before not in (None, grants):
            await self.async_save()

    def follow(self, known: Known) -> None:
        """Write soon who is known now, and at a stop at the latest."""
        self._known = known
        if self._keys.current:
            self._store.async_delay_save(self._stored, DELAY_SECONDS)

    async def async_save(self) -> None:
        """Write at once who is known now."""
        if self._keys.current and self._known is not None:
            stored = await self._hass.async_add_executor_job(self._stored)
            await self._store.async_save(stored)

    async def async_remove(self) -> None:
        """Delete the file, where its property is removed."""
        await self._store.async_remove()

    def _stored(self) -> _Stored:
        by_unit, responders = self._known or ({}, {})
        text = json_dumps(
            {
                "units": {
                    key: [asdict(row) for row in rows] for key, rows in by_unit.items()
                },
                "responders": {key: asdict(row) for key, row in responders.items()},
                "places": [asdict(row) for row in self._units()],
                "grants": self._grants,
            }
        )
        key, body = self._keys.seal(text, self._about)
        return {"key": key, "body": body}


def _parse(data: dict[str, Any]) -> Known:
    return (
        {key: [_recipient(row) for row in rows] for key, rows in data["units"].items()},
        {key: _recipient(row) for key, row in data["responders"].items()},
    )


def _recipient(row: dict[str, Any]) -> Recipient:
    addresses = tuple(
        Address(
            **address
            | {
                key: time.fromisoformat(hour) if (hour := address[key]) else None
                for key in ("quiet_from", "quiet_until")
            }
        )
        for address in row["addresses"]
    )
    return Recipient(**{**row, "addresses": addresses})
