"""How scripts/exposes and scripts/quirks write which models are devices of this integration."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from custom_components.community_safety.catalogue.measurements import parse_point

BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
#: Commands that are told: the others follow from what a device reports.
COMMANDS = {"silence", "self_test"}
#: What every device has, which is not listed for each model.
EVERYWHERE = {"link_quality", "signal_strength"}


class Profile(Protocol):
    """What a model is to us, whoever reports it."""

    @property
    def kind(self) -> str:
        """Return the kind of device."""

    @property
    def points(self) -> Collection[str]:
        """Return the names of the readings."""

    @property
    def commands(self) -> Collection[str]:
        """Return the names of the commands."""


#: Names of models, with what they are to us.
type Rows = Sequence[tuple[str, Profile]]


def coverage(summary: str, rows: Rows) -> str:
    """Return the part of a page of docs/ that counts by kind and measurement."""
    models: Counter[str] = Counter()
    measured: dict[str, Counter[str]] = defaultdict(Counter)
    commands: dict[str, Counter[str]] = defaultdict(Counter)
    for _name, profile in rows:
        models[profile.kind] += 1
        measured[profile.kind].update(
            {parse_point(key).measurement.key for key in profile.points}
        )
        commands[profile.kind].update(COMMANDS.intersection(profile.commands))
    lines = ["| kind | models | readings (models) | commands |", "|---|---|---|---|"]
    for kind, number in _ranked(models):
        readings = ", ".join(f"{key} {n}" for key, n in _ranked(measured[kind]))
        buttons = ", ".join(f"{key} {n}" for key, n in _ranked(commands[kind]))
        lines.append(f"| {kind} | {number} | {readings} | {buttons or '–'} |")
    return "\n".join([BEGIN, "", summary, "", *lines, "", END])


def write_coverage(guide: Path, text: str) -> None:
    """Put it in the place of the last one."""
    before, _, rest = guide.read_text("utf-8").partition(BEGIN)
    guide.write_text(before + text + rest.partition(END)[2], "utf-8")


def page(head: Sequence[str], rows: Rows) -> str:
    """Return a page of docs/ with all models by kind, and what each reports."""
    lines = [*head]
    for kind in sorted({profile.kind for _name, profile in rows}):
        lines += ["", f"## {kind}", "", "| model | readings |", "|---|---|"]
        lines += [
            f"| {name.replace('|', '/')} | {', '.join(sorted({*profile.points} - EVERYWHERE))} |"
            for name, profile in sorted(rows, key=lambda row: row[0].lower())
            if profile.kind == kind
        ]
    return "\n".join(lines) + "\n"


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return counts, the highest first, and always in the same order."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
