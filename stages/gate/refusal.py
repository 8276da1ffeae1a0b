"""A state that the gate refuses is a run of the tracker, too."""

from collections.abc import Iterator
from contextlib import contextmanager

from stages.contracts.params import Params
from stages.gate.findings import findings_table
from stages.gate.verdict import GateClosedError
from stages.lineage.state import root
from stages.workspace.running import complain


@contextmanager
def logged(params: Params) -> Iterator[None]:
    """Log a state to MLflow when the gate closes in the block.

    Raises:
        SystemExit: The gate is closed. Its lines were printed before MLflow was asked, which may take long.
    """
    try:
        yield
    except GateClosedError as closed:
        complain(closed.lines())
        # MLflow takes seconds to import: only a failure pays for it
        from stages.tracking.log import log_run
        from stages.tracking.projection import failed_state
        from stages.tracking.trouble import StoreError

        findings = findings_table(closed.judgement.findings)
        try:
            log_run(failed_state(closed.stage, findings, closed.docs, params), root())
        except StoreError as error:
            complain([*error.lines(), "the refusal is not in MLflow: the next `dvc repro` tries again"])
        raise SystemExit(1) from None
