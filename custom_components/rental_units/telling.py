"""Telling everybody who listens: one that raises hides nothing from the others."""

from collections.abc import Callable, Iterable

from .const import LOGGER


def tell[*Ts](listeners: Iterable[Callable[[*Ts], None]], *what: *Ts) -> None:
    """Call each listener, also after one that has raised; they may come and go meanwhile.

    What has happened has happened, whoever cannot show it.
    """
    for listener in tuple(listeners):
        try:
            listener(*what)
        except Exception as err:  # noqa: BLE001
            # Without its text: that may hold a name.
            LOGGER.error("Not everybody could be told: %s", type(err).__name__)
