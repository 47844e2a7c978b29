"""Send damaged photos through the decoder, many in one process: none may crash or hang it.

    python -m scripts.fuzz_photos [COUNT] [SEED]

The test suite sends some hundred. A photo of a stranger is decoded in a process of its own,
which may crash; here it may not, so that what crashes is found.
"""

from collections import Counter
import json
import resource
import sys
import time

import pillow_heif

from custom_components.rental_units.reports import photo_worker
from tests.rental_units.reports.pictures import FORMATS, mutated, photo, scene


def main(count: int = 10_000, seed: int = 0) -> int:
    """Send them, and print what became of them."""
    pillow_heif.register_heif_opener(
        thumbnails=False, aux_images=False, depth_images=False, decode_threads=1
    )
    picture = scene(size=(96, 64))
    files = [photo(kind, picture) for kind in FORMATS]
    told, slowest, begun = Counter[str](), 0.0, time.perf_counter()
    for number in range(seed, seed + count):
        data, at = mutated(files[number % len(files)], number), time.perf_counter()
        try:
            _, written = photo_worker.clean(data)
        except photo_worker.PhotoRefusedError as err:
            told[err.key] += 1
        else:
            told["taken"] += 1
            if b"MARK" in written:
                print(f"{number}: something else than pixels is left", file=sys.stderr)
                return 1
        slowest = max(slowest, time.perf_counter() - at)
    print(
        json.dumps(
            {
                "photos": count,
                **dict(sorted(told.items())),
                "seconds": round(time.perf_counter() - begun, 1),
                "slowest_ms": round(slowest * 1000),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
