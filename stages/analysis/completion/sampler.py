"""A hierarchical factor model of a table with gaps, by Gibbs sampling.

    z_ij = b_j + u_i' v_j + e_ij,   e_ij ~ t_nu(0, 1 / (tau_j omega_i)),   u_i ~ N(B' s_i, I)

Bayesian matrix factorisation (Salakhutdinov and Mnih 2008) with these priors: loadings shrink more with each further
factor, which chooses the rank (multiplicative gamma process, Bhattacharya and Dunson 2011, section 2.2); each
benchmark has a noise precision tau_j of its own, drawn towards a common one, each model a factor omega_i around 1;
noise is Student's t as a mixture of normals (Geweke 1993), so that an odd score does not bend the fit; side
information s_i has one strength per column (automatic relevance determination, MacKay 1994). The loadings of the
first factor have a positive mean: models differ most in how good they are at everything, so that the model bias of
additive models is its special case.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FREEDOM = 4.0
"""Degrees of freedom of the noise (Gelman et al., Bayesian Data Analysis, 3rd edition, section 17.2)."""
MOST_FACTORS = 8
NOISE = 0.25
"""Share of a benchmark's variance that is noise, as expected before seeing scores."""
BENCHMARK_SHAPE = 3.0
"""Shape of the gamma prior of a benchmark's noise precision."""
MODEL_SHAPE = 3.0
"""Shape of the gamma prior, of mean 1, of a model's noise precision."""
FIRST_SHAPE, FURTHER_SHAPE = 2.0, 3.0
"""Shapes of the multiplicative gamma process: first factor, each further one."""
BIAS_VARIANCE = 0.25
"""Prior variance of a benchmark's mean, standardised units."""
MEAN_PRECISION = 4.0
"""Prior precision of the mean of each kind of loading."""
MEAN_LOADING = 0.5
"""Prior mean of the mean loading on the first factor."""


@dataclass
class Posterior:
    """Averages over the draws of one start, and some of the draws.

    Attributes:
        mean: Expected z (n_models, n_benchmarks).
        variance: Posterior variance of the noiseless z (n_models, n_benchmarks).
        noise: Expected squared scale of the noise (n_models, n_benchmarks).
        draws: b and V of kept draws (n_draws, n_benchmarks, 1 + k).
        precision: tau of kept draws (n_draws, n_benchmarks).
        effects: B of kept draws (n_draws, n_side, k).
        gaps: Noiseless z of the missing cells in kept draws (n_draws, n_missing), row by row.
    """

    mean: Floats
    variance: Floats
    noise: Floats
    draws: Floats
    precision: Floats
    effects: Floats
    gaps: Floats


@dataclass
class _State:
    """One draw of everything. `given` is 1 where there is a score; `z` is 0 where there is none."""

    z: Floats
    given: Floats
    side: Floats
    rng: Generator
    U: Floats
    V: Floats
    tau: Floats
    omega: Floats
    weights: Floats
    centre: Floats
    effects: Floats
    relevance: Floats
    delta: Floats
    bias_precision: float = 1 / BIAS_VARIANCE
    rate: float = BENCHMARK_SHAPE * NOISE
    expected: tuple[Floats, Floats] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))

    @property
    def certainty(self) -> Floats:
        """Precision of each score (n_models, n_benchmarks), 0 where missing."""
        return self.weights * (self.tau * self.omega[:, None])


def sample(Z: Floats, side: Floats, rng: Generator, sweeps: tuple[int, int], kept: int) -> Posterior:
    """Run one start of the sampler.

    Args:
        Z: Standardised linear scores (n_models, n_benchmarks), NaN where missing.
        side: Side information (n_models, n_side), centred; no columns where there is none.
        rng: Source of all random numbers.
        sweeps: Sweeps to forget the start, and sweeps to average.
        kept: Draws to keep, at most the sweeps to average.
    """
    state = _begin(Z, side, rng)
    burn, used = sweeps
    at = set(np.linspace(0, used - 1, kept).astype(int).tolist())
    total, squares, within, noise = (np.zeros(Z.shape) for _ in range(4))
    missing = np.isnan(Z)
    draws, precision, effects, gaps = [], [], [], []
    for sweep in range(-burn, used):
        _sweep(state)
        if sweep >= 0:
            mean, variance = state.expected
            total += mean
            squares += mean**2
            within += variance
            noise += 1 / (state.omega[:, None] * state.tau)
        if sweep in at:
            draws.append(state.V.copy())
            precision.append(state.tau)
            effects.append(state.effects)
            gaps.append((state.V[:, 0] + state.U @ state.V[:, 1:].T)[missing])
    mean = total / used
    variance = np.maximum(squares / used - mean**2, 0.0) + within / used
    return Posterior(
        mean, variance, noise / used, np.array(draws), np.array(precision), np.array(effects), np.array(gaps)
    )


def _begin(Z: Floats, side: Floats, rng: Generator) -> _State:
    """Return a random start: the first factor near the models' means, the others near nothing."""
    n, p = Z.shape
    k = max(1, min(MOST_FACTORS, n - 1, p - 1))
    there = np.isfinite(Z)
    z = np.where(there, Z, 0.0)
    U = 0.1 * rng.standard_normal((n, k))
    means = z.sum(axis=1) / (there.sum(axis=1) + 2.0)
    U[:, 0] = means / (means.std() or 1.0)
    loadings = 0.1 * rng.standard_normal((p, 1 + k))
    loadings[:, 1] = 0.7
    return _State(
        z=z,
        given=there.astype(float),
        side=side,
        rng=rng,
        U=U,
        V=loadings,
        tau=np.full(p, 1 / NOISE),
        omega=np.ones(n),
        weights=there.astype(float),
        centre=loadings.mean(axis=0),
        effects=np.zeros((side.shape[1], k)),
        relevance=np.ones(side.shape[1]),
        delta=np.full(k, 2.0),
    )


def _sweep(state: _State) -> None:
    """Draw every unknown once given all others."""
    _draw_loadings(state)
    _draw_shrinkage(state)
    _draw_abilities(state)
    _draw_effects(state)
    _draw_noise(state)


def _draw_loadings(state: _State) -> None:
    """Draw b_j and v_j: a regression of each benchmark on the abilities (Salakhutdinov and Mnih, equation 14)."""
    n, p = state.z.shape
    design = np.concatenate([np.ones((n, 1)), state.U], axis=1)
    size = design.shape[1]
    prior = np.append(state.bias_precision, np.cumprod(state.delta))
    certainty = state.certainty
    gram = (certainty.T @ (design[:, :, None] * design[:, None, :]).reshape(n, -1)).reshape(p, size, size) + np.diag(
        prior
    )
    target = (certainty * state.z).T @ design + prior * state.centre
    state.V, _, _ = _normal(gram, target, state.rng)


def _draw_shrinkage(state: _State) -> None:
    """Draw the means of the loadings and their precisions (Bhattacharya and Dunson, section 3.1, step 5)."""
    rng, p = state.rng, len(state.V)
    prior = np.append(state.bias_precision, np.cumprod(state.delta))
    known = np.zeros(len(prior))
    known[1] = MEAN_LOADING
    precision = p * prior + MEAN_PRECISION
    mean = (prior * state.V.sum(axis=0) + MEAN_PRECISION * known) / precision
    state.centre = mean + rng.standard_normal(len(mean)) / np.sqrt(precision)
    squares = ((state.V - state.centre) ** 2).sum(axis=0)
    state.bias_precision = float(rng.standard_gamma(2 + p / 2) / (2 * BIAS_VARIANCE + squares[0] / 2))
    k = len(state.delta)
    for h in range(k):
        others = np.cumprod(state.delta)[h:] / state.delta[h]
        shape = (FIRST_SHAPE if h == 0 else FURTHER_SHAPE) + p * (k - h) / 2
        state.delta[h] = rng.standard_gamma(shape) / (1 + (others * squares[1 + h :]).sum() / 2)


def _draw_abilities(state: _State) -> None:
    """Draw u_i, and keep the mean and variance of the noiseless z given all else (Rao and Blackwell)."""
    n, p = state.z.shape
    bias, loadings = state.V[:, 0], state.V[:, 1:]
    k = loadings.shape[1]
    outer = (loadings[:, :, None] * loadings[:, None, :]).reshape(p, -1)
    certainty = state.certainty
    gram = (certainty @ outer).reshape(n, k, k) + np.eye(k)
    target = (certainty * (state.z - bias)) @ loadings + state.side @ state.effects
    state.U, mean, inverse = _normal(gram, target, state.rng)
    state.expected = bias + mean @ loadings.T, inverse.reshape(n, -1) @ outer.T


def _draw_effects(state: _State) -> None:
    """Draw B, a regression of the abilities on the side information, and the relevance of each of its columns."""
    size, k = state.effects.shape
    if size == 0:
        return
    gram = state.side.T @ state.side + np.diag(state.relevance)
    inverse = np.linalg.inv(gram)
    mean = inverse @ (state.side.T @ state.U)
    state.effects = mean + np.linalg.cholesky(inverse) @ state.rng.standard_normal((size, k))
    state.relevance = state.rng.standard_gamma(1 + k / 2, size) / (1 + (state.effects**2).sum(axis=1) / 2)


def _draw_noise(state: _State) -> None:
    """Draw the precisions of benchmarks, models and single scores (Geweke 1993, section 2)."""
    rng, given = state.rng, state.given
    residual = given * (state.z - state.V[:, 0] - state.U @ state.V[:, 1:].T) ** 2
    weighted = residual * state.weights
    squares = state.omega @ weighted
    state.tau = rng.standard_gamma(BENCHMARK_SHAPE + given.sum(axis=0) / 2) / (state.rate + squares / 2)
    shape = 1 + len(state.tau) * BENCHMARK_SHAPE
    state.rate = float(rng.standard_gamma(shape) / (1 / (BENCHMARK_SHAPE * NOISE) + state.tau.sum()))
    own = MODEL_SHAPE + weighted @ state.tau / 2
    state.omega = rng.standard_gamma(MODEL_SHAPE + given.sum(axis=1) / 2) / own
    there = given > 0
    scaled = (residual * (state.tau * state.omega[:, None]))[there]
    weights = np.zeros(given.shape)
    weights[there] = rng.standard_gamma((FREEDOM + 1) / 2, len(scaled)) / ((FREEDOM + scaled) / 2)
    state.weights = weights


def _normal(gram: Floats, target: Floats, rng: Generator) -> tuple[Floats, Floats, Floats]:
    """Draw from N(gram^-1 target, gram^-1), many at once; also return mean and covariance."""
    inverse: Floats = np.asarray(np.linalg.inv(gram), dtype=float)
    mean = np.matmul(inverse, target[:, :, None])[:, :, 0]
    noise = np.matmul(np.linalg.cholesky(inverse), rng.standard_normal((*target.shape, 1)))[:, :, 0]
    return mean + noise, mean, inverse
