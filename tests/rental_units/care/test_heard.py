"""What a state says of a person: each kind of thing, as it comes from Home Assistant."""

import math

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.care.heard import (
    METER_WINDOW,
    MOST_RUN,
    RUN_GAP,
    Evidence,
    Heard,
    How,
    Meter,
    entity_of,
    judge,
    key_of,
    proposals,
    propose,
)
from custom_components.rental_units.care.watch import SourceKind
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)

INSIDE, DOOR = SourceKind.INSIDE, SourceKind.DOOR
MINUTE, HOUR = 60.0, 3600.0


def heard(how: How, old: str | None, new: str | None, *, is_theirs: bool = True) -> str:
    """Return what a change comes to."""
    entity_id = "sensor.x"
    return judge(
        Evidence(INSIDE, how, 5.0 if how in (How.RISE, How.JUMP) else 0.0),
        None if old is None else State(entity_id, old),
        None if new is None else State(entity_id, new),
        {"sensor.x": Meter(100.0, 0.0)},
        is_theirs=lambda _context: is_theirs,
        now=HOUR,
    )


@pytest.mark.parametrize(
    ("how", "old", "new", "comes_to"),
    [
        (How.ON, "off", "on", Heard.SIGN),
        # A timeout.
        (How.ON, "on", "off", Heard.ALIVE),
        # It is the same, with other attributes.
        (How.ON, "on", "on", Heard.ALIVE),
        (How.CHANGE, "off", "on", Heard.SIGN),
        (How.CHANGE, "on", "off", Heard.SIGN),
        (How.PRESENCE, "home", "not_home", Heard.GONE),
        (How.PRESENCE, "home", "Work", Heard.GONE),
        (How.PRESENCE, "not_home", "Work", Heard.ALIVE),
        (How.PRESENCE, "Work", "home", Heard.HOME),
        (How.BY_HAND, "off", "on", Heard.SIGN),
        (How.PRESS, "2026-01-01T00:00:00", "2026-01-02T00:00:00", Heard.SIGN),
        # The first press of all.
        (How.PRESS, "unknown", "2026-01-02T00:00:00", Heard.SIGN),
        (How.PRESS, "unavailable", "2026-01-02T00:00:00", Heard.BACK),
        # Gone, there again, and restored: no sign, and no proof that it lives.
        (How.ON, "off", "unavailable", Heard.LOST),
        (How.ON, "off", None, Heard.LOST),
        (How.ON, "unavailable", "on", Heard.BACK),
        (How.ON, None, "on", Heard.BACK),
        (How.ON, "unavailable", "unknown", Heard.BACK),
        (How.ON, "unknown", "on", Heard.NOTHING),
        (How.ON, "on", "unknown", Heard.NOTHING),
        (How.RISE, "100", "105", Heard.SIGN),
        (How.RISE, "100", "104", Heard.ALIVE),
        # It was changed for another, or has begun anew.
        (How.RISE, "100", "3", Heard.ALIVE),
        (How.JUMP, "100", "1900", Heard.SIGN),
        # An appliance ends.
        (How.JUMP, "1900", "100", Heard.ALIVE),
        (How.JUMP, "100", "nan", Heard.ALIVE),
        (How.JUMP, "100", "nothing", Heard.ALIVE),
        (How.RISE, "unavailable", "500", Heard.BACK),
    ],
)
def test_states(how: How, old: str | None, new: str | None, comes_to: Heard) -> None:
    """A sign is what a person does, and nothing else."""
    assert heard(how, old, new) == comes_to


@pytest.mark.parametrize("how", [How.BY_HAND, How.PRESS])
def test_what_an_automation_does(how: How) -> None:
    """It is not done by somebody."""
    assert heard(how, "off", "on", is_theirs=False) == Heard.ALIVE


def test_whose_context_it_is() -> None:
    """The context of the new state is looked at."""
    mine = Context(user_id="me")
    seen: list[Context] = []

    def is_theirs(context: Context) -> bool:
        seen.append(context)
        return True

    state = State("light.x", "on", context=mine)
    evidence = Evidence(INSIDE, How.BY_HAND)
    judge(evidence, State("light.x", "off"), state, {}, is_theirs=is_theirs, now=0)
    assert seen == [mine]


def test_water_that_drips() -> None:
    """A step has its time: what rises more slowly is nobody's."""
    meter, now, signs = Meter(0.0, 0.0), 0.0, 0
    for drop in range(1, 200):
        now = drop * METER_WINDOW / 4
        signs += meter.rise(float(drop), 5.0, now)
    assert signs == 0
    assert meter.rise(206.0, 5.0, now + MINUTE)


@pytest.mark.parametrize("how", ["rise", "jump"])
def test_what_goes_on_and_on(how: str) -> None:
    """Water that leaks and a thermostat: for a while, and then no more until there was a pause."""
    meter = Meter(0.0, 0.0)
    value, signs, now = 0.0, list[float](), 0.0
    while now < 24 * HOUR:
        now += 40 * MINUTE
        value += 10
        if getattr(meter, how)(value, 5.0, now):
            signs.append(now)
    assert signs
    assert max(signs) - min(signs) <= MOST_RUN
    assert getattr(meter, how)(value + 10, 5.0, now + RUN_GAP)
    assert math.isfinite(meter.since)


@pytest.mark.parametrize(
    ("entity_id", "attributes", "evidence", "is_good"),
    [
        ("binary_sensor.a", {"device_class": "motion"}, (INSIDE, How.ON), True),
        ("binary_sensor.a", {"device_class": "occupancy"}, (INSIDE, How.ON), True),
        ("binary_sensor.a", {"device_class": "door"}, (DOOR, How.CHANGE), True),
        ("binary_sensor.a", {"device_class": "window"}, (INSIDE, How.CHANGE), True),
        ("binary_sensor.a", {"device_class": "smoke"}, None, False),
        ("lock.a", {}, (DOOR, How.BY_HAND), True),
        ("light.a", {}, (INSIDE, How.BY_HAND), True),
        ("switch.a", {}, (INSIDE, How.BY_HAND), False),
        ("event.a", {"device_class": "button"}, (INSIDE, How.PRESS), True),
        # Who rings is outside.
        ("event.a", {"device_class": "doorbell"}, None, False),
        ("input_button.a", {}, (INSIDE, How.PRESS), False),
        (
            "sensor.a",
            {
                "device_class": "water",
                "unit_of_measurement": "m³",
                "state_class": "total_increasing",
            },
            (INSIDE, How.RISE, 0.003),
            True,
        ),
        (
            "sensor.a",
            {"device_class": "water", "unit_of_measurement": "L"},
            None,
            False,
        ),
        (
            "sensor.a",
            {
                "device_class": "energy",
                "unit_of_measurement": "Wh",
                "state_class": "total",
            },
            (INSIDE, How.RISE, 50.0),
            False,
        ),
        (
            "sensor.a",
            {"device_class": "power", "unit_of_measurement": "kW"},
            (INSIDE, How.JUMP, 0.5),
            False,
        ),
        ("sensor.a", {"device_class": "temperature"}, None, False),
        ("update.a", {}, None, False),
    ],
)
def test_proposed(
    entity_id: str,
    attributes: dict[str, str],
    evidence: tuple[SourceKind, How, float] | None,
    is_good: bool,
) -> None:
    """By its domain and class, with the step in the unit of the meter."""
    found = propose(State(entity_id, "0", attributes))
    if evidence is None:
        assert found is None
        return
    assert found
    assert (found.evidence.kind, found.evidence.how) == evidence[:2]
    assert found.evidence.least == pytest.approx(*evidence[2:] or (0.0,))
    assert found.is_good is is_good


async def test_in_an_area(hass: HomeAssistant) -> None:
    """Those of the area, and of devices in it that are not said to be elsewhere."""
    entry = MockConfigEntry(domain="test")
    entry.add_to_hass(hass)
    areas, entities = ar.async_get(hass), er.async_get(hass)
    here, elsewhere = (areas.async_create(name).id for name in ("Flat", "Shed"))
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("test", "x")}
    )
    dr.async_get(hass).async_update_device(device.id, area_id=here)
    made = {}
    for key, area_id, device_id in (
        ("own", here, None),
        ("of_device", None, device.id),
        ("elsewhere", elsewhere, device.id),
        ("nowhere", None, None),
    ):
        row = entities.async_get_or_create(
            "light", "test", key, original_name=key, device_id=device_id
        )
        entities.async_update_entity(row.entity_id, area_id=area_id)
        hass.states.async_set(row.entity_id, "off")
        made[key] = row
    found = {row.entity_id for row in proposals(hass, here)}
    own = made["own"].entity_id
    assert found == {own, made["of_device"].entity_id}
    key = key_of(hass, own)
    assert key == made["own"].id
    entities.async_update_entity(own, new_entity_id="light.renamed")
    assert entity_of(hass, key) == "light.renamed"
    entities.async_remove("light.renamed")
    assert entity_of(hass, key) is None
    assert key_of(hass, "light.yaml") == entity_of(hass, "light.yaml") == "light.yaml"
