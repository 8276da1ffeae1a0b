"""Bytes of a CSV file to rows of text: what the file is, how it is encoded, where its rows begin and end.

Nothing here knows what a table should contain. Memory stays bounded whatever the bytes are: the text is decoded
as it is read, and no row may be longer than `ROW_LIMIT`.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

HEAD = 4_096
CHUNK = 1 << 20
ROW_LIMIT = 4 << 20
"""Characters that a row may have."""

MAX_ROWS = 100_000

UTF8 = "save it as UTF-8"
UNPACK = "unpack it first"
EXPORT = "export the table as CSV"
SHEET = "save the sheet as CSV in UTF-8"
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe\x00\x00", "UTF-32 text", UTF8),
    (b"\x00\x00\xfe\xff", "UTF-32 text", UTF8),
    (b"\xff\xfe", "UTF-16 text", UTF8),
    (b"\xfe\xff", "UTF-16 text", UTF8),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (xls)", SHEET),
    (b"PK\x05\x06", "a zip archive", UNPACK),
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"ARROW1", "an Arrow file", EXPORT),
    (b"FEA1", "a Feather file", EXPORT),
    (b"\x89HDF", "an HDF5 file", EXPORT),
    (b"\x93NUMPY", "a NumPy file", EXPORT),
    (b"SQLite format 3\x00", "an SQLite database", EXPORT),
    (b"%PDF-", "a PDF document", EXPORT),
    (b"\x89PNG", "a PNG image", "put the table here as CSV"),
    (b"version https://git-lfs.github.com/spec/", "a git-LFS pointer, not the file itself", "run `git lfs pull`"),
)
SPREADSHEETS: tuple[tuple[bytes, str], ...] = (
    (b"application/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet (ods)"),
    (b"xl/", "an Excel workbook (xlsx)"),
)
MARKUP: tuple[tuple[bytes, str], ...] = ((b"<", "HTML or XML"), (b"{", "JSON"), (b"[", "JSON"))

KANA = "\u3041-\u30fa"
HAN = "\u4e00-\u9fff"
JAPANESE = f"\u3000-\u30ff\uff01-\uff5e{HAN}"
HANGUL = "\uac00-\ud7a3"
ENCODINGS: tuple[tuple[str, str, str, str], ...] = (
    ("EUC-JP", "euc_jp", KANA, JAPANESE),
    ("Shift-JIS", "cp932", JAPANESE, JAPANESE),
    ("EUC-KR", "euc_kr", HANGUL, HANGUL),
    ("GBK", "gb18030", HAN, HAN),
)
"""Name, codec, characters of which there must be one, characters of which most must be."""

WESTERN = "Latin-1 or Windows-1252"


def file_problem(data: bytes) -> str | None:
    """Return why a file is not CSV text in UTF-8 and how to fix it, or None.

    The phrase continues "FILE ". Only the first such reason is given, for the others follow from it.
    """
    checks = (empty, signature, wide_text, markup, conflict, null_byte, wrong_encoding)
    return next((problem for check in checks if (problem := check(data)) is not None), None)


def head_of(data: bytes) -> bytes:
    """Return the first bytes without a byte order mark."""
    return data[:HEAD].removeprefix(codecs.BOM_UTF8)


def line_at(data: bytes, position: int) -> int:
    """Return the number of the line in which a byte stands."""
    return data.count(b"\n", 0, position) + 1


def empty(data: bytes) -> str | None:
    """Return a problem when there is nothing but whitespace."""
    blank = not head_of(data).strip() and (len(data) <= HEAD or data.isspace())
    return "is empty: write a header and the rows" if blank else None


def signature(data: bytes) -> str | None:
    """Return a problem when the first bytes are those of another kind of file."""
    if data.startswith(b"PK\x03\x04"):
        names = data[:HEAD] + data[-(1 << 16) :]
        what = next((what for part, what in SPREADSHEETS if part in names), None)
        return f"is {what}, not CSV text: {SHEET}" if what else f"is a zip archive, not CSV text: {UNPACK}"
    found = next(((what, how) for start, what, how in SIGNATURES if data.startswith(start)), None)
    return f"is {found[0]}, not CSV text in UTF-8: {found[1]}" if found else None


def wide_text(data: bytes) -> str | None:
    """Return a problem for UTF-16 without a byte order mark: every other byte of its ASCII part is zero."""
    head = data[:HEAD]
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    wide = half > 0 and max(even, odd) > 0.4 * half and min(even, odd) < 0.05 * half
    return f"is UTF-16 text, not CSV text in UTF-8: {UTF8}" if wide else None


def markup(data: bytes) -> str | None:
    """Return a problem for a web page, JSON, or a line that only a spreadsheet understands."""
    head = head_of(data).lstrip()
    if head.startswith(b"sep="):
        return "begins with a line for spreadsheets (sep=): delete that line and separate with commas"
    if head.startswith(b"<<<<<<<"):
        return None
    what = next((what for start, what in MARKUP if head.startswith(start)), None)
    return f"is {what}, not CSV text: {EXPORT}" if what else None


def conflict(data: bytes) -> str | None:
    """Return a problem when git left the marks of a merge conflict."""
    for mark in (b"<<<<<<< ", b">>>>>>> "):
        position = data.find(mark)
        if position == 0 or (position > 0 and data[position - 1 : position] in {b"\n", b"\r"}):
            line = line_at(data, position)
            return f"has a merge conflict in line {line}: keep one side and delete the marks of git"
    return None


def null_byte(data: bytes) -> str | None:
    """Return a problem when there is a NUL byte."""
    position = data.find(b"\0")
    if position < 0:
        return None
    return f"has a NUL byte in line {line_at(data, position)}, so it is damaged or no text: export it again"


def wrong_encoding(data: bytes) -> str | None:
    """Return a problem that names the likely encoding when the bytes are not UTF-8."""
    view = memoryview(data)
    position = 0
    while position < len(data):
        try:
            _, used = codecs.utf_8_decode(view[position : position + CHUNK], "strict", position + CHUNK >= len(data))
        except UnicodeDecodeError as error:
            bad = position + error.start
            likely = likely_encoding(data, bad)
            return f"is not UTF-8 (byte 0x{data[bad]:02X} in line {line_at(data, bad)}), likely {likely}: {UTF8}"
        position += used
    return None


def likely_encoding(data: bytes, bad: int) -> str:
    """Return the likely encoding of the line around a byte that is not UTF-8.

    Western text has single bytes above 127 between ASCII letters, the East Asian encodings have runs of them.
    """
    start = max(data.rfind(b"\n", 0, bad) + 1, bad - CHUNK)
    sample = data[start : bad + HEAD]
    runs = re.findall(rb"[\x80-\xff]+", sample)
    alone = sum(len(run) == 1 for run in runs)
    if 2 * alone > sum(map(len, runs)):
        return WESTERN
    for name, codec, needed, usual in ENCODINGS:
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample)
        except UnicodeDecodeError:
            continue
        foreign = re.sub(r"[\x00-\x7f]", "", text)
        if re.search(f"[{needed}]", foreign) and len(re.findall(f"[{usual}]", foreign)) > 0.8 * len(foreign):
            return name
    return WESTERN


class Record(NamedTuple):
    """One row of a file, or what is wrong with it.

    Attributes:
        line: Number of its first line.
        cells: Its fields, none when there is a problem.
        problem: Phrase that continues "line N ".
    """

    line: int
    cells: list[str]
    problem: str = ""


class Lines:
    """The lines of a file, decoded as they are read.

    Attributes:
        size: Characters read since the reader last set it to zero.
    """

    def __init__(self, data: bytes) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(ROW_LIMIT)
        self.size += len(line)
        if not line:
            raise StopIteration
        if self.size >= ROW_LIMIT:
            raise csv.Error("row larger than limit")
        return line


DOUBLE = "double the quotes inside a quoted text"
BROKEN: tuple[tuple[str, str, bool], ...] = (
    ("expected after", f"has characters after a closing quote: {DOUBLE}", False),
    ("unexpected end", f"opens a quote that is never closed: close it, {DOUBLE}", True),
    ("larger than", f"has a field or row too long for a table: is a quote never closed? {DOUBLE}", True),
)
"""Part of the message of Python's csv module, ours, and whether the rest of the file cannot be read."""


def records(data: bytes) -> Iterator[Record]:
    """Split CSV text into rows.

    Blank lines, and rows of empty fields, at the end are ignored: spreadsheets leave them. Reading stops after a row
    whose end cannot be found, and after `MAX_ROWS`.

    Args:
        data: A file in which `file_problem` found nothing.
    """
    lines = Lines(data)
    reader = csv.reader(lines, strict=True)
    held: list[Record] = []
    rows = 0
    while rows < MAX_ROWS + 2:
        start = reader.line_num + 1
        lines.size = 0
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problem, final = broken(error)
            yield Record(start, [], problem)
            if final:
                return
            rows += 1
            continue
        if cells is None:
            return
        if not "".join(cells).strip():
            # the first of several stands for them
            held = held or [Record(start, cells) if len(cells) > 1 else Record(start, [], "is blank: delete it")]
            continue
        yield from held
        held = []
        rows += 1
        yield Record(start, cells)
    yield Record(start, [], f"is beyond the {MAX_ROWS:,} rows that a table may have: is it the right file?")


def broken(error: csv.Error) -> tuple[str, bool]:
    """Return the words for an error of the csv module, and whether reading must stop."""
    known = ((problem, final) for part, problem, final in BROKEN if part in str(error))
    return next(known, (f"cannot be read: {error}", True))
