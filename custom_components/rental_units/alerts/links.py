"""Links and tokens of alerts: one alert and one unit each, and no longer than the alert.

Who has a link can answer for one unit to one alert; nothing can be read with it but what
was in the message.

The token of an answer must fit into an SMS, of whose template a variable holds 20 or 35
characters. So it is a short code, which is looked up among those of the open deliveries:
whoever makes 10,000 guesses a second at 4,000 of them for four hours finds one with a
probability of one in 90 million.
"""

import time
from typing import Any, override

from homeassistant.core import HomeAssistant

from ..public.links import Links
from .models import Alert, Delivery

ANSWER_PATH = "/api/r"
CALLBACK_PATH = "/api/rental_units/callback"
#: The address for a provider's console holds so long; each that is shown is a new one.
REPORT_SECONDS = 400 * 86_400
#: Seconds before its end that a repair asks for the next one.
REPORT_NOTICE_SECONDS = 30 * 86_400
#: Purposes: a token of one is none of another.
CALLBACK = "c"
REPORT = "r"
VERIFY = "v"


class AlertLinks(Links):
    """Makes and reads the links of one entry's alerts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize."""
        super().__init__(hass, entry_id)
        self._entry_id = entry_id

    def token(self, delivery: Delivery, purpose: str = "answer") -> str:
        """Return what stands for a delivery in the link to answer it, or in a button."""
        return self.code(purpose, delivery.id)

    @override
    def read(self, purpose: str, token: str) -> dict[str, Any] | None:
        """Return what a token says; None if it is not ours, of this purpose, or expired.

        A callback ends with its alert; a report's of a release that let it never end has
        ended.
        """
        claims = super().read(purpose, token)
        return None if purpose == REPORT and "exp" not in (claims or ()) else claims

    def answer_url(self, delivery: Delivery) -> str:
        """Return the link for a message; empty where Home Assistant has no address."""
        base = self.answer_base()
        return base + self.token(delivery) if base else ""

    def answer_base(self) -> str:
        """Return what stands before the token of a link; empty without an address."""
        return self.absolute(f"{ANSWER_PATH}/")

    def callback_url(self, alert: Alert, delivery: Delivery) -> str:
        """Return where a provider reports about a delivery; empty without an address."""
        base = self._callback_base()
        return (
            base
            + self.sign(CALLBACK, a=alert.id, u=delivery.unit_id or "", d=delivery.id)
            if base
            else ""
        )

    def verify_url(self, token: str) -> str:
        """Return where a call that asks for a key reports; empty without an address."""
        base = self._callback_base()
        return base + self.sign(VERIFY, t=token) if base else ""

    def report_url(self) -> str:
        """Return the address for a provider's console; empty without an address."""
        base = self._callback_base()
        return base + self.report_token() if base else ""

    def report_token(self) -> str:
        """Return the token of the address that a provider's console asks for."""
        return self.sign(REPORT, exp=int(time.time() + REPORT_SECONDS))

    def _callback_base(self) -> str:
        return self.absolute(f"{CALLBACK_PATH}/{self._entry_id}/")
