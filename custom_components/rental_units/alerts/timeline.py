"""Lines of the alerts' timelines."""

import time
from typing import Any

from homeassistant.util.ulid import ulid_now

from .models import Alert, Delivery, Entry


class Timeline:
    """Makes lines whose times are in their order, whatever becomes of the clock."""

    def __init__(self) -> None:
        """Initialize."""
        self._last_at = 0.0

    def line(
        self, alert: Alert, kind: str, delivery: Delivery | None = None, **data: Any
    ) -> Entry:
        """Return a line about an alert, or about one of its deliveries."""
        # Two lines of one moment stay in their order.
        self._last_at = max(time.time(), self._last_at + 1e-6)
        return Entry(
            id=ulid_now(),
            alert_id=alert.id,
            at=self._last_at,
            kind=kind,
            unit_id=delivery.unit_id if delivery else None,
            person_id=delivery.person_id if delivery else None,
            delivery_id=delivery.id if delivery else None,
            data=data,
        )
