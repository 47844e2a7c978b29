"""What the co-processor does on commands, by subject. Importing this registers all of it."""

from . import configuration, keys, messaging, network, security, tables, tokens  # noqa: F401 - importing registers
