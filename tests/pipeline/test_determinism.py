"""What a run writes does not depend on where and when; that two runs write the same is in tests/test_make.py."""

from tests.pipeline.test_bad_input import fingerprint
from tests.repository import Repository


def test_no_path_or_clock_of_this_machine_is_in_an_output(shipped: Repository):
    for name in fingerprint(shipped):
        content = (shipped.path / name).read_bytes()
        assert str(shipped.path).encode() not in content, name
