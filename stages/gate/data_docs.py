"""Great Expectations: run suites over tables and write Data Docs that a person can open.

The folder of Data Docs depends on the tables and suites alone: no clock, no random identifier, no path of this
machine and no link to another host goes into it, so that two runs from one state write the same bytes. Great
Expectations' own page templates do not have that property and need the internet to be legible, hence the
few in templates/; what the pages say is rendered by Great Expectations.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from shutil import rmtree
from typing import Any, cast

import pandas as pd
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context
from jinja2.runtime import Context

from stages.contracts.rows import is_missing
from stages.gate.expectations import Expectation, Suite

# Before the import: some releases read it once, while they are imported.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.render.view import DefaultJinjaPageView

RUN = RunIdentifier(run_name="gate", run_time=datetime(2000, 1, 1, tzinfo=UTC))
"""Data Docs put name and time of the run into their paths. When a state was checked is not part of the state."""

EXAMPLES = 20
"""Offending values that a page lists for one expectation."""

NAMED = 5
"""Offending rows that a sentence names."""

TEMPLATES = Path(__file__).parent / "templates"
"""Those of the pages that differ from Great Expectations' own."""


class OfflinePageView(DefaultJinjaPageView):  # type: ignore[misc]
    """Great Expectations' page view with templates that need neither scripts nor another host.

    Args:
        broken: Sentences that the index page shows. Site configurations set it.
    """

    def __init__(self, broken: Sequence[str] = (), **directories: str | None) -> None:
        super().__init__(**directories)
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), self.env.loader])
        self.env.globals["broken"] = broken

    @pass_context
    def render_content_block(
        self, jinja_context: Context, content_block: object, *args: object, **kwargs: object
    ) -> object:
        """Render a block as they do, but escape plain text: they let markup in a cell through."""
        if isinstance(content_block, str):
            return escape(content_block)
        return super().render_content_block(jinja_context, content_block, *args, **kwargs)


@dataclass(frozen=True)
class FailedExpectation:
    """An expectation that its table does not fulfil.

    Attributes:
        suite: Name of the suite.
        kind: Class name in `great_expectations.expectations`.
        column: Column concerned; None for the whole table.
        sentence: What was expected and what was found, in one line.
    """

    suite: str
    kind: str
    column: str | None
    sentence: str


@dataclass(frozen=True)
class SuiteReport:
    """Outcome of `run_suites`.

    Attributes:
        success: Whether every expectation holds.
        n_expectations: Number of expectations evaluated, over all suites.
        failed: Those that do not hold, in the order of the suites.
    """

    success: bool
    n_expectations: int
    failed: tuple[FailedExpectation, ...]


def run_suites(suites: Sequence[Suite], docs: Path, title: str) -> SuiteReport:
    """Evaluate suites and write their Data Docs. A broken expectation is reported, not raised.

    Args:
        suites: Suites with distinct names.
        docs: Empty folder for the Data Docs; `index.html` is the page to open.
        title: Heading of the index page.

    Raises:
        RuntimeError: Great Expectations left out a result or a page. It logs such a failure of its own and
            goes on.
    """
    context = open_context()
    failed = [failure for suite in suites for failure in evaluate(context, suite)]
    write_docs(context, docs, title, [failure.sentence for failure in failed])
    require_pages(docs, suites)
    n_expectations = sum(len(suite.expectations) for suite in suites)
    return SuiteReport(not failed, n_expectations, tuple(failed))


def open_context() -> Any:  # noqa: ANN401 (their classes are untyped here)
    """Return a context that keeps all in memory, sends nothing and draws no progress bars."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def evaluate(context: Any, suite: Suite) -> list[FailedExpectation]:  # noqa: ANN401
    """Run one suite and return what is broken. The result stays in the context for the Data Docs."""
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite.name,
            data=context.data_sources.add_pandas(suite.name)
            .add_dataframe_asset(suite.name)
            .add_batch_definition_whole_dataframe(suite.name),
            suite=context.suites.add(gx.ExpectationSuite(suite.name, expectations=native(suite.expectations))),
        )
    )
    results = definition.run(
        batch_parameters={"dataframe": as_evaluated(suite.frame)},
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES},
        run_id=RUN,
    ).results
    if len(results) != len(suite.expectations):
        raise RuntimeError(f"{suite.name}: {len(results)} results for {len(suite.expectations)} expectations")
    broken = sorted(r.expectation_config.meta["position"] for r in results if not r.success)
    by_position = {r.expectation_config.meta["position"]: r for r in results}
    failed = []
    for position in broken:
        expectation = suite.expectations[position]
        sentence = describe(suite, expectation, by_position[position])
        failed.append(FailedExpectation(suite.name, expectation.kind, expectation.column, sentence))
    return failed


def write_docs(context: Any, folder: Path, title: str, broken: Sequence[str]) -> None:  # noqa: ANN401
    """Write the pages of all suites evaluated in a context, and an index that shows the broken ones."""
    view = {"module_name": __name__, "class_name": OfflinePageView.__name__}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder.resolve()),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": view | {"broken": broken}},
        "site_section_builders": {
            "expectations": {"view": view},
            "validations": {"view": view},
            "profiling": "None",
        },
    }
    context.add_data_docs_site(site_name=title, site_config=site)
    context.build_data_docs(site_names=[title])
    rmtree(folder / "static")  # megabytes of fonts and animations; the pages use none of it


def native(expectations: Sequence[Expectation]) -> list[Any]:
    """Return their objects for our declarations; the position in the suite travels along as metadata."""
    objects = []
    for position, expectation in enumerate(expectations):
        column = {} if expectation.column is None else {"column": expectation.column}
        kind = getattr(gx.expectations, expectation.kind)
        objects.append(kind(**column, **expectation.arguments, meta={"position": position}))
    return objects


def as_evaluated(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with rows numbered and text as Python objects.

    Numbers, because results name offending rows by index; objects, because their type checks do not know
    pandas' string type. Columns are addressed by position: a repeated name is for the suite to refuse.
    """
    text = {i: object for i, dtype in enumerate(frame.dtypes) if isinstance(dtype, pd.StringDtype)}
    numbered = frame.set_axis(range(frame.shape[1]), axis="columns").reset_index(drop=True)
    return numbered.astype(text).set_axis(frame.columns, axis="columns")


def require_pages(folder: Path, suites: Sequence[Suite]) -> None:
    """Raise when a page is missing or empty: their site builder logs errors of rendering and goes on."""
    run_name, run_time = RUN.to_tuple()
    pages = [folder / "index.html", *(folder / "expectations" / f"{suite.name}.html" for suite in suites)]
    for suite in suites:
        batch = f"{suite.name}-{suite.name}.html"
        pages.append(folder / "validations" / suite.name / run_name / run_time / batch)
    missing = [page.name for page in pages if not page.is_file() or page.stat().st_size == 0]
    if missing:
        raise RuntimeError(f"Great Expectations rendered no page {', '.join(missing)}")


def describe(suite: Suite, expectation: Expectation, result: Any) -> str:  # noqa: ANN401
    """Return one line: where, what was expected, what was found."""
    where = "the table" if expectation.column is None else f"column {expectation.column}"
    found = found_instead(suite.frame, expectation, result)
    return " ".join(f"{suite.name}: {where}: expected: {expectation.note}; found: {found}".split())


def found_instead(frame: pd.DataFrame, expectation: Expectation, result: Any) -> str:  # noqa: ANN401
    """Put the evidence of a broken expectation into words."""
    column, evidence = expectation.column, result.result
    if column is not None and column not in frame:
        return "no such column"
    if not evidence:
        return f"it cannot be evaluated ({exception_message(result.exception_info)})"
    if isinstance(evidence.get("observed_value"), list):  # names of columns
        return columns_found(expectation.arguments, list(frame.columns))
    if "partial_missing_list" in evidence:  # theirs comes from a set, in random order
        wanted = cast("Sequence[object]", expectation.arguments["value_set"])
        present = set(frame[column])
        missing = [value for value in wanted if value not in present]
        return some("missing", missing, len(missing))
    if "partial_unexpected_index_list" in evidence:
        rows = [cell_found(frame, position, column) for position in evidence["partial_unexpected_index_list"]]
        return some("", rows, evidence["unexpected_count"])
    return str(evidence["observed_value"])


def some(label: str, items: Sequence[object], total: int) -> str:
    """Name the first few items and count the rest."""
    shown = [str(item) for item in items[:NAMED]]
    rest = f" and {total - len(shown)} more" if total > len(shown) else ""
    return f"{label} {', '.join(shown)}{rest}".strip()


def columns_found(arguments: Mapping[str, Any], observed: Sequence[object]) -> str:
    """Say how the columns of a table differ from the expected names."""
    expected = arguments.get("column_list", arguments.get("column_set", ()))
    differences = {
        "missing": [name for name in expected if name not in observed],
        "unknown": [name for name in observed if name not in expected],
        "repeated": sorted({str(name) for name in observed if observed.count(name) > 1}),
    }
    parts = [some(label, names, len(names)) for label, names in differences.items() if names]
    return "; ".join(parts) or "another order"


def cell_found(frame: pd.DataFrame, position: int, column: str | None) -> str:
    """Name one offending row, with the value of its cell."""
    row = str(frame.iat[position, 0])
    if column in {None, frame.columns[0]}:
        return row
    value: object = frame[column].iat[position]
    shown = repr(value) if isinstance(value, str) else "nothing" if is_missing(value) else str(value)
    return f"{shown} in {row}"


def exception_message(info: Mapping[str, Any]) -> str:
    """Return what stopped an evaluation. Their record is one exception, or one for each failed metric."""
    record = info if "exception_message" in info else next(iter(info.values()))
    return str(record["exception_message"])
