"""The servers of a team on this machine, to try them: PostgreSQL, S3 and MLflow with passwords.

`make team` starts them on loopback and prints addresses and users, `make team-stop` ends what it started. They keep
their data in a folder, and start again on it with the same addresses and passwords.
"""
