"""No order of a person passes by those who have a say: it is derived, and here it is listed."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, override

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.community_safety.const import DOMAIN, PLATFORMS
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.entity import READS, SafetyEntity
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceNotSupported, Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from tests.common import Peer, wait_until

from .gateways.mqtt.test_zigbee2mqtt import (
    BREAKER,
    Bridge,
    bridge as bridge,  # noqa: PLC0414
    entry as zigbee2mqtt,  # noqa: F401
)
from .gateways.zigbee.common import add_zigbee
from .gateways.zigbee.conftest import (
    coordinator as coordinator,  # noqa: PLC0414
    tick_seconds as tick_seconds,  # noqa: PLC0414
)
from .test_authority import Register, offer, person as person  # noqa: PLC0414
from .test_entities import _all_enabled, compound as compound  # noqa: F401, PLC0414

#: Every class that takes an order, its orders, and what a person must be allowed to for each.
ORDERS = {
    "Barrier": {"async_close_cover", "async_open_cover"},
    "BlockingSwitch": {"async_turn_off", "async_turn_on"},
    "CommandButton": {"async_press"},
    "DoorLock": {"async_lock", "async_open", "async_unlock"},
    "KindSelect": {"async_select_option"},
    "OpensOnFireSwitch": {"async_turn_off", "async_turn_on"},
    "PassbackSelect": {"async_select_option"},
    "PermitJoin": {"async_press"},
    "ProtectedSwitch": {"async_turn_off", "async_turn_on"},
    "SettingNumber": {"async_set_native_value"},
    "SupplySwitch": {"async_turn_off", "async_turn_on"},
    "VariantSelect": {"async_select_option"},
}
#: What Home Assistant's actions on our platforms need; one that is not here fails.
DATA: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "button.press": lambda _: {},
    "cover.close_cover": lambda _: {},
    "cover.close_cover_tilt": lambda _: {},
    "cover.open_cover": lambda _: {},
    "cover.open_cover_tilt": lambda _: {},
    "cover.set_cover_position": lambda _: {"position": 50},
    "cover.set_cover_tilt_position": lambda _: {"tilt_position": 50},
    "cover.stop_cover": lambda _: {},
    "cover.stop_cover_tilt": lambda _: {},
    "cover.toggle": lambda _: {},
    "cover.toggle_cover_tilt": lambda _: {},
    "lock.lock": lambda _: {},
    "lock.open": lambda _: {},
    "lock.unlock": lambda _: {},
    "number.set_value": lambda state: {"value": state["min"]},
    "select.select_first": lambda _: {},
    "select.select_last": lambda _: {},
    "select.select_next": lambda _: {},
    "select.select_option": lambda state: {"option": state["options"][-1]},
    "select.select_previous": lambda _: {},
    "switch.toggle": lambda _: {},
    "switch.turn_off": lambda _: {},
    "switch.turn_on": lambda _: {},
}
#: It writes a picture to a file, and tells the device nothing.
ONLY_READ = {"image.snapshot"}


def classes(parent: type = SafetyEntity) -> Iterator[type]:
    """Yield every class of entities of the integration."""
    for platform in PLATFORMS:
        import_module(f"custom_components.{DOMAIN}.{platform}")
    for child in parent.__subclasses__():
        yield child
        yield from classes(child)


def test_every_order_is_asked_for() -> None:
    """Each class that takes one is here, and none of its ways goes past the question."""
    found: dict[str, set[str]] = {}
    for row in classes():
        if not row.__module__.startswith(f"custom_components.{DOMAIN}"):
            continue
        for name in vars(row).keys() - READS:
            platforms = [
                base
                for base in row.__mro__
                if base.__module__.startswith("homeassistant.")
                and base is not Entity
                and issubclass(base, Entity)
            ]
            takes = any(name in vars(base) for base in platforms)
            is_order = name.startswith(("async_", "turn_", "press", "select_", "set_"))
            if takes and is_order:
                found.setdefault(row.__name__, set()).add(name)
                assert hasattr(vars(row)[name], "__wrapped__"), (row, name)
    assert found == ORDERS


def test_a_class_that_nobody_has_thought_of() -> None:
    """It asks for what is needed to change what protects a home, and its reads do not."""

    class Lock(SafetyEntity, import_module("homeassistant.components.lock").LockEntity):  # type: ignore[misc]
        async def async_unlock(self, **kwargs: Any) -> None:
            """Unlock."""

        async def async_image(self) -> None:
            """Nobody orders a picture."""

        @override
        async def async_added_to_hass(self) -> None:
            """Nor that it is added."""

    asked = {name for name, row in vars(Lock).items() if hasattr(row, "__wrapped__")}
    assert asked == {"async_unlock"}
    lock: Any = object.__new__(Lock)
    assert lock.action_of("async_unlock") is Action.CONFIGURE


async def order_everything(hass: HomeAssistant, context: Context) -> set[str]:
    """Give every order that Home Assistant knows to every entity of ours; all are refused.

    Returns the keys of the entities.
    """
    ordered, passed = set(), []
    for entity in tuple(er.async_get(hass).entities.values()):
        state = hass.states.get(entity.entity_id)
        if entity.platform != DOMAIN or state is None:
            continue
        services = hass.services.async_services_for_domain(entity.domain)
        names = {f"{entity.domain}.{service}" for service in services}
        for name in sorted(names - ONLY_READ):
            service = name.partition(".")[2]
            data = DATA[name](state.attributes)
            try:
                await hass.services.async_call(
                    entity.domain,
                    service,
                    {"entity_id": entity.entity_id, **data},
                    blocking=True,
                    context=context,
                )
            except ServiceNotSupported:
                continue  # such as to open, of a door that can only be unlocked
            except Unauthorized:
                ordered.add(entity.unique_id.rpartition("/")[2])
            else:
                passed.append(f"{name} {entity.unique_id}")
    assert passed == []
    return ordered


@pytest.fixture
async def refusing(hass: HomeAssistant) -> Register:
    """Return a provider that refuses whatever a person wants."""
    register = Register()
    register.object_to = lambda _request: Unauthorized()
    await offer(hass, register)
    return register


def set_on(device: SafetyDevice) -> str:
    """Return what a person has set on a device."""
    return repr(device.settings)


@pytest.mark.usefixtures("_all_enabled", "compound")
async def test_whoever_is_refused_changes_nothing(
    hass: HomeAssistant, peer: Peer, person: MockUser, refusing: Register
) -> None:
    """Neither a threshold, nor a place of use, nor a protected load, nor what is switched."""
    devices = [device for _port, device in hass.data[DATA_HOUSE].devices()]
    before = list(map(set_on, devices))
    peer.heard.clear()
    ordered = await order_everything(hass, Context(user_id=person.id))
    await peer.settled()
    assert {"leakage_alarm", "variant", "protected", "blocking", "supply"} <= ordered
    assert {"locked_1", "opens_on_fire_1"} <= ordered
    assert list(map(set_on, devices)) == before
    assert peer.orders == []
    asked = {request.action for request in refusing.asked}
    # What is done to alarms has tests of its own.
    of_alarms = {Action.ACKNOWLEDGE, Action.RESET, Action.SHELVE}
    assert asked == {*Action} - of_alarms - {Action.READ}
    assert {request.who for request in refusing.asked} == {person.id}


@pytest.mark.usefixtures("compound")
async def test_who_may_configure_does(
    hass: HomeAssistant, person: MockUser, refusing: Register
) -> None:
    """A provider that allows it is asked once, for the device and what is done there."""
    refusing.object_to = lambda request: (
        None if request.action is Action.CONFIGURE else Unauthorized()
    )
    number = er.async_get(hass).async_get_entity_id(
        "number",
        DOMAIN,
        "mqtt/community_safety/building-1/breaker-monitor/rated_current",
    )
    await hass.services.async_call(
        "number",
        "set_value",
        {"entity_id": number, "value": 16},
        blocking=True,
        context=Context(user_id=person.id),
    )
    assert hass.states.is_state(number or "", "16.0")
    (request,) = refusing.asked
    assert request.subjects[0].device_id


@pytest.mark.usefixtures("_all_enabled")
async def test_the_kind_of_a_device(
    hass: HomeAssistant,
    zigbee2mqtt: MockConfigEntry,  # noqa: F811
    bridge: Bridge,
    person: MockUser,
    refusing: Register,
) -> None:
    """What a device is taken for decides whether it is watched at all."""
    await bridge.send("breaker", {"state": "ON"})
    device = zigbee2mqtt.runtime_data.devices[BREAKER]
    await order_everything(hass, Context(user_id=person.id))
    assert device.settings.kind is None
    assert device.kind.key == "breaker_monitor"


async def test_who_may_let_devices_in(
    hass: HomeAssistant,
    coordinator: Any,
    person: MockUser,
    refusing: Register,
) -> None:
    """Who joins a network is part of what protects it."""
    entry = await add_zigbee(hass, coordinator)
    await wait_until(hass, lambda: entry.runtime_data.connected)
    assert "permit_join" in await order_everything(hass, Context(user_id=person.id))
    assert not entry.runtime_data.joining.is_open
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
