from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes

from stages.analysis.components.alignment import align, best_pairs, congruence, cosines, rotations


def axes(rng: np.random.Generator, p: int, k: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(p, k)))[0]


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_align_finds_the_pairing_with_the_largest_sum_of_cosines(seed: int, k: int, spare: int):
    rng = np.random.default_rng(seed)
    reference = axes(rng, 9, k)
    candidates = np.stack([axes(rng, 9, k + spare) for _ in range(5)])
    found = align(reference, candidates).loadings
    for one, aligned in zip(candidates, found, strict=True):
        products = reference.T @ one
        best = max(permutations(range(k + spare), k), key=lambda order: np.abs(products[range(k), order]).sum())
        signs = np.sign(products[range(k), best])
        np.testing.assert_allclose(aligned, one[:, best] * signs, atol=1e-12)


def test_a_column_of_zeros_is_no_axis():
    reference = axes(np.random.default_rng(4), 6, 3)
    candidates = np.stack([reference[:, [2, 0, 1]] * [-1, 1, 0], reference])
    found = align(reference, candidates)
    np.testing.assert_allclose(found.loadings[0], reference * [1, np.nan, 1], atol=1e-14)
    np.testing.assert_allclose(found.loadings[1], reference, atol=1e-14)


def test_align_undoes_permutations_and_signs():
    rng = np.random.default_rng(1)
    reference = axes(rng, 8, 4)
    orders = np.stack([rng.permutation(4) for _ in range(50)])
    signs = rng.choice([-1.0, 1.0], (50, 4))
    shuffled = np.stack([reference[:, order] * sign for order, sign in zip(orders, signs, strict=True)])
    found = align(reference, shuffled)
    np.testing.assert_allclose(found.loadings, np.broadcast_to(reference, shuffled.shape), atol=1e-14)
    assert (found.swapped == (np.argsort(orders, axis=1) != np.arange(4))).all()
    picked = np.take_along_axis(signs, found.order, axis=1)
    assert (found.flipped == (picked < 0)).all()


def test_a_conflict_is_settled_by_the_sum_of_cosines():
    # both references prefer the first candidate; the second loses less by taking the other one
    reference = np.eye(3)[:, :2]
    first = np.array([1.0, 0.9, 0.0]) / np.hypot(1.0, 0.9)
    second = np.array([0.0, 0.5, np.sqrt(0.75)])
    found = align(reference, np.stack([first, second], axis=1)[None])
    assert found.order.tolist() == [[0, 1]]


def test_rotations_are_those_of_scipy():
    rng = np.random.default_rng(2)
    reference = axes(rng, 10, 3)
    solutions = np.stack([axes(rng, 10, 3) for _ in range(4)])
    expected = np.stack([orthogonal_procrustes(one, reference)[0] for one in solutions])
    np.testing.assert_allclose(rotations(reference, solutions), expected, atol=1e-12)


def test_a_rotation_within_the_space_is_undone_by_procrustes_but_not_by_alignment():
    rng = np.random.default_rng(3)
    reference = axes(rng, 10, 2)
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    aligned = align(reference, (reference @ turn)[None]).loadings
    np.testing.assert_allclose(cosines(reference, aligned), np.cos(angle), atol=1e-12)
    np.testing.assert_allclose(aligned @ rotations(reference, aligned), reference[None], atol=1e-12)


def test_congruence_is_the_cosine_of_uncentred_columns():
    # (1*2 + 2*1) / sqrt(5 * 5) = 4 / 5; centred, the correlation would be -1
    assert congruence(np.array([[1.0], [2.0]]), np.array([[2.0], [1.0]]))[0, 0] == pytest.approx(0.8)


def test_best_pairs_leaves_what_has_no_partner():
    reference = 2 * np.eye(3)
    paired, value = best_pairs(reference, np.array([[0.1, -0.9], [0.2, 0.3], [0.95, 0.3]]))
    assert paired.tolist() == [1, -1, 0]
    np.testing.assert_allclose(value, [-0.9 / np.sqrt(0.99), np.nan, 0.95 / np.sqrt(0.9525)])


def test_best_pairs_are_those_of_the_largest_sum_whatever_the_length_of_the_columns():
    """Both prefer the first column, the first reference more; the sum is larger with the second one's choice."""
    reference = np.eye(4)[:, :2]
    candidates = np.array([[0.9, 0.6], [0.8, 0.1], [0.0, 0.0], [0.0, 0.9]])
    assert best_pairs(reference, candidates)[0].tolist() == [1, 0]
    assert best_pairs(reference, candidates * [1e-3, 1e3])[0].tolist() == [1, 0]
