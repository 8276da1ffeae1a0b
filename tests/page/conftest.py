"""One browser for all tests of pages."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.browser import open_browser


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
