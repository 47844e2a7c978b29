"""The simulated devices, kind by kind."""

import asyncio
import time
from typing import Any, ClassVar, override

from .access import AccessList
from .device import Device, Fault, RefusedError, Value

VOLTS = 230.0
POWER_FACTOR = 0.95
AMBIENT_CELSIUS = 22.0
#: A breaker's mechanism needs this long to open or close, in seconds.
MECHANISM_SECONDS = (0.04, 0.08)
#: The meter integrates this long: after opening it still shows a current for a moment.
METER_SECONDS = 0.25


class SmokeSensor(Device):
    """Latches smoke until it is cleared."""

    kind = "smoke_sensor"
    model = "SM-1"
    commands = ("silence", "self_test")
    battery_powered = True
    interval = 60
    EVENTS: ClassVar = {"smoke": "burn"}

    CLEAN_DENSITY = 0.1
    ALARM_DENSITY = 3.0
    FIRE_DENSITY = 14.0
    #: Per second, in %/m: a smouldering bed close to the sensor.
    RISE = 9.0
    TEST_SECONDS = 3.0

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize in clean air."""
        super().__init__(device_id, name, area)
        self.burning = False
        self.smoke = False
        self.testing = False
        self.silenced = False
        self.density = self.CLEAN_DENSITY

    def burn(self) -> None:
        """Let something smoulder below the sensor."""
        self.burning = True

    @override
    def clear(self) -> None:
        super().clear()
        self.burning = self.smoke = self.testing = self.silenced = False
        self.density = self.CLEAN_DENSITY
        self.report()

    @override
    def step(self, seconds: float) -> None:
        if self.burning:
            self.density = min(self.FIRE_DENSITY, self.density + self.RISE * seconds)
            if not self.smoke and self.density >= self.ALARM_DENSITY:
                self.smoke = True
                self.report()

    @override
    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        if key == "silence":
            self.silenced = True
            return 0.02
        if key == "self_test":
            self.testing = self.smoke = True
            asyncio.get_running_loop().call_later(self.TEST_SECONDS, self._end_test)
            self.report()
            return 0.02
        return super().set(key, value, options)

    def _end_test(self) -> None:
        # The smoke of the test ends before the test: what outlasts it is real.
        self.smoke = self.burning
        self.report()
        self.testing = False
        self.report()

    @override
    def measure(self) -> dict[str, Value]:
        return {
            "smoke": self.smoke,
            "smoke_density": max(0.0, self.noisy(self.density, 0.02, 2)),
            "temperature": self.noisy(AMBIENT_CELSIUS + self.density, 0.1),
            "test": self.testing,
            "self_test_failed": False,
            "tamper": False,
        }


class Contact:
    """A contact that opens and closes within some ten milliseconds."""

    def __init__(self, device: Device, key: str) -> None:
        """Initialize as closed."""
        self._device = device
        self._key = key
        #: Where the mechanism stands, which is what the firmware reports.
        self.closed = True
        self._welded = False

    @property
    def conducts(self) -> bool:
        """Return if a current can flow."""
        return self.closed or self._welded

    def repair(self) -> None:
        """Free a welded contact."""
        self._welded = False

    def move(self, closed: bool) -> float:
        """Begin to move, and return the seconds until it has moved."""
        seconds = self._device.random.uniform(*MECHANISM_SECONDS)
        asyncio.get_running_loop().call_later(seconds, self._moved, closed)
        return seconds

    def _moved(self, closed: bool) -> None:
        if self.closed == closed:
            return
        self._welded = not closed and Fault.WELDED in self._device.faults
        self.closed = closed
        self._device.record(f"{self._key} {'closed' if closed else 'opened'}")
        self._device.report()


class BreakerMonitor(Device):
    """A breaker with a meter, for one phase or for three."""

    kind = "breaker_monitor"
    model = "BM-63"
    commands = ("self_test",)
    EVENTS: ClassVar = {"overload": "overload", "leakage": "leak"}

    LEAKAGE_MILLIAMPERES = 4.0
    FAULT_MILLIAMPERES = 650.0
    OVERLOAD = 1.6
    #: Steady rise in K at the rated current, and how fast it gets there, in seconds.
    RISE_KELVIN = 30.0
    WARMING_SECONDS = 300.0

    def __init__(
        self,
        device_id: str,
        name: str,
        area: str,
        *,
        phases: tuple[str, ...] = ("",),
        load: float = 5.0,
        rated: float = 63.0,
    ) -> None:
        """Initialize; `load` and `rated` are amperes per phase."""
        super().__init__(device_id, name, area)
        self.contact = Contact(self, "supply")
        self.phases = phases
        self.rated = rated
        self._usual = load
        self._loads = dict.fromkeys(phases, load)
        self._metered = dict.fromkeys(phases, load)
        self._until_metered = 0.0
        self._told = 0.0
        self.energy = self.random.uniform(500, 5000)
        self.leakage = self.LEAKAGE_MILLIAMPERES
        self.temperature = AMBIENT_CELSIUS
        self.overloaded = False

    def overload(self) -> None:
        """Switch on far too much."""
        self.overloaded = True

    def leak(self) -> None:
        """Let a current find its way to earth."""
        self.leakage = self.FAULT_MILLIAMPERES
        self.report()

    @override
    def clear(self) -> None:
        super().clear()
        self.contact.repair()
        self.overloaded = False
        self.leakage = self.LEAKAGE_MILLIAMPERES
        self.report()

    @override
    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        if key == "supply":
            return self.contact.move(bool(value))
        if key == "self_test":
            return 0.1
        return super().set(key, value, options)

    def _flowing(self, phase: str) -> float:
        """Return the true current of a phase in amperes."""
        return self._loads[phase] if self.contact.conducts else 0.0

    @override
    def step(self, seconds: float) -> None:
        for phase in self.phases:
            wanted = self.rated * self.OVERLOAD if self.overloaded else self._usual
            wandering = self._loads[phase] + self.random.gauss(0, 0.02 * wanted)
            # Loads wander, but stay around what is switched on.
            pull = 0.8 if self.overloaded else 0.05
            self._loads[phase] = max(0.2, wandering + pull * (wanted - wandering))
        total = sum(self._flowing(phase) for phase in self.phases)
        self.energy += total * VOLTS * POWER_FACTOR * seconds / 3.6e6
        worst = max(self._flowing(phase) for phase in self.phases) / self.rated
        goal = AMBIENT_CELSIUS + self.RISE_KELVIN * worst**2
        self.temperature += (goal - self.temperature) * seconds / self.WARMING_SECONDS
        self._until_metered -= seconds
        if self._until_metered <= 0:
            self._until_metered = METER_SECONDS
            self._metered = {phase: self._flowing(phase) for phase in self.phases}
            now = sum(self._metered.values())
            # Zero or not, and a jump, are told at once; the rest can wait.
            if (now > 0) != (self._told > 0) or abs(
                now - self._told
            ) > 0.2 * self.rated:
                self.report()

    @override
    def measure(self) -> dict[str, Value]:
        self._told = sum(self._metered.values())
        values: dict[str, Value] = {"supply": self.contact.closed}
        for phase, current in self._metered.items():
            channel = f"_{phase}" if phase else ""
            values[f"current{channel}"] = max(
                0.0, self.noisy(current, 0.005 * current, 2)
            )
            values[f"voltage{channel}"] = self.noisy(VOLTS - 0.1 * current, 0.4)
        values["power"] = round(self._told * VOLTS * POWER_FACTOR)
        values["energy"] = round(self.energy, 3)
        values["residual_current"] = (
            max(0.0, self.noisy(self.leakage, 0.01 * self.leakage))
            if self.contact.conducts
            else 0.0
        )
        values["conductor_temperature"] = self.noisy(self.temperature, 0.1)
        values["tripped"] = False
        return values


class ChargingPile(Device):
    """Sockets for e-bikes under one smoke sensor."""

    kind = "charging_pile"
    model = "CP-4"
    commands = ("silence", "self_test")
    EVENTS: ClassVar = {"pile-smoke": "burn", "overload": "overload"}

    CHARGING_AMPERES = 1.8
    OVERLOAD_AMPERES = 14.0

    def __init__(
        self, device_id: str, name: str, area: str, *, sockets: int = 4
    ) -> None:
        """Initialize with an e-bike at every socket but the last."""
        super().__init__(device_id, name, area)
        self.numbers = range(1, sockets + 1)
        self.contacts = {
            number: Contact(self, f"supply_{number}") for number in self.numbers
        }
        self.plugged = {number: number < sockets for number in self.numbers}
        self.session_energy = {
            number: self.random.uniform(0.1, 0.6) if self.plugged[number] else 0.0
            for number in self.numbers
        }
        self.session_minutes = {
            number: self.random.uniform(10, 90) if self.plugged[number] else 0.0
            for number in self.numbers
        }
        self.energy = self.random.uniform(50, 500)
        self.smoke = False
        self.overloaded = False
        self._metered = dict.fromkeys(self.numbers, 0.0)
        self._until_metered = 0.0
        self._told = -1.0

    def burn(self) -> None:
        """Let a battery smoke."""
        self.smoke = True
        self.report()

    def overload(self) -> None:
        """Plug an electric heater into the first socket."""
        self.overloaded = True

    @override
    def clear(self) -> None:
        super().clear()
        for contact in self.contacts.values():
            contact.repair()
        self.smoke = self.overloaded = False
        self.report()

    @override
    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        name, _, number = key.rpartition("_")
        if name == "supply" and number.isdecimal() and int(number) in self.contacts:
            return self.contacts[int(number)].move(bool(value))
        if key in self.commands:
            return 0.02
        return super().set(key, value, options)

    def _flowing(self, number: int) -> float:
        if not (self.plugged[number] and self.contacts[number].conducts):
            return 0.0
        return (
            self.OVERLOAD_AMPERES
            if self.overloaded and number == 1
            else self.CHARGING_AMPERES
        )

    @override
    def step(self, seconds: float) -> None:
        for number in self.numbers:
            current = self._flowing(number)
            charged = current * VOLTS * seconds / 3.6e6
            self.energy += charged
            self.session_energy[number] += charged
            if current:
                self.session_minutes[number] += seconds / 60
        self._until_metered -= seconds
        if self._until_metered <= 0:
            self._until_metered = METER_SECONDS
            self._metered = {number: self._flowing(number) for number in self.numbers}
            if sum(self._metered.values()) != self._told:
                self.report()

    @override
    def measure(self) -> dict[str, Value]:
        self._told = sum(self._metered.values())
        values: dict[str, Value] = {
            "smoke": self.smoke,
            "temperature": self.noisy(AMBIENT_CELSIUS + 15 * self.smoke, 0.1),
            "energy": round(self.energy, 3),
        }
        for number in self.numbers:
            current = self._metered[number]
            values |= {
                f"supply_{number}": self.contacts[number].closed,
                f"plugged_{number}": self.plugged[number],
                f"current_{number}": max(0.0, self.noisy(current, 0.01 * current, 2)),
                f"power_{number}": float(round(current * VOLTS)),
                f"session_energy_{number}": round(self.session_energy[number], 3),
                f"session_duration_{number}": float(
                    round(self.session_minutes[number])
                ),
            }
        return values


class WaterTank(Device):
    """The fire tank on a roof. Its valve leaks faster than a real one, for the demo."""

    kind = "water_tank"
    model = "WT-3"
    battery_powered = True
    interval = 30
    EVENTS: ClassVar = {"tank-low": "leak"}

    HEIGHT_METERS = 2.5
    FULL = 86.0
    LEFT = 14.0
    #: Percent per second while leaking or filling.
    SPEED = 6.0

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize as filled."""
        super().__init__(device_id, name, area)
        self.level = self.goal = self.FULL
        self._told = self.level

    def leak(self) -> None:
        """Open the drain."""
        self.goal = self.LEFT

    @override
    def clear(self) -> None:
        super().clear()
        self.goal = self.FULL
        self.report()

    @override
    def step(self, seconds: float) -> None:
        most = self.SPEED * seconds
        self.level += max(-most, min(most, self.goal - self.level))
        if abs(self.level - self._told) >= 3 or (
            self.level == self.goal and self._told != self.goal
        ):
            self.report()

    @override
    def measure(self) -> dict[str, Value]:
        self._told = self.level
        return {
            "level": self.noisy(self.level, 0.05, 2),
            "level_height": round(self.HEIGHT_METERS * self.level / 100, 2),
            "temperature": self.noisy(15, 0.1),
        }


class Hydrant(Device):
    """A hydrant's pressure gauge."""

    kind = "hydrant"
    model = "HP-16"
    battery_powered = True
    interval = 30
    EVENTS: ClassVar = {"hydrant-low": "lose_pressure"}

    USUAL_KPA = 350.0
    LOST_KPA = 40.0
    #: Time constant of the pressure, in seconds.
    SETTLING_SECONDS = 1.0

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize under pressure."""
        super().__init__(device_id, name, area)
        self.pressure = self.goal = self.USUAL_KPA
        self._told = self.pressure

    def lose_pressure(self) -> None:
        """Close a valve somewhere upstream."""
        self.goal = self.LOST_KPA

    @override
    def clear(self) -> None:
        super().clear()
        self.goal = self.USUAL_KPA
        self.report()

    @override
    def step(self, seconds: float) -> None:
        gap = self.goal - self.pressure
        self.pressure += gap * min(1.0, seconds / self.SETTLING_SECONDS)
        if abs(self.pressure - self._told) > 15:
            self.report()

    @override
    def measure(self) -> dict[str, Value]:
        self._told = self.pressure
        return {
            "pressure": self.noisy(self.pressure, 0.5),
            "temperature": self.noisy(15, 0.1),
        }


class ElevatorBlocker(Device):
    """A camera in the car, and a door that is held open only as long as it is told."""

    kind = "elevator_blocker"
    model = "EB-1"
    EVENTS: ClassVar = {"e-bike": "e_bike_enters", "pram": "pram_enters"}

    #: The door has to open again before it is held, in seconds.
    DOOR_SECONDS = (0.3, 0.6)
    #: A hold without a limit from Home Assistant ends by itself, in seconds.
    LONGEST_HOLD = 120.0

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize with an empty car."""
        super().__init__(device_id, name, area)
        self.seen = "none"
        self.confidence = 0.0
        self.held = False
        self._limit: asyncio.TimerHandle | None = None

    def e_bike_enters(self) -> None:
        """Let somebody push an e-bike into the car."""
        self._see("e_bike", 94)

    def pram_enters(self) -> None:
        """Let somebody push a pram into the car."""
        self._see("pram", 91)

    def _see(self, what: str, confidence: float) -> None:
        self.seen = what
        self.confidence = self.noisy(confidence, 1) if confidence else 0.0
        self.report()

    @override
    def clear(self) -> None:
        super().clear()
        self._see("none", 0)

    @override
    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        if key != "held":
            return super().set(key, value, options)
        if value and self.seen == "none":
            raise RefusedError("the car is empty")
        seconds = self.random.uniform(*self.DOOR_SECONDS) if value else 0.05
        limit = float(options.get("longest_hold", self.LONGEST_HOLD))
        asyncio.get_running_loop().call_later(seconds, self._moved, bool(value), limit)
        return seconds

    def _moved(self, held: bool, limit: float) -> None:
        if self._limit:
            self._limit.cancel()
            self._limit = None
        if held:
            self._limit = asyncio.get_running_loop().call_later(
                limit, self._moved, False, 0
            )
        if held != self.held:
            self.held = held
            self.record(f"door {'held' if held else 'released'}")
            self.report()

    @override
    def contact_lost(self) -> None:
        self._moved(False, 0)

    @override
    def measure(self) -> dict[str, Value]:
        return {
            "class_seen": self.seen,
            "confidence": self.confidence,
            "held": self.held,
        }


class _Guarded(Device):
    """What has a list of who may pass, and tells who came."""

    commands = ("open", "credentials")
    #: Seconds for which it is open for one.
    OPEN_SECONDS: ClassVar = 5.0
    #: What a stranger shows: no card or plate of anybody.
    STRANGER: ClassVar[str]

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize with an empty list."""
        super().__init__(device_id, name, area)
        self.list = AccessList()

    @override
    def order_list(self, order: dict[str, Any]) -> dict[str, Any]:
        return self.list.order(order, forgets=Fault.FORGETFUL in self.faults)

    def come(self, number: str | None = None) -> bool:
        """Let somebody come: of the list, if none is said. Return if they were let in."""
        number = number or next(iter(self.list.rows), self.STRANGER)
        passage = self.list.passage(number)
        granted = bool(passage["decision"] == "granted")
        if granted:
            self.let_in()
        self.tell_passage(passage)
        return granted

    def come_as_stranger(self) -> None:
        """Let somebody come who is not on the list."""
        self.come(self.STRANGER)

    def let_in(self) -> None:
        """Open for one."""
        raise NotImplementedError


class DoorController(_Guarded):
    """A door with its lock, which stays as it is told."""

    kind = "door_controller"
    model = "DC-1"
    EVENTS: ClassVar = {
        "stay open": "stay_open",
        "force": "force",
        "card": "come",
        "unknown card": "come_as_stranger",
    }
    STRANGER = "99999999"

    #: The bolt needs this long to move, in seconds.
    BOLT_SECONDS = (0.1, 0.3)

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize as shut and locked."""
        super().__init__(device_id, name, area)
        self.locked = True
        self.is_open = False
        self.forced = False

    def stay_open(self) -> None:
        """Let somebody wedge the door."""
        self.is_open = True
        self.report()

    def force(self) -> None:
        """Let somebody break the door open."""
        self.is_open = self.forced = True
        self.report()

    @override
    def clear(self) -> None:
        super().clear()
        self.is_open = self.forced = False
        self.report()

    @override
    def let_in(self) -> None:
        self.record("door let in")

    @override
    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        if key not in ("locked_1", "open_1"):
            return super().set(key, value, options)
        seconds = self.random.uniform(*self.BOLT_SECONDS)
        if key == "open_1":
            if Fault.WELDED in self.faults:
                raise RefusedError("the bolt is stuck")
            self.let_in()
        else:
            asyncio.get_running_loop().call_later(seconds, self._moved, bool(value))
        return seconds

    def _moved(self, locked: bool) -> None:
        if locked != self.locked and Fault.WELDED not in self.faults:
            self.locked = locked
            self.record(f"door {'locked' if locked else 'unlocked'}")
        self.report()

    @override
    def measure(self) -> dict[str, Value]:
        return {
            "locked_1": self.locked,
            "door_open_1": self.is_open,
            "door_forced_1": self.forced,
            "clock_wrong": False,
            "tamper": False,
        }


class VehicleGate(_Guarded):
    """A barrier whose arm takes time, and a camera that reads plates."""

    kind = "vehicle_gate"
    model = "VG-1"
    EVENTS: ClassVar = {"vehicle": "come", "unknown vehicle": "come_as_stranger"}
    STRANGER = "浙A00000"

    #: The arm needs this long from one end to the other, in seconds; one that is not there
    #: after so many more is stuck.
    ARM_SECONDS = 1.5
    STUCK_SECONDS = 8.0

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize as closed."""
        super().__init__(device_id, name, area)
        #: 0 is down, 1 is up.
        self.arm = 0.0
        self.is_held = False
        #: So long it is open for one vehicle yet, in seconds.
        self.letting_in = 0.0
        #: For so long the arm is not where it should be.
        self._late = 0.0
        #: What was reported last.
        self._shown: dict[str, Value] = {}

    @property
    def is_wanted_up(self) -> bool:
        """Return if the motor lifts the arm."""
        return self.is_held or self.letting_in > 0

    @property
    def is_stuck(self) -> bool:
        """Return if the arm does not do what the motor wants."""
        return self._late >= self.STUCK_SECONDS

    @override
    def let_in(self) -> None:
        self.letting_in = self.ARM_SECONDS + self.OPEN_SECONDS

    @override
    def step(self, seconds: float) -> None:
        self.letting_in = max(0.0, self.letting_in - seconds)
        target = 1.0 if self.is_wanted_up else 0.0
        if Fault.WELDED not in self.faults:
            way = seconds / self.ARM_SECONDS
            self.arm = min(max(target, self.arm - way), self.arm + way)
        self._late = 0.0 if self.arm == target else self._late + seconds
        if (shown := self.measure()) != self._shown:
            self._shown = shown
            self.record(f"barrier {self._state()}")
            self.report()

    def _state(self) -> str:
        if self.arm in (0.0, 1.0):
            return "open" if self.arm else "closed"
        return "opening" if self.is_wanted_up else "closing"

    @override
    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        if key == "open_1":
            if Fault.WELDED in self.faults:
                raise RefusedError("the arm is stuck")
            self.let_in()
        elif key == "locked_1":
            self.is_held = not value
            self.letting_in = 0.0
        else:
            return super().set(key, value, options)
        return 0.0

    @override
    def measure(self) -> dict[str, Value]:
        return {
            "barrier_1": self._state(),
            # Held, and really up: an order is no arm.
            "locked_1": not (self.is_held and self.arm == 1.0),
            "barrier_stuck": self.is_stuck,
            "clock_wrong": False,
            "tamper": False,
        }


class Camera(Device):
    """A camera whose recorder keeps what it sees, and which reads plates and faces."""

    kind = "camera"
    model = "CAM-1"
    interval = 30
    EVENTS: ClassVar = {
        "picture-lost": "lose_picture",
        "recording-off": "stop_recording",
        "recordings-short": "keep_less",
        "car": "see_car",
        "face": "see_face",
        "child": "see_child",
        "person": "see_person",
    }

    #: How long recordings are kept, in days, and with a disk that is too full.
    KEPT_DAYS = 45
    FEW_DAYS = 7
    #: A plate is read wrongly at first, and better once the car is nearer, in seconds.
    NEARER_SECONDS = 1.0

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize as recording for longer than anybody asks for."""
        super().__init__(device_id, name, area)
        self.has_picture = self.is_recording = True
        self.kept_days = self.KEPT_DAYS
        self._seen = self._told = 0

    def lose_picture(self) -> None:
        """Let its cable be cut."""
        self.has_picture = self.is_recording = False
        self.report()

    def stop_recording(self) -> None:
        """Let somebody switch its recording off."""
        self.is_recording = False
        self.report()

    def keep_less(self) -> None:
        """Let its disk be too small: what is old goes before its time."""
        self.kept_days = self.FEW_DAYS
        self.report()

    def see_car(self) -> None:
        """Let a car pass; its plate is read twice."""
        event = self._next()
        self._read(event, "plate", "TEST1Z34", 0.71, False)
        asyncio.get_running_loop().call_later(
            self.NEARER_SECONDS, self._read, event, "plate", "TEST1234", 0.95, True
        )

    def see_face(self) -> None:
        """Let somebody pass whose face has a name."""
        self._read(self._next(), "face", "Test Person", 0.93, False)

    def see_child(self) -> None:
        """Let a child in red pass by: there is no number, and a look."""
        self._see(means="sight", category="person", colour="red", age_group="child")

    def see_person(self) -> None:
        """Let somebody pass by of whom nothing can be told: it is dark."""
        self._see(means="sight", category="person")

    def _next(self) -> str:
        self._seen += 1
        return f"{self.id}-{self._seen}"

    def _read(
        self, event: str, means: str, text: str, score: float, corrected: bool
    ) -> None:
        self._see(
            event,
            number=text,
            means=means,
            category="car" if means == "plate" else "person",
            score=score,
            corrected=corrected,
        )

    def _see(self, event: str | None = None, **told: Any) -> None:
        self._told += 1
        self.tell_passage(
            {
                "index": self._told,
                "door": "1",
                "decision": "seen",
                "event": event or self._next(),
                **told,
            }
        )

    @override
    def clear(self) -> None:
        super().clear()
        self.has_picture = self.is_recording = True
        self.kept_days = self.KEPT_DAYS
        self.report()

    @override
    def measure(self) -> dict[str, Value]:
        return {
            "video_lost": not self.has_picture,
            "recording": self.is_recording,
            # By the hour, as a recorder knows it.
            "oldest_recording": time.time() // 3600 * 3600 - self.kept_days * 86_400,
            "tamper": False,
        }


KINDS: dict[str, type[Device]] = {
    kind.kind: kind
    for kind in (
        SmokeSensor,
        BreakerMonitor,
        ChargingPile,
        WaterTank,
        Hydrant,
        ElevatorBlocker,
        DoorController,
        VehicleGate,
        Camera,
    )
}
