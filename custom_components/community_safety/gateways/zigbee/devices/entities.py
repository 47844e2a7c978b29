"""The library's entities of a device: thirty of them, of which few are of use here.

They know units and factors, and what a quirk makes of a value. That is read once a device is
compiled; whatever else they do at every report, and all that they keep, is for nobody.
"""

from collections.abc import Iterable

from zha.application import Platform
from zha.application.platforms import PlatformEntity
from zha.zigbee.device import Device

#: Platforms whose entities only show, or set, an attribute. Those of others do more: that of
#: an IAS zone makes the attribute of a notification, and without it no alarm is heard.
SPARED = {Platform.SENSOR, Platform.NUMBER, Platform.SELECT, Platform.BUTTON}


def spare_entities(device: Device, used: Iterable[PlatformEntity]) -> None:
    """Let a device's entities go that only show something, but for those that are used.

    These hear nothing more. Those that ask the device by themselves go on.
    """
    kept = set(map(id, used))
    entities = device.platform_entities
    for key, entity in tuple(entities.items()):
        if (
            entity.PLATFORM not in SPARED
            or entity._tracked_tasks  # noqa: SLF001
            or entity._tracked_handles  # noqa: SLF001
        ):
            continue
        while entity._on_remove_callbacks:  # noqa: SLF001
            entity._on_remove_callbacks.pop()()  # noqa: SLF001
        if id(entity) in kept:
            # The last state that it would compare the next one with.
            entity.__dict__["_BaseEntity__previous_state"] = None
        else:
            del entities[key]
    device._discovered_entities = list(entities.values())  # noqa: SLF001


async def async_have_entities(device: Device) -> None:
    """Have the entities of a device anew, so that it can be compiled once more."""
    await device.recompute_entities()
