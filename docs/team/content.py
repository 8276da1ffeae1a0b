"""What the servers are given before users come: databases, buckets, users."""

import time
from collections.abc import Callable, Mapping

import boto3
import psycopg
import requests
from botocore.exceptions import BotoCoreError, ClientError

from docs.team.record import ADMIN, ARTIFACTS, DATABASES, DVC, S3_LIKE, Team
from docs.team.servers import is_running, launch

PATIENCE = 120.0
"""Seconds until a server that does not answer is given up."""


def start(team: Team) -> None:
    """Start the servers that do not run, and make databases, buckets and users unless they are there.

    Raises:
        SystemExit: One cannot be started; one line.
    """
    for server in ("s3", "postgresql"):
        launch(team, server)
    await_answer(team, "postgresql", lambda: make_databases(team))
    launch(team, "mlflow")
    await_answer(team, "s3", lambda: make_buckets(team))
    await_answer(team, "mlflow", lambda: requests.get(f"{team.mlflow}/health", timeout=5).raise_for_status())
    if team.auth:
        make_users(team)


def await_answer(team: Team, server: str, probe: Callable[[], object]) -> None:
    """Try something on a server until it succeeds.

    Raises:
        SystemExit: The server ended, or does not answer.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            probe()
        except (requests.RequestException, psycopg.OperationalError, BotoCoreError, ClientError) as error:
            if not is_running(team, server) or time.monotonic() > end:
                log = team.folder / f"{server}.log"
                raise SystemExit(
                    f"{server} does not answer ({type(error).__name__}): see {log}; `make team-stop` ends the others"
                ) from None
            time.sleep(0.2)
        else:
            return


def make_databases(team: Team) -> None:
    """Make the databases of MLflow unless they are there."""
    connection = psycopg.connect(team.database("postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            known = {name for (name,) in cursor.fetchall()}
            for name in DATABASES:
                if name not in known:
                    cursor.execute(f"CREATE DATABASE {name}")
    finally:
        connection.close()


def make_buckets(team: Team) -> None:
    """Make the buckets unless they are there, and see that the server stores what it is given."""
    login = {"aws_access_key_id": ADMIN, "aws_secret_access_key": team.passwords[ADMIN]}
    client = boto3.client("s3", endpoint_url=team.s3, region_name=S3_LIKE["AWS_DEFAULT_REGION"], **login)
    known = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for name in {DVC, ARTIFACTS} - known:
        client.create_bucket(Bucket=name)
    client.put_object(Bucket=ARTIFACTS, Key="ready", Body=b"")


def make_users(team: Team) -> None:
    """Make the users of MLflow unless they are there, with what they may do in all experiments."""
    for user, permission in team.users.items():
        give(team, "2.0/mlflow/users/create", {"username": user, "password": team.passwords[user]})
        grant = {"username": user, "resource_type": "experiment", "resource_id": "*", "permission": permission}
        give(team, "3.0/mlflow/users/permissions/grant", grant)


def give(team: Team, route: str, content: Mapping[str, str]) -> None:
    """Ask MLflow, as its administrator, for something to be there."""
    login = (ADMIN, team.passwords[ADMIN])
    answer = requests.post(f"{team.mlflow}/api/{route}", json=content, auth=login, timeout=PATIENCE)
    if "RESOURCE_ALREADY_EXISTS" not in answer.text:
        answer.raise_for_status()
