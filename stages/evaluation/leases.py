"""Leases: who works on something, by a file with host, process and heartbeat, on whatever disk it lies.

Locks of the kernel do not hold between machines on every network file system. A file that is made exclusively does. It
is renewed as long as its holder lives; one that was not for `LIFETIME` seconds, or whose process on this machine is
gone, may be taken over. Ages are measured by the clock of the file system: those of two machines differ.
"""

import json
import os
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

LIFETIME = 120.0
"""Seconds without a heartbeat after which a holder counts as dead."""
BEAT = 15.0
"""Seconds between heartbeats."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease.

    Attributes:
        host: Name of the machine.
        pid: Process there.
        born: When it began, as in /proc: process ids are used again.
        owner: Whom it works for. A lease of one's own owner is taken over: its process was restarted.
        token: Token of this lease.
    """

    host: str
    pid: int
    born: str
    owner: str
    token: str

    @property
    def told(self) -> str:
        """Name for messages."""
        return f"{self.host}, process {self.pid}"


def holder(path: Path) -> Holder | None:
    """Return who holds a lease and lives, None where nobody does."""
    found = _read(path)
    return None if found is None or _is_dead(path, found) else found


@contextmanager
def leased(path: Path, owner: str = "") -> Iterator[bool]:
    """Hold a lease until the block ends.

    Args:
        path: Its file; the folder is made.
        owner: See `Holder`.

    Yields:
        Whether it is held; False where somebody else who lives has it.
    """
    mine = Holder(socket.gethostname(), os.getpid(), _born(os.getpid()) or "", owner, uuid.uuid4().hex)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _take(path, mine):
        yield False
        return
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(path, mine, over), daemon=True)
    beating.start()
    try:
        yield True
    finally:
        over.set()
        beating.join()
        if _read(path) == mine:
            path.unlink(missing_ok=True)


def release(path: Path, owner: str) -> None:
    """Remove a lease that a process left behind which worked for this owner and was ended."""
    found = _read(path)
    if found is not None and found.owner == owner:
        path.unlink(missing_ok=True)


def _take(path: Path, mine: Holder) -> bool:
    if _make(path, mine):
        return True
    found = _read(path)
    ours = found is not None and found.owner == mine.owner != ""
    if found is not None and not ours and not _is_dead(path, found):
        return False
    _remove(path, found)
    return _make(path, mine)


def _make(path: Path, mine: Holder) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(asdict(mine), file)
    except FileExistsError:
        return False
    return True


def _remove(path: Path, judged: Holder | None) -> None:
    """Remove the lease that was judged dead; another one that took its place meanwhile is put back."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _read(aside) != judged:
            with suppress(OSError):
                path.hardlink_to(aside)
        aside.unlink()


def _read(path: Path) -> Holder | None:
    """Return what a lease says; None where there is none."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        # made a moment ago by somebody who writes it now, or died before
        return Holder("another machine", 0, "", "", "")


def _is_dead(path: Path, found: Holder) -> bool:
    if found.host == socket.gethostname() and (_born(found.pid) or "") != found.born:
        return True
    try:
        # opening it makes a network file system ask its server
        with path.open(encoding="utf-8") as file:
            return _now(path.parent) - os.fstat(file.fileno()).st_mtime > LIFETIME
    except FileNotFoundError:
        return True


def _now(folder: Path) -> float:
    """Return the time by the clock of a file system, or of this machine where nothing may be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".now.") as made:
            return os.fstat(made.fileno()).st_mtime
    except OSError:
        return time.time()


def _born(pid: int) -> str | None:
    """Return when a process of this machine began, None where it does not run."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the name of the program, in parentheses, may hold anything
    condition, *fields = line.rpartition(")")[2].split()
    return None if condition in "ZX" else fields[18]


def _beat(path: Path, mine: Holder, over: threading.Event) -> None:
    while not over.wait(BEAT):
        # a disk that does not answer for a while must not end an evaluation
        with suppress(OSError):
            if _read(path) == mine:
                os.utime(path)
