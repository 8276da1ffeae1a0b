"""Bringing the axes of many solutions to those of one: permutation, sign, rotation; and how alike axes are.

The components of a resampled matrix come in order of their own variance, with signs that the eigensolver leaves to
chance. Averages or quantiles over them mean nothing before each one is paired with a component of the full solution.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """Candidate axes of many solutions, paired with reference axes.

    Attributes:
        loadings: (n_solutions, n_benchmarks, k), each column beside its reference, cosine not negative; NaN where
            no axis was left for it.
        order: Position of the candidate that each reference got (n_solutions, k).
        flipped: Whether the candidate's sign was turned (n_solutions, k).
    """

    loadings: Array
    order: NDArray[np.intp]
    flipped: NDArray[np.bool_]

    @property
    def swapped(self) -> NDArray[np.bool_]:
        """Whether a reference got the candidate of another rank (n_solutions, k)."""
        other: NDArray[np.bool_] = self.order != np.arange(self.order.shape[1])
        return other


def align(reference: Array, candidates: Array) -> Alignment:
    """Pair the axes of many solutions with the reference axes.

    The pairing maximises the sum of absolute cosines. Where every reference prefers another candidate, that choice
    is the optimum; only the other solutions need an assignment solver.

    Args:
        reference: (n_benchmarks, k), unit-norm columns.
        candidates: (n_solutions, n_benchmarks, m) with m >= k, unit-norm columns; a column of zeros is not an axis.
    """
    cosines = np.einsum("pk,bpm->bkm", reference, candidates, optimize=True)
    strength = np.abs(cosines)
    order = strength.argmax(axis=2)
    ranked = np.sort(order, axis=1)
    contested = np.flatnonzero((ranked[:, 1:] == ranked[:, :-1]).any(axis=1))
    if len(contested):
        # its import takes as long as a thousand solutions without contest
        from scipy.optimize import linear_sum_assignment
    for i in contested:
        order[i] = linear_sum_assignment(-strength[i])[1]
    flipped = np.take_along_axis(cosines, order[:, :, None], axis=2)[:, :, 0] < 0
    matched = np.take_along_axis(candidates, order[:, None, :], axis=2)
    signs = np.where(matched.any(axis=1), np.where(flipped, -1.0, 1.0), np.nan)
    return Alignment(matched * signs[:, None, :], order, flipped)


def rotations(reference: Array, aligned: Array) -> Array:
    """Return the orthogonal matrices that bring each solution nearest to the reference (n_solutions, k, k).

    Source: Schoenemann (1966), orthogonal Procrustes: for A'R with singular vectors left and right, left right'.

    Args:
        reference: (n_benchmarks, k), unit-norm columns.
        aligned: (n_solutions, n_benchmarks, k).
    """
    left, _, right_t = np.linalg.svd(np.einsum("bpk,pl->bkl", aligned, reference, optimize=True))
    turned: Array = left @ right_t
    return turned


def cosines(reference: Array, aligned: Array) -> Array:
    """Return the cosine of each axis with its reference (n_solutions, k)."""
    products = np.einsum("pk,bpk->bk", reference, aligned, optimize=True)
    lengths = np.linalg.norm(aligned, axis=1) * np.linalg.norm(reference, axis=0)
    ratio: Array = products / lengths
    return ratio


def congruence(first: Array, second: Array) -> Array:
    """Return Tucker's congruence of every pair of columns (k, m): sum of products over root of sums of squares.

    Source: Tucker (1951); 0.95 and above is called equal, 0.85 to 0.94 fair (Lorenzo-Seva and ten Berge 2006).

    Args:
        first: (n_benchmarks, k).
        second: (n_benchmarks, m).
    """
    lengths = np.linalg.norm(first, axis=0)[:, None] * np.linalg.norm(second, axis=0)
    table: Array = first.T @ second / lengths
    return table


def best_pairs(first: Array, second: Array) -> tuple[NDArray[np.intp], Array]:
    """Return for each column of one solution the column of another that `align` pairs it with, and their congruence.

    Args:
        first: (n_benchmarks, k), columns of any length but 0.
        second: (n_benchmarks, m), likewise, m at least 1.

    Returns:
        Position in `second` and congruence (k,); -1 and NaN for the k - m columns that get none.
    """
    k, m = first.shape[1], second.shape[1]
    candidates = np.zeros((len(second), max(k, m)))
    candidates[:, :m] = second / np.linalg.norm(second, axis=0)
    order = align(first / np.linalg.norm(first, axis=0), candidates[None]).order[0]
    there = order < m
    value = congruence(first, second)[np.arange(k), np.minimum(order, m - 1)]
    return np.where(there, order, -1), np.where(there, value, np.nan)
