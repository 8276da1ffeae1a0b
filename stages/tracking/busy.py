"""Which process holds a file."""

import os
from pathlib import Path

_LOCKS = Path("/proc/locks")


def holder(*files: Path) -> str:
    """Return who holds one of the files locked, as a message shows it.

    Args:
        files: Those that may be locked; they need not exist.

    Returns:
        `process 123 (mlflow)`, or `another process` where the system does not tell.
    """
    wanted = {_identity(path) for path in files if path.exists()}
    for line in _LOCKS.read_text(encoding="ascii").splitlines() if _LOCKS.is_file() else []:
        # 1: POSIX  ADVISORY  WRITE 29077 fe:00:2146418 1073741824 1073742335; "->" marks one that waits
        words = line.split()
        if len(words) < 8 or words[1] == "->" or words[5] not in wanted:
            continue
        pid = int(words[4])
        if pid > 0 and pid != os.getpid():
            name = Path(f"/proc/{pid}/comm")
            return (
                f"process {pid} ({name.read_text(encoding='utf-8').strip()})" if name.is_file() else f"process {pid}"
            )
    return "another process"


def _identity(path: Path) -> str:
    status = path.stat()
    return f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
