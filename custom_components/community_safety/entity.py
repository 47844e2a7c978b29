"""What every entity of a device has in common."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, override

from homeassistant.const import EntityCategory
from homeassistant.core import Context, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_current_platform,
)

from .const import DOMAIN
from .core.authority import Action, Subject
from .core.device import AVAILABILITY, SafetyDevice
from .gateways.base import Gateway, GatewayConfigEntry
from .gateways.joining import Joining

#: Hazards and measurements whose device class says all that a name would. Power, energy and
#: tamper have names of ours: Home Assistant's Chinese calls them supply and falsification.
NAMED_BY_CLASS = frozenset(
    {
        "battery",
        "current",
        "heat",
        "low_battery",
        "pressure",
        "signal_strength",
        "smoke",
        "temperature",
        "voltage",
    }
)

type EntityFactory = Callable[[Gateway, SafetyDevice], Iterable[SafetyEntity]]


def add_for_each_device(
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    factory: EntityFactory,
) -> None:
    """Add the entities of every device: those of today and those to come.

    Of a device that has become another one those that it no longer has go, and new ones
    come; one that stays is not touched.
    """
    gateway = entry.runtime_data
    platform = async_get_current_platform()
    turns = asyncio.Lock()

    async def async_reshape(device: SafetyDevice, same_kind: bool) -> None:
        # One after the other: what the last one adds is not there at once.
        async with turns:
            new = {entity.key: entity for entity in factory(gateway, device)}
            for entity in tuple(platform.entities.values()):
                if isinstance(entity, SafetyEntity) and entity.device is device:
                    # Under the same key another kind may have something else.
                    if same_kind and entity.key in new:
                        del new[entity.key]
                    else:
                        await entity.async_remove()
            await platform.async_add_entities(new.values())

    @callback
    def reshape(device: SafetyDevice, same_kind: bool) -> None:
        entry.async_create_task(
            gateway.hass, async_reshape(device, same_kind), f"{DOMAIN} entities"
        )

    gateway.on_device(lambda device: async_add_entities(factory(gateway, device)))
    gateway.on_reshape(reshape)


#: What Home Assistant asks of its platforms' entities though nobody has ordered anything.
READS = frozenset({"async_image"})


def _asked_first(
    order: Callable[..., Awaitable[None]],
) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return an order that is carried out if who gives it may do that."""

    @wraps(order)
    async def asked_first(self: SafetyEntity, *args: Any, **kwargs: Any) -> None:
        # Another call of the entity may be asked for meanwhile.
        context = self._context or Context()
        await self.async_authorize(self.action_of(order.__name__))
        self.ordered_by = await self.gateway.house.authority.async_person(context)
        await order(self, *args, **kwargs)

    return asked_first


class SafetyEntity(Entity):
    """An entity of one device; it is written when what it shows has changed.

    Whatever a user can order it to do, is asked for first: see `action_of`.

    What the catalogue or the device knows is a property here and not an `_attr_` of each
    entity: with more than 42 attributes a Python object needs twice the memory for them,
    and there are tens of thousands of these.
    """

    _attr_has_entity_name = True

    #: The person who has given the order that is carried out now, None if it was none; to be
    #: read before the first wait.
    ordered_by: str | None = None

    @override
    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Have every order asked for: what a platform of Home Assistant calls, but reads."""
        super().__init_subclass__(**kwargs)
        platforms = [
            base
            for base in cls.__mro__
            if issubclass(base, Entity)
            and base is not Entity
            and not issubclass(base, SafetyEntity)
        ]
        for name, method in tuple(vars(cls).items()):
            if (
                name not in READS
                and iscoroutinefunction(method)
                and any(name in vars(base) for base in platforms)
            ):
                setattr(cls, name, _asked_first(method))

    def action_of(self, order: str) -> Action:
        """Return what a person must be allowed to, for an order: the name of its method."""
        return Action.CONFIGURE

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize; `key` is unique within the device."""
        # Python shares the names of attributes among the objects of a class. Home Assistant
        # sets more than can be shared, and what Python makes of it then is twice too large.
        self.__dict__ = {}
        self.gateway = gateway
        self.device = device
        self.key = key

    @property
    @override
    def should_poll(self) -> bool:
        return False

    @property
    @override
    def unique_id(self) -> str:
        return f"{self.device.uid}/{self.key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        return self.device.device_info

    def name_after(self, key: str, channel: str = "") -> None:
        """Take the name from the translations, with the channel if there is one."""
        if channel:
            self._attr_translation_key = f"{key}_channel"
            self._attr_translation_placeholders = {"channel": channel.upper()}
        elif key not in NAMED_BY_CLASS:
            self._attr_translation_key = key

    @property
    def watched(self) -> Iterable[str]:
        """Return the readings at whose change the entity is written."""
        return (self.key,)

    @property
    @override
    def available(self) -> bool:
        return self.device.available

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(
            self.device.listen((*self.watched, AVAILABILITY), self.refresh)
        )

    @callback
    def refresh(self) -> None:
        """Write the state, after the alarm that came with it."""
        self.device.draw(self.async_write_ha_state)

    async def async_authorize(self, action: Action) -> str | None:
        """Return who calls this entity's action; raise an error if they may not do that."""
        entry = self.registry_entry
        device = dr.async_get(self.hass).async_get(self.device.device_id or "")
        return await self.gateway.house.authority.async_authorize(
            action,
            self._context or Context(),
            [
                Subject(
                    area_id=(entry and entry.area_id)
                    or (device.area_id if device else None),
                    device_id=self.device.device_id,
                )
            ],
        )


class JoiningEntity(SafetyEntity):
    """Something of a gateway that can let devices in."""

    def __init__(
        self, gateway: Gateway, device: SafetyDevice, joining: Joining, key: str
    ) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self._attr_translation_key = key
        self.joining = joining

    @property
    @override
    def watched(self) -> Iterable[str]:
        return ("offline",)

    @property
    @override
    def available(self) -> bool:
        return self.gateway.connected

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.joining.listen(self.async_write_ha_state))


class WayEntity(SafetyEntity):
    """A door or barrier, which is held open, or lets in one by one.

    One that a fire has opened is shut again only by a person.
    """

    #: The order of the platform that shuts it.
    shut_by: str

    @override
    def action_of(self, order: str) -> Action:
        return Action.RESTORE if order == self.shut_by else Action.OPEN_DOOR

    async def async_hold_open(self) -> None:
        """Hold it open. Raises HomeAssistantError if that was not proven."""
        await self.gateway.house.doors.async_unlock(self.device, self.key)

    async def async_shut(self) -> None:
        """Hold it open no longer. Raises HomeAssistantError as `Doors.async_lock` does."""
        await self.gateway.house.doors.async_lock(
            self.device, self.key, self.ordered_by
        )


class SettingEntity(SafetyEntity):
    """A setting that is kept by us and not by the device."""

    _attr_entity_category: EntityCategory | None = EntityCategory.CONFIG

    @property
    @override
    def watched(self) -> Iterable[str]:
        return ()

    @property
    @override
    def available(self) -> bool:
        return True
