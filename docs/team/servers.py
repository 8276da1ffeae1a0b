"""The processes: how each server is started, and ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from docs.team.record import ADMIN, ARTIFACTS, DVC, S3_LIKE, Team

CLUSTERS = Path("/usr/lib/postgresql")
ENDING = 20.0
"""Seconds until a server that was asked to end is killed."""


def launch(team: Team, server: str) -> None:
    """Start a server unless it runs."""
    if is_running(team, server):
        return
    command, environment = COMMANDS[server](team)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DVC_", "MLFLOW_", "PG"))}
    with (team.folder / f"{server}.log").open("ab") as log:
        outputs = [(os.POSIX_SPAWN_DUP2, log.fileno(), number) for number in (1, 2)]
        pid = os.posix_spawn(
            "/usr/bin/env",
            ["env", f"--chdir={team.folder}", *command],
            clean | environment,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), *outputs],
            setsid=True,
        )
    team.processes[server] = (pid, started(pid) or 0)
    team.save()


def _postgresql(team: Team) -> tuple[list[str], dict[str, str]]:
    found = sorted(CLUSTERS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise SystemExit("PostgreSQL is missing: `make team` installs it, or `apt-get install postgresql`")
    # it refuses to run as root; who has root's files without being root is nobody in a namespace of its own
    as_nobody = ["unshare", "--user"] if os.geteuid() == 0 else []
    data = team.folder / "postgresql"
    if not (data / "PG_VERSION").is_file():
        secret = team.folder / "postgresql.password"
        secret.touch(mode=0o600)
        secret.write_text(team.passwords[ADMIN], encoding="utf-8")
        options = [
            f"--username={ADMIN}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ]
        run("initdb", [*as_nobody, str(found[-1]), f"--pgdata={data}", *options], team.folder / "postgresql.log")
    settings = [f"port={team.ports['postgresql']}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
    words = [word for setting in settings for word in ("-c", setting)]
    return [*as_nobody, str(found[-1].with_name("postgres")), "-D", str(data), *words], {}


def _s3(team: Team) -> tuple[list[str], dict[str, str]]:
    actions = {"EDIT": ("Read", "List", "Write", "Tagging"), "READ": ("Read", "List")}
    may = {user: [f"{action}:{DVC}" for action in actions[permission]] for user, permission in team.users.items()}
    identities = [
        {"name": u, "credentials": [{"accessKey": u, "secretKey": team.passwords[u]}], "actions": allowed}
        for u, allowed in {ADMIN: ["Admin"], **may}.items()
    ]
    config = team.folder / "s3.json"
    config.touch(mode=0o600)
    config.write_text(json.dumps({"identities": identities}), encoding="utf-8")
    data = team.folder / "s3"
    data.mkdir(exist_ok=True)
    ports = {"s3.port": team.ports["s3"], **{k: v for k, v in team.ports.items() if ".port" in k}}
    options = {
        **ports,
        "s3": "true",
        "s3.config": config,
        "dir": data,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        # by default it tells its makers what it is used for, and serves catalogs that nobody asks for
        "master.telemetry": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        # as many files of at most 64 MB as there is room for: by default it reserves eight of 30 GB
        "master.volumeSizeLimitMB": 64,
        "volume.max": 0,
        "master.electionTimeout": "1s",
        # beside the data, relative: the path of a socket has at most 107 bytes
        "filer.localSocket": "filer.sock",
        "s3.localSocket": "s3.sock",
    }
    program = Path(sys.executable).parent / "weed"
    return [str(program), "-logtostderr=true", "server", *(f"-{k}={v}" for k, v in options.items())], {}


def _mlflow(team: Team) -> tuple[list[str], dict[str, str]]:
    config = team.folder / "mlflow.ini"
    config.touch(mode=0o600)
    config.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {team.database('passwords')}\nadmin_username = {ADMIN}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        f"auth_cache_ttl_seconds = {team.cached}\n",
        encoding="utf-8",
    )
    environment = {
        "MLFLOW_BACKEND_STORE_URI": team.database("mlflow"),
        "MLFLOW_ARTIFACTS_DESTINATION": f"s3://{ARTIFACTS}",
        "MLFLOW_S3_ENDPOINT_URL": team.s3,
        "AWS_ACCESS_KEY_ID": ADMIN,
        "AWS_SECRET_ACCESS_KEY": team.passwords[ADMIN],
        **S3_LIKE,
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_AUTH_ADMIN_PASSWORD": team.passwords[ADMIN],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": team.passwords[ADMIN],
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # a runner of jobs and its seven consumers, for what the observatory does not use
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    program = [str(Path(sys.executable).parent / "mlflow"), "server", *(["--app-name", "basic-auth"] * team.auth)]
    return [*program, "--host", "127.0.0.1", "--port", str(team.ports["mlflow"]), "--workers", "1"], environment


COMMANDS: Mapping[str, Callable[[Team], tuple[list[str], dict[str, str]]]] = {
    "postgresql": _postgresql,
    "s3": _s3,
    "mlflow": _mlflow,
}
"""Server to what makes its command and environment."""


def run(what: str, command: Sequence[str], log: Path) -> None:
    """Run a program to its end.

    Raises:
        SystemExit: It failed.
    """
    with log.open("ab") as file:
        done = subprocess.run(command, stdout=file, stderr=file, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{what} failed: see {log}")


def started(pid: int) -> int | None:
    """Return when a process was started, None when there is none of that id, or it only waits to be buried."""
    try:
        # the name of the program, in brackets, may hold blanks
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] == "Z" else int(words[19])


def is_running(team: Team, server: str) -> bool:
    """Return whether the process that was started as a server is there: an id may have gone to another since."""
    pid, ticks = team.processes.get(server, (0, 0))
    return bool(pid) and started(pid) == ticks


def end(team: Team, server: str, how: signal.Signals | None = None) -> bool:
    """End a server that was started here, and what it started.

    Args:
        team: The servers.
        server: Which of them.
        how: The signal; without one that with which the server ends in order.

    Returns:
        Whether it ran.
    """
    if not is_running(team, server):
        return False
    pid, _ = team.processes[server]
    # the S3 server waits for its own clients when it is asked to end; what it has it has written
    polite = {"postgresql": signal.SIGINT, "s3": signal.SIGKILL, "mlflow": signal.SIGTERM}
    limit = time.monotonic() + ENDING
    # it may end by itself in between
    with suppress(ProcessLookupError):
        os.killpg(pid, how or polite[server])
        while is_running(team, server):
            if time.monotonic() > limit:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(0.1)
    return True


def stop(team: Team) -> list[str]:
    """End the servers that run, and return their names."""
    ended = [server for server in ("mlflow", "s3", "postgresql") if end(team, server)]
    team.processes.clear()
    team.save()
    return ended
