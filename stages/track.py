"""Stage `track`: one MLflow run for the state, a projection of versioned files.

Reads   everything that the other stages wrote
Writes  the MLflow store; mlruns/state.txt, the state that it was last asked to log
"""

from pathlib import Path

from stages.lineage.state import root
from stages.tracking.log import log_run
from stages.tracking.projection import current_state
from stages.tracking.trouble import StoreError
from stages.workspace.files import write_text
from stages.workspace.parameters import load_params
from stages.workspace.paths import TRACKED
from stages.workspace.progress import working
from stages.workspace.running import complain, run_stage, say


def main() -> None:
    """Log the current state unless it has its run.

    A store that cannot be used is not a failure of the state: a failed stage would cost whoever runs `dvc exp run` the
    experiment, with `--temp` all that was computed.
    """
    current = current_state(load_params())
    write_text(TRACKED, f"{current.digest}\n")
    try:
        with working("state logged to MLflow"):
            logged = log_run(current, root())
    except StoreError as error:
        later = "observatory track" if root() == Path.cwd() else "observatory track --all"
        complain([*error.lines(), f"the results of state {current.digest} are kept: `{later}` logs it later"])
        return
    verb = "logged as" if logged.created else "has"
    where = logged.address or f"{current.experiment}: {current.name}"
    say(f"state {current.digest} {verb} MLflow run {logged.run_id} ({where})")


if __name__ == "__main__":
    run_stage(main)
