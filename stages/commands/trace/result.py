"""What a trace found: the target, where it comes from or what depends on it, and the state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from stages.commands.trace.records import RUN, Evidence
from stages.contracts.names import listed
from stages.lineage.git import Revision
from stages.lineage.graph import STAGE, Branch, Graph, as_json, downstream_tree, render, upstream_tree
from stages.tracking.read import Run


@dataclass(frozen=True)
class StateRecord:
    """The state that a trace looked at.

    Attributes:
        digest: Its name.
        revision: Version of the repository.
        study: Study of params.yaml.
        subset: Likewise.
        citation: Citation of the study.
        licence: Likewise.
        runs: Its MLflow runs.
        trouble: Why they are not known, or "".
    """

    digest: str
    revision: Revision
    study: str
    subset: str
    citation: str
    licence: str
    runs: Sequence[Run]
    trouble: str = ""

    def branch(self) -> Branch:
        """Return it as a tree to print."""
        revision = self.revision
        lines = [
            f"study {self.study}, subset {self.subset}: {self.citation}",
            f"licence: {self.licence}",
            f"git commit {revision.commit or 'none'}",
        ]
        if revision.dirty:
            lines.append(f"uncommitted: {listed(list(revision.dirty))}")
        if revision.experiment:
            lines.append(f"DVC experiment {revision.experiment}")
        for run in self.runs:
            command = f"`observatory trace {RUN}{run.run_id}`"
            lines.append(f"MLflow run {run.run_id} ({run.experiment}: {run.name}), {run.status}; {command}")
        if self.trouble:
            lines.append(f"MLflow runs are not known: {self.trouble}")
        elif not self.runs:
            lines.append("no MLflow run of it here: `observatory track --rebuild` logs it")
        return Branch(f"state {self.digest} ({revision.name})", tuple(lines))

    def content(self) -> Mapping[str, Any]:
        """Return it for programs."""
        return {
            "digest": self.digest,
            "revision": self.revision.name,
            "commit": self.revision.commit,
            "dirty": self.revision.dirty,
            "experiment": self.revision.experiment,
            "runs": [run.run_id for run in self.runs],
        }


@dataclass(frozen=True)
class Chain:
    """Where a target is found.

    Attributes:
        target: As it was asked for, in full.
        kind: file, figure, metric, claim, cell, model or run.
        evidence: What is known of the target itself.
        paths: Files that it is read from, or that are made of it.
        only: Of what the stage behind the paths read, that which the target shows; None for all.
    """

    target: str
    kind: str
    evidence: Evidence
    paths: tuple[str, ...]
    only: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Trace:
    """Result of `trace`.

    Attributes:
        chain: The target.
        down: Whether to show what depends on it instead of what it depends on.
        graph: Files and stages of the state.
        state: The state itself.
    """

    chain: Chain
    down: bool
    graph: Graph
    state: StateRecord
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str]:
        """Yield the target as a tree, then the state."""
        chain, graph = self.chain, self.graph
        tree = downstream_tree(graph, chain.paths) if self.down else upstream_tree(graph, chain.paths, chain.only)
        yield from render(Branch(f"{chain.kind} {chain.target}", tuple(chain.evidence.text()), tree))
        yield from render(self.state.branch())

    def content(self) -> Mapping[str, Any]:
        """Return the target, its part of the graph and the state."""
        chain = self.chain
        return {
            "target": chain.target,
            "kind": chain.kind,
            "direction": "down" if self.down else "up",
            "evidence": chain.evidence.content(),
            "paths": chain.paths,
            **as_json(self.graph, self._nodes()),
            "state": self.state.content(),
        }

    def _nodes(self) -> list[str]:
        chain, graph = self.chain, self.graph
        if self.down:
            return list(graph.downstream(chain.paths))
        if not chain.only:
            return list(graph.upstream(chain.paths))
        writers = [f"{STAGE}{writer}" for path in chain.paths if (writer := graph.writer(path))]
        return [*chain.paths, *writers, *graph.upstream(chain.only)]
