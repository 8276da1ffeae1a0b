"""Where a result comes from and what depends on it: files and stages as a graph, and chains of it as trees.

A node is a path of dvc.lock or, as `stage:<name>`, a stage. A folder that a stage reads stands for the outputs of
other stages in it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from stages.lineage.pipeline import PROJECTIONS, Entry, LockedStage, load_yaml, locked_stages, overlaps

CODE = "stages"
FACTS = "metadata"
STAGE = "stage:"
SHORT = 8
"""Digits of an md5 where many stand in a line."""

Kind = Literal["code", "fact", "file"]


@dataclass(frozen=True)
class Branch:
    """A node of a printed tree.

    Attributes:
        title: Its line.
        lines: More about it, indented.
        branches: What it leads to.
    """

    title: str
    lines: tuple[str, ...] = ()
    branches: tuple["Branch", ...] = ()


@dataclass(frozen=True)
class Graph:
    """The files and stages of one state.

    Attributes:
        stages: dvc.lock, in its order.
        notes: What to show of an entry besides its md5, such as that it changed since. A path may have several: stages
            that have not run since recorded an earlier md5.
        members: Folder that no stage writes to its files and their md5s.
    """

    stages: Mapping[str, LockedStage]
    notes: Mapping[Entry, str]
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def outs(self) -> dict[str, tuple[str, Entry]]:
        """Path of each output to the stage that wrote it and its entry."""
        return {out.path: (name, out) for name, stage in self.stages.items() for out in stage.outs}

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Every path of dvc.lock to its entry: that of the stage that wrote it, or read it first."""
        found = {dep.path: dep for stage in reversed(list(self.stages.values())) for dep in stage.deps}
        return found | {path: entry for path, (_, entry) in self.outs.items()}

    def inputs(self, name: str) -> list[Entry]:
        """Return what a stage read, folders replaced by the outputs of other stages in them."""
        result: dict[str, Entry] = {}
        for dep in self.stages[name].deps:
            inside = {
                path: entry
                for path, (writer, entry) in self.outs.items()
                if writer != name and path.startswith(f"{dep.path}/")
            }
            result |= inside or {dep.path: dep}
        return list(result.values())

    def writer(self, path: str) -> str | None:
        """Return the stage that wrote a path or the folder around it."""
        return next((name for out, (name, _) in self.outs.items() if path == out or path.startswith(f"{out}/")), None)

    def readers(self, path: str) -> list[str]:
        """Return the stages that read a path, something in it, or a folder around it."""
        return [name for name, stage in self.stages.items() if any(overlaps(path, dep.path) for dep in stage.deps)]

    def upstream(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield every path and stage that the paths depend on, themselves included, nearest first."""

        def writers(path: str) -> list[str]:
            name = self.writer(path)
            return [name] if name else []

        return _reached(paths, writers, self.inputs)

    def downstream(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield every path and stage that depends on the paths, themselves included, nearest first."""
        return _reached(paths, self.readers, lambda name: self.stages[name].outs)


def _reached(
    paths: Iterable[str], stages: Callable[[str], Iterable[str]], entries: Callable[[str], Iterable[Entry]]
) -> Iterator[str]:
    """Yield paths, the stages that they lead to, the paths that those lead to, and so on: each once, nearest first."""
    queue, seen = list(paths), set[str]()
    while queue:
        path = queue.pop(0)
        if path in seen:
            continue
        seen.add(path)
        yield path
        for name in stages(path):
            if STAGE + name not in seen:
                seen.add(STAGE + name)
                yield STAGE + name
                queue += [entry.path for entry in entries(name)]


def state_graph(lock: str, items: Collection[str], facts: Mapping[str, str]) -> Graph:
    """Return the files and stages that a state consists of.

    Args:
        lock: Text of dvc.lock.
        items: What the pipeline runs a stage for each of: the models to evaluate.
        facts: Path to md5 of the tables of the study.
    """
    stages = locked_stages(load_yaml(lock), {})
    current = {name: stage for name, stage in stages.items() if "@" not in name or name.partition("@")[2] in items}
    members: dict[str, dict[str, str]] = {}
    for path, md5 in facts.items():
        folder, _, name = path.rpartition("/")
        members.setdefault(folder, {})[name] = md5
    return Graph({name: stage for name, stage in current.items() if name not in PROJECTIONS}, {}, members)


def kind_of(path: str) -> Kind:
    """Return whether a path is code, a fact or another file."""
    if overlaps(path, CODE):
        return "code"
    return "fact" if overlaps(path, FACTS) else "file"


def stage_lines(graph: Graph, stage: LockedStage) -> tuple[str, ...]:
    """Return the parameters and the code of a stage, one line each."""
    params = [f"{name}={value}" for name, value in stage.flat_params().items()]
    code = [f"{dep.path} {dep.md5[:SHORT]}{_note(graph, dep)}" for dep in stage.deps if kind_of(dep.path) == "code"]
    lines = [f"params: {', '.join(params)}"] if params else []
    return (*lines, *([f"code: {', '.join(code)}"] if code else []))


def upstream_tree(graph: Graph, paths: Sequence[str], only: Sequence[str] | None = None) -> tuple[Branch, ...]:
    """Return the chains that lead to the paths; a stage is spelled out where it is met first.

    Args:
        graph: Files and stages.
        paths: Where the chains end.
        only: Of what the stage that wrote the paths reads, that which these depend on; None for all.
    """
    seen: set[str] = set()
    return tuple(_file_branch(graph, path, seen, only) for path in paths)


def _file_branch(
    graph: Graph, path: str, seen: set[str], only: Sequence[str] | None = None, read: Entry | None = None
) -> Branch:
    """Return the chain that leads to a path, which a stage of the chain `read`."""
    entry = read or graph.entries.get(path)
    title = f"{path}  md5 {entry.md5}{_note(graph, entry)}" if entry else path
    name = graph.writer(path)
    if name is None:
        return Branch(title, tuple(f"{file} {md5}" for file, md5 in graph.members.get(path, {}).items()))
    if name in seen:
        return Branch(title, branches=(Branch(f"stage {name} (above)"),))
    seen.add(name)
    stage = graph.stages[name]
    inputs = [item for item in graph.inputs(name) if kind_of(item.path) != "code"]
    if only:
        inputs = [item for item in inputs if item.path in only] or inputs
    branches = tuple(_file_branch(graph, item.path, seen, read=item) for item in inputs)
    return Branch(title, branches=(Branch(f"stage {name}: {_one_line(stage)}", stage_lines(graph, stage), branches),))


def downstream_tree(graph: Graph, paths: Sequence[str]) -> tuple[Branch, ...]:
    """Return the chains that lead from the paths; a stage is spelled out where it is met first."""
    seen: set[str] = set()
    return tuple(_dependants(graph, path, seen) for path in paths)


def _dependants(graph: Graph, path: str, seen: set[str]) -> Branch:
    entry = graph.entries.get(path)
    title = f"{path}  md5 {entry.md5}{_note(graph, entry)}" if entry else path
    branches = []
    for name in graph.readers(path):
        if name in seen:
            branches.append(Branch(f"stage {name} (above)"))
            continue
        seen.add(name)
        stage = graph.stages[name]
        outs = tuple(_dependants(graph, out.path, seen) for out in stage.outs)
        branches.append(Branch(f"stage {name}: {_one_line(stage)}", (), outs))
    return Branch(title, branches=tuple(branches))


def _note(graph: Graph, entry: Entry) -> str:
    note = graph.notes.get(entry)
    return f" ({note})" if note else ""


def _one_line(stage: LockedStage) -> str:
    return "; ".join(stage.cmd.splitlines())


def render(branch: Branch) -> Iterator[str]:
    """Yield the lines of a tree, drawn with lines."""
    yield branch.title
    bar = "│  " if branch.branches else "   "
    yield from (f"{bar}{line}" for line in branch.lines)
    for i, child in enumerate(branch.branches):
        last = i == len(branch.branches) - 1
        first, *rest = render(child)
        yield f"{'└─ ' if last else '├─ '}{first}"
        yield from (f"{'   ' if last else '│  '}{line}" for line in rest)


def as_json(graph: Graph, nodes: Sequence[str]) -> dict[str, Any]:
    """Return a part of the graph for machines.

    Args:
        graph: Files and stages.
        nodes: Those to keep, as `Graph.upstream` and `Graph.downstream` give them.

    Returns:
        nodes, each with id, kind and what is known of it, and edges from what is read or runs to what results from it.
    """
    described = []
    edges = []
    for node in nodes:
        if node.startswith(STAGE):
            name = node.removeprefix(STAGE)
            stage = graph.stages[name]
            code = {dep.path: dep.md5 for dep in stage.deps if kind_of(dep.path) == "code"}
            described.append(
                {"id": node, "kind": "stage", "cmd": stage.cmd, "params": stage.flat_params(), "code": code}
            )
            edges += [[dep.path, node] for dep in graph.inputs(name) if dep.path in nodes]
            edges += [[node, out.path] for out in stage.outs if out.path in nodes]
            continue
        entry = graph.entries.get(node)
        about: dict[str, Any] = {"id": node, "kind": kind_of(node)}
        if entry:
            about |= {"md5": entry.md5, "size": entry.size}
            about |= {"note": graph.notes[entry]} if entry in graph.notes else {}
        if node in graph.members:
            about["files"] = dict(graph.members[node])
        described.append(about)
    return {"nodes": described, "edges": edges}


def chain(graph: Graph, path: str) -> str:
    """Return what a file was made of as the text of a tree, that of `observatory trace` without the state."""
    return "\n".join(line for branch in upstream_tree(graph, [path]) for line in render(branch))
