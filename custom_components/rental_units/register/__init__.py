"""The register: people, leases and addresses, in a database of their own."""

from .people import Address, Audience, Recipient, default_language
from .property import Register, RegisterConfigEntry

__all__ = [
    "Address",
    "Audience",
    "Recipient",
    "Register",
    "RegisterConfigEntry",
    "default_language",
]
