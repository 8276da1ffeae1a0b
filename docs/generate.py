"""Pages that MkDocs makes from the code and from files outside of docs/: said once, where they are true.

MkDocs calls `on_files` and `on_page_markdown`. A page that describes the code is rendered from the code itself at
build time, so that it cannot drift.
"""

import inspect
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from stages.analysis import claims
from stages.cli import COMMANDS, main
from stages.contracts.csv.schema import Column, Table
from stages.contracts.params import Params, section_rows
from stages.contracts.study import conclusions
from stages.contracts.study.tables import (
    CLAIMS,
    CORRECTIONS,
    IMPORTS,
    WAIVERS,
    benchmarks_table,
    models_table,
    scores_table,
)
from stages.gate.findings import MATRIX_CHECKS, MODEL_CHECKS
from stages.tasks.registry import BENCHMARKS

ROOT = Path(__file__).resolve().parents[1]
STUDY = "metadata/japanese-2024"
COPIES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "stages/tasks/README.md": "reference/tasks.md",
    f"{STUDY}/README.md": "reference/japanese-2024.md",
    "metadata/japanese-2026/README.md": "reference/japanese-2026.md",
}
"""File of the repository to the page that shows it."""
PACKAGES = {"analysis": "the mathematics", "contracts": "what tables and parameters must be"}
"""Packages that have a page of the Python reference, with every module, and what they hold."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
MERMAID = re.compile(r"```mermaid\n.*?```", flags=re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {page: (ROOT / source).read_text(encoding="utf-8") for source, page in COPIES.items()}
    for name, text in (pages | rendered()).items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at pages, whether their target is in docs/ or not, and show the pipeline as a table."""
    uri = page.file.src_uri
    source = next((name for name, shown in COPIES.items() if shown == uri), f"docs/{uri}")
    # GitHub draws the graph; here it would need a script from another server
    text = MERMAID.sub(lambda _: stage_table(), markdown) if uri == "index.md" else markdown
    # the highlighter takes lines of `console` without a prompt for output and greys them
    return relinked_all(text.replace("```console", "```bash"), source, uri)


def relinked_all(text: str, source: str, uri: str) -> str:
    """Return a text of a file of the repository with its links as they must stand on a page."""
    return LINK.sub(lambda link: relinked(link, source, uri), text)


def relinked(link: re.Match[str], source: str, uri: str) -> str:
    """Return a link as it must stand on a page; only its words where its target has no page."""
    image, label, target = link.groups()
    path, hash_mark, anchor = target.partition("#")
    if not path or ":" in path:
        return link[0]
    name = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    shown = COPIES.get(name) or (name.removeprefix("docs/") if name.startswith("docs/") else "")
    if not shown:
        return label
    return f"{image}[{label}]({posixpath.relpath(shown, posixpath.dirname(uri) or '.')}{hash_mark}{anchor})"


def rendered() -> dict[str, str]:
    """Return the pages of the reference that come from the code, by name."""
    return {
        "reference/commands.md": "\n".join(command_lines()),
        "reference/parameters.md": "\n".join(parameter_lines()),
        "reference/pipeline.md": "\n".join(pipeline_lines()),
        "reference/study-tables.md": "\n".join(table_lines()),
        "reference/claims-and-conclusions.md": "\n".join(grammar_lines()),
        "reference/benchmarks.md": "\n".join(benchmark_lines()),
        **{f"reference/{package}.md": "\n".join(python_lines(package)) for package in PACKAGES},
    }


def grid(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return ["", *(f"| {' | '.join(row)} |" for row in [list(header), ["---"] * len(header), *cells]), ""]


def code(text: str) -> str:
    """Return a name in code letters, nothing for nothing."""
    return f"`{text}`" if text else ""


def command_lines() -> Iterator[str]:
    """Yield the page of commands, from their help."""
    yield "# Commands"
    yield f"\n`observatory` has {len(COMMANDS)} subcommands. A problem is one line on stderr and exit code 1; wrong"
    yield "arguments are exit code 2.\n"
    parent = click.Context(main, info_name="observatory")
    for name in COMMANDS:
        command = main.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent)
        usage = command.get_usage(context).removeprefix("Usage: ")
        yield f"## {name}\n\n```text\n{' '.join(usage.split())}\n```\n\n{inspect.cleandoc(str(command.help))}\n"
        records = [p.get_help_record(context) for p in command.get_params(context) if isinstance(p, click.Option)]
        yield from grid(("option", "meaning"), [(code(r[0]), r[1]) for r in records if r])
        example = str(command.epilog).replace("\b", "").strip().removeprefix("Example: ")
        yield f"Example:\n\n```text\n{example}\n```\n"


def allowed(schema: Mapping[str, Any]) -> str:
    """Return the values that a JSON schema allows, in words."""
    if "anyOf" in schema:
        return " or ".join(allowed(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(code(str(value)) for value in schema.get("enum", [schema.get("const")]))
    words = {"number": "number", "integer": "integer", "boolean": "`true`, `false`", "string": "text", "array": "list"}
    signs = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
    bounds = [f"{sign} {schema[key]:g}" for key, sign in signs if key in schema]
    return " ".join([words.get(schema.get("type", ""), code(str(schema.get("type", "")))), ", ".join(bounds)]).strip()


def property_schemas() -> dict[str, Mapping[str, Any]]:
    """Return the dotted name of each parameter to its JSON schema."""
    whole = Params.model_json_schema(by_alias=True)

    def walk(schema: Mapping[str, Any], within: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, field in schema["properties"].items():
            if "$ref" in field:
                yield from walk(whole["$defs"][field["$ref"].rpartition("/")[2]], f"{within}{name}.")
            else:
                yield within + name, field

    return dict(walk(whole, ""))


def parameter_lines() -> Iterator[str]:
    """Yield the page of parameters, from the models of params.yaml."""
    schemas = property_schemas()
    yield "# Parameters"
    yield "\nThe choices of a state, in `params.yaml`. One with a default may be missing there; then"
    yield "`dvc exp run -S '+validate.suspicion.far_z=5'` adds it for an experiment. An unknown name, a wrong type or"
    yield "a value out of bounds is one line that names it.\n"
    rows = [(code(name), allowed(schemas[name]), meaning) for name, meaning in section_rows()]
    yield from grid(("parameter", "values", "meaning"), rows)


def stages() -> dict[str, dict[str, Any]]:
    """Return the stages of dvc.yaml, one for each name."""
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    return {name: stage.get("do", stage) for name, stage in yaml.safe_load(text)["stages"].items()}


def names_of(entries: Sequence[str | Mapping[str, Any]]) -> list[str]:
    """Return the paths of a list of dvc.yaml, whose entries may carry options."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def stage_table() -> str:
    """Return the stages and what they do as a table."""
    rows = [(code(name), stage["desc"]) for name, stage in stages().items()]
    return "\n".join(grid(("stage", "what it does"), rows))


def pipeline_lines() -> Iterator[str]:
    """Yield the page of the pipeline, from dvc.yaml."""
    yield "# Pipeline"
    yield "\n`dvc repro` runs a stage again when something changed that it reads: data, facts, parameters or code."
    for name, stage in stages().items():
        reads = [path for path in names_of(stage["deps"]) if not path.startswith("stages")]
        yield f"\n## {name}\n\n{stage['desc']}.\n"
        yield f"- Parameters: {', '.join(map(code, stage['params']))}"
        yield f"- Reads: {', '.join(map(code, reads)) or 'parameters only'}"
        written = names_of([*stage.get("outs", []), *stage.get("metrics", [])])
        yield f"- Writes: {', '.join(map(code, written)) or 'nothing'}"


def meanings(file: str) -> dict[str, str]:
    """Return column to meaning, from the data dictionary of the shipped study; it must have a row for every column."""
    dictionary = (ROOT / STUDY / "README.md").read_text(encoding="utf-8")
    section = dictionary.split(f"## {file}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, flags=re.MULTILINE))


def general(name: str) -> str:
    """Return the name under which the data dictionary explains a column: the ends of all ranges share two rows."""
    return re.sub(r"^tokens_\w+_b_(low|high)$", r"tokens_<code>_b_\1", name)


def value_of(column: Column) -> str:
    """Return what a cell of a column may hold, in words."""
    ends = ((column.low, "≥"), (column.above, ">"), (column.high, "≤"))
    bounds = ", ".join(f"{sign} {end:g}" for end, sign in ends if end is not None)
    choices = ", ".join(map(code, column.choices))
    kind = {"choice": choices, "flag": "`true`, `false`"}.get(column.kind, column.kind)
    return " ".join(part for part in (kind, bounds) if part)


def tables() -> list[Table]:
    """Return the contracts of the shipped study's tables."""
    info = yaml.safe_load((ROOT / STUDY / "study.yaml").read_text(encoding="utf-8"))
    languages, groups = list(info["languages"]), list(info["groups"])
    return [
        models_table(languages, groups),
        benchmarks_table(languages),
        scores_table([]),
        CORRECTIONS,
        WAIVERS,
        CLAIMS,
        IMPORTS,
    ]


def table_lines() -> Iterator[str]:
    """Yield the page of the tables under metadata/, from their contracts and the data dictionary."""
    yield "# Study tables"
    yield "\nWhat each CSV file under `metadata/<study>/` must contain, here with the languages `ja` and `en` and the"
    yield "groups of the shipped study. Numbers are plain finite decimals. An empty cell means missing, never zero."
    for table in tables():
        words = meanings(table.file)
        key = " and ".join(map(code, table.key))
        yield f"\n## {table.file}\n\nOne row for each {key}.{' The file is optional.' if table.optional else ''}\n"
        rows = []
        for column in table.columns:
            may = "column" if not column.required else "cell" if column.blank else ""
            rows.append((code(column.name), value_of(column), may, words[general(column.name)]))
        yield from grid(("column", "values", "may be missing", "meaning"), rows)
    yield "\n## Checks of the gate\n\nWhat holds of tables and scores where the gate is open."
    yield from grid(("check", "what holds"), [(code(k), words) for k, words in (MODEL_CHECKS | MATRIX_CHECKS).items()])


def grammar_lines() -> Iterator[str]:
    """Yield the page on the names in claims.csv and conclusions.yaml."""
    yield "# Claims and conclusions\n\n## Claims\n"
    yield "A `claim_id` in claims.csv names a number of the analysis. Words in capitals stand for names of the study."
    yield from grid(("kind", "forms"), [(code(k), ", ".join(map(code, forms))) for k, forms in claims.FORMS.items()])
    yield f"```text\n{str(claims.__doc__).partition(chr(10))[2].strip(chr(10))}\n```\n"
    yield "## Conclusions\n"
    yield "A criterion in conclusions.yaml names a statistic with bounds; some are about a group of `benchmarks`.\n"
    rows = [
        (code(".".join([name, *(part.upper() for part in parts)])), "yes" if name in conclusions.GROUPED else "")
        for name, parts in conclusions.FORMS.items()
    ]
    yield from grid(("statistic", "of a group of benchmarks"), rows)
    text = (ROOT / STUDY / "conclusions.yaml").read_text(encoding="utf-8")
    comment = [line.removeprefix("#").removeprefix(" ") for line in text.splitlines() if line.startswith("#")]
    yield "From the shipped study's file:\n\n```text\n" + "\n".join(comment) + "\n```"


def benchmark_lines() -> Iterator[str]:
    """Yield the page of the tasks, from their registry."""
    yield "# Benchmarks and protocols"
    yield "\nThe lm-eval tasks under `stages/tasks`. [Running the tasks](tasks.md) has data formats and differences"
    yield "from the paper. `shots` are worked examples in the prompt, `tokens` the longest answer, `samples` answers"
    yield "per item.\n"
    rows = [
        (code(b.name), code(b.metric), b.answer, b.n_shots, b.max_gen_toks or "", b.repeats, b.protocol)
        for b in BENCHMARKS.values()
    ]
    yield from grid(("task", "score", "answer", "shots", "tokens", "samples", "protocol"), rows)


def python_lines(package: str) -> Iterator[str]:
    """Yield the page of a package's modules; mkdocstrings fills it."""
    yield f"# Python: stages.{package}\n\nModule by module: {PACKAGES[package]}."
    for path in sorted((ROOT / "stages" / package).rglob("*.py")):
        if path.name != "__init__.py":
            yield f"\n::: {'.'.join(path.relative_to(ROOT).with_suffix('').parts)}"
