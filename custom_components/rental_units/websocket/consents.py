"""What people agree to, and whether they are reached, from a panel."""

from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..alerts.contact_actions import COUNTS
from ..alerts.runtime import DATA_ENGINES
from ..app.checks import VerifyContacts
from ..app.consents import GetConsents, GiveConsent, RevokeConsent
from ..const import ConsentScope
from ..register.people import parse_contact
from .base import REASON, TEXT, Ask, command
from .changes import CONTACT

_PERSON: dict[vol.Marker, Any] = {vol.Required("person_id"): cv.string, **REASON}
_CONSENT: dict[vol.Marker, Any] = {
    vol.Required("person_id"): cv.string,
    vol.Required("scope"): vol.Coerce(ConsentScope),
}
#: Somebody whom a person names: of the register, or somebody new.
_NAMED = vol.All(
    {
        vol.Exclusive("person_id", "who"): cv.string,
        vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
        **CONTACT,
    },
    cv.has_at_least_one_key("person_id", "name"),
)


@command("consents", _PERSON, "get_consents")
async def consents(ask: Ask) -> dict[str, Any]:
    """List what somebody agrees to, and whom they have named."""
    rows: list[dict[str, Any]] = await ask.async_do(GetConsents(ask.data["person_id"]))
    return {
        "consents": rows,
        "scopes": [str(scope) for scope in ConsentScope],
        "accounts": await ask.async_accounts([row["given_by"] for row in rows]),
    }


@command(
    "give_consent",
    {
        **_CONSENT,
        vol.Optional("contacts", default=list): vol.All([_NAMED], vol.Length(max=20)),
        vol.Optional("until"): cv.date,
        **REASON,
    },
    "give_consent",
)
async def give_consent(ask: Ask) -> dict[str, Any]:
    """Write down what somebody agrees to, until a day or until it is revoked, or renew it."""
    data, region = ask.data, ask.hass.config.country
    contacts = [
        row.get("person_id") or parse_contact(row, region) for row in data["contacts"]
    ]
    change = GiveConsent(data["person_id"], data["scope"], contacts, data.get("until"))
    return {"contacts": await ask.async_do(change)}


@command("revoke_consent", {**_CONSENT, **REASON}, "revoke_consent")
async def revoke_consent(ask: Ask) -> None:
    """End a consent at once, with all that is kept by it."""
    await ask.async_do(RevokeConsent(ask.data["person_id"], ask.data["scope"]))


@command(
    "verify_contacts",
    {
        vol.Required("person_id"): cv.string,
        vol.Optional("again", default=False): cv.boolean,
        **REASON,
    },
    "verify_contacts",
)
async def verify_contacts(ask: Ask) -> dict[str, Any]:
    """Send somebody a message to confirm each address; say to how many, and why not to others."""
    # Where the register is, its engine is.
    engine = ask.hass.data[DATA_ENGINES][ask.application.register.entry.entry_id]
    asked, counts = await ask.async_do(
        VerifyContacts(
            engine.verifier.usable, (), ask.data["person_id"], ask.data["again"]
        )
    )
    engine.verifier.begin(asked)
    return {key: counts[key] for key in COUNTS}
