"""Finished units of a model, kept as they finish and found again by their key, here or in an earlier evaluation."""

import contextlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.contracts.evaluate_params import EvaluateParams
from stages.evaluation.cells import Cells, read_if_there, read_json
from stages.evaluation.unit import Unit
from stages.lineage import cache as dvcstate
from stages.lineage import state
from stages.lineage.pipeline import load_yaml, locked_stages
from stages.workspace import paths
from stages.workspace.files import read_parquet, read_text, restore_folder

DEFAULT = str(EvaluateParams.model_fields["store"].default)


class Store(Cells):
    """Finished units of a model, seen from the repository that they are for."""

    def sweep(self) -> None:
        """Remove what a killed process left unfinished."""
        for rest in (*self.folder.glob("*/.*"), *self.folder.glob(".*/")):
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink(missing_ok=True)
        restore_folder(self.folder)

    def clear(self, top: Path) -> None:
        """Remove everything, and the folders around it that are empty then.

        Args:
            top: Folder of all models, the last of them; outside of the repository it is somebody's, and stays.
        """
        with tempfile.TemporaryDirectory(prefix=f".{self.folder.name}.", dir=self.folder.parent) as aside:
            # at once: whoever watches the store finds all of it or nothing, and makes no file in what is removed
            self.folder.replace(Path(aside, "old"))
        for parent in self.folder.parents:
            if not parent.is_relative_to(top) or (parent == top and not top.is_relative_to(state.root())):
                break
            # another model may be evaluated beside this one
            with contextlib.suppress(OSError):
                parent.rmdir()

    def rescue(self, model_id: str) -> None:
        """Keep the units of a published evaluation that DVC has not in its cache: it removes them before it runs.

        That is so when DVC was killed, or its disk was full, after the evaluation and before it took the result.
        """
        published = paths.EVALUATIONS / model_id
        provenance = published / "provenance.json"
        taken = _cached(model_id).get(provenance.name)
        if not provenance.is_file() or (taken and taken.read_bytes() == provenance.read_bytes()):
            return
        for benchmark, known in read_json(provenance).get("benchmarks", {}).items():
            answers = published / f"samples/{benchmark}.parquet"
            score = read_json(published / "scores.json").get(benchmark)
            if score is not None and answers.is_file():
                self._put(self.folder / benchmark / known["key"][:16], score, read_parquet(answers), known)

    def recover(self, units: Sequence[Unit], model_id: str) -> None:
        """Take the units that an earlier evaluation has under the same key, from where it lies or from DVC's cache."""
        published = paths.EVALUATIONS / model_id
        # DVC removes what is published before it runs the stage again
        with contextlib.suppress(FileNotFoundError):
            self._take(
                units, {str(path.relative_to(published)): path for path in published.rglob("*") if path.is_file()}
            )
        rest = [unit for unit in units if not self.has(unit)]
        if rest:
            self._take(rest, _cached(model_id))

    def known(self, units: Sequence[Unit], model_id: str) -> set[str]:
        """Return the benchmarks of the units that are finished, here or where `recover` takes them from."""
        found = {unit.benchmark for unit in units if self.has(unit)}
        published = paths.EVALUATIONS / model_id / "provenance.json"
        for place in (published, _cached(model_id).get(published.name)):
            if place is not None:
                # DVC removes what is published before it runs the stage again
                parts = read_if_there(place).get("benchmarks", {})
                found |= {unit.benchmark for unit in units if parts.get(unit.benchmark, {}).get("key") == unit.key}
        return found

    def _take(self, units: Sequence[Unit], here: Mapping[str, Path]) -> None:
        """Keep those of the units that an evaluation has; `here` has its files, by their names in it."""
        from stages.evaluation.harness.run import UnitResult

        if not {"scores.json", "provenance.json"} <= set(here):
            return
        scores, provenance = read_json(here["scores.json"]), read_json(here["provenance.json"])
        for unit in units:
            known = provenance["benchmarks"].get(unit.benchmark, {})
            answers = here.get(f"samples/{unit.benchmark}.parquet")
            if known.get("key") == unit.key and answers is not None and unit.benchmark in scores:
                self.put(unit, UnitResult(scores[unit.benchmark], read_parquet(answers), known))


def top_of(store: str) -> Path:
    """Return the absolute folder of all models; `store` is `evaluate.store`."""
    return state.root() / Path(store).expanduser()


def store_of(model_id: str, store: str = DEFAULT) -> Store:
    """Return where the finished units of a model are kept."""
    return Store(top_of(store) / model_id)


def _cached(model_id: str) -> dict[str, Path]:
    """Return the files of the evaluation that dvc.lock knows, by name, in DVC's cache; none where some are gone."""
    lock = locked_stages(load_yaml(read_text(paths.LOCK)), {}) if paths.LOCK.is_file() else {}
    stage = lock.get(f"evaluate@{model_id}")
    if stage is None:
        return {}
    cache = dvcstate.Cache(dvcstate.cache_folder(state.root()))
    files, missing = cache.contents(stage.outs[0])
    if missing:
        return {}
    return {path.removeprefix(f"{stage.outs[0].path}/"): cache.path(md5) for path, md5 in files.items()}
