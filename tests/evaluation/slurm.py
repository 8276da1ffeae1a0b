"""Slurm on the loopback device: a controller and one node of two CPUs, without accounts."""

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONFIGURATION = """\
ClusterName=observatory
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
PATIENCE = 120


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Run Slurm until the block ends; SLURM_CONF leads its commands there."""
    path = folder / "slurm.conf"
    for name in ("state", "spool"):
        (folder / name).mkdir()
    values = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": folder}
    path.write_text(CONFIGURATION.format(controller=_port(), node=_port(), **values), encoding="utf-8")
    os.environ["SLURM_CONF"] = str(path)
    try:
        with ExitStack() as stack:
            for program in ("slurmctld", "slurmd"):
                command = [f"/usr/sbin/{program}", "-D", "-f", str(path)]
                output = stack.enter_context((folder / f"{program}.txt").open("w"))
                process = subprocess.Popen(command, stdout=output, stderr=output)
                stack.callback(process.wait)
                stack.callback(process.terminate)
            _wait_for_node()
            yield
            command = ["scancel", "--user", getpass.getuser()]
            subprocess.run(command, check=False)
    finally:
        del os.environ["SLURM_CONF"]


def _wait_for_node() -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if "idle" in ask("sinfo", "--noheader", "--format", "%T"):
            return
        time.sleep(0.2)
    raise AssertionError("Slurm does not start")


def ask(*command: str) -> str:
    """Return what a command of Slurm prints."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
