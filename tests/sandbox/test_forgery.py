"""A generated program passes by being right and in no other way.

Each attack returns a wrong answer, or none, and tries to pass nevertheless.
"""

import pytest

from stages.sandbox.run import Limits, Program
from tests.sandbox.programs import ADD, add, outcome

FORGERIES = {
    "exit at import": "    return 0\nimport sys\nsys.exit(0)\n",
    "hard exit at import": "    return 0\nimport os\nos._exit(0)\n",
    "exit in the function": "    raise SystemExit(0)\n",
    "hard exit in the function": "    import os\n    os._exit(0)\n",
    "interrupt": "    raise KeyboardInterrupt\n",
    "assertion error replaced": "    return 0\nimport builtins\nbuiltins.AssertionError = KeyError\n",
    "every comparison builtin replaced": (
        "    return 0\nimport builtins\nfor name in ('all', 'any', 'abs', 'isinstance', 'len', 'exec', 'compile'):\n"
        "    setattr(builtins, name, lambda *a, **k: True)\n"
    ),
    "builtins emptied": "    __builtins__.clear() if isinstance(__builtins__, dict) else vars(__builtins__).clear()\n",
    "check overwritten": "    return 0\ndef check(candidate):\n    pass\n",
    "check overwritten everywhere": (
        "    import gc, sys\n    for d in [o for o in gc.get_objects() if type(o) is dict]:\n"
        "        if 'check' in d or 'candidate' in d:\n            d['check'] = lambda c: None\n"
        "    for m in list(sys.modules.values()):\n        m.check = lambda c: None\n    return 0\n"
    ),
    "frames rewritten": (
        "    import sys\n    frame = sys._getframe()\n    while frame:\n        frame.f_globals['check'] = print\n"
        "        frame.f_globals['judge'] = lambda *a: 'passed'\n        frame = frame.f_back\n    return 0\n"
    ),
    "object equal to all": (
        "    class E:\n        def __eq__(self, other): return True\n        def __ne__(self, other): return False\n"
        "        def __hash__(self): return 0\n    return E()\n"
    ),
    "number equal to all": "    class E(int):\n        def __eq__(self, other): return True\n    return E(7)\n",
    "comparison through the type": (
        "    class M(type):\n        def __eq__(s, o): return True\n    return M('T', (), {})\n"
    ),
    "exit handler": "    return 0\nimport atexit, os\natexit.register(os._exit, 0)\n",
    "verdict printed": (
        "    import sys\n    for out in (sys.stdout, sys.stderr, sys.__stdout__):\n"
        "        print('passed', file=out)\n        print('{\"passed\": true}', file=out, flush=True)\n    return 0\n"
    ),
    "verdict into every descriptor": (
        "    import os\n    for fd in range(1024):\n        try:\n            os.write(fd, b'passed\\n')\n"
        "        except OSError:\n            pass\n    return 0\n"
    ),
    "frames into every descriptor": (
        "    import json, os, struct\n    for said in ({'passed': True}, {'value': 'passed'}, {'ready': 'passed'}):\n"
        "        body = json.dumps(said).encode()\n        for fd in range(3, 32):\n            try:\n"
        "                os.write(fd, struct.pack('>I', len(body)) + body)\n            except OSError:\n"
        "                pass\n    return 0\n"
    ),
    "endless frame": (
        "    import os\n    for fd in range(3, 32):\n        try:\n            os.write(fd, b'\\xff' * 4)\n"
        "        except OSError:\n            pass\n    return 0\n"
    ),
    "nested frame": (
        "    import os, struct\n    body = b'{\"value\": ' + b'[' * 60000\n    for fd in range(3, 32):\n"
        "        try:\n            os.write(fd, struct.pack('>I', len(body)) + body)\n"
        "        except OSError:\n            pass\n    return 0\n"
    ),
    "outcome made up": (
        "    import sys\n    import stages.sandbox.candidate as runner\n"
        "    runner._describe = lambda e: {'types': ['SystemExit'], 'text': '', 'outcome': 'passed'}\n"
        "    raise SystemExit\n"
    ),
    "own runner rewritten": (
        "    import sys\n    for name, module in list(sys.modules.items()):\n        if 'sandbox' in name:\n"
        '            module.dump = lambda message: b\'{"value": "passed", "passed": true}\'\n    return 0\n'
    ),
    "parent killed": "    import os\n    os.kill(os.getppid(), 9)\n    return 0\n",
    "all killed": (
        "    import os\n    try:\n        os.kill(-1, 9)\n    except OSError:\n        pass\n    return 0\n"
    ),
    "self killed": "    import os\n    os.kill(os.getpid(), 9)\n",
    "crash": "    import ctypes\n    ctypes.string_at(0)\n",
    "alarm and handlers": (
        "    import signal\n    for s in range(1, 32):\n        try:\n            signal.signal(s, lambda *a: None)\n"
        "        except (OSError, ValueError):\n            pass\n    signal.alarm(0)\n    return 0\n"
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_verdict_cannot_be_forged(name):
    assert outcome(add(FORGERIES[name]), Limits(seconds=1)) != "passed"


@pytest.mark.parametrize("completion", ["    import os\n    os._exit(0)\n", "    raise SystemExit\n"])
def test_an_end_does_not_pass_a_test_that_catches_everything(completion):
    test = "def check(candidate):\n    try:\n        candidate(1, 2)\n    except:\n        pass\n"
    assert outcome(Program(ADD, completion, test, "add")) == "error"
    assert outcome(Program(ADD, "    raise ValueError\n", test, "add")) == "passed"
