"""What Home Assistant says of code of ours that uses it in a way that ends, or that blocks it."""

import re

COMPLAINT = re.compile(
    r"Detected (?:that custom integration|blocking call)"
    r"|The deprecated .* from (?:community_safety|rental_units)\b"
    # Python's own, which Home Assistant writes into its log.
    r"|/(?:community_safety|rental_units)/.*\bDeprecationWarning\b"
)
OURS = re.compile(r"community_safety|rental_units")


def complaints(log: str) -> list[str]:
    """Return the lines of a log that complain of us, and of no other integration."""
    return [
        line
        for line in log.splitlines()
        if COMPLAINT.search(line) and OURS.search(line)
    ]
