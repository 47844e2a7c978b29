"""Deleting or disabling what has an open alarm, is cut off or released: people are told first."""

from collections.abc import Callable
import time

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .core.device import registered
from .core.house import House
from .localization import async_option, async_still

#: Who deletes a device again within so many seconds has read why it was not.
CONFIRM_SECONDS = 60
#: Begins the id of the issue that a deleted gateway has open alarms; its entry's follows.
REMOVED = "removed_with_alarms_"
_DISABLED = "disabled_with_alarms_"
_DEVICE_DISABLED = "device_disabled_with_alarms"
_DATA_ASKED: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_asked")


@callback
def ask_before_deletion(hass: HomeAssistant, house: House, device: str) -> None:
    """Raise HomeAssistantError if something of a device is still open, the first time.

    Home Assistant has no question of its own here: the second time is the answer.
    """
    asked = hass.data.setdefault(_DATA_ASKED, {})
    what = _open(hass, house, lambda uid: uid == device)
    before = asked.pop(device, None)
    if not what or (
        before is not None and time.monotonic() - before <= CONFIRM_SECONDS
    ):
        return
    asked[device] = time.monotonic()
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="open_alarm",
        translation_placeholders={
            "device": house.cut_off.name(device),
            "what": what,
            "seconds": str(CONFIRM_SECONDS),
        },
    )


@callback
def watch_disabled_devices(hass: HomeAssistant, house: House) -> None:
    """Tell what is open of a device that somebody disables, until it is over.

    Its entities go, and it is watched all the same.
    """

    @callback
    def updated(event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] != "update" or "disabled_by" not in data["changes"]:
            return
        entry = dr.async_get(hass).async_get(data["device_id"])
        for domain, uid, *_ in entry.identifiers if entry else ():
            if domain == DOMAIN:
                _tell_of_device(hass, house, uid)

    @callback
    def changed(uid: str) -> None:
        if ir.async_get(hass).async_get_issue(DOMAIN, f"{_DEVICE_DISABLED}_{uid}"):
            _tell_of_device(hass, house, uid)

    hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, updated)
    house.book.listen(lambda item: changed(item.alarm.device), immediate=True)
    house.latches.listen(lambda latch: changed(latch.device))


def _tell_of_device(hass: HomeAssistant, house: House, uid: str) -> None:
    entry = registered(hass, uid)
    is_disabled = entry and entry.disabled_by is dr.DeviceEntryDisabler.USER
    what = _open(hass, house, lambda device: device == uid) if is_disabled else ""
    issue_id = f"{_DEVICE_DISABLED}_{uid}"
    if not what:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=_DEVICE_DISABLED,
        translation_placeholders={"device": house.cut_off.name(uid), "what": what},
    )


@callback
def gateway_runs(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """End what was told about a gateway that was away."""
    for kind in (_DISABLED, REMOVED):
        # A gateway that is added anew is another entry of the same gateway.
        ir.async_delete_issue(hass, DOMAIN, kind + _uid(entry))


@callback
def gateway_disabled(hass: HomeAssistant, house: House, entry: ConfigEntry) -> None:
    """Tell what of a disabled gateway is still open, cut off or released."""
    _tell(hass, house, entry, _DISABLED, "disabled_with_alarms", is_fixable=False)


@callback
def gateway_removed(hass: HomeAssistant, house: House, entry: ConfigEntry) -> bool:
    """Return if a removed gateway can be forgotten: nothing of it is open, or still off.

    Else its alarms, latches, releases and settings stay until a person confirms the repair.
    """
    ir.async_delete_issue(hass, DOMAIN, _DISABLED + _uid(entry))
    return not _tell(
        hass, house, entry, REMOVED, "removed_with_alarms", is_fixable=True
    )


def _tell(
    hass: HomeAssistant,
    house: House,
    entry: ConfigEntry,
    kind: str,
    key: str,
    *,
    is_fixable: bool,
) -> bool:
    uid = _uid(entry)
    what = _open(hass, house, lambda device: uid in (device, device.rpartition("/")[0]))
    if not what:
        return False
    ir.async_create_issue(
        hass,
        DOMAIN,
        kind + uid,
        data={"uid": uid},
        is_fixable=is_fixable,
        is_persistent=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={"gateway": entry.title, "what": what},
    )
    return True


def _uid(entry: ConfigEntry) -> str:
    return entry.unique_id or entry.entry_id


def _open(hass: HomeAssistant, house: House, is_meant: Callable[[str], bool]) -> str:
    """Return what is open of the devices that are meant, and what is still off or released.

    After the reset of the alarm that stays so, until a person restores it or locks it.
    """
    alarms = [
        async_option(hass, "hazard", alarm.hazard)
        for alarm in house.book.open.values()
        if not alarm.drill and is_meant(alarm.device)
    ]
    still = [
        *(("still_off", row.device, row.key) for row in house.latches.rows.values()),
        *(("still_open", uid, key) for uid, key in house.doors.released()),
    ]
    places = [
        async_still(hass, how, house.cut_off.name(uid), key.partition("_")[2])
        for how, uid, key in still
        if is_meant(uid)
    ]
    return ", ".join(dict.fromkeys(alarms + places))
