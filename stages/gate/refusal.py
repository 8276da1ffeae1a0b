"""A state that the gate refuses is a run of the tracker, too."""

from collections.abc import Iterator
from contextlib import contextmanager

from stages.contracts.params import Params
from stages.gate.findings import findings_table
from stages.gate.verdict import GateClosedError
from stages.lineage.state import root


@contextmanager
def logged(params: Params) -> Iterator[None]:
    """Log a state to MLflow when the gate closes in the block, and let the refusal through."""
    try:
        yield
    except GateClosedError as closed:
        # MLflow takes seconds to import: only a failure pays for it
        from stages.tracking.log import log_run
        from stages.tracking.projection import failed_state

        findings = findings_table(closed.judgement.findings)
        log_run(failed_state(closed.stage, findings, closed.docs, params), root())
        raise
