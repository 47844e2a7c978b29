"""An MQTT broker on the loopback address, for the demo, the tests and the benchmark.

    python -m simulator.broker [--port N]

It prints the port that it listens on, then serves until it is told to end.
"""

import argparse
import asyncio
from collections.abc import Iterator
import contextlib
import logging
import signal
import socket
from typing import Any, override

from amqtt.broker import Broker


def free_port() -> int:
    """Return a port of the loopback address that nobody uses now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Subscriptions(dict[str, Any]):
    """amqtt walks over its subscriptions while other clients come and go."""

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(tuple(super().__iter__()))


class _Broker(Broker):
    """amqtt, which would answer a new subscription before an end of it that came first.

    And it would tell the will of a client that has been there again for long: a connection that
    another one has taken over ends when the network says so.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._subscriptions = _Subscriptions()
        self._newest: dict[tuple[str | None, str], int] = {}

    @override
    async def _handle_subscription(
        self, client_session: Any, handler: Any, subscribe_waiter: asyncio.Future[Any]
    ) -> None:
        subscription = subscribe_waiter.result()
        for topic, _qos in subscription.topics:
            self._newest[client_session.client_id, topic] = subscription.packet_id
        await super()._handle_subscription(client_session, handler, subscribe_waiter)

    @override
    async def _delete_session(self, client_id: str) -> None:
        if found := self._sessions.get(client_id):
            found[0].will_flag = False
        await super()._delete_session(client_id)

    @override
    async def _handle_unsubscription(
        self, client_session: Any, handler: Any, unsubscribe_waiter: asyncio.Future[Any]
    ) -> None:
        end = unsubscribe_waiter.result()
        end.topics[:] = [
            topic
            for topic in end.topics
            if self._newest.pop((client_session.client_id, topic), 0) < end.packet_id
        ]
        await super()._handle_unsubscription(
            client_session, handler, unsubscribe_waiter
        )


async def serve(port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    broker = _Broker(
        {
            "listeners": {
                "default": {"type": "tcp", "bind": f"127.0.0.1:{port}"},
            },
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {
                    "allow_anonymous": True
                },
            },
        }
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await broker.start()
    print(port, flush=True)
    await ended.wait()
    await broker.shutdown()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(parser.parse_args().port or free_port()))


if __name__ == "__main__":
    main()
