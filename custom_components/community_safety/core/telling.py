"""Telling everybody who listens: one that raises hides nothing from the others."""

from collections.abc import Callable, Iterable

from ..const import LOGGER


def tell[*Ts](listeners: Iterable[Callable[[*Ts], None]], *what: *Ts) -> None:
    """Call each listener, also after one that has raised.

    They may come and go meanwhile only if it is a tuple.
    """
    for listener in listeners:
        try:
            listener(*what)
        except Exception:  # noqa: BLE001
            LOGGER.exception("Not everybody could be told")
