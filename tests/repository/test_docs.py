"""Documentation that follows from the code says what the code says."""

from pathlib import Path

from custom_components.community_safety.catalogue import DEVICE_KINDS
from custom_components.community_safety.catalogue.measurements import MEASUREMENTS
from custom_components.community_safety.core.device import DERIVED
from scripts.write_catalogue import page

DOCS = Path(__file__).parents[2] / "docs"


def test_catalogue_is_up_to_date() -> None:
    """`scripts/catalogue` was run after the last change."""
    written = (DOCS / "catalogue.md").read_text()
    assert written == "\n".join(page()).rstrip() + "\n"


def test_protocol_names_every_reading() -> None:
    """A vendor finds every reading and every kind in the protocol."""
    text = (DOCS / "protocol.md").read_text()
    names = (MEASUREMENTS.keys() - DERIVED) | DEVICE_KINDS.keys()
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
