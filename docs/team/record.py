"""What there is to know of the servers in a folder: ports, passwords, processes."""

import json
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

USERS = {"ann": "EDIT", "ben": "READ"}
"""User to permission, in MLflow and, as rights to read and write, in the bucket of DVC."""
ADMIN = "admin"
PORTS = ("postgresql", "mlflow", "s3", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port",
         "volume.port.grpc", "filer.port", "filer.port.grpc")  # fmt: skip
DATABASES = ("mlflow", "passwords")
DVC, ARTIFACTS = "dvc", "mlflow"
"""Buckets: of DVC, which users reach, and of MLflow, which only its server reaches."""
S3_LIKE = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}
"""What clients of S3 need to know where the server is not Amazon's."""


@dataclass
class Team:
    """The servers in one folder.

    Attributes:
        folder: Their data, logs and this record.
        ports: Server to its port on loopback.
        passwords: User to password; it is the secret key of S3, too.
        processes: Server to process id and the time it was started, in ticks since the machine was.
        users: User to permission.
        auth: Whether MLflow wants a password.
        cached: Seconds for which MLflow remembers that a password was right.
    """

    folder: Path
    ports: Mapping[str, int]
    passwords: Mapping[str, str]
    processes: dict[str, tuple[int, int]] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=lambda: dict(USERS))
    auth: bool = True
    cached: int = 60

    @property
    def mlflow(self) -> str:
        """Address of MLflow."""
        return f"http://127.0.0.1:{self.ports['mlflow']}"

    @property
    def s3(self) -> str:
        """Address of S3."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def database(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{ADMIN}:{self.passwords[ADMIN]}@127.0.0.1:{self.ports['postgresql']}/{name}"

    def environment(self, user: str) -> dict[str, str]:
        """Return what the shell of a user needs."""
        login = {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": self.passwords[user]}
        keys = {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": self.passwords[user]}
        return {
            "MLFLOW_TRACKING_URI": self.mlflow,
            **(login if self.auth else {}),
            "AWS_ENDPOINT_URL_S3": self.s3,
            **keys,
            **S3_LIKE,
        }

    def save(self) -> None:
        """Write the record; nobody else may read the passwords in it."""
        text = json.dumps({**asdict(self), "folder": str(self.folder)}, indent=1)
        path = self.folder / "team.json"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def load(folder: Path) -> Team | None:
    """Return the servers of a folder, None where there have not been any."""
    path = folder / "team.json"
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    processes = {name: (pid, ticks) for name, (pid, ticks) in kept.pop("processes").items()}
    return Team(**{**kept, "folder": folder, "processes": processes})


def new(folder: Path, users: Mapping[str, str] = USERS, *, auth: bool = True, cached: int = 60) -> Team:
    """Choose ports and passwords for servers in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with_password = (ADMIN, *users)
    passwords = {user: secrets.token_hex(12) for user in with_password}
    return Team(folder, dict(zip(PORTS, free_ports(len(PORTS)), strict=True)), passwords, {}, users, auth, cached)


def free_ports(number: int) -> list[int]:
    """Return ports of loopback that nobody uses."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
