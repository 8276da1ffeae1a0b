"""Progress of long work, on a terminal; silent where output goes to a file or another program."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.table import Table

Item = TypeVar("Item")

DELAY = 1.0
"""Seconds for which nothing is shown: most work is done by then."""
TICK = 0.2


@dataclass
class Step:
    """Work in progress.

    Attributes:
        what: What it does.
        total: Number of parts, None where that is not known.
        begun: Parts that have begun.
        part: Name of the current one.
        start: Monotonic clock.
    """

    what: str
    total: int | None = None
    begun: int = 0
    part: str = ""
    start: float = field(default_factory=time.monotonic)

    def next(self, part: str) -> None:
        """Begin the next part."""
        self.begun, self.part = self.begun + 1, part

    @property
    def told(self) -> str:
        """What it does and its progress, `resampling 3/6: families`."""
        count = f" {self.begun}" + (f"/{self.total}" if self.total else "") if self.begun else ""
        return f"{self.what}{count}" + (f": {self.part}" if self.part else "")


_going_on: list[Step] = []
"""Outermost first."""


@contextmanager
def working(what: str, total: int | None = None) -> Iterator[Step]:
    """Show progress until the block ends, on stderr, when that is a terminal and it takes longer than `DELAY`.

    Nothing else may be printed within the block. Blocks within it are shown beneath it.

    Args:
        what: What the block does.
        total: Number of parts, each of which it announces by `Step.next`.
    """
    step = Step(what, total)
    outermost = not _going_on
    _going_on.append(step)
    over = threading.Event()
    shown = threading.Thread(target=_show, args=(over,), daemon=True)
    if outermost and sys.stderr.isatty():
        shown.start()
    try:
        yield step
    finally:
        _going_on.remove(step)
        if shown.ident is not None:
            over.set()
            shown.join()


def each(items: Iterable[Item], what: str, named: Callable[[Item], str] = str) -> Iterator[Item]:
    """Yield items, and show the current one.

    Args:
        items: Those to work on.
        what: What is done with them.
        named: Gives the name of one.
    """
    with working(what, len(items) if isinstance(items, Sized) else None) as step:
        for item in items:
            step.next(named(item))
            yield item


def hide_bars(*, on_terminals: bool) -> None:
    """Keep bars of libraries out of logs and, where asked, off terminals; works before tqdm is first imported."""
    if on_terminals or not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"


def announce(line: str) -> None:
    """Print a line on stderr when that is a terminal: for work that shows its own progress."""
    if sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)  # noqa: T201 (for whoever waits)


def _show(over: threading.Event) -> None:
    """Draw the progress, from a thread of its own, until the work is over."""
    if over.wait(DELAY):
        return
    # a tenth of a second that only work pays for which takes long
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False, redirect_stdout=False) as live:
        while True:
            live.update(_drawn(list(_going_on)), refresh=True)
            if over.wait(TICK):
                return


def _drawn(steps: list[Step]) -> "Table":
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for step in steps:
        elapsed = time.monotonic() - step.start
        bar = ProgressBar(total=step.total, completed=max(step.begun - 1, 0), width=24, pulse=step.total is None)
        table.add_row(bar, f"{elapsed:.0f} s", step.told)
    return table
