"""Zigbee coordinators, one config entry each, on zigpy and bellows.

Nothing here imports those when Home Assistant starts: `library` brings them in with the
first entry that needs them. So `radio`, `node` and `profile` are imported there alone.
"""

from .gateway import ZigbeeGateway
from .library import async_load_library
from .link import database_path
from .network import NetworkInfo

__all__ = ["NetworkInfo", "ZigbeeGateway", "async_load_library", "database_path"]
