"""A file from its publisher, the Hub or a mirror, resumed after a cut."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests

from stages.contracts.errors import InputError
from stages.tasks.sources import UNFETCHED, hub

MIRROR_VARIABLE = "OBSERVATORY_MIRROR"
"""Address below which a mirror has the files of other hosts than the Hub: MIRROR/raw.githubusercontent.com/..."""
OFFLINE_VARIABLE = "HF_HUB_OFFLINE"

_WAITS = (1, 2, 4, 8)
"""Seconds between attempts that brought nothing."""
_TIMEOUT = (10, 60)
"""Seconds for a connection, and between two pieces of an answer."""
_AGAIN = {408, 429, 500, 502, 503, 504}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_unreachable: set[str] = set()
"""Hosts that did not answer: seventy files of one host wait for it once."""


def offline() -> bool:
    """Return whether nothing may be fetched, as the Hub's own library reads it."""
    return os.environ.get(OFFLINE_VARIABLE, "").upper() in {"1", "ON", "YES", "TRUE"}


def address(url: str) -> str:
    """Return where a file is asked for: on the Hub, on its host, or on a mirror of that."""
    if url.startswith("hf://"):
        name, _, at = url.removeprefix("hf://").partition("@")
        commit, _, path = at.partition("/")
        return f"{hub()}/{name}/resolve/{commit}/{path}"
    mirror = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    return f"{mirror}/{url.partition('://')[2]}" if mirror and not url.startswith(hub()) else url


def headers(url: str) -> dict[str, str]:
    """Return what a request for a file carries: the user's token for the Hub, and that nothing is to be compressed."""
    token = _token() if url.startswith(("hf://", f"{hub()}/")) else None
    return {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}


def _token() -> str | None:
    try:
        from huggingface_hub import get_token
    except ImportError:
        return os.environ.get("HF_TOKEN")
    return get_token()  # type: ignore[no-any-return]  # it has no types here


def download(url: str, part: Path) -> str | None:
    """Fetch a file, from where an earlier attempt ended; return the SHA-256 that the Hub states of it."""
    asked = address(url)
    host = urlsplit(asked).netloc
    if offline():
        raise InputError([f"{UNFETCHED} {url} ({OFFLINE_VARIABLE} is set)"])
    if host in _unreachable:
        raise InputError([f"{UNFETCHED} {url} ({host} was not reached before)"])
    waits = list(_WAITS)
    while True:
        before = _size(part)
        try:
            return _get(asked, part, headers(url))
        except requests.RequestException as error:
            answer = error.response
            reason = " ".join(str(error).split())[:160]
            if answer is not None and answer.status_code not in _AGAIN:
                raise InputError([f"{UNFETCHED} {url} ({reason})"]) from None
            if _size(part) > before:
                # a server that goes on sending is asked for the rest as long as it does
                waits = list(_WAITS)
            if not waits or (answer is None and before == _size(part) == 0 and len(waits) < len(_WAITS)):
                if before == _size(part) == 0:
                    _unreachable.add(host)
                raise InputError([f"{UNFETCHED} {url} ({reason}); {_size(part)} bytes are kept"]) from None
            time.sleep(waits.pop(0))


def _get(url: str, part: Path, carried: Mapping[str, str]) -> str | None:
    # whoever wants no bars says so before tqdm is first imported
    from tqdm import tqdm

    start = _size(part)
    asked = {**carried, **({"Range": f"bytes={start}-"} if start else {})}
    with requests.get(url, headers=asked, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == 416:
            # the part is no beginning of the file, or all of it: the checksum decides
            if answer.headers.get("Content-Range", "").rpartition("/")[2] != str(start):
                part.unlink()
                return _get(url, part, carried)
            return _stated(answer)
        answer.raise_for_status()
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        length = int(answer.headers.get("Content-Length", 0)) + (start if goes_on else 0)
        with (
            part.open("ab" if goes_on else "wb") as file,
            tqdm(total=length or None, initial=_size(part), unit="B", unit_scale=True, desc=part.name[1:-5]) as bar,
        ):
            for block in answer.iter_content(2**16):
                file.write(block)
                bar.update(len(block))
        return _stated(answer)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _stated(answer: requests.Response) -> str | None:
    """Return the SHA-256 that the Hub names a large file by; it redirects to where the bytes are."""
    for each in (*answer.history, answer):
        tag = each.headers.get("X-Linked-ETag", "").strip('"')
        if _SHA256.fullmatch(tag):
            return tag
    return None
