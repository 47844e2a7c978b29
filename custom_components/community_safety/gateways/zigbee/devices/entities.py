"""The library's entities of a device: thirty of them, of which few are of use here.

They know units and factors, and what a quirk makes of a value. That is read once a device is
compiled; whatever else they do at every report, and all that they keep, is for nobody.
"""

from collections.abc import Iterable

from zha.application.platforms import PlatformEntity
from zha.zigbee.device import Device


def spare_entities(device: Device, used: Iterable[PlatformEntity]) -> None:
    """Let a device's entities go but for those that are used, which hear nothing more.

    Those that ask the device by themselves go on.
    """
    kept = set(map(id, used))
    entities = device.platform_entities
    for key, entity in tuple(entities.items()):
        if entity._tracked_tasks or entity._tracked_handles:  # noqa: SLF001
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
