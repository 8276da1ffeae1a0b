"""A headless Chromium for tests of pages."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
"""Debian packages `chromium` and `chromium-driver`; selenium would otherwise download a driver."""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
    # no network: names resolve to nothing, addresses go to a proxy that is not there; only this machine is reached
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--proxy-server=127.0.0.1:9",
)


@contextmanager
def open_browser(profile: Path, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Start a browser with a profile of its own and end it with the block.

    Args:
        profile: Empty folder for its user data.
        width: Of the window, CSS pixels.
        height: Of the window, CSS pixels.
    """
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    # its own first page would go on asking for files after the page of a test is opened
    options.add_experimental_option(
        "prefs", {"session.restore_on_startup": 4, "session.startup_urls": ["about:blank"]}
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=Service(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def set_width(browser: Chrome, width: int, height: int = 900) -> None:
    """Show the page at this width, also below the smallest window that the browser allows."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def console(browser: Chrome) -> list[str]:
    """Return the messages of the console since the last call, errors of loading among them."""
    return [entry["message"] for entry in browser.get_log("browser")]


def requested(browser: Chrome) -> list[str]:
    """Return the addresses that the page asked for since the last call, without those of the browser's own pages."""
    messages: list[dict[str, Any]] = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    requests = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [r["request"]["url"] for r in requests if not r["documentURL"].startswith("chrome")]


def overflow(browser: Chrome) -> int:
    """Return by how many pixels the page is wider than its window."""
    script = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
    found: int = browser.execute_script(script)
    return found


def unnamed_pictures(browser: Chrome) -> list[str]:
    """Return the pictures without words for who cannot see them, but for those that are marked as decoration."""
    script = """return [...document.querySelectorAll('svg, img')]
        .filter(e => e.ownerSVGElement == null && e.getAttribute('aria-hidden') !== 'true')
        .filter(e => e.tagName === 'IMG' ? !e.alt : e.getAttribute('role') !== 'img' || !e.getAttribute('aria-label'))
        .map(e => e.outerHTML.slice(0, 120))"""
    found: list[str] = browser.execute_script(script)
    return found


def low_contrast(browser: Chrome) -> list[str]:
    """Return the texts whose contrast with what lies behind them is below 4.5 to 1 (WCAG 2.2, level AA)."""
    script = """
    const parse = text => (text.match(/[0-9.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => {
        const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [x, y, z] = [r, g, b].map(v => linear(v / 255));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
            if (a > 0.9) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const low = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        const style = getComputedStyle(element);
        const ink = light(parse(element.namespaceURI.endsWith('svg') ? style.fill : style.color));
        const paper = light(behind(element));
        const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        if (ratio < 4.5) low.add(`${ratio.toFixed(2)} ${element.tagName}.${element.getAttribute('class')}: `
            + walker.currentNode.data.trim().slice(0, 60));
    }
    return [...low]"""
    found: list[str] = browser.execute_script(script)
    return found
