"""A whole Home Assistant as `hass` runs it, except that GitHub is on the loopback address.

    python -P house.py ADDRESS [hass's arguments]

What would go to a host of HOSTS goes to ADDRESS/host.
"""

import sys
from typing import Any

import aiohttp
from yarl import URL

from homeassistant.__main__ import main

HOSTS = {
    "api.github.com",
    "data-v2.hacs.xyz",
    "github.com",
    "raw.githubusercontent.com",
}


def redirect(address: str) -> None:
    """Send to an address what would go to GitHub; nothing else leaves the machine."""
    request = aiohttp.ClientSession._request

    async def redirected(
        session: aiohttp.ClientSession, method: str, target: Any, **more: Any
    ) -> aiohttp.ClientResponse:
        url = URL(target)
        if url.host in HOSTS:
            url = URL(f"{address}/{url.host}{url.raw_path_qs}", encoded=True)
        elif url.host != "127.0.0.1":
            raise aiohttp.ClientConnectionError(f"{url.host} is out of reach")
        return await request(session, method, url, **more)

    setattr(aiohttp.ClientSession, "_request", redirected)  # noqa: B010


if __name__ == "__main__":
    redirect(sys.argv.pop(1))
    sys.exit(main())
