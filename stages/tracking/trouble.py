"""What goes wrong between us and an MLflow store, in one line with the way out of it."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from filelock import Timeout
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from stages.contracts.errors import InputError

READ_ONLY = "set MLFLOW_TRACKING_URI to a server or to sqlite:////A/WRITABLE/FOLDER/mlflow.db"
DAMAGED = (
    "move it aside (it may hold runs of others), then `observatory track --rebuild --all` logs every state of git anew"
)
_UNWRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT}


class StoreError(InputError):
    """The MLflow store cannot be used now; what was computed is not touched by that.

    Args:
        problem: One line: what, where, the way out.
    """

    def __init__(self, problem: str) -> None:
        super().__init__([problem])


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what MLflow raises within the block into a `StoreError`.

    Args:
        place: The store, as a message shows it.

    Raises:
        StoreError: The store cannot be used.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreError(_line(error, place)) from error


def answers(error: BaseException) -> bool:
    """Return whether a store still answers after an error, so that a run can be closed in it."""
    return not any(
        isinstance(cause, sqlite3.Error) or (isinstance(cause, requests.RequestException) and cause.response is None)
        for cause in _causes(error)
    )


def _line(error: BaseException, place: str) -> str:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, Timeout):
            return f"{place}: another process of this repository is logging: try again when it is done"
        if isinstance(cause, requests.RequestException):
            return f"{place}: {_of_request(cause)}"
        if isinstance(cause, MlflowException) and (known := _of_answer(cause)):
            return f"{place}: {known}"
        if isinstance(cause, sqlite3.Error):
            return f"{place} {of_database(cause)}"
        if isinstance(cause, OSError) and cause.errno in _UNWRITABLE:
            return f"{cause.filename or place} cannot be written ({cause.strerror}): {READ_ONLY}"
    return f"{place}: {_short(causes[0])}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def of_database(error: sqlite3.Error) -> str:
    """Return what is wrong with a database file and the way out, to follow its name."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return "is busy: another process holds it: try again when it is done"
    if "not a database" in text or "malformed" in text:
        return f"is damaged ({text}): {DAMAGED}"
    if "readonly" in text or "unable to open" in text or "full" in text or "I/O" in text:
        return f"cannot be written ({text}): {READ_ONLY}"
    return f"cannot be used ({text})"


def _of_request(error: requests.RequestException) -> str:
    if error.response is not None:
        return _of_status(error.response.status_code, error.response.text)
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted: set MLFLOW_TRACKING_SERVER_CERT_PATH to that of its authority"
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return "no answer in time: see whether the server is well; MLFLOW_HTTP_REQUEST_TIMEOUT=60 waits longer"
    if isinstance(error, requests.exceptions.RetryError):
        return "answers with errors (500 and the like): see its log"
    reason = next((str(c.strerror) for c in _causes(error) if isinstance(c, OSError) and c.strerror), "no connection")
    return f"cannot be reached ({reason}): start the server, or correct MLFLOW_TRACKING_URI"


def _of_answer(error: MlflowException) -> str | None:
    """Return what an answer of MLflow says, None when it is not one that we know."""
    text = str(error)
    if "out-of-date database schema" in text:
        return "was made by another version of MLflow: copy it, then `mlflow db upgrade` with its address"
    codes = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "ENDPOINT_NOT_FOUND": 404}
    status = codes.get(str(error.error_code))
    if status is None and "not in a valid JSON format" in text:
        status = 404
    return _of_status(status, text) if status else None


def _of_status(status: int, text: str) -> str:
    if status == 401:
        return "user name or password is wrong (401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    if status == 403 and "Host header" in text:
        return "the server does not know its own name (403): start it with --allowed-hosts"
    if status == 403:
        return "this user may not write there (403): ask whoever runs it for the permission EDIT"
    if status == 404:
        return "something answers there, but it is not an MLflow server: correct MLFLOW_TRACKING_URI"
    return f"the server answers {status}: see its log"


def _short(error: Any) -> str:  # noqa: ANN401 (MLflow's messages may be exceptions)
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
