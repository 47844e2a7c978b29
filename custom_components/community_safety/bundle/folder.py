"""Where the bundle is, and what its marker says."""

from pathlib import Path

BUNDLED = Path(__file__).parents[1] / "bundled"
MARKER = ".bundled"


def is_whole(folder: Path) -> bool:
    """Return if a folder of the bundle is there, with all that belongs to it."""
    return (folder / MARKER).is_file()
