"""How a stage talks to the user of `dvc repro`: lines, and an exit code."""

import gc
import sys
from collections.abc import Callable, Sequence

from stages.contracts.errors import InputError
from stages.contracts.names import one_line


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage: what a user can cause becomes lines on stderr and exit code 1, anything else a traceback."""
    # what was imported stays: neither now nor at the end need it be searched for what can be freed
    gc.freeze()
    try:
        main()
    except InputError as error:
        complain(error.lines())
        raise SystemExit(1) from None
    finally:
        gc.freeze()


def complain(lines: Sequence[str]) -> None:
    """Print what is wrong, one line each."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 (a command's answer)


def say(line: str) -> None:
    """Print one line for the user of `dvc repro`."""
    print(one_line(line), flush=True)  # noqa: T201 (a command's answer)
