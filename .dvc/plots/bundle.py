"""Writes the Vega bundle into the page of `dvc plots`: `make vega`, which installs vl-convert-python first.

The page opens offline because the libraries stand in it. The bundle of a version of vl-convert-python is the same
bytes each time; LICENSES says which versions of which libraries it holds.
"""

import re
from pathlib import Path

import vl_convert

PAGE = Path(__file__).with_name("page.html")
VEGA_LITE = "6.4"
# vector marks, no menu entry that leads into the network, no warning at DVC's own templates, which say version 5;
# DVC hands over an empty specification where a table has no rows
SNIPPET = """
window.vegaEmbed = (place, spec) => {
  if (!spec.$schema) {
    document.querySelector(place).textContent = `${place.slice(1).replaceAll("_", " ")}: nothing to show`;
    return;
  }
  vegaEmbed(
    place,
    {...spec, $schema: spec.$schema.replace("/vega-lite/v5.", "/vega-lite/v6.")},
    {renderer: "svg", actions: {export: true, source: false, compiled: false, editor: false}},
  );
};
"""


def main() -> None:
    """Replace the bundle in the page."""
    script = vl_convert.javascript_bundle(SNIPPET, vl_version=VEGA_LITE)
    page, found = re.subn(
        r'(?s)(<script id="vega">).*?(</script>)', lambda m: m[1] + script + m[2], PAGE.read_text(encoding="utf-8")
    )
    assert found == 1
    assert "</script" not in script
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
