"""The worker with less memory than a photo takes: the limit is what ends it."""

from importlib import import_module
from pathlib import Path
import sys

sys.path.insert(
    0, str(Path(__file__).parents[3] / "custom_components/rental_units/reports")
)

WORKER = import_module("photo_worker")
vars(WORKER)["MEMORY_BYTES"] = 256 << 20

if __name__ == "__main__":
    sys.exit(WORKER.main())
