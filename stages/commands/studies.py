"""A study that grows: its files as they are, what is added to them, and the files as they become."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stages.contracts.csv.csvfile import empty, file_problem, records
from stages.contracts.errors import InputError
from stages.contracts.names import label
from stages.contracts.rows import texts
from stages.contracts.study.facts import Facts, read_facts
from stages.contracts.study.info import load_study
from stages.contracts.study.tables import benchmarks_table, models_table
from stages.intake.drafts import Draft, extended, study_yaml, widened
from stages.workspace import paths
from stages.workspace.facts import load_info, study_files
from stages.workspace.files import replacing
from stages.workspace.parameters import params_of

ENGLISH = {"en": "English"}


@dataclass
class Study:
    """A study that grows.

    Attributes:
        name: Name of its folder.
        files: Its files as they are, by name.
        facts: Its tables; None while it has no models.
        languages: Language code to name.
        draft: What is added.
    """

    name: str
    files: Mapping[str, bytes]
    facts: Facts | None
    languages: Mapping[str, str]
    draft: Draft = field(default_factory=Draft)
    _places: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Its folder."""
        return paths.METADATA / self.name

    @property
    def rule(self) -> str:
        """Which of several imported scores of a cell counts, "" where the study does not say."""
        return (self.facts.info.import_rule if self.facts else None) or ""

    def order(self, row: Mapping[str, str]) -> tuple[int, int]:
        """Return the place of a cell in the study, by the order of models, then benchmarks."""
        if not self._places:
            for key, index in (("model_id", "models"), ("benchmark", "benchmarks")):
                known = texts(getattr(self.facts, index).index) if self.facts else []
                names = [*known, *(new[key] for new in getattr(self.draft, index))]
                self._places[key] = {name: place for place, name in enumerate(names)}
        return self._places["model_id"][row["model_id"]], self._places["benchmark"][row["benchmark"]]

    def grown(self, others: Mapping[str, bytes]) -> tuple[dict[str, bytes], Facts]:
        """Return the files with what is added, and the tables that they hold.

        Args:
            others: Further files, as they are to be.

        Raises:
            InputError: They do not form a study; every problem is named.
        """
        files = dict(self.files)
        if "study.yaml" not in files:
            files["study.yaml"] = study_yaml(self.name, self.languages).encode()
        info = load_study(files["study.yaml"].decode(), f"{self.folder}/study.yaml")
        languages, groups = list(info.languages), list(info.groups)
        models = [row | {"group": row["group"] if row["group"] in groups else groups[0]} for row in self.draft.models]
        files["models.csv"] = extended(files.get("models.csv"), models_table(languages, groups), models)
        table = benchmarks_table(languages)
        files["benchmarks.csv"] = extended(files.get("benchmarks.csv"), table, self.draft.benchmarks)
        files["scores.csv"] = widened(files.get("scores.csv"), self.draft)
        files |= others
        return files, read_facts(files, str(self.folder), params_of(self.name))

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write the files that differ from those that are there, each as a whole."""
        for name, data in files.items():
            if self.files.get(name) != data:
                with replacing(self.folder / name) as beside:
                    beside.write_bytes(data)


def open_study(name: str, languages: Mapping[str, str] = ENGLISH) -> Study:
    """Read a study to be grown, which need not exist.

    Args:
        name: Name of its folder under metadata/.
        languages: Language code to name, for a study that has no study.yaml.

    Raises:
        InputError: The name cannot be that of a folder, or the study's files are wrong.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise InputError([f"{label(name)} cannot name a study: expected a name for a folder under metadata/"])
    files = study_files(paths.METADATA / name)
    if _has_rows(files.get("models.csv", b"")):
        facts = read_facts(files, str(paths.METADATA / name), params_of(name))
        return Study(name, files, facts, facts.info.languages)
    return Study(name, files, None, load_info(name).languages if "study.yaml" in files else languages)


def _has_rows(data: bytes) -> bool:
    """Return whether a table has rows; one that cannot be read may have some, and reading it says what is wrong."""
    return not empty(data) and (file_problem(data) is not None or len(list(records(data))) > 1)
