"""From what devices expose to our kinds, on the definitions of every model there is."""

import gzip
import json
from pathlib import Path
import re
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.community_safety.catalogue import DEVICE_KINDS
from custom_components.community_safety.catalogue.measurements import parse_point
from custom_components.community_safety.gateways.mqtt.exposes import (
    Command,
    Interpretation,
    compile_device,
)

FIXTURE = Path(__file__).parents[3] / "fixtures/zigbee2mqtt/exposes.json.gz"
DEFINITIONS: list[dict[str, Any]] = json.loads(
    gzip.decompress(FIXTURE.read_bytes()).decode()
)["definitions"]
BY_MODEL = {row["model"]: row for row in DEFINITIONS}

BREAKER = (
    r"breaker|\bdin\b|dinrail|rcbo|circuit|leakage protector|clamp|contactor|powertag"
    r"|(electricity|energy|power|phase)[ -](meter|monitor)|(power|monitoring) sensor$"
)
# What a person would say from the vendor's description alone, the first that fits.
ORACLE = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (None, r"shutter|dimm|\blight (strip|switch)|curtain|thermostat"),
        ("smoke_sensor", r"smoke|fire detector"),
        ("charging_pile", r"plug|socket|outlet|\bgpo\b|power strip|charger"),
        (
            None,
            r"(water|gas) leak|atmospheric|air pressure|humidity|bed occ|pressure pad",
        ),
        ("breaker_monitor", BREAKER),
        ("water_tank", r"\b(water|tank)\b.*\b(level|tank)\b"),
        ("hydrant", r"water.*pressure"),
    )
)
METER = re.compile(r"(power|current|energy)(_([lp]?\d|left|right))?")

SWITCH = "a switch with a meter: a light must not be cut off, and no property tells"
PHASES = "current_l1 current_l2 current_l3 voltage_l1 voltage_l2 voltage_l3"
NO_LEVEL = "reports a contact and pulses, but no level"
# Every model of which the code says otherwise, with the reason.
OTHERWISE: dict[str, tuple[str | None, str]] = {
    **dict.fromkeys(
        (
            "ZGA002",
            "ZGA003",
            "DIYRuZ_rspm",
            "43078",
            "XF-EU-S100-1-M",
            "SLC611",
            "ROB_200-035-0",
            "EER42000",
            "TS0001_power-SlD",
            "MINI-ZB1GSP",
            "MG-ZG01W",
            "TS0001_power",
            "TS0002_power",
            "TS000F_power",
            "DS-1450WN",
            "TS0601_6gang_switch_2",
            "TS0601_power_monitoring_switch",
            "ZigUSB",
            "ZMZ609-2",
        ),
        (None, SWITCH),
    ),
    "8750001213": ("smoke_sensor", "Twinguard is a smoke detector by another name"),
    "HM-5HA-E": ("smoke_sensor", "a heat alarm is a fire detector"),
    "mSwitch_Mic": ("smoke_sensor", "hears smoke detectors, and reports smoke"),
    "6254380": ("breaker_monitor", "a stove guard meters what it guards"),
    "ZHEMI101": ("breaker_monitor", "an energy meter, and for gas and water too"),
    "S4EM-001PXCEU16": ("breaker_monitor", "an energy meter by another name"),
    "MG-AU03": ("charging_pile", "two sockets and the light beside them"),
    "4512749": ("charging_pile", "a socket with a thermostat, but no climate control"),
    "4512749-N": (
        "charging_pile",
        "a socket with a thermostat, but no climate control",
    ),
    "msh.pzem.dc": (None, "its properties have no names: val1 to val5"),
    "POK003": (None, NO_LEVEL),
    "POK010": (None, NO_LEVEL),
}


def properties(row: dict[str, Any]) -> set[str]:
    """Return the names of all properties at the top."""
    return {expose["property"] for expose in row["exposes"] if "property" in expose}


def expected(row: dict[str, Any]) -> str | None:
    """Return the kind that the oracle says, a socket's only if it has a meter."""
    kind = next(
        (kind for kind, words in ORACLE if words.search(row["description"])), None
    )
    has_meter = any(METER.fullmatch(name) for name in properties(row))
    is_light = any(expose["type"] == "light" for expose in row["exposes"])
    return None if kind == "charging_pile" and (is_light or not has_meter) else kind


def kind_of(row: dict[str, Any]) -> str | None:
    """Return the kind that the code says."""
    profile = compile_device(row)
    return profile.kind if profile else None


def of_model(model: str) -> Interpretation:
    """Return what a model is to us."""
    profile = compile_device(BY_MODEL[model])
    assert profile
    return profile


def convert(profile: Interpretation, message: dict[str, Any]) -> dict[str, Any]:
    """Return the readings of a message."""
    return {
        profile.readings[name][0]: profile.readings[name][1](value)
        for name, value in message.items()
    }


def numeric(name: str, unit: str | None = None, **more: Any) -> dict[str, Any]:
    """Return how a number is exposed."""
    more = {**more, **({"unit": unit} if unit else {})}
    return {"type": "numeric", "name": name, "property": name, "access": 1, **more}


def binary(name: str, access: int = 1) -> dict[str, Any]:
    """Return how an on-off value is exposed."""
    return {
        "type": "binary",
        "name": name,
        "property": name,
        "access": access,
        "value_on": "ON",
        "value_off": "OFF",
    }


def test_every_model_is_what_its_description_says() -> None:
    """An oracle that reads descriptions agrees, but for models that were looked at."""
    disagreements = {
        row["model"]: kind_of(row)
        for row in DEFINITIONS
        if kind_of(row) != expected(row)
    }
    assert disagreements == {model: kind for model, (kind, _why) in OTHERWISE.items()}
    assert all(why for _kind, why in OTHERWISE.values())


def test_every_smoke_sensor_reports_smoke() -> None:
    """Each model that a person would call a smoke detector has the one reading it is for."""
    found = [row for row in DEFINITIONS if expected(row) == "smoke_sensor"]

    assert len(found) > 45
    assert [
        row["model"] for row in found if "smoke" not in of_model(row["model"]).points
    ] == []


def test_every_point_is_of_its_kind() -> None:
    """No model yields a reading or a command that the catalogue does not have."""
    profiles = [profile for row in DEFINITIONS if (profile := compile_device(row))]

    for profile in profiles:
        kind = DEVICE_KINDS[profile.kind]
        for key in profile.points:
            assert parse_point(key).measurement.key in kind.measurements
        assert profile.commands.keys() <= profile.points | set(kind.buttons)
        assert profile.gettable.keys() <= profile.points


def test_a_relay_can_be_commanded_wherever_there_is_one() -> None:
    """Every supply has its command, and every command of a supply is read back."""
    for row in DEFINITIONS:
        profile = compile_device(row)
        points = profile.points if profile else frozenset()
        for key in (key for key in points if key.startswith("supply")):
            command = profile.commands[key] if profile else None
            assert command and command.on != command.off
            assert profile and profile.readings[command.property][0] == key


@pytest.mark.parametrize(
    ("model", "points"),
    [
        # A breaker with leakage, phases without names
        (
            "ZBN-DJ-63",
            "supply current voltage power energy residual_current tripped conductor_temperature",
        ),
        (
            "STB3L-125-ZJ",
            f"supply {PHASES} power_l1 power_l2 power_l3 energy tripped conductor_temperature",
        ),
        # A meter of three phases of which the first has no name
        (
            "EMIZB-132",
            f"{PHASES} power energy",
        ),
        # One phase that has a name is the whole device
        (
            "RMDZB-1PNL63",
            "supply current voltage power energy tripped conductor_temperature",
        ),
        # A meter behind one endpoint of several
        ("msh.pzem", "current voltage power energy conductor_temperature"),
        # Sockets by the order of their endpoints
        ("AU-A1ZBDSS", "supply_1 supply_2 power_1 power_2"),
        (
            "3RDP01072Z",
            "supply_1 supply_2 power_1 power_2 current_1 current_2 energy_1 energy_2",
        ),
        # The USB port of a socket is no supply
        ("ZNQBCZ11LM", "supply current power energy temperature"),
        ("SP-EUC01", "supply current power energy temperature plugged"),
        ("ME201WZ", "level level_height"),
        ("Bacchus Water level meter", "level level_height temperature battery"),
        ("LM4110ZB", "level temperature battery battery_low"),
        (
            "EFEKTA_PST_DUO_V1",
            "pressure_1 pressure_2 temperature_1 temperature_2 battery battery_low",
        ),
        ("JY-GZ-01AQ", "smoke smoke_density battery test"),
        ("SMSZB-120", "smoke temperature battery battery_low test trouble"),
        ("SR-ZG9070A-SS", "smoke tamper battery battery_low"),
        ("SMART-SMOKE10", "smoke battery battery_low self_test_failed"),
        ("MIR-SM100-E", "smoke tamper battery battery_low"),
    ],
)
def test_readings(model: str, points: str) -> None:
    """Real models have the readings that they expose."""
    assert of_model(model).points == set(points.split())


@pytest.mark.parametrize(
    ("model", "commands"),
    [
        (
            "HS1SA-E Lover",
            {
                "silence": Command("temporary_mute", "mute"),
                "self_test": Command("trigger_selftest", "test"),
            },
        ),
        ("JTYJ-GD-01LM/BW", {"self_test": Command("selftest", "")}),
        (
            "8750001213",
            {
                "silence": Command("alarm", "stop"),
                "self_test": Command("self_test", True),
            },
        ),
        ("MIR-SM200", {"silence": Command("silence", "ON")}),
        # Settable, but it would switch the siren off for good
        ("TS0601_smoke_5", {"silence": Command("silence", True)}),
        ("SSA01ZB", {}),
        (
            "STB3L-125-ZJ",
            {
                "supply": Command("state", "ON", "OFF"),
                "self_test": Command("leakage_test", "ON"),
            },
        ),
        (
            "AU-A1ZBDSS",
            {
                "supply_1": Command("state_left", "ON", "OFF"),
                "supply_2": Command("state_right", "ON", "OFF"),
            },
        ),
    ],
)
def test_commands(model: str, commands: dict[str, Command]) -> None:
    """Real models take the commands that they expose as settable."""
    assert of_model(model).commands == commands


@pytest.mark.parametrize(
    ("exposed", "value", "reading"),
    [
        (numeric("current", "mA"), 1500, 1.5),
        (numeric("current", "A"), 1.5, 1.5),
        (numeric("power", "kW"), 2.5, 2500),
        (numeric("energy", "Wh"), 1500, 1.5),
        (numeric("voltage", "mV"), 230000, 230),
        (numeric("leakage_current", "A"), 0.03, 30),
        (numeric("leakage_current", "mA"), 30, 30),
        (numeric("temperature", "°F"), 212, 100),
        (numeric("temperature", "°C"), 21.5, 21.5),
        # Without a unit it is ours
        (numeric("power"), 100, 100),
    ],
)
def test_units_of_electricity(
    exposed: dict[str, Any], value: float, reading: float
) -> None:
    """A breaker's units become the catalogue's."""
    profile = compile_device(
        {
            "description": "breaker",
            "exposes": [
                {"type": "switch", "features": [binary("state", 7)]},
                exposed,
            ],
        },
        "safety: breaker_monitor",
    )
    assert profile
    _key, function = profile.readings[exposed["property"]]
    assert function(value) == pytest.approx(reading)


@pytest.mark.parametrize(
    ("unit", "value", "kilopascals"),
    [
        ("kPa", 300, 300),
        ("hPa", 3000, 300),
        ("bar", 3, 300),
        ("psi", 43.51131, 300),
        ("MPa", 0.3, 300),
        ("Pa", 300000, 300),
    ],
)
def test_units_of_pressure(unit: str, value: float, kilopascals: float) -> None:
    """Whatever a gauge reports in, kPa come out."""
    profile = compile_device(
        {"description": "", "exposes": [numeric("pressure", unit)]}, "safety: hydrant"
    )
    assert profile
    assert convert(profile, {"pressure": value}) == {
        "pressure": pytest.approx(kilopascals)
    }


@pytest.mark.parametrize(
    ("exposed", "description", "kind"),
    [
        ([numeric("pressure", "hPa")], "Temperature, humidity and pressure", None),
        ([numeric("pressure", "kPa")], "Weather station", None),
        ([numeric("pressure", "hPa", value_max=1100)], "", None),
        ([numeric("pressure", "kPa", value_max=1600)], "", "hydrant"),
        ([numeric("pressure", "bar")], "", "hydrant"),
        ([numeric("pressure", "kPa"), numeric("psi", "psi")], "", "hydrant"),
        ([numeric("pressure", "kPa")], "Water pipe pressure", "hydrant"),
        ([numeric("pressure")], "Water pipe pressure", None),
    ],
)
def test_water_and_air(
    exposed: list[dict[str, Any]], description: str, kind: str | None
) -> None:
    """A barometer is no hydrant."""
    assert kind_of({"description": description, "exposes": exposed}) == kind


@pytest.mark.parametrize("type_", ["light", "climate", "cover", "fan", "lock"])
def test_other_devices_with_a_meter(type_: str) -> None:
    """Whatever a thermostat or a dimmer measures, it is no safety device."""
    exposes = [
        {"type": type_, "features": [binary("state", 7)]},
        numeric("power", "W"),
        numeric("current", "A"),
        numeric("over_current_threshold", "A"),
    ]
    assert kind_of({"description": "DIN breaker", "exposes": exposes}) is None


def test_a_siren_is_told_of_smoke_and_senses_none() -> None:
    """A device that can be made to squawk is a siren."""
    assert kind_of(BY_MODEL["SIRZB-110"]) is None
    assert kind_of(BY_MODEL["SMSZB-120"]) == "smoke_sensor"


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("", None),
        ("cellar, safety: breaker_monitor", "breaker_monitor"),
        ("SAFETY=charging_pile", "charging_pile"),
        ("safety: none", None),
        ("safetyfirst", None),
    ],
)
def test_a_person_chooses(note: str, kind: str | None) -> None:
    """A note on the device decides where properties cannot tell."""
    profile = compile_device(BY_MODEL["TS0001_power"], note)
    assert (profile and profile.kind) == kind


def test_a_person_leaves_out() -> None:
    """A note leaves out what would be one of ours."""
    assert compile_device(BY_MODEL["SMSZB-120"], "safety: none") is None


def test_a_choice_that_does_not_exist() -> None:
    """A misspelt kind is an error."""
    with pytest.raises(ValueError, match="no such kind"):
        compile_device(BY_MODEL["SMSZB-120"], "safety: smoke_detector")


def test_a_choice_without_any_reading() -> None:
    """A light bulb does not become a hydrant."""
    exposes = [
        {"type": "light", "features": [binary("state", 7)]},
        numeric("linkquality"),
    ]
    definition = {"description": "", "exposes": exposes}
    assert compile_device(definition, "safety: hydrant") is None


def test_values_of_a_smoke_sensor() -> None:
    """Words and flags become what they mean."""
    profile = of_model("SMART-SMOKE10")

    assert convert(
        profile, {"smoke_state": "alarm", "battery_state": "low", "battery": 20}
    ) == {"smoke": True, "battery_low": True, "battery": 20}
    assert convert(profile, {"smoke_state": "normal", "battery_state": "high"}) == {
        "smoke": False,
        "battery_low": False,
    }


def test_obscuration() -> None:
    """dB/m become the part of the light that is lost: 3 dB are a half."""
    profile = of_model("JY-GZ-01AQ")
    assert convert(profile, {"smoke_density_dbm": 3.0103}) == {
        "smoke_density": pytest.approx(50, abs=0.01)
    }


def test_trips() -> None:
    """A breaker's events, faults and lists of faults say if its protection has acted."""
    event = of_model("TO-Q-SYS-JZT")
    assert convert(event, {"event": "over_current_trip"}) == {"tripped": True}
    assert convert(event, {"event": "normal"}) == {"tripped": False}

    listed = of_model("STB3L-125-ZJ")
    assert convert(listed, {"faults": ["over_current"]}) == {"tripped": True}
    assert convert(listed, {"faults": []}) == {"tripped": False}

    words = of_model("TS0601_rcbo")
    assert convert(words, {"trip": "trip"}) == {"tripped": True}
    assert convert(words, {"trip": "clear"}) == {"tripped": False}


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        ("SMSZB-120", "smoke", "perhaps"),
        ("SMSZB-120", "smoke", [True]),
        ("288WZ", "smoke_state", "unknown"),
        ("SMSZB-120", "temperature_38", "warm"),
        ("SMSZB-120", "temperature_38", True),
        ("SMSZB-120", "temperature_38", float("nan")),
        ("SMSZB-120", "temperature_38", float("inf")),
        ("SMART-SMOKE10", "smoke_state", "burning"),
        ("STB3L-125-ZJ", "faults", {"over_current": 1}),
        ("TOWSMR1", "event", "something_new"),
        ("STB3L-125-ZJ", "state", "MAYBE"),
    ],
)
def test_bad_values(model: str, name: str, value: object) -> None:
    """What is no value of a property raises ValueError, and nothing else."""
    _key, function = of_model(model).readings[name]
    with pytest.raises(ValueError):
        function(value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        # Koenkk/zigbee-herdsman-converters#2889, #9604, #946: on the second bit alone.
        ("MIR-SM100-E", {"alarm_1": False, "alarm_2": True}),
        ("SR-ZG9070A-SS", {"smoke_alarm_1": False, "smoke_alarm_2": True}),
        # What else a detector calls for help for.
        ("HALO", {"smoke": False, "carbon_monoxide": True}),
        ("W599001", {"smoke": False, "heat": True}),
        ("HM-5HA-E", {"alarm": True}),
        ("S1-TL", {"smoke": False, "alarm_state": "critical_alarm"}),
        # Two carriers that disagree, and words that no definition lists.
        ("288WZ", {"smoke": False, "smoke_state": "fire_alarm"}),
        ("SMART-SMOKE10", {"smoke_state": "smoke"}),
    ],
)
def test_smoke_by_other_names(model: str, message: dict[str, Any]) -> None:
    """Any of the properties that mean it is enough."""
    found = of_model(model)
    values = [
        found.readings[name][1](value)
        for name, value in message.items()
        if found.readings[name][0] == "smoke"
    ]
    assert True in values


def test_properties_of_one_meaning() -> None:
    """They are known as such, so that the calm of one does not hide the other."""
    assert of_model("SR-ZG9070A-SS").siblings == {
        "smoke": ("smoke_alarm_1", "smoke_alarm_2")
    }


@pytest.mark.parametrize(
    ("model", "name", "calm"),
    [
        ("ZBN-DJ-63", "fault", "clear"),
        ("TS0601_rcbo", "alarm", "clear"),
        ("D4Z", "faults", ["normal"]),
    ],
)
@pytest.mark.parametrize(
    "fault",
    [
        # Tuya's own abbreviations (developer.tuya.com, electric-energy-open-capacity).
        *("ov_cr", "ov_vol", "short_circuit_alarm", "fire_alarm", "miss_phase_alarm"),
        # As zigbee-herdsman-converters' lib/legacy.js (hochFaultCode) writes code 10; labels
        # without a meaning, and faults as yes and no (Koenkk/zigbee-herdsman-converters#12397).
        *("over leakage current threshold", "0x01", True, 4, ["leakagecurr_alarm"]),
    ],
)
def test_a_fault_is_one_by_any_word(
    model: str, name: str, calm: object, fault: object
) -> None:
    """Of a breaker's fault only the calm words are known for certain."""
    key, function = of_model(model).readings[name]
    assert key == "tripped"
    assert function(fault) is True
    assert function(calm) is False
    assert function(0) is False


@pytest.mark.parametrize(
    ("on", "off", "sent"),
    [
        # Koenkk/zigbee-herdsman-converters#10552, #6351; Koenkk/zigbee2mqtt#11870.
        ("ON", "OFF", True),
        ("ON", "OFF", "on"),
        ("ON", "OFF", 1),
        (True, False, "ON"),
        (True, False, "true"),
        (True, False, "alarm"),
        ("true", "false", True),
        ("detected", "clear", True),
        (False, True, "false"),
    ],
)
def test_yes_in_other_words(on: object, off: object, sent: object) -> None:
    """Definitions say the one, converters send the other."""
    row = {
        "type": "binary",
        "name": "smoke",
        "property": "smoke",
        "access": 1,
        "value_on": on,
        "value_off": off,
    }
    found = compile_device({"description": "Detector", "exposes": [row]})
    assert found
    convert_smoke = found.readings["smoke"][1]
    assert convert_smoke(sent) is True
    assert convert_smoke(on) is True
    assert convert_smoke(off) is False


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("residual_current_(ma)", "residual_current", 35.0),
        ("leakage_current_(a)", "residual_current", 35_000.0),
        ("current_(ma)", "current", 0.035),
    ],
)
def test_generated_names(name: str, key: str, value: float) -> None:
    """A generated definition makes names of what an analog input calls itself.

    Koenkk/zigbee-herdsman-converters#10004, Koenkk/zigbee2mqtt#27926.
    """
    exposes = [
        {"type": "numeric", "name": item, "property": item, "access": 1}
        for item in (name, "over_current_threshold")
    ]
    found = compile_device(
        {"description": "Automatically generated definition", "exposes": exposes}
    )
    assert found
    assert found.kind == "breaker_monitor"
    found_key, function = found.readings[name]
    assert found_key == key
    assert function(35) == pytest.approx(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(["SMSZB-120", "STB3L-125-ZJ", "ZBN-DJ-63", "JY-GZ-01AQ"]), JSON)
def test_any_value(model: str, value: object) -> None:
    """Any JSON is a usable value, or raises what the gateway expects."""
    for _key, function in of_model(model).readings.values():
        try:
            result = function(value)
        except ValueError, TypeError, OverflowError:
            continue
        assert isinstance(result, bool | float)
