"""`observatory track`: log the current state to MLflow, also after its store was lost."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stages.contracts.errors import InputError
from stages.lineage import state
from stages.lineage.pipeline import PROJECTIONS
from stages.tracking import log as tracking
from stages.tracking.projection import current_state
from stages.workspace.facts import load_params


@dataclass(frozen=True)
class Tracked:
    """Result of `track`.

    Attributes:
        state: Digest of the state.
        run_id: Its MLflow run.
        created: Whether the run was logged now.
    """

    state: str
    run_id: str
    created: bool
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str]:
        """Yield one line."""
        yield f"state {self.state} {'logged as' if self.created else 'has its'} MLflow run {self.run_id}"

    def content(self) -> Mapping[str, Any]:
        """Return state and run."""
        return {"state": self.state, "run": self.run_id, "created": self.created}


def track(*, rebuild: bool) -> Tracked:
    """Log the current state from the versioned files.

    Args:
        rebuild: Whether a missing store is created; without it a missing store is more likely a wrong folder.

    Raises:
        InputError: The workspace does not hold the outputs of its facts, parameters and code, or the store is missing.
    """
    require_clean()
    if not rebuild and tracking.is_missing(state.root()):
        raise InputError([f"{state.root().name}/mlflow.db is missing: `observatory track --rebuild` creates it anew"])
    current = current_state(load_params())
    logged = tracking.log_run(current, state.root())
    return Tracked(current.digest, logged.run_id, logged.created)


def require_clean() -> None:
    """Check with DVC that nothing has to be reproduced first.

    Raises:
        InputError: Stages changed since dvc.lock was written; they are named.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise InputError([f"dvc status: {line}" for line in done.stderr.strip().splitlines()[:1]])
    changed = [name for name in json.loads(done.stdout) if name not in PROJECTIONS]
    if changed:
        raise InputError([f"changed since the last run: {', '.join(changed)}: run `dvc repro` first"])
