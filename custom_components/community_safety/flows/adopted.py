"""Adopting devices of other integrations: what they are and measure is proposed."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import voluptuous as vol

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR
from homeassistant.components.button import DOMAIN as BUTTON
from homeassistant.components.sensor import DOMAIN as SENSOR, SensorDeviceClass
from homeassistant.components.switch import DOMAIN as SWITCH
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryData,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_ENTITY_ID,
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_NAME,
    Platform,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er, selector
from homeassistant.helpers.translation import async_get_translations

from ..catalogue import DEVICE_KINDS
from ..catalogue.measurements import MEASUREMENTS
from ..const import CONF_DIALECT, DOMAIN
from ..gateways.adopted.gateway import (
    CONF_COMMANDS,
    CONF_DEVICE,
    CONF_KIND,
    CONF_READINGS,
    SUBENTRY,
)
from ..gateways.adopted.proposals import (
    BUTTONS,
    CHANNELLED,
    GROUP,
    KINDS,
    MERGED,
    MOST_PHASES,
    MOST_SOCKETS,
    Fact,
    converter,
    dangers_of,
    facts_of_device,
    facts_of_entities,
    measurements_of,
    needed_of,
    propose_commands,
    propose_kind,
    propose_readings,
)

ADOPTED = "adopted"
CONF_DEVICES, CONF_ENTITIES = "devices", "entities"

type Readings = dict[str, list[str]]


def _subentries(hass: HomeAssistant) -> Iterable[ConfigSubentry]:
    """Yield what is adopted already, whichever gateway has it."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        yield from entry.get_subentries_of_type(SUBENTRY)


def _supplies(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the refs of the switches that devices have, by the data of their subentries.

    A switch belongs to one: else what protects a load at one device cuts it at the other.
    """
    return {ref for data in rows for ref in data[CONF_READINGS].get("supply", ())}


def _name_of(device: dr.AnyDeviceEntry) -> str:
    return device.name_by_user or device.name or device.id


def _about(hass: HomeAssistant, device: dr.AnyDeviceEntry) -> str:
    """Return what a device's maker and its user call it."""
    main: dr.AnyDeviceEntry | None = device
    if isinstance(device, dr.ChildDeviceEntry):
        main = dr.async_get(hass).async_get(device.parent_device_id)
    model = main.model if isinstance(main, dr.DeviceEntry) else None
    return f"{_name_of(device)} {model or ''}"


@callback
def _why_not(hass: HomeAssistant, device: dr.AnyDeviceEntry) -> str | None:
    """Return the error for a device that cannot be adopted, None if it can."""
    entry = hass.config_entries.async_get_entry(device.config_entry_id)
    if entry and entry.domain == DOMAIN:
        return "own_device"
    if any(row.data.get(CONF_DEVICE) == device.id for row in _subentries(hass)):
        return "already_adopted"
    return None


class AdoptedFlow(ConfigFlow):
    """Adopt several devices at once: those of which it is clear what they are."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._found: list[ConfigSubentryData] = []

    async def async_step_adopted(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose devices that Home Assistant has already."""
        return await self._async_choose(ADOPTED, user_input)

    async def async_step_reconfigure_adopted(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose more of them."""
        return await self._async_choose("reconfigure_adopted", user_input)

    async def _async_choose(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        refused: list[str] = []
        if user_input is not None:
            error, refused = self._propose(user_input[CONF_DEVICES])
            if error is None:
                return await self.async_step_adopted_confirm()
            errors[CONF_DEVICES] = error
        schema = vol.Schema(
            {
                vol.Required(CONF_DEVICES): selector.DeviceSelector(
                    selector.DeviceSelectorConfig(multiple=True)
                )
            }
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders={"devices": ", ".join(refused)},
        )

    def _propose(self, device_ids: list[str]) -> tuple[str | None, list[str]]:
        """Find out what devices are.

        Returns the error if there is one, with the names of the devices that have it.
        """
        registry = dr.async_get(self.hass)
        self._found = []
        refused: dict[str, list[str]] = {}
        for device_id in device_ids:
            if not (device := registry.async_get(device_id)):
                continue
            facts = facts_of_device(self.hass, device_id)
            kind = propose_kind(facts, _about(self.hass, device))
            error = _why_not(self.hass, device) or (not kind and "no_kind")
            data = {} if error else _data(device_id, str(kind), facts)
            if data and _supplies([data]) & self._taken():
                error = "already_adopted"
            if error:
                refused.setdefault(error, []).append(_name_of(device))
                continue
            self._found.append(
                ConfigSubentryData(
                    data=data,
                    subentry_type=SUBENTRY,
                    title=_name_of(device),
                    unique_id=device_id,
                )
            )
        if refused:
            return next(iter(refused.items()))
        return (None if self._found else "no_devices"), []

    def _taken(self) -> set[str]:
        """Return the switches that a device has already, or will have."""
        return _supplies(
            [row.data for row in _subentries(self.hass)]
            + [row["data"] for row in self._found]
        )

    async def async_step_adopted_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what is proposed, and adopt it."""
        if user_input is None:
            return self.async_show_form(
                step_id="adopted_confirm",
                description_placeholders={"devices": await self._async_described()},
            )
        shown = self._found
        error, _refused = self._propose([str(row["unique_id"]) for row in shown])
        if error or self._found != shown:
            # Somebody may have adopted one of them while this was read.
            return self.async_abort(reason="adopted_changed")
        if self.source != SOURCE_RECONFIGURE:
            texts = await self._async_texts("common")
            return self.async_create_entry(
                title=texts.get(
                    f"component.{DOMAIN}.common.adopted", "Adopted devices"
                ),
                data={CONF_DIALECT: ADOPTED},
                subentries=self._found,
            )
        entry = self._get_reconfigure_entry()
        for row in self._found:
            self.hass.config_entries.async_add_subentry(
                entry,
                ConfigSubentry(
                    data=MappingProxyType(dict(row["data"])),
                    subentry_type=SUBENTRY,
                    title=row["title"],
                    unique_id=row["unique_id"],
                ),
            )
        return self.async_abort(reason="adopted_added")

    async def _async_texts(self, category: str) -> dict[str, str]:
        return await async_get_translations(
            self.hass, self.hass.config.language, category, {DOMAIN}
        )

    async def _async_described(self) -> str:
        """Return what was found out, for people to read: one line for each device."""
        begin = f"component.{DOMAIN}"
        kinds = await self._async_texts("selector")
        names = await self._async_texts("config_subentries")
        registry = er.async_get(self.hass)
        lines = []
        for row in self._found:
            data = row["data"]
            kind = kinds[f"{begin}.selector.device_kind.options.{data[CONF_KIND]}"]
            lines.append(f"- **{row['title']}**: {kind}")
            for name, refs in data[CONF_READINGS].items():
                label = names[
                    f"{begin}.config_subentries.{SUBENTRY}.step.readings.data.{name}"
                ]
                carriers = ", ".join(
                    f"`{er.async_resolve_entity_id(registry, ref)}`" for ref in refs
                )
                lines.append(f"  - {label}: {carriers}")
        return "\n".join(lines)


def _data(device_id: str | None, kind: str, facts: list[Fact]) -> dict[str, Any]:
    """Return the data of a subentry as it is proposed."""
    return {
        CONF_DEVICE: device_id,
        CONF_KIND: kind,
        CONF_READINGS: propose_readings(facts, kind),
        CONF_COMMANDS: propose_commands(facts, kind),
    }


class AdoptedDeviceFlow(ConfigSubentryFlow):
    """Adopt one device, or change which entities speak for it."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._device_id: str | None = None
        self._facts: list[Fact] = []
        self._name = ""
        self._kind: str | None = None
        #: What was chosen before, as the data of a subentry.
        self._before: Mapping[str, Any] | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose a device, or entities that belong to none."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._device_id = user_input.get(CONF_DEVICE)
            entity_ids = user_input.get(CONF_ENTITIES, [])
            device = dr.async_get(self.hass).async_get(self._device_id or "")
            if device is None and not entity_ids:
                errors["base"] = "nothing_chosen"
            elif device and (error := _why_not(self.hass, device)):
                errors[CONF_DEVICE] = error
            else:
                self._facts = facts_of_entities(self.hass, entity_ids)
                if device:
                    self._facts += facts_of_device(self.hass, device.id)
                    self._name = _name_of(device)
                    self._kind = propose_kind(self._facts, _about(self.hass, device))
                else:
                    state = self.hass.states.get(entity_ids[0])
                    self._name = state.name if state else entity_ids[0]
                    self._kind = propose_kind(self._facts, self._name)
                return await self.async_step_kind()
        schema = vol.Schema(
            {
                vol.Optional(CONF_DEVICE): selector.DeviceSelector(),
                vol.Optional(CONF_ENTITIES): selector.EntitySelector(
                    selector.EntitySelectorConfig(multiple=True)
                ),
            }
        )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a device that is adopted. Its alarms and settings stay."""
        subentry = self._get_reconfigure_subentry()
        self._before = subentry.data
        self._device_id = subentry.data[CONF_DEVICE]
        self._facts = facts_of_device(self.hass, self._device_id or "")
        self._name, self._kind = subentry.title, subentry.data[CONF_KIND]
        return await self.async_step_kind()

    async def async_step_kind(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Say what it is."""
        if user_input is not None:
            self._name, self._kind = user_input[CONF_NAME], user_input[CONF_KIND]
            return await self.async_step_readings()
        schema = vol.Schema(
            {
                vol.Required(CONF_NAME): selector.TextSelector(),
                vol.Required(CONF_KIND): selector.SelectSelector(
                    selector.SelectSelectorConfig(
                        options=list(KINDS), translation_key="device_kind"
                    )
                ),
            }
        )
        return self.async_show_form(
            step_id="kind",
            data_schema=self.add_suggested_values_to_schema(
                schema, {CONF_NAME: self._name, CONF_KIND: self._kind}
            ),
        )

    async def async_step_readings(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Say which entities carry what it measures."""
        kind = str(self._kind)
        errors: dict[str, str] = {}
        if user_input is not None:
            chosen = {
                name: [value] if isinstance(value, str) else value
                for name, value in user_input.items()
                if value
            }
            errors = self._check(kind, chosen)
            if not errors:
                return self._save(kind, chosen)
        else:
            user_input = self._proposed(kind)
        return self.async_show_form(
            step_id="readings",
            data_schema=self.add_suggested_values_to_schema(_schema(kind), user_input),
            errors=errors,
            description_placeholders={"device": self._name},
        )

    def _proposed(self, kind: str) -> dict[str, Any]:
        """Return what the form begins with: what was chosen before, or is proposed."""
        data = self._before
        if data is None or data[CONF_KIND] != kind:
            data = _data(self._device_id, kind, self._facts)
        registry = er.async_get(self.hass)

        def entity_ids(refs: Iterable[str]) -> list[str]:
            found = (er.async_resolve_entity_id(registry, ref) for ref in refs)
            return [entity_id for entity_id in found if entity_id]

        readings = {
            name: found if _is_several(name) else found[0]
            for name, refs in data[CONF_READINGS].items()
            if (found := entity_ids(refs))
        }
        commands = {
            command: found[0]
            for command, ref in data[CONF_COMMANDS].items()
            if (found := entity_ids([ref]))
        }
        return readings | commands

    def _check(self, kind: str, chosen: Readings) -> dict[str, str]:
        """Return the errors of what was chosen, by field."""
        errors: dict[str, str] = {}
        for name, entity_ids in chosen.items():
            for entity_id in entity_ids:
                if error := self._error_of(kind, name, entity_id):
                    errors[name] = error
            if name in CHANNELLED and len(entity_ids) > _most(kind, chosen):
                errors[name] = "too_many"
        if not errors and not needed_of(kind) & chosen.keys():
            errors["base"] = "no_danger"
        return errors

    def _error_of(self, kind: str, name: str, entity_id: str) -> str | None:
        entry = er.async_get(self.hass).async_get(entity_id)
        state = self.hass.states.get(entity_id)
        if entry and entry.platform == DOMAIN:
            return "own_device"
        if name == "supply" and self._is_taken(entry.id if entry else entity_id):
            return "already_adopted"
        if name in dangers_of(kind) and (
            (entry and entry.platform == GROUP)
            or (state and ATTR_ENTITY_ID in state.attributes)
        ):
            # It is calm, or off, also while one of its members is away.
            return "is_group"
        if name not in MEASUREMENTS or not MEASUREMENTS[name].is_number:
            return None
        if MEASUREMENTS[name].sensor_class is SensorDeviceClass.TIMESTAMP:
            found = entry and (entry.device_class or entry.original_device_class)
            if found is None and state:
                found = state.attributes.get(ATTR_DEVICE_CLASS)
            return None if found == SensorDeviceClass.TIMESTAMP else "no_time"
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
        if unit is None and entry:
            unit = entry.unit_of_measurement
        return None if converter(name, unit) else "wrong_unit"

    def _is_taken(self, ref: str) -> bool:
        """Return if another adopted device has a supply already."""
        own = self._get_reconfigure_subentry() if self._before is not None else None
        return ref in _supplies(
            row.data for row in _subentries(self.hass) if row is not own
        )

    def _save(self, kind: str, chosen: Readings) -> SubentryFlowResult:
        registry = er.async_get(self.hass)

        def refs(entity_ids: list[str]) -> list[str]:
            found = ((item, registry.async_get(item)) for item in entity_ids)
            return [entry.id if entry else item for item, entry in found]

        data = {
            CONF_DEVICE: self._device_id,
            CONF_KIND: kind,
            CONF_READINGS: {
                name: refs(entity_ids)
                for name, entity_ids in chosen.items()
                if name not in BUTTONS
            },
            CONF_COMMANDS: {
                name: refs(entity_ids)[0]
                for name, entity_ids in chosen.items()
                if name in BUTTONS
            },
        }
        if self._before is not None:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                data=data,
                title=self._name,
            )
        return self.async_create_entry(
            title=self._name, data=data, unique_id=self._device_id
        )


def _is_several(name: str) -> bool:
    return name in MERGED or name in CHANNELLED


def _most(kind: str, chosen: Readings) -> int:
    """Return how many channels a reading may have."""
    if kind == "breaker_monitor" and len(chosen.get("supply", ())) < 2:
        return MOST_PHASES
    return MOST_SOCKETS


#: Where the domain of a reading's entities does not follow from what it is.
_DOMAINS: Mapping[str, list[str]] = {
    "supply": [SWITCH],
    "video_lost": [Platform.CAMERA, BINARY_SENSOR],
    "recording": [BINARY_SENSOR, SWITCH],
}


def _schema(kind: str) -> vol.Schema:
    """Return the form of a kind: a field for each measurement and command."""
    fields: dict[vol.Marker, selector.EntitySelector] = {}
    for name in measurements_of(kind):
        default = SENSOR if MEASUREMENTS[name].is_number else BINARY_SENSOR
        fields[vol.Optional(name)] = selector.EntitySelector(
            selector.EntitySelectorConfig(
                domain=_DOMAINS.get(name, [default]),
                multiple=_is_several(name),
                reorder=name in CHANNELLED,
            )
        )
    for name in BUTTONS:
        if name in DEVICE_KINDS[kind].buttons:
            fields[vol.Optional(name)] = selector.EntitySelector(
                selector.EntitySelectorConfig(domain=BUTTON)
            )
    return vol.Schema(fields)
