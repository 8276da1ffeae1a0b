"""A server that stands for the Hub, GitHub and WMT: ranges, redirects, stated checksums, and cuts on request."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789" * 4


@dataclass
class Publisher:
    """What is published, and what was asked for.

    Attributes:
        files: Address below the host to content; the Hub's begin with /datasets/ or with a model_id.
        asked: Address and first byte of every request for a content.
        cut: Address to the bytes after which the next answer for it breaks off.
        busy: Addresses that answer 503 the next time.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    address: str = ""

    @property
    def elsewhere(self) -> str:
        return self.address.replace("127.0.0.1", "localhost")

    def model(self, model_id: str, files: dict[str, bytes]) -> None:
        self.files |= {f"/{model_id}/resolve/{COMMIT}/{name}": content for name, content in files.items()}

    def environment(self) -> dict[str, str]:
        return {"HF_ENDPOINT": self.address, "OBSERVATORY_MIRROR": self.address, "NO_PROXY": "127.0.0.1,localhost"}


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lfs(name: str, content: bytes) -> dict[str, object]:
    """What the Hub says of a file that git holds only a pointer to."""
    if not name.endswith(".safetensors"):
        return {}
    digest = hashlib.sha256(content).hexdigest()
    return {"lfs": {"sha256": digest, "oid": digest, "size": len(content), "pointerSize": 100}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    publisher: Publisher

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        described = re.fullmatch(r"/api/models/(.+?)/(?:revision|tree)/([0-9a-f]{40})", path)
        if described:
            self._describe(described[1], tree="/tree/" in path)
        elif "/resolve/" in path and path in self.publisher.files:
            # the Hub names a large file by its checksum and sends its readers to another host
            content = self.publisher.files[path]
            self._head(302, b"", {
                "Location": f"{self.publisher.elsewhere}/cdn{path}",
                "X-Repo-Commit": COMMIT, "X-Linked-Size": str(len(content)),
                "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"', "ETag": f'"{blob(content)}"',
            })  # fmt: skip
        else:
            self._send(path.removeprefix("/cdn"))

    def _describe(self, model_id: str, *, tree: bool) -> None:
        start = f"/{model_id}/resolve/{COMMIT}/"
        found = {name.removeprefix(start): c for name, c in self.publisher.files.items() if name.startswith(start)}
        answer: object = {
            "id": model_id,
            "sha": COMMIT,
            "siblings": [
                {"rfilename": name, "size": len(c), "blobId": blob(c), **lfs(name, c)} for name, c in found.items()
            ],
        }
        if tree:
            answer = [
                {"type": "file", "path": name, "size": len(c), "oid": blob(c), **lfs(name, c)}
                for name, c in found.items()
            ]
        if not found:
            self._head(404, b"", {"X-Error-Code": "RepoNotFound"})
            return
        self._head(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, path: str) -> None:
        content = self.publisher.files.get(path)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.publisher.asked.append((path, start))
        self.publisher.headers.append(dict(self.headers))
        if content is None:
            self._head(404, b"", {})
        elif path in self.publisher.busy:
            self.publisher.busy.discard(path)
            self._head(503, b"", {})
        elif asked and start >= len(content):
            self._head(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        else:
            body = content[start:]
            extra = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
            self._head(206 if asked else 200, body, extra, stop=self.publisher.cut.pop(path, None))

    def _head(self, status: int, body: bytes, extra: dict[str, str], stop: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if stop is None else body[:stop])
        if stop is not None:
            self.close_connection = True


@contextmanager
def published() -> Iterator[Publisher]:
    """Serve until the block ends."""
    publisher = Publisher()
    handler = type("Handler", (_Handler,), {"publisher": publisher})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    publisher.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
