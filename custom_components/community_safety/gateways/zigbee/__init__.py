"""Zigbee coordinators, one config entry each, on zigpy and bellows.

Nothing here imports those when Home Assistant starts: `library` brings them in with the
first entry that needs them. So `radio`, `node` and `profile` are imported there alone.
"""

from .gateway import ZigbeeGateway
from .host.library import async_load_library, library_versions
from .host.link import database_path, remove_database
from .host.network import NetworkInfo

#: The module that looks at coordinators and forms networks, to import when it is needed.
FORMING = f"{__name__}.host.forming"

__all__ = [
    "FORMING",
    "NetworkInfo",
    "ZigbeeGateway",
    "async_load_library",
    "database_path",
    "library_versions",
    "remove_database",
]
