"""Why the outputs of two states differ: the parameters, facts and code on which they depend and that changed."""

from stages.lineage.graph import Graph, kind_of
from stages.lineage.pipeline import LockedStage


def causes(first: Graph, second: Graph) -> dict[str, tuple[str, ...]]:
    """Return the causes of each output that differs.

    A file that is made anew with the same contents passes nothing on.

    Args:
        first: Files and stages of a state.
        second: Those of another.

    Returns:
        Path of an output to the parameters, facts, code and other files without a stage that changed upstream of it.
    """
    known: dict[str, tuple[str, ...]] = {}
    changed = [path for path, (_, entry) in second.outs.items() if _md5(first, path) != entry.md5]
    return {path: _of_stage(second.outs[path][0], first, second, known) for path in changed}


def _of_stage(name: str, first: Graph, second: Graph, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if name in known:
        return known[name]
    known[name] = ()
    before, after = first.stages.get(name, LockedStage(name, "")), second.stages[name]
    found = [] if before.cmd in {"", after.cmd} else [f"command of {name}"]
    ours, theirs = before.flat_params(), after.flat_params()
    found += [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    read = {entry.path for entry in first.inputs(name)} if name in first.stages else set()
    for entry in second.inputs(name):
        if _md5(first, entry.path) == entry.md5:
            continue
        writer = second.writer(entry.path)
        if writer is None or kind_of(entry.path) != "file":
            found.append(entry.path)
        else:
            found += _of_stage(writer, first, second, known)
    found += sorted(read - {entry.path for entry in second.inputs(name)})
    known[name] = tuple(dict.fromkeys(found))
    return known[name]


def _md5(graph: Graph, path: str) -> str | None:
    entry = graph.entries.get(path)
    return entry.md5 if entry else None
