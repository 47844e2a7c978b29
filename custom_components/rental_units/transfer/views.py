"""The register's file in the browser: up, to be tried or imported, and down."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web
import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.components.http import KEY_HASS, KEY_HASS_USER, HomeAssistantView
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.translation import async_get_translations

from ..app.application import DATA_APPLICATIONS, Application, application_of
from ..const import DOMAIN, LANGUAGES, Reason
from ..forms import default_language
from .actions import async_export_content, async_import_content
from .importing import Asked
from .sheet import MOST_BYTES, refused

PATH = "/api/rental_units/register/{entry_id}"
_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_QUERY = vol.Schema(
    {
        vol.Optional("language"): vol.In(LANGUAGES),
        vol.Optional("reason", default=Reason.MANAGEMENT): vol.Coerce(Reason),
        vol.Optional("dry_run", default=True): cv.boolean,
        vol.Optional("format", default="xlsx"): vol.In(_TYPES),
    }
)


@callback
def async_setup_views(hass: HomeAssistant) -> None:
    """Register the view."""
    hass.http.register_view(RegisterFileView)


class RegisterFileView(HomeAssistantView):
    """The file of a register, for who may in person.

    GET answers with the file. POST takes one as its body and answers with what the action
    `import_register` does, in JSON. Both write into the audit who did it.
    """

    url = PATH
    name = "api:rental_units:register"

    async def get(self, request: web.Request, entry_id: str) -> web.Response:
        """Export."""
        return await self._answer(request, entry_id, self._export)

    async def post(self, request: web.Request, entry_id: str) -> web.Response:
        """Import, or only try."""
        return await self._answer(request, entry_id, self._import)

    async def _answer(
        self, request: web.Request, entry_id: str, handle: Callable[..., Any]
    ) -> web.Response:
        """Handle a request of somebody who may; say errors in the clerk's language."""
        hass, user = request.app[KEY_HASS], request[KEY_HASS_USER]
        if not (user.is_admin or _has_role(hass, user, entry_id)):
            raise Unauthorized  # Not even if there is such a property.
        try:
            query = _QUERY(dict(request.query))
        except vol.Invalid:
            return self.json_message("Invalid query", HTTPStatus.BAD_REQUEST)
        query.setdefault("language", default_language(hass))
        what = "export_register" if request.method == "GET" else "import_register"
        context = self.context(request)

        try:
            asked = Asked(_application(hass, entry_id), context, query["reason"])
            await asked.async_authorize(what)
            response: web.Response = await handle(request, asked, query)
        except Unauthorized:
            raise
        except HomeAssistantError as err:
            return await self._failure(hass, err, query["language"])
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _export(
        self, _request: web.Request, asked: Asked, query: dict[str, Any]
    ) -> web.Response:
        _, content = await async_export_content(
            asked, language=query["language"], excel=query["format"] == "xlsx"
        )
        today = asked.application.register.today
        name = f"register-{today.isoformat()}.{query['format']}"
        return web.Response(
            body=content,
            content_type=_TYPES[query["format"]],
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _import(
        self, request: web.Request, asked: Asked, query: dict[str, Any]
    ) -> web.Response:
        content = bytearray()
        async for piece in request.content.iter_any():
            content += piece
            if len(content) > MOST_BYTES:
                raise refused("file_too_large")
        answer = await async_import_content(
            asked,
            bytes(content),
            language=query["language"],
            dry_run=query["dry_run"],
        )
        return self.json(answer)

    async def _failure(
        self, hass: HomeAssistant, err: HomeAssistantError, language: str
    ) -> web.Response:
        texts = await async_get_translations(hass, language, "exceptions", {DOMAIN})
        key = str(err.translation_key)
        text = texts.get(f"component.{DOMAIN}.exceptions.{key}.message", key)
        message = text.format(**err.translation_placeholders or {})
        return self.json_message(message, HTTPStatus.BAD_REQUEST, message_code=key)


def _has_role(hass: HomeAssistant, user: User, entry_id: str) -> bool:
    """Return if somebody may know of a property, if there is one."""
    application = hass.data[DATA_APPLICATIONS].get(entry_id)
    return bool(application and application.roles(user))


def _application(hass: HomeAssistant, entry_id: str) -> Application:
    """Return a property. Raises ServiceValidationError."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        raise refused("no_such_property")
    if entry.state is not ConfigEntryState.LOADED:
        raise refused("property_not_loaded")
    return application_of(hass, entry_id)
