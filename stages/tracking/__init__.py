"""MLflow: what a run says of a state, written and read back.

MLflow reads these settings from the environment, the first when it is imported; whoever set one keeps it.
"""

import os

# it starts a telemetry thread otherwise
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# progress bars of migrations and uploads say nothing to the user of `dvc repro`
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# to print the address of a run, password included, MLflow asks the server for the whole run
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# by default a server that does not answer is waited for minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "6")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
os.environ.setdefault("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "false")
# a connection that is kept goes on showing a database that was replaced
os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
