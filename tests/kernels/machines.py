"""Arithmetic of other processors, as far as this one can do it: BLAS kernels, threads, vector instructions."""

import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NEEDS = {
    "Prescott": {"pni"},
    "Nehalem": {"sse4_2"},
    "Haswell": {"avx2", "fma"},
    "Zen": {"avx2", "fma"},
    "SkylakeX": {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
}
"""Kernel of OpenBLAS to the flags that Linux shows of a processor that can run it; `pni` is SSE3."""


@dataclass(frozen=True)
class Machine:
    """What makes the last bits of a result.

    Attributes:
        kernel: OPENBLAS_CORETYPE, empty for what OpenBLAS chooses.
        threads: BLAS threads.
        without: Sets of vector instructions that NumPy may not use.
    """

    kernel: str = ""
    threads: int = 1
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A name for a folder and a test."""
        parts = [self.kernel or "default", f"{self.threads}-threads"]
        return "_".join([*parts, f"without-{len(self.without)}-vector-sets"] if self.without else parts)

    @property
    def draws(self) -> bool:
        """Whether the figures of all studies are drawn: BLAS threads reach them through the tables alone."""
        return self.threads == 1

    @property
    def environment(self) -> dict[str, str]:
        """Variables that bring it about in a new process."""
        count = str(self.threads)
        variables = {"OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count}
        if self.kernel:
            variables["OPENBLAS_CORETYPE"] = self.kernel
        if self.without:
            variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(self.without)
        return variables


def kernels() -> list[str]:
    """Return the kernels of `NEEDS` that this processor can run."""
    info = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not info.is_file():
        return []
    flags = next((line for line in info.read_text().splitlines() if line.startswith("flags")), "").split()
    return [kernel for kernel, needed in NEEDS.items() if needed <= set(flags)]


def vector_sets() -> tuple[str, ...]:
    """Return the sets of vector instructions that NumPy chooses at run time on this processor."""
    return tuple(np.show_config(mode="dicts")["SIMD Extensions"]["found"])


def machines() -> list[Machine]:
    """Return every machine that this one can stand for; the first is the machine as it is."""
    found = [Machine(kernel, threads) for kernel in ("", *kernels()) for threads in (1, 2)]
    sets = vector_sets()
    # none of them, then those of the generation before
    return [*found, *dict.fromkeys(Machine(without=lacking) for lacking in (sets, sets[1:]) if lacking)]
