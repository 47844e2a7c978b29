"""The keys by which devices show who they are, where there is no broker that does.

Nothing here imports a gateway: the flow needs it before there is one.
"""

import hashlib

CONF_KEY_HASH, CONF_LOCAL_ONLY = "key_hash", "local_only"


def hash_of(key: str) -> str:
    """Return what is kept of a key: who reads it cannot speak for the device."""
    # A header may hold bytes that are no text.
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
