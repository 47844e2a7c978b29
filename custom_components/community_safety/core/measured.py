"""What hazards and doubts look at: the readings of one device, whoever keeps them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from ..catalogue import DeviceKind
from ..catalogue.measurements import Point, Value


class Measured(Protocol):
    """The readings of one device, by key such as `current_l1`, in the catalogue's units."""

    @property
    def uid(self) -> str:
        """Return the device's unique id."""

    @property
    def kind(self) -> DeviceKind:
        """Return what the device is."""

    @property
    def points(self) -> Mapping[str, Point]:
        """Return what it measures, by key."""

    @property
    def by_measurement(self) -> Mapping[str, tuple[str, ...]]:
        """Return the keys of each measurement."""

    @property
    def readings(self) -> Mapping[str, Value]:
        """Return the values that are known."""

    def worst(self, measurement: str, *, lowest: bool = False) -> Value | None:
        """Return the worst value over the channels, None while nothing is known."""

    def fresh_reading(self, key: str) -> Value | None:
        """Return a reading that was reported fresh, None for one that is history."""

    def limit(self, key: str) -> float:
        """Return a setting."""

    def is_unusable(self, measurement: str) -> bool:
        """Return if one of the channels came and could not be true or understood."""

    def trusts(self, key: str) -> bool:
        """Return if a dangerous reading may cut the power."""

    def is_doubted(self, key: str) -> bool:
        """Return if others contradict a reading, and no second one has agreed yet."""

    def end_doubt(self, keys: Iterable[str]) -> None:
        """End doubts about readings of which none is dangerous any more."""
