"""Stage `track`: one MLflow run for the state, a projection of versioned files.

Reads   everything that the other stages wrote
Writes  the MLflow store; no output of DVC, so that DVC runs it for each state instead of restoring it
"""

from stages.lineage import state
from stages.tracking import log as tracking
from stages.tracking.projection import current_state
from stages.workspace.facts import load_params
from stages.workspace.running import run_stage, say


def main() -> None:
    """Log the current state unless it has its run."""
    params = load_params()
    current = current_state(params)
    logged = tracking.log_run(current, state.root())
    verb = "logged as" if logged.created else "has"
    say(f"state {current.digest} {verb} MLflow run {logged.run_id} ({current.experiment}: {current.name})")


if __name__ == "__main__":
    run_stage(main)
