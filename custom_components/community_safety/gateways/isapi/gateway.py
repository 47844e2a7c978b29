"""A gateway of one Hikvision terminal or access controller."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, override
import uuid

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store

from ...const import CONF_DOORS, CONF_REFUSED, DOMAIN, LOGGER
from ...core.device import SafetyDevice
from ...core.ports import Credential
from ..base import CommandError, GatewayConfigEntry
from ..contact import ContactGateway
from . import cards
from .controller import Controller
from .terminal import RefusedError, Terminal, TerminalError, rows

#: How a search goes on.
_MORE = "MORE"


def _store(hass: HomeAssistant, entry: GatewayConfigEntry) -> Store[dict[str, int]]:
    """Return where it is kept up to which event everything was taken: terminals do not."""
    return Store(hass, 1, f"{DOMAIN}.isapi.{entry.entry_id}", atomic_writes=True)


class IsapiGateway(ContactGateway):
    """A terminal that streams its events to us, and is asked what it does not stream.

    It keeps a list of cards of its own. Its log-in is that of one of its users.
    """

    manufacturer = "Hikvision"

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._store = _store(self.hass, self.entry)
        #: Up to which event an earlier run or this one has taken everything.
        self.index: int | None = None
        data = self.entry.data
        self._serial = self.uid.partition("/")[2]
        self._terminal = Terminal(
            # Their certificates are their own.
            async_get_clientsession(self.hass, verify_ssl=False),
            data[CONF_URL],
            data[CONF_USERNAME],
            data[CONF_PASSWORD],
            was_refused=data.get(CONF_REFUSED, False),
        )
        self.controller: Controller | None = None
        #: How many rows we have deleted: each moves those behind it towards the beginning.
        self._deletions = 0

    @override
    async def async_start(self) -> None:
        try:
            self.index = ((await self._store.async_load()) or {}).get("index")
        except HomeAssistantError as err:
            # What happened meanwhile is lost with it; doors do not wait for that.
            LOGGER.error("Which events were taken cannot be read: %s", err)
        self.controller = Controller(
            self, self._terminal, self._serial, self.entry.data[CONF_DOORS]
        )
        self.set_connected(True)
        if self.entry.data.get(CONF_REFUSED):
            # Not once more: each wrong password brings us nearer to being locked out.
            self.set_online(self.controller.device, False)
            self.entry.async_start_reauth(self.hass)
            return
        self.on_unload(self.controller.stop)
        self.controller.start()

    @override
    async def async_stop(self) -> None:
        await super().async_stop()
        await self.async_keep_index()

    @classmethod
    @override
    async def async_forget(cls, hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
        await _store(hass, entry).async_remove()

    async def async_keep_index(self) -> None:
        """Note up to which event everything was taken."""
        if not self.controller or self.controller.index is None:
            return
        index = self.house.passages.taken(self.controller.device, self.controller.index)
        if index != self.index:
            self.index = index
            await self._store.async_save({"index": index})

    @callback
    def login_refused(self) -> None:
        """Ask a person for another password; until then none is sent, over restarts too."""
        self.hass.config_entries.async_update_entry(
            self.entry, data={**self.entry.data, CONF_REFUSED: True}
        )
        self.entry.async_start_reauth(self.hass)

    def others(self) -> list[Controller]:
        """Return the terminals of the other gateways."""
        return [
            entry.runtime_data.controller
            for entry in self.hass.config_entries.async_loaded_entries(DOMAIN)
            if isinstance(entry.runtime_data, IsapiGateway)
            and entry.runtime_data is not self
            and entry.runtime_data.controller
        ]

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        try:
            await self.contact(device).async_refresh()
        except TerminalError as err:
            raise err.of(device) from err

    @override
    def contact(self, device: SafetyDevice) -> Controller:
        if self.controller and device.description.id == self._serial:
            return self.controller
        raise CommandError(device, "not_connected", "it was removed")

    @override
    def diagnostics(self) -> dict[str, Any]:
        return {"terminal": self.controller.diagnostics()} if self.controller else {}

    # Credentials

    def as_held(self, device: SafetyDevice, credential: Credential) -> Credential:
        """Return what the terminal makes of a credential. Raises ServiceValidationError."""
        return cards.as_held(credential, range(1, self.entry.data[CONF_DOORS] + 1))

    async def async_put_credential(
        self, device: SafetyDevice, credential: Credential
    ) -> None:
        """Write a person and its card. Raises HomeAssistantError."""
        held = self.as_held(device, credential)
        try:
            await self._async_write("UserInfo", cards.user_info(held))
            try:
                await self._async_write("CardInfo", cards.card_info(held.number))
            except RefusedError as err:
                if not err.says("cardNoAlreadyExist"):
                    raise
                card = await self._async_find("CardInfo", "CardNo", held.number)
                if not cards.is_ours(card):
                    await self._async_delete("CardInfo", "CardNo", held.number)
                    await self._async_write("CardInfo", cards.card_info(held.number))
        except TerminalError as err:
            raise err.of(device) from err

    async def _async_write(self, kind: str, body: Mapping[str, Any]) -> None:
        """Add a row, or write over that which is there."""
        path = f"AccessControl/{kind}"
        try:
            await self._terminal.send("POST", f"{path}/Record", body)
        except RefusedError as err:
            if not err.says("employeeNoAlreadyExist", "UserAlreadyExist"):
                raise
            await self._terminal.send("PUT", f"{path}/Modify", body)

    async def async_remove_credential(self, device: SafetyDevice, number: str) -> None:
        """Delete a card, and its person if that is ours. Raises HomeAssistantError."""
        if not cards.is_number(number):
            return
        try:
            await self._async_delete("UserInfo", "EmployeeNo", cards.person_of(number))
            await self._async_delete("CardInfo", "CardNo", number)
        except TerminalError as err:
            raise err.of(device) from err

    async def _async_delete(self, kind: str, key: str, value: str) -> None:
        field = key[0].lower() + key[1:]
        try:
            await self._terminal.send(
                "PUT",
                f"AccessControl/{kind}/Delete",
                {f"{kind}DelCond": {f"{key}List": [{field: value}]}},
            )
        except RefusedError as err:
            # One that is not there is not deleted, and that is as well.
            if not err.says("NotExist"):
                raise
        self._deletions += 1

    async def async_read_credential(
        self, device: SafetyDevice, number: str
    ) -> Credential | None:
        """Return a card as the terminal has it. Raises HomeAssistantError."""
        if not cards.is_number(number):
            return None
        try:
            card = await self._async_find("CardInfo", "CardNo", number)
            if card is None:
                return None
            person = str(card.get("employeeNo"))
            return cards.credential(
                card, await self._async_find("UserInfo", "EmployeeNo", person)
            )
        except TerminalError as err:
            raise err.of(device) from err

    async def _async_find(
        self, kind: str, key: str, value: str
    ) -> dict[str, Any] | None:
        """Return the row of a card or a person, None if there is none."""
        field = key[0].lower() + key[1:]
        found = await self._async_search(kind, {f"{key}List": [{field: value}]})
        page = rows(found.get(kind))
        for row in page:
            if isinstance(row, dict) and str(row.get(field)) == value:
                return row
        if page:
            raise RefusedError("it answers with another row")
        return None

    async def _async_search(self, kind: str, more: Mapping[str, Any]) -> dict[str, Any]:
        return await self._terminal.send(
            "POST",
            f"AccessControl/{kind}/Search",
            {
                f"{kind}SearchCond": {
                    "searchID": uuid.uuid4().hex,
                    "searchResultPosition": 0,
                    "maxResults": cards.PAGE,
                    **more,
                }
            },
        )

    async def walk_credentials(
        self, device: SafetyDevice, written: Collection[str]
    ) -> AsyncIterator[Credential]:
        """Yield every card, and whoever gets in without one.

        `written` are the numbers that we have written since. Raises HomeAssistantError if it
        does not answer, or if the list has changed by more than these.
        """
        persons: dict[str, dict[str, Any]] = {}
        with_card: set[str] = set()
        try:
            async for row in self._async_walk(
                device, "UserInfo", "employeeNo", written
            ):
                persons[str(row.get("employeeNo"))] = row
            async for row in self._async_walk(device, "CardInfo", "cardNo", written):
                owner = str(row.get("employeeNo"))
                if owner not in persons:
                    # Of one that was added meanwhile.
                    added = await self._async_find("UserInfo", "EmployeeNo", owner)
                    persons[owner] = added or {}
                with_card.add(owner)
                yield cards.credential(row, persons[owner])
        except TerminalError as err:
            raise err.of(device) from err
        for owner, person in persons.items():
            if owner not in with_card and (found := cards.without_card(person)):
                yield found

    async def _async_walk(
        self, device: SafetyDevice, kind: str, field: str, written: Collection[str]
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield each row once, from page to page. Raises as `walk_credentials`."""
        seen: set[str] = set()
        totals: list[int] = []
        ours = 0
        search, position, deletions = uuid.uuid4().hex, 0, self._deletions
        while True:
            found = await self._async_search(
                kind, {"searchID": search, "searchResultPosition": position}
            )
            if deleted := self._deletions - deletions:
                # Since the page before: what was to come next may have moved before this one.
                position = max(0, position - deleted)
                deletions += deleted
                continue
            page = [row for row in rows(found.get(kind)) if isinstance(row, dict)]
            totals.append(int(found.get("totalMatches") or 0))
            for row in page:
                key = str(row.get(field))
                if key not in seen:
                    seen.add(key)
                    # What we have written may have been there, and may not be.
                    ours += key in written or cards.number_of(key) in written
                    yield row
            if not page or found.get("responseStatusStrg") != _MORE:
                break
            position += len(page)
        found_others = len(seen) - ours
        if any(
            abs(total - found_others) > len(written)
            for total in (totals[0], totals[-1])
        ):
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="list_changed",
                translation_placeholders={"device": device.name},
            )
