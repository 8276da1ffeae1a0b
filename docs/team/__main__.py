"""`python -m docs.team start FOLDER`, `python -m docs.team stop FOLDER`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs.team import __doc__ as description
from docs.team.content import start
from docs.team.record import ADMIN, ARTIFACTS, DVC, Team, load, new
from docs.team.servers import stop


def told(team: Team) -> Iterator[str]:
    """Yield addresses and users, then what a user types."""
    yield f"MLflow      {team.mlflow}"
    yield f"S3          {team.s3}, bucket {DVC} for DVC, bucket {ARTIFACTS} for artifacts of MLflow"
    yield f"PostgreSQL  127.0.0.1:{team.ports['postgresql']}, database mlflow"
    yield ""
    for user in (*team.users, ADMIN):
        may = {"EDIT": "reads and writes", "READ": "reads"}.get(team.users.get(user, ""), "administers MLflow")
        yield f"{user:6}{team.passwords[user]}  {may}"
    yield ""
    first = next(iter(team.users))
    yield f"As {first}, in a shell:"
    yield from (f"export {name}={value}" for name, value in team.environment(first).items())
    yield f"dvc remote add --default team s3://{DVC}/observatory"


def main(arguments: Sequence[str]) -> None:
    """Start or stop the servers of a folder."""
    parser = argparse.ArgumentParser(prog="python -m docs.team", description=description)
    parser.add_argument("what", choices=("start", "stop"))
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    folder = chosen.folder.resolve()
    team = load(folder)
    if chosen.what == "start":
        team = team or new(folder)
        start(team)
        lines = told(team)
    elif team is None:
        lines = iter([f"{chosen.folder}: nothing was started there"])
    else:
        ended = ", ".join(stop(team)) or "nothing, none ran"
        lines = iter([f"ended: {ended}; their data are kept in {chosen.folder}"])
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
