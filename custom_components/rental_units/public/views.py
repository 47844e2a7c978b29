"""Views whose address is a secret."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import override

from aiohttp import web

from homeassistant.components.http import HomeAssistantView
from homeassistant.core import HomeAssistant

type _Handler = Callable[..., Awaitable[web.StreamResponse]]


class SecretView(HomeAssistantView):
    """A view that everybody may ask who has the token in its address.

    Home Assistant writes the address of each request into its log, where that is set to
    debug: so it is registered without what would do that.
    """

    requires_auth = False

    @override
    def register(
        self, hass: HomeAssistant, app: web.Application, router: web.UrlDispatcher
    ) -> None:
        assert self.url
        for method in ("get", "post"):
            if handler := getattr(self, method, None):
                router.add_route(method, self.url, _quietly(hass, handler))


def _quietly(hass: HomeAssistant, handler: _Handler) -> _Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if hass.is_stopping:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return await handler(request, **request.match_info)

    return handle


def is_foreign(request: web.Request) -> bool:
    """Return if another site has sent a form: browsers say so."""
    return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def is_fetched_ahead(request: web.Request) -> bool:
    """Return if a browser fetches something that nobody looks at yet, as it says itself."""
    names = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
    return any(name in request.headers for name in names)


def is_looked_at(request: web.Request) -> bool:
    """Return if somebody has opened a page, as far as their browser says so.

    A browser that fetches ahead says that, and what makes a preview of a link in a message
    is no browser: it says nothing. (https://www.w3.org/TR/fetch-metadata/)
    """
    headers = request.headers
    return not is_fetched_ahead(request) and (
        headers.get("Sec-Fetch-Dest"),
        headers.get("Sec-Fetch-Mode"),
    ) == ("document", "navigate")
