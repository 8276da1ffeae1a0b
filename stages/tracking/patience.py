"""A bound on the time that a server may cost whoever waits for results."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TypeVar

from stages.tracking.trouble import StoreError

LIMIT = 12.0
"""Seconds after which a stage begins no further request: `observatory track` has more patience."""
CLOSING = 5.0
"""Seconds after that for the request under way and for closing the run."""

T = TypeVar("T")


def within(limit: float | None, place: str, work: Callable[[Event], T]) -> T:
    """Return the result of some work with a server, and leave a server that is too slow.

    The time limit of a request is one between two packets: neither many slow requests nor one whose bytes trickle ever
    reach it. So the work has a thread of its own, which ends with the process.

    Args:
        limit: Seconds, None for no bound.
        place: The server as messages show it.
        work: Takes an event; once it is set, no further request is to be begun.

    Raises:
        StoreError: The work is not done `CLOSING` seconds after the limit.
    """
    left = Event()
    if limit is None:
        return work(left)
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work(left))
        except BaseException as error:  # noqa: BLE001 (raised again by whoever waits)
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        wait([done], limit)
    finally:
        left.set()
    wait([done], CLOSING)
    if not done.done():
        raise too_slow(place)
    return done.result()


def too_slow(place: str) -> StoreError:
    """Return the message for a server that was left."""
    return StoreError(f"{place}: answers too slowly and was left: see whether the server is well")
