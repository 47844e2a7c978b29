"""Parts of a run that are tried: one that fails does not take the others with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
import sys

from .homes import HouseError
from .throughput import Say

#: How much of a log is shown after a failure, and of how many houses.
TAIL, LOGS = 2000, 2


@dataclass(frozen=True, slots=True)
class Attempts:
    """What was tried in a folder, and why some of it has failed."""

    folder: Path
    say: Say
    #: Reasons by what was tried: a part, or "part/scenario".
    failed: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Try something; when it fails, say so, and go on behind it."""
        try:
            yield
        except (HouseError, OSError, ValueError) as err:
            self.failed[what] = str(err) or type(err).__name__
            self.say(f"✗ {what}: {self.failed[what]}")
            logs = sorted(
                self.folder.glob("*/log"), key=lambda log: log.stat().st_mtime
            )
            for log in logs[-LOGS:]:
                print(log, log.read_text()[-TAIL:], sep="\n", file=sys.stderr)

    def of_part(self, part: str) -> dict[str, str]:
        """Return the reasons of what has failed of a part."""
        return {
            what: reason
            for what, reason in self.failed.items()
            if what.partition("/")[0] == part
        }
