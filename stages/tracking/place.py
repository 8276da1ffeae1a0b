"""Where the MLflow store is, and what in it is ours; without MLflow, whose import takes seconds.

The store is `mlflow.db` and `mlruns/` in the repository root, so that bare `mlflow ui` finds it, unless
MLFLOW_TRACKING_URI names another.
"""

import hashlib
import os
import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SQLITE = "sqlite:///"
SERVERS = ("http:", "https:", "databricks", "uc")
"""Beginnings of the addresses of servers, which decide themselves where artifacts go."""
FOLDERS = ("", "file")
"""Schemes of folders, which MLflow 3.13 and later refuses as a store."""


def store_uri(root: Path) -> str:
    """Return the tracking URI: MLFLOW_TRACKING_URI, or the database in the repository root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{root / 'mlflow.db'}"


def is_missing(root: Path) -> bool:
    """Return whether the local store is used and does not exist yet."""
    return not os.environ.get("MLFLOW_TRACKING_URI") and not (root / "mlflow.db").exists()


@dataclass(frozen=True)
class Store:
    """The store that a repository logs to.

    Attributes:
        root: Absolute repository root; also inside a temporary workspace of DVC it is the real one.
    """

    root: Path

    @cached_property
    def uri(self) -> str:
        """Tracking URI."""
        return store_uri(self.root)

    @cached_property
    def database(self) -> Path | None:
        """The file of an SQLite store, None for a server."""
        if not self.uri.startswith(SQLITE):
            return None
        return Path(self.uri.removeprefix(SQLITE).partition("?")[0]).resolve()

    @cached_property
    def is_shared(self) -> bool:
        """Whether others may log to it at the same time, whom our lock does not stop."""
        return self.database != (self.root / "mlflow.db").resolve()

    @cached_property
    def place(self) -> str:
        """The store as messages show it: without a password."""
        if self.database is not None:
            return "mlflow.db" if not self.is_shared else str(self.database)
        parts = urlsplit(self.uri)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @cached_property
    def artifacts(self) -> Path:
        """Folder of the artifacts of a store without a server."""
        return (self.database.parent if self.database else self.root) / "mlruns"

    @cached_property
    def repository(self) -> str:
        """Names this folder of this machine in a store that others use too."""
        return hashlib.sha256(f"{platform.node()}:{self.root}".encode()).hexdigest()[:16]

    def location(self, experiment: str) -> str | None:
        """Return where the artifacts of an experiment are, None when a server decides it."""
        return None if self.uri.startswith(SERVERS) else (self.artifacts / experiment).as_uri()

    def page(self, experiment: str, run_id: str) -> str:
        """Return the address of the page of a run, "" where no server shows it."""
        return (
            f"{self.place.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}" if self.uri.startswith("http") else ""
        )

    def contains(self, uri: str) -> bool:
        """Return whether artifacts are where this store has them."""
        return uri.startswith(f"{self.artifacts.as_uri()}/")

    @property
    def is_folder(self) -> bool:
        """Whether the address is that of a folder."""
        return urlsplit(self.uri).scheme in FOLDERS and not self.uri.startswith(SERVERS)

    @property
    def exists(self) -> bool:
        """Whether there is a store to read; a server is taken to be there."""
        return self.database is None or self.database.is_file()
