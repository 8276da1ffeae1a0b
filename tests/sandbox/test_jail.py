"""Generated code sees nothing of the host, cannot use it up, and leaves nothing running."""

import dataclasses
import os
import platform
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path

import pytest

from stages.sandbox import run as sandbox
from stages.sandbox.jail import _REFUSED, filter_program, jail
from stages.sandbox.run import Limits, run_programs
from tests.sandbox.programs import RIGHT, ROOT, add, look, outcome

MIB = 1 << 20


class TestIsolation:
    def test_the_jail_holds_the_python_runtime_and_nothing_else(self):
        body = (
            "import os\nfiles = {d: len(f) for d, _, f in os.walk('/') if not d.startswith('/python/lib')}\n"
            "return [sorted(os.listdir('/')), files, os.listdir('/dev'), os.listdir('/jail/stages/sandbox')]"
        )
        runner = sorted(("wire.py", "candidate.py", "judge.py"))
        program = look(
            body,
            f"set(candidate()[0]) <= {{'dev', 'jail', 'lib', 'lib64', 'python'}} "
            f"and candidate()[2] == ['null'] and sorted(candidate()[3]) == {runner}",
        )
        assert outcome(program) == "passed"

    @pytest.mark.parametrize(
        "path",
        [*map(str, (Path.home(), ROOT)), sys.prefix, tempfile.gettempdir(), "/home", "/etc", "/proc", "/sys", "/usr"],
    )
    def test_host_paths_are_absent(self, path):
        assert Path(path).exists()
        assert outcome(look(f"import os\nreturn os.path.lexists({path!r})", "candidate() is False")) == "passed"

    def test_nothing_installed_can_be_imported(self):
        body = "import os\nreturn [d for d, _, f in os.walk('/') if 'site-packages' in d and f]"
        assert outcome(look(body, "candidate() == []")) == "passed"

    def test_the_environment_is_empty_of_secrets(self, monkeypatch):
        monkeypatch.setenv("HF_TOKEN", "secret")
        body = "import os\nreturn sorted(os.environ)"
        allowed = {"LC_CTYPE", "LD_LIBRARY_PATH", "PWD", "PYTHONHASHSEED", "PYTHONPATH"}
        assert outcome(look(body, f"set(candidate()) <= {allowed}")) == "passed"

    def test_the_host_has_no_name_and_the_program_no_user(self):
        body = "import os\nreturn [os.uname().nodename, os.getuid(), os.getpid() < 5]"
        assert outcome(look(body, "candidate() == ['jail', 65534, True]")) == "passed"

    def test_only_the_pipes_to_the_test_are_open(self):
        body = (
            "import os, stat\nkinds = []\nfor fd in range(1024):\n    try:\n        mode = os.fstat(fd).st_mode\n"
            "    except OSError:\n        continue\n    kinds.append('pipe' if stat.S_ISFIFO(mode) else 'device'"
            " if stat.S_ISCHR(mode) else 'other')\nreturn kinds"
        )
        assert outcome(look(body, "candidate() == ['device'] * 3 + ['pipe'] * 2")) == "passed"

    def test_there_is_no_place_to_write(self):
        body = (
            "import os\nwritable = []\nfor folder, _, files in os.walk('/'):\n"
            "    for path in [folder + '/new'] + [folder + '/' + f for f in files]:\n        try:\n"
            "            os.close(os.open(path, os.O_WRONLY | os.O_CREAT))\n            writable.append(path)\n"
            "        except OSError:\n            pass\nreturn writable"
        )
        assert outcome(look(body, "candidate() == ['/dev/null']")) == "passed"
        assert outcome(add("    open('/new', 'w').write('x' * 10**9)\n")) == "forbidden"

    def test_no_network(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            attempts = (
                f"    import socket\n    socket.create_connection(('127.0.0.1', {port}), timeout=1)\n",
                f"    import urllib.request\n    urllib.request.urlopen('http://127.0.0.1:{port}/')\n",
                "    import socket\n    socket.getaddrinfo('example.org', 80)\n",
                "    import socket\n    socket.socketpair()\n",
            )
            assert [outcome(add(attempt)) for attempt in attempts] == ["forbidden"] * 4
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()

    def test_no_network_by_the_namespace_alone(self, monkeypatch):
        all_calls_allowed = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
        weak = dataclasses.replace(jail(), seccomp=all_calls_allowed)
        monkeypatch.setattr(sandbox, "jail", lambda: weak)
        socket_pair = look("import socket\nreturn len(socket.socketpair())", "candidate() == 2")
        assert outcome(socket_pair) == "passed"
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            attempt = f"    import socket\n    socket.create_connection(('127.0.0.1', {port}), timeout=1)\n"
            assert outcome(add(attempt)) == "forbidden"
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()

    @pytest.mark.parametrize(
        "attempt",
        [
            "    import os\n    while True: os.fork()\n",
            "    import subprocess\n    subprocess.run(['/python/bin/python', '-c', ''])\n",
            "    import threading\n    threading.Thread(target=print).start()\n",
            "    from concurrent.futures import ThreadPoolExecutor as T\n    T(2).submit(sum, (a, b)).result()\n",
            "    import multiprocessing\n    multiprocessing.Process(target=print).start()\n",
        ],
    )
    def test_no_second_process_or_thread(self, attempt):
        assert outcome(add(attempt)) == "forbidden"

    def test_refused_system_calls_fail_with_eperm(self):
        column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
        numbers = [row[column] for row in _REFUSED.values() if row[column] is not None]
        assert set(_REFUSED) >= {
            *("clone", "clone3", "fork", "vfork", "socket", "socketpair", "ptrace", "process_vm_writev"),
            *("memfd_create", "shmget", "msgget", "mq_open", "unshare", "setns", "mount", "io_uring_setup", "bpf"),
        }
        body = (
            "import ctypes\ncall = ctypes.CDLL(None, use_errno=True).syscall\nerrors = set()\n"
            f"for number in {numbers}:\n    assert call(number, 0, 0, 0, 0, 0, 0) == -1\n"
            "    errors.add(ctypes.get_errno())\nreturn errors"
        )
        assert outcome(look(body, "candidate() == {1}")) == "passed"

    def test_limits_are_set_and_cannot_be_raised(self):
        body = (
            "import resource as r\nkinds = (r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CORE, r.RLIMIT_NOFILE)\n"
            "known = [r.getrlimit(kind) for kind in kinds]\nfor kind in kinds:\n    try:\n"
            "        r.setrlimit(kind, (1 << 40, 1 << 40))\n        known.append(kind)\n"
            "    except ValueError:\n        pass\nreturn known"
        )
        expected = [(1 << 30, 1 << 30), (0, 0), (1, 1), (32, 32)]
        assert outcome(look(body, f"candidate() == {expected}")) == "passed"

    def test_the_filter_knows_both_machines_and_no_call_twice(self):
        for column, machine in enumerate(("x86_64", "aarch64")):
            numbers = [row[column] for row in _REFUSED.values() if row[column] is not None]
            assert len(set(numbers)) == len(numbers)
            assert len(filter_program(machine)) == 8 * (6 + 2 * len(numbers) + 1)


class TestBounds:
    @pytest.mark.parametrize(
        "completion",
        [
            "    return len(bytearray(1 << 31))\n",
            "    x = []\n    while True: x.append('x' * 10**7)\n",
            "    import mmap\n    return [mmap.mmap(-1, 1 << 28) for _ in range(8)]\n",
            "    return 'x' * (17 << 20)\n",
        ],
    )
    def test_memory_is_bounded(self, completion):
        assert outcome(add(completion), Limits(memory_bytes=256 * MIB)) == "memory"

    def test_memory_limit_is_a_parameter(self):
        program = look("return len(bytearray(200 << 20))", "candidate() == 200 << 20")
        assert outcome(program) == "passed"
        assert outcome(program, Limits(memory_bytes=128 * MIB)) == "memory"

    def test_recursion_without_end_does_not_pass(self):
        bomb = "    import sys\n    sys.setrecursionlimit(10**9)\n    return add(a, b)\n"
        assert outcome(add(bomb), Limits(seconds=1, memory_bytes=64 * MIB)) != "passed"

    def test_output_is_thrown_away_and_does_not_pile_up(self):
        flood = (
            "    import os\n    for _ in range(2000):\n        os.write(1, b'x' * 2**20)\n"
            "        os.write(2, b'x' * 2**20)\n"
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert outcome(add(flood + RIGHT)) == "passed"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB

    @pytest.mark.parametrize(
        "completion",
        [
            "    import time\n    time.sleep(1000)\n",
            "    import os, signal\n    os.kill(os.getpid(), signal.SIGSTOP)\n",
            "    return 0\nimport os\nwhile True: os.write(1, b'x' * 4096)\n",
            "    return sum(iter(int, 1))\n",
            "    return 9 ** 9 ** 9\n",
        ],
    )
    def test_time_is_bounded(self, completion):
        (verdict,) = run_programs([add(completion)], Limits(seconds=0.5))
        assert (verdict.passed, verdict.outcome) == (False, "timeout")
        assert 0.5 <= verdict.seconds <= 2.5

    def test_a_loaded_machine_does_not_time_an_honest_program_out(self):
        busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end:\n    pass\nreturn 1"
        hog = "import time\nend = time.time() + 20\nwhile time.time() < end:\n    pass"
        cores = len(os.sched_getaffinity(0))
        hogs = [  # each in its own session, which the scheduler treats as equal to that of a jail
            subprocess.Popen([sys.executable, "-c", hog], start_new_session=True) for _ in range(3 * cores)
        ]
        try:
            time.sleep(0.3)
            (verdict,) = run_programs([look(busy, "candidate() == 1")], Limits(seconds=0.6))
        finally:
            for process in hogs:
                process.kill()
                process.wait()
        assert verdict.outcome == "passed"
        assert verdict.seconds > 0.6

    def test_one_hostile_program_does_not_hold_up_the_rest(self):
        stuck = add("    while True: pass\n")
        programs = [stuck, *[add(RIGHT)] * 8, stuck, add(RIGHT)]
        verdicts = run_programs(programs, Limits(seconds=0.5), workers=2)
        assert [v.outcome for v in verdicts] == ["timeout", *["passed"] * 8, "timeout", "passed"]


class TestSurvivors:
    numbers = count(1)

    @pytest.fixture
    def limits(self):
        """Limits whose memory size is on the command line of these jails only."""
        return Limits(seconds=0.6, memory_bytes=(1 << 30) + os.getpid() * 4096 + next(self.numbers))

    @staticmethod
    def alive(limits: Limits) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue
            if str(limits.memory_bytes).encode() in line and b"run_programs" not in line:
                found.append(line.decode(errors="replace"))
        return found

    def gone(self, limits: Limits) -> bool:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if not self.alive(limits):
                return True
            time.sleep(0.02)
        return False

    @pytest.mark.parametrize(
        "completion",
        [
            "    while True: pass\n",
            # out of the session, deaf to signals, and without the wish to die with its parent
            "    import ctypes, os, signal\n    try:\n        os.setsid()\n    except OSError:\n        pass\n"
            "    ctypes.CDLL(None).prctl(1, 0)\n    for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
            "        signal.signal(s, signal.SIG_IGN)\n    while True: pass\n",
            # the pipe closed, so that the verdict comes before the end of the process
            "    import os\n    os.closerange(3, 1024)\n    while True: pass\n",
        ],
    )
    def test_no_process_outlives_its_verdict(self, limits, completion):
        watch = []
        thread = threading.Thread(target=lambda: watch.append((time.sleep(0.3), self.alive(limits))[1]))
        thread.start()
        assert outcome(add(completion), limits) in {"timeout", "error"}
        thread.join()
        assert watch[0]
        assert self.gone(limits)

    @pytest.mark.parametrize("workers", [1, 6])
    def test_as_many_programs_run_at_a_time_as_workers_are_asked_for(self, limits, workers):
        alone = 4  # processes of one program: two jails, each with bubblewrap's own
        counts = []
        done = threading.Event()

        def watch():
            while not done.is_set():
                counts.append(len(self.alive(limits)))
                time.sleep(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        sleepers = [add("    import time\n    time.sleep(1000)\n")] * 6
        assert {v.outcome for v in run_programs(sleepers, limits, workers=workers)} == {"timeout"}
        done.set()
        watcher.join()
        assert (max(counts) > 2 * alone) == (workers > 1)

    def test_no_process_outlives_a_killed_caller(self, limits):
        script = (
            "from stages.sandbox.run import *; run_programs([Program('def f():\\n', "
            "'    while True: pass\\n', 'def check(f): f()', 'f')], "
            f"Limits(seconds=60, memory_bytes={limits.memory_bytes}))"
        )
        caller = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
        end = time.monotonic() + 20
        while len(self.alive(limits)) < 4 and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.alive(limits)) >= 4
        caller.kill()
        caller.wait()
        assert self.gone(limits)

    def test_no_descriptor_is_left_open(self):
        run_programs([add(RIGHT)])
        before = len(list(Path("/proc/self/fd").iterdir()))
        endings = (RIGHT, "    import os\n    os._exit(0)\n", "    while True: pass\n")
        run_programs([add(ending) for ending in endings], Limits(seconds=0.3))
        assert len(list(Path("/proc/self/fd").iterdir())) == before
