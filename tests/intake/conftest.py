"""Workbooks for tests, as spreadsheets write them."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
LINK = '<Relationship Id="r1" Type="' + OFFICE + '/{}" Target="{}"/>'
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def write_workbook(path: Path, rows: Sequence[Sequence[object]], corner: tuple[int, int] | None = None) -> Path:
    """Write rows from cell A1 on without saying where cells stand, or from another corner and saying so."""

    def cell(value: object, place: str) -> str:
        if isinstance(value, str) and value.startswith("#"):
            return f'<c{place} t="e"><f>1/0</f><v>{value}</v></c>'
        if isinstance(value, str):
            return f'<c{place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f"<c{place}><v>{value}</v></c>"

    body = ""
    for i, row in enumerate(rows):
        line = f"{corner[1] + i + 1}" if corner else ""
        places = [f' r="{"ABCDEFGH"[corner[0] + j]}{line}"' if corner else "" for j in range(len(row))]
        number = f' r="{line}"' if line else ""
        body += f"<row{number}>{''.join(map(cell, row, places))}</row>"
    workbook = f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr("_rels/.rels", LINKS.format(LINK.format("officeDocument", "xl/workbook.xml")))
        file.writestr("xl/workbook.xml", f"{workbook}</workbook>")
        file.writestr("xl/_rels/workbook.xml.rels", LINKS.format(LINK.format("worksheet", "worksheets/sheet1.xml")))
        file.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{SHEET}"><sheetData>{body}</sheetData></worksheet>'
        )
    return path


@pytest.fixture
def workbook() -> Callable[[Path, Sequence[Sequence[object]]], Path]:
    return write_workbook
