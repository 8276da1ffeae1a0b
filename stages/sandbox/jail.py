"""The bubblewrap jail: what a jailed Python sees, and which system calls it is refused.

A jail holds the interpreter, its standard library, the C libraries of both and `/dev/null`, all read-only.
There is no other file, no `/proc`, no place to write, no network, and no second process or thread: a filter
on system calls refuses to start one. So the address space limit of the one process bounds the memory of the
jail, without cgroups, and the same holds for root, to whom the kernel's limit on processes does not apply.
"""

import os
import platform
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stages.contracts.errors import InputError

# name: (x86_64, aarch64); None where the architecture has no such call. Sources: the kernel's tables
# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # processes and threads
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "clone3": (435, 435),
    # sockets: the network namespace is empty, this is the second lock
    "socket": (41, 198),
    "socketpair": (53, 199),
    # memory that the address space limit does not count
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # new namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    # parts of the kernel that a benchmark never needs; io_uring would go round this filter
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "quotactl": (179, 60),
}
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column in `_REFUSED` and the kernel's AUDIT_ARCH number."""

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
"""Results of a filter: go on; fail with error number 1 (EPERM); end the process."""
_X32 = 0x40000000
"""Calls of the x32 ABI carry this bit, under which the same call has a second number."""

_FILES = ("wire.py", "candidate.py", "judge.py")
_INSTALL = "install the package `bubblewrap` (Debian, Ubuntu: apt-get install bubblewrap)"


def filter_program(machine: str) -> bytes:
    """Return the seccomp filter in classic BPF, as `bwrap --seccomp` reads it.

    Args:
        machine: `x86_64` or `aarch64`.
    """
    column, audit = _ARCHITECTURES[machine]
    code = [
        (_LOAD, 0, 0, 4),  # the architecture of the call
        (_JUMP_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_JUMP_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in code)


@dataclass(frozen=True)
class Jail:
    """Starts jailed Pythons.

    Attributes:
        command: The bubblewrap command line up to the program to run.
        seccomp: The filter on system calls.
    """

    command: tuple[str, ...]
    seccomp: bytes

    def start(
        self, module: str, arguments: Sequence[int], *, keep: Sequence[int], stdin: int, stderr: int
    ) -> subprocess.Popen[bytes]:
        """Start `module` of this package in a new jail.

        Args:
            module: Its name without the package.
            arguments: Numbers that its `main` finds on the command line.
            keep: File descriptors that it inherits under the same number.
            stdin: File descriptor to read from.
            stderr: Where bubblewrap writes why it could not start.
        """
        rules = memory_file(self.seccomp)
        try:
            return subprocess.Popen(
                [
                    *self.command,
                    *("--seccomp", str(rules), "--", "/python/bin/python", "-P", "-s", "-S", "-B", "-c"),
                    f"from stages.sandbox.{module} import main; main()",
                    *map(str, arguments),
                ],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(*keep, rules),
                start_new_session=True,  # Ctrl-C is for the caller, who then ends the jails
            )
        finally:
            os.close(rules)


def memory_file(content: bytes) -> int:
    """Return the descriptor of a file in memory that holds the content, set to its start."""
    fd = os.memfd_create("sandbox")
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def jail() -> Jail:
    """Return the jail for this machine.

    Raises:
        InputError: No bubblewrap here, or a machine that the filter on system calls does not know.
    """
    machine = platform.machine()
    problems = []
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        problems.append(f"sandbox: bubblewrap is missing, so generated code is not run: {_INSTALL}")
    if sys.platform != "linux" or machine not in _ARCHITECTURES:
        known = ", ".join(f"Linux {name}" for name in _ARCHITECTURES)
        problems.append(f"sandbox: cannot jail code on {sys.platform} {machine}: run this stage on {known}")
    if bwrap is None or problems:
        raise InputError(problems)
    return Jail(command=(bwrap, *_isolation(), *_contents()), seccomp=filter_program(machine))


def _isolation() -> list[str]:
    environment = {"PYTHONPATH": "/jail", "PYTHONHASHSEED": "0", "LD_LIBRARY_PATH": "/python/sys"}
    return [
        "--unshare-all",
        "--unshare-user",  # also where bubblewrap runs as root and could do without
        "--die-with-parent",
        *("--uid", "65534", "--gid", "65534", "--hostname", "jail", "--clearenv"),
        *(part for name, value in environment.items() for part in ("--setenv", name, value)),
    ]


@cache
def _contents() -> tuple[str, ...]:
    """Return the mounts, at places that say nothing about the host."""
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    inside = f"/python/{sys.platlibdir}/python{sys.version_info.major}.{sys.version_info.minor}"
    binds = {str(interpreter): "/python/bin/python", str(library): inside, **_libraries(interpreter, library)}
    here = Path(__file__).resolve().parent
    binds |= {str(here / name): f"/jail/stages/sandbox/{name}" for name in _FILES}
    masks = [f"{inside}/{name}" for name in ("site-packages", "dist-packages") if (library / name).is_dir()]
    return (
        *(part for source, place in binds.items() for part in ("--ro-bind", source, place)),
        *(part for place in masks for part in ("--tmpfs", place, "--remount-ro", place)),
        *("--dev-bind", "/dev/null", "/dev/null", "--remount-ro", "/", "--chdir", "/"),
    )


def _libraries(interpreter: Path, library: Path) -> dict[str, str]:
    """Return the shared libraries of the interpreter and its extension modules, and where to put them."""
    extensions = [p for p in sorted((library / "lib-dynload").glob("*.so")) if "tkinter" not in p.name]
    listing = subprocess.run(
        ["ldd", str(interpreter), *map(str, extensions)],
        capture_output=True,
        text=True,
        check=False,  # ldd fails for an extension whose library is absent, which the host cannot import either
    )
    places = {}
    for line in listing.stdout.splitlines():
        words = line.split()
        if "=>" in words and words[2].startswith("/"):
            places[words[2]] = f"/python/sys/{words[0]}"
        elif line.startswith("\t/"):
            places[words[0]] = words[0]  # the dynamic loader, which the kernel looks up by this very path
    return places
