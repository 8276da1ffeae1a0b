"""Every file of every study has the same bytes on every machine that this one can stand for."""

from pathlib import Path

import pytest

from tests.kernels.conftest import FEWEST, blas_of, names_for, run_on, written
from tests.kernels.machines import Machine, machines

pytestmark = pytest.mark.kernels

SHOWN = {"Prescott": ["Prescott", "Katmai"], "Zen": ["Zen", "Haswell"]}
"""What OpenBLAS may call a kernel where that is not the name that chooses it: Zen shares Haswell's on some builds."""


@pytest.mark.parametrize("machine", machines()[1:], ids=lambda machine: machine.name)
def test_every_file_has_the_same_bytes(machine: Machine, studies: Path, as_it_is: Path, tmp_path: Path):
    run_on(machine, studies, tmp_path / "other")
    if machine.kernel:
        # were the variable ignored, this would compare a machine with itself
        assert set(blas_of(tmp_path / "other")) <= set(SHOWN.get(machine.kernel, [machine.kernel]))
    ours, theirs = (written(folder, names_for(machine)) for folder in (as_it_is, tmp_path / "other"))
    assert len(theirs) > FEWEST
    assert [name for name in sorted(theirs) if theirs[name] != ours.get(name)] == []
    if machine.draws:
        assert set(ours) == set(theirs)
