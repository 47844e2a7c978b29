"""The co-processor's end of an ASH connection (UG101, sections 5 and 6)."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from enum import Enum
from functools import partial

from .ash import (
    FLAG,
    VERSION,
    Frame,
    FrameError,
    Kind,
    ResetCode,
    Splitter,
    decode,
    encode,
)
from .noise import Line
from .timers import Timers

#: Seconds to wait for an acknowledgement: at first, and the limits of its adaptation.
ACK_SECONDS = 1.6
ACK_SECONDS_LEAST = 0.4
ACK_SECONDS_MOST = 3.2
#: Consecutive time-outs after which the co-processor gives up.
MOST_TIMEOUTS = 4
#: Seconds without callbacks after the host has said that it is not ready.
NOT_READY_SECONDS = 1.0
#: DATA frames on their way to the host without an acknowledgement.
WINDOW = 5
MODULUS = 8


class State(Enum):
    """What the link is doing."""

    RESETTING = "resetting"
    CONNECTED = "connected"
    FAILED = "failed"


class AshLink:
    """Takes bytes of the host, gives EZSP frames to `receive`, and sends others reliably.

    `has_reset` is called when the co-processor begins to reset: its memory is gone.
    """

    def __init__(
        self,
        receive: Callable[[bytes], None],
        has_reset: Callable[[], None],
        *,
        window: int = WINDOW,
        reset_seconds: float = 0.01,
        seed: int = 0,
    ) -> None:
        """Initialize; `reset_seconds` is how long a reset takes."""
        self._receive = receive
        self._has_reset = has_reset
        self._window = window
        self._reset_seconds = reset_seconds
        self._reset_timer: asyncio.TimerHandle | None = None
        self._timers = Timers()
        self._splitter = Splitter()
        #: Writes to the host's socket while there is one.
        self.write: Callable[[bytes], None] | None = None
        #: Nothing comes back at all, as of a dead chip behind a live bridge.
        self.dead = False
        self.to_host = Line(self._put, self._timers, seed)
        self.from_host = Line(self._take, self._timers, seed + 1)
        self.state = State.CONNECTED
        self.counts: Counter[str] = Counter()
        #: Answers go first, then callbacks, each as (EZSP frame).
        self.answers: deque[bytes] = deque()
        self.callbacks: deque[bytes] = deque()
        self._unacked: deque[tuple[int, bytes, float]] = deque()
        #: Set while nothing waits to be sent or acknowledged.
        self.idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._restart()

    def _restart(self) -> None:
        self._next = 0
        self._expected = 0
        self._owes_ack = False
        self._rejecting = False
        self._timeouts = 0
        self._ack_seconds = ACK_SECONDS
        self._not_ready_until = 0.0
        self._splitter.clear()
        for queue in (self.answers, self.callbacks, self._unacked):
            queue.clear()
        self._set_timer()
        self.idle.set()

    @property
    def waiting(self) -> int:
        """Return how many frames have not arrived at the host."""
        return len(self.answers) + len(self.callbacks) + len(self._unacked)

    def close(self) -> None:
        """Stop all timers."""
        self.dead = True
        self._timers.close()
        for timer in (self._timer, self._reset_timer):
            if timer:
                timer.cancel()

    # The host's bytes

    def bytes_received(self, received: bytes) -> None:
        """Take bytes from the socket."""
        if self.dead:
            return
        for wire in self._splitter.feed(received):
            self.from_host.send(wire)

    def _take(self, wire: bytes) -> None:
        try:
            frame = decode(wire)
        except FrameError as err:
            self.counts[f"bad {err}"] += 1
            if err.data and self.state is State.CONNECTED:
                self._reject()
            return
        if frame.kind is Kind.RST:
            self.reset(ResetCode.SOFTWARE)
        elif self.state is State.FAILED:
            self._send_error()
        elif self.state is State.CONNECTED:
            self._frame_received(frame)

    def _frame_received(self, frame: Frame) -> None:
        if frame.kind not in {Kind.DATA, Kind.ACK, Kind.NAK}:
            self.counts["bad direction"] += 1
            return
        if not self._acknowledged(frame.ack):
            self.counts["bad acknowledgement"] += 1
            if frame.kind is Kind.DATA:
                self._reject()
            return
        if frame.kind is Kind.DATA:
            self._data_received(frame)
            return
        if frame.flag:
            now = asyncio.get_running_loop().time()
            self._not_ready_until = now + NOT_READY_SECONDS
            self._timers.later(NOT_READY_SECONDS, self.flush)
        else:
            self._not_ready_until = 0.0
        if frame.kind is Kind.NAK:
            self.counts["NAK received"] += 1
            self._send_again()
        self.flush()

    def _data_received(self, frame: Frame) -> None:
        if frame.number == self._expected:
            self._expected = (self._expected + 1) % MODULUS
            self._rejecting = False
            self._owes_ack = True
            self._receive(frame.data)
            self.flush()
            if self._owes_ack:
                self._send_short(Kind.ACK)
        elif frame.flag:
            # It was sent again because an acknowledgement got lost.
            self.counts["received again"] += 1
            self._send_short(Kind.ACK)
        else:
            self.counts["out of sequence"] += 1
            self._reject()

    def _reject(self) -> None:
        # UG101, 5.5: one NAK, then silence until the expected frame comes.
        if not self._rejecting:
            self._rejecting = True
            self.counts["NAK sent"] += 1
            self._send_short(Kind.NAK)

    def _acknowledged(self, number: int) -> bool:
        """Take an acknowledgement; return if it can be right."""
        first = (self._next - len(self._unacked)) % MODULUS
        count = (number - first) % MODULUS
        if count > len(self._unacked):
            return False
        if count:
            self._timeouts = 0
            waited = asyncio.get_running_loop().time() - self._unacked[count - 1][2]
            self._adapt(self._ack_seconds * 7 / 8 + waited / 2)
            for _ in range(count):
                self._unacked.popleft()
            self._set_timer()
        return True

    def _adapt(self, seconds: float) -> None:
        self._ack_seconds = min(max(seconds, ACK_SECONDS_LEAST), ACK_SECONDS_MOST)

    # To the host

    def flush(self) -> None:
        """Send what the window has room for."""
        if self.state is not State.CONNECTED:
            return
        ready = (
            not self._not_ready_until
            or asyncio.get_running_loop().time() >= self._not_ready_until
        )
        while len(self._unacked) < self._window:
            if self.answers:
                data = self.answers.popleft()
            elif self.callbacks and ready:
                data = self.callbacks.popleft()
            else:
                break
            number = self._next
            self._next = (number + 1) % MODULUS
            self._send_data(number, data, again=False)
        if self.waiting:
            self.idle.clear()
        else:
            self.idle.set()

    def _send_data(self, number: int, data: bytes, *, again: bool) -> None:
        now = asyncio.get_running_loop().time()
        self._unacked.append((number, data, now))
        self._owes_ack = False
        self._send(Frame(Kind.DATA, number, self._expected, again, data))
        if len(self._unacked) == 1:
            self._set_timer()

    def _send_again(self) -> None:
        frames = tuple(self._unacked)
        self._unacked.clear()
        for number, data, _ in frames:
            self.counts["sent again"] += 1
            self._send_data(number, data, again=True)

    def _send_short(self, kind: Kind) -> None:
        self._owes_ack = False
        self._send(Frame(kind, ack=self._expected))

    def _send_error(self) -> None:
        self._send(
            Frame(Kind.ERROR, data=bytes((VERSION, ResetCode.TOO_MANY_TIMEOUTS)))
        )

    def _send(self, frame: Frame) -> None:
        self.to_host.send(encode(frame)[:-1])

    def _put(self, wire: bytes) -> None:
        if self.write and not self.dead:
            self.write(wire + bytes((FLAG,)))

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._unacked:
            self._timer = asyncio.get_running_loop().call_later(
                self._ack_seconds, self._timed_out
            )

    def _timed_out(self) -> None:
        self._timer = None
        self._timeouts += 1
        self.counts["time-out"] += 1
        self._adapt(self._ack_seconds * 2)
        if self._timeouts > MOST_TIMEOUTS:
            self.state = State.FAILED
            self._unacked.clear()
            self._send_error()
        else:
            self._send_again()

    # Reset

    def reset(self, code: ResetCode) -> None:
        """Reset the co-processor. What waits to be sent is lost."""
        self.state = State.RESETTING
        self._restart()
        self._has_reset()
        if self._reset_timer:
            self._reset_timer.cancel()
        self._reset_timer = asyncio.get_running_loop().call_later(
            self._reset_seconds, partial(self._reset_done, code)
        )

    def _reset_done(self, code: ResetCode) -> None:
        self._reset_timer = None
        self._restart()
        self.state = State.CONNECTED
        self._send(Frame(Kind.RSTACK, data=bytes((VERSION, code))))
