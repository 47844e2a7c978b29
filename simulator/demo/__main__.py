"""Run the demo, or let something happen in the demo that runs.

    scripts/demo [--port 8123] [--language zh-Hans|zh-Hant] [--zigbee]
                                       start it; Ctrl-C ends everything
    scripts/demo smoke [1-1-201]       let it burn there; 1-3-101 and 2-2-101 are on Zigbee
    scripts/demo smoke --answer sms    somebody answers over push (as usual), sms, call; or nobody
    scripts/demo clear --false-alarm   the fire was none
    scripts/demo swipe 1-1 [--card N]  a card before the reader of 1-1, 1-2, 2-1 or the gate
    scripts/demo lost-child            a child with the card of a tenant of 1-1-201 passes doors,
                                       the gate and a camera: find them in the control room
    scripts/demo drive [--plate P]     a vehicle comes to the gate, and its plate is read
    scripts/demo phones                what residents' phones get, such as a code at their door

Events: smoke, overload, leakage, pile-smoke, tank-low, hydrant-low, e-bike, pram,
welded (the breaker of a place will not really open), swipe, lost-child, person, drive, clear,
broker-restart, phones.
"""

import argparse
import asyncio
import sys

from simulator.cameras import PLATES
from simulator.compound import LANGUAGES

from .campaign import ANSWERS
from .flows import SetupError
from .home_assistant import CallError
from .processes import ProcessError
from .run import Demo
from .setup import FIRST_CARD
from .timeline import EVENTS, show


def parser() -> argparse.ArgumentParser:
    """Return what the command line may say."""
    known = argparse.ArgumentParser(
        prog="scripts/demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known.add_argument("event", nargs="?", choices=EVENTS, metavar="event")
    known.add_argument("where", nargs="?", help="an area, such as 1-1-201")
    known.add_argument("--port", type=int, default=8123, help="of Home Assistant")
    known.add_argument("--language", choices=LANGUAGES, default="en")
    known.add_argument(
        "--zigbee",
        action="store_true",
        help="with two simulated Zigbee coordinators, from now on",
    )
    known.add_argument(
        "--answer",
        choices=ANSWERS,
        default=ANSWERS[0],
        help="over what the landlord answers the alert",
    )
    known.add_argument(
        "--card", default=str(FIRST_CARD), help="number of the card that is swiped"
    )
    known.add_argument(
        "--plate", default=PLATES[0], help="of the vehicle that comes to the gate"
    )
    known.add_argument(
        "--false-alarm", action="store_true", help="reset as a false alarm"
    )
    return known


def main() -> int:
    """Read the command line."""
    arguments = parser().parse_args()
    try:
        if arguments.event:
            return asyncio.run(
                show(
                    arguments.event,
                    arguments.where,
                    answer=arguments.answer,
                    false_alarm=arguments.false_alarm,
                    card=arguments.card,
                    plate=arguments.plate,
                )
            )
        return asyncio.run(
            Demo(arguments.port, arguments.language, arguments.zigbee).run()
        )
    except (CallError, ProcessError, SetupError, OSError, TimeoutError) as err:
        print(f"✗ {str(err) or type(err).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
