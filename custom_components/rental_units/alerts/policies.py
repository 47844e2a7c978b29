"""Policies: who is told when, over what, until a human has answered. They are data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from typing import Any, Self

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..const import Channel
from .channels import PROVIDERS, working
from .const import Severity

#: Channels that reach a person, the loudest last.
CHANNELS = tuple(name for name in PROVIDERS if name in set(Channel))
#: Those that let the phone lie.
QUIET = CHANNELS[:-1]
#: Everything, with the loudspeakers of the place.
ALL = (*CHANNELS, "announce")
AUDIENCES = ("tenants", "landlord", "responders", "neighbours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: `after` seconds from the raising, to whom, over what, how often."""

    after: float
    #: Empty: whom the alert names.
    audience: tuple[str, ...] = ()
    channels: tuple[str, ...] = ALL
    #: How many more times, every so many seconds.
    repeat: int = 0
    every: float = 60
    #: One channel after another, and only if the one before did not reach the person.
    in_turn: bool = False
    #: Loudspeakers and lights, by their entities, that are used whoever is told.
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Steps, and whose answer ends them."""

    steps: tuple[Step, ...]
    #: Each unit must answer; else one acknowledgement is enough.
    each_unit: bool = False
    #: Seconds after which the alert ends by itself.
    valid_for: float = 3600

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return a policy from its validated or stored form."""
        steps: list[dict[str, Any]] = [
            {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in step.items()
            }
            for step in sorted(data["steps"], key=itemgetter("after"))
        ]
        return cls(
            steps=tuple(Step(**step) for step in steps),
            each_unit=data["each_unit"],
            valid_for=data["valid_for"],
        )

    def at(self, number: int, round_: int) -> float:
        """Return the seconds after which a round of a step is due."""
        step = self.steps[number]
        return step.after + round_ * step.every

    def following(self, number: int, round_: int) -> tuple[int, int] | None:
        """Return the step and its round after this one; None if it is the last.

        Steps run side by side: one waits for no repeats of another.
        """
        place = self.at(number, round_), number
        rounds = (
            min(
                (
                    (self.at(key, row), key, row)
                    for row in range(step.repeat + 1)
                    if (self.at(key, row), key) > place
                ),
                default=None,
            )
            for key, step in enumerate(self.steps)
        )
        found = min(filter(None, rounds), default=None)
        return found and found[1:]

    def once(self) -> Self:
        """Return a policy that tells the first time, and calls nobody after that."""
        return replace(self, steps=(replace(self.steps[0], repeat=0),))

    def as_dict(self) -> dict[str, Any]:
        """Return the form that is stored."""
        data = asdict(self)
        data["steps"] = [
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in step.items()
                # No form asks for them.
                if key != "places" or value
            }
            for step in data["steps"]
        ]
        return data


#: GB/T 45839-2025 5.10.4: two kinds of channel within 15 s; then people every 30-60 s.
DEFAULTS = {
    Severity.ALARM: Policy(
        steps=(
            Step(after=0),
            Step(after=30, audience=("responders", "landlord"), channels=("call",)),
            Step(after=60, channels=CHANNELS, repeat=10, every=60),
        ),
        valid_for=4 * 3600,
    ),
    Severity.WARNING: Policy(
        steps=(
            Step(after=0, audience=("landlord", "responders"), in_turn=True),
            Step(after=900, channels=("push", "sms"), repeat=2, every=1800),
        ),
        valid_for=24 * 3600,
    ),
    Severity.FAULT: Policy(
        steps=(
            Step(
                after=0,
                audience=("landlord",),
                channels=QUIET,
                in_turn=True,
            ),
        ),
        valid_for=72 * 3600,
    ),
    Severity.MESSAGE: Policy(
        steps=(
            Step(
                after=0,
                channels=QUIET,
                in_turn=True,
            ),
        ),
        valid_for=24 * 3600,
    ),
}

_SECONDS = vol.All(vol.Coerce(float), vol.Range(min=0, max=7 * 86_400))
STEP_SCHEMA = vol.Schema(
    {
        vol.Required("after"): _SECONDS,
        vol.Optional("audience", default=list): vol.All(
            cv.ensure_list, [vol.In(AUDIENCES)]
        ),
        vol.Optional("channels", default=lambda: list(ALL)): vol.All(
            cv.ensure_list, vol.Length(min=1), [vol.In(ALL)]
        ),
        vol.Optional("repeat", default=0): vol.All(
            vol.Coerce(int), vol.Range(min=0, max=1000)
        ),
        # Nobody is called more often than every ten seconds.
        vol.Optional("every", default=60): vol.All(
            vol.Coerce(float), vol.Range(min=10, max=86_400)
        ),
        vol.Optional("in_turn", default=False): cv.boolean,
    }
)
POLICY_SCHEMA = vol.Schema(
    {
        vol.Required("steps"): vol.All(
            cv.ensure_list, vol.Length(min=1, max=50), [STEP_SCHEMA]
        ),
        vol.Optional("each_unit", default=False): cv.boolean,
        vol.Optional("valid_for", default=3600): vol.All(
            vol.Coerce(float), vol.Range(min=60, max=30 * 86_400)
        ),
    }
)


def reaching(options: Mapping[str, Any], audience: str) -> frozenset[str]:
    """Return the channels over which a fire would tell an audience.

    Those that are set up and that a step of the alarm's policy uses for it. A policy with a
    name of its own is for what names it, and helps nobody in a fire.
    """
    steps = policy_of(options, Severity.ALARM).steps
    return working(options) & {
        name
        for step in steps
        if not step.audience or audience in step.audience
        for name in step.channels
    }


def policy_of(
    options: Mapping[str, Any], severity: Severity, name: str | None = None
) -> Policy:
    """Return a named policy, or that of a severity: the user's own, or ours.

    Raises KeyError for a name that nobody has given.
    """
    own = options.get("policies", {})
    if name is not None and name not in own:
        return DEFAULTS[Severity(name)] if name in set(Severity) else own[name]
    if data := own.get(name or severity.value):
        return Policy.from_dict(POLICY_SCHEMA(data))
    return DEFAULTS[severity]
