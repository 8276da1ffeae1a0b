"""Tables as LaTeX with booktabs, whatever the names in them hold."""

import re

from stages.contracts.names import one_line
from stages.page.tables import MINUS, MISSING, Table

LONGEST = 50
"""Rows up to which a table is one `tabular`; a longer one breaks over pages."""
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\N{NO-BREAK SPACE}": "~",
    MINUS: "$-$",
    MISSING: "--",
    "—": "---",
    "…": r"\ldots{}",
    "’": "'",
    "“": "``",
    "”": "''",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "√": r"$\surd$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "ρ": r"$\rho$",
    "→": r"$\rightarrow$",
    **{digit: f"$_{value}$" for value, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{digit: f"$^{value}$" for value, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
LATIN = "\u024f"
"""Last of the letters that every LaTeX with UTF-8 input sets."""
_BEYOND = f"[^\0-{LATIN}{''.join(map(re.escape, SPECIAL))}]+"
OTHER = re.compile(rf"{_BEYOND}(?: +{_BEYOND})*")
"""Letters beyond, with the spaces between them."""
POWER = re.compile(r"([\d.]+)e([+-]\d+)")
"""A number with a power of ten, as Python writes it."""
HELP = r"""% Letters beyond Latin stand in \nonlatin{...}. LuaLaTeX sets them with \usepackage{luatexja}, XeLaTeX with
% \usepackage{xeCJK}; for pdfLaTeX write, before \begin{document}, \usepackage{CJKutf8} and
% \newcommand{\nonlatin}[1]{\begin{CJK}{UTF8}{min}#1\end{CJK}}
\providecommand{\nonlatin}[1]{#1}
"""


def escaped(text: str) -> str:
    """Return a text that LaTeX sets as it is written; letters beyond Latin stand in the command `nonlatin`."""
    parts, end = [], 0
    plain = one_line(text)
    for other in OTHER.finditer(plain):
        parts += [_latin(plain[end : other.start()]), rf"\nonlatin{{{other[0]}}}"]
        end = other.end()
    whole = "".join([*parts, _latin(plain[end:])])
    # after the end of a row, LaTeX takes these for an argument of it
    return f"{{{whole[0]}}}{whole[1:]}" if whole[:1] in {"[", "*"} else whole


def _number(text: str) -> str:
    """Return a number as LaTeX sets it, powers of ten as such."""
    power = POWER.fullmatch(text)
    return rf"${power[1]} \times 10^{{{int(power[2])}}}$" if power else escaped(text)


def _latin(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def as_latex(table: Table) -> str:
    """Return a table as a file to include: a `tabular`, or a `longtable` where it is longer than a page.

    Title and note stand above it as comments; columns without any text are left out.
    """
    kept = [i for i in range(len(table.columns)) if any(row[i] for row in table.rows)]
    columns = [table.columns[i] for i in kept]
    forms = [_number if name in table.numbers else escaped for name in columns]
    rows = [" & ".join(form(row[i]) for form, i in zip(forms, kept, strict=True)) + r" \\" for row in table.rows]
    head = " & ".join(map(escaped, columns)) + r" \\"
    alignment = "".join("r" if name in table.numbers else "l" for name in columns)
    long = len(rows) > LONGEST
    body = ["\\toprule", head, "\\midrule", *(["\\endhead"] if long else []), *rows, "\\bottomrule"]
    kind = "longtable" if long else "tabular"
    text = "\n".join([rf"\begin{{{kind}}}{{{alignment}}}", *(f"  {line}" for line in body), rf"\end{{{kind}}}"])
    needs = "{booktabs}" + " and \\usepackage{longtable}" * long
    about = "".join(f"% {one_line(line)}\n" for line in (table.title, table.note) if line)
    return f"{about}% Needs \\usepackage{needs}.\n{HELP if 'nonlatin' in text else ''}{text}\n"
