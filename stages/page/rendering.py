"""How a page becomes HTML: its template, with styles and scripts written into it, so that it needs no other file."""

import posixpath
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from stages.page.tables import anchor

TEMPLATES = Path(__file__).parent / "templates"


def breakable(name: str) -> Markup:
    """Return a name that a line may be broken in after a dot, a slash or an underscore."""
    return Markup(re.sub(r"([._/])(?=\w)", r"\1<wbr>", str(escape(name))))


def asset(name: str) -> Markup:
    """Return a file of the folder of templates as it is."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def render(template: str, **values: object) -> str:
    """Return a template of this folder filled in.

    Args:
        template: File name.
        **values: By the name that the template has for them.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    environment.filters |= {"anchor": anchor, "basename": posixpath.basename, "breakable": breakable}
    environment.globals["asset"] = asset
    return environment.get_template(template).render(**values)
