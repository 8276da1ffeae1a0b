"""Workbooks (XLSX): the first sheet with the errors of its formulas, which the library that reads it leaves blank."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from stages.contracts.csv.sheets import column_of

WORKBOOK = "xl/workbook.xml"
LINKS = "xl/_rels/workbook.xml.rels"
ERROR = re.compile(rb"""\st=["']e["']""")
"""The type of a cell that holds an error."""


def read_workbook(path: Path) -> list[list[object]]:
    """Return the first sheet from cell A1 on, with an error such as `#N/A` as its text.

    Raises:
        ValueError: It is not a workbook, or damaged.
    """
    from python_calamine import CalamineError, CalamineWorkbook  # only who has such a file waits for it

    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
        rows: list[list[object]] = sheet.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise ValueError(str(error)) from None
    try:
        with zipfile.ZipFile(path) as archive:
            for i, j, text in _errors(archive.read(_first_sheet(archive))):
                rows[i][j] = text
    except (LookupError, StopIteration, zipfile.BadZipFile, ElementTree.ParseError):
        raise ValueError("the errors of its formulas cannot be told from blank cells") from None
    return rows


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """Return the member that holds the first sheet."""
    sheet = next(each for each in _parsed(archive.read(WORKBOOK)).iter() if _name(each) == "sheet")
    link = next(value for key, value in sheet.attrib.items() if key.endswith("}id"))
    target = next(each.attrib["Target"] for each in _parsed(archive.read(LINKS)) if each.get("Id") == link)
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _errors(sheet: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield row and column, from zero, and text of each cell that holds an error."""
    if not ERROR.search(sheet):
        return
    i = -1
    for row in (each for each in _parsed(sheet).iter() if _name(each) == "row"):
        i, j = int(row.get("r") or i + 2) - 1, -1
        for cell in row:
            # a writer may leave out where a row or cell stands when it follows the one before
            j = column_of(cell.attrib["r"]) if "r" in cell.attrib else j + 1
            if cell.get("t") == "e":
                yield i, j, next((each.text or "" for each in cell if _name(each) == "v"), "")


def _parsed(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)


def _name(element: ElementTree.Element) -> str:
    """Return the name without its namespace, of which there are two: strict and transitional."""
    return element.tag.rpartition("}")[2]
