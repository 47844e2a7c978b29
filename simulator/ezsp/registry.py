"""Where the handlers of commands are found by the commands' names."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .fields import Values
from .status import Status

if TYPE_CHECKING:
    from .ncp import Ncp

#: Takes the command's values; returns the answer's, or only its status.
type Handler = Callable[[Ncp, Values], Values | Status | None]

HANDLERS: dict[str, Handler] = {}


def command(*names: str) -> Callable[[Handler], Handler]:
    """Make a function the handler of commands."""

    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[name] = handler
        return handler

    return register
