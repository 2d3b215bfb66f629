"""Ridge on clipped z-scores with an intercept per group, computed from second moments alone.

Shapes: n rows, p features, g groups (symbols). All sums are float64. Fitting is

    scales = column_scales(X)
    Z = standardise(X, scales, clip)
    moments = row_moments(Z, y, group, n_groups)
    fit = fit_moments(moments, n_features=scales.n_used, prior_r2=..., intercept_prior_rows=...)

Moments of different rows may be added, so a caller can fit any union of blocks without touching rows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from foxml_assets.families.threads import one_blas_thread

Floats = npt.NDArray[np.floating]
Vector = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Scales:
    """Mean and standard deviation (of the population) of each column, shape (p,).

    The scale is 0 for a column that is constant or has no finite value: it is not used.
    """

    means: Vector
    scales: Vector

    @property
    def n_used(self) -> int:
        """Columns with a scale."""
        return int(np.count_nonzero(self.scales))


@dataclass(frozen=True)
class Moments:
    """Sums over rows: `counts` (g,), `z` (g, p) and `y` (g,) by group, `gram` Z'Z (p, p), `cross` Z'y (p,).

    Centre y near 0 first: the sums of squares lose as many digits as its mean exceeds its spread.
    """

    counts: Vector
    z: Vector
    y: Vector
    gram: Vector
    cross: Vector


@dataclass(frozen=True)
class LinearFit:
    """`coefficients` (p,) of z, the overall `intercept`, and `intercepts` (g,) of the groups."""

    coefficients: Vector
    intercept: float
    intercepts: Vector


def column_scales(X: Floats) -> Scales:
    """The scales of X, shape (n, p), over its finite values; not finite where these overflow."""
    pairs = [_mean_and_scale(np.ascontiguousarray(X[:, j], dtype=np.float64)) for j in range(X.shape[1])]
    table = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    return Scales(means=table[:, 0].copy(), scales=table[:, 1].copy())


def standardise(X: Floats, scales: Scales, clip: float) -> Vector:
    """z = clip((x - mean) / scale, -clip, clip), shape (n, p), by columns in memory; NaN becomes 0."""
    Z = np.zeros(X.shape, dtype=np.float64, order="F")
    for j in np.flatnonzero(scales.scales):
        Z[:, j] = _standard_column(X[:, j], scales.means[j], scales.scales[j], clip)
    return Z


def row_moments(Z: Vector, y: Vector, group: Groups, n_groups: int) -> Moments:
    """The moments of rows Z, shape (n, p), with labels y, shape (n,), in groups 0 to `n_groups` - 1."""
    z = np.empty((n_groups, Z.shape[1]))
    for j in range(Z.shape[1]):
        # The sum of column j in each group.
        z[:, j] = np.bincount(group, weights=Z[:, j], minlength=n_groups)
    with one_blas_thread():
        gram, cross = Z.T @ Z, Z.T @ y
    return Moments(
        counts=np.bincount(group, minlength=n_groups).astype(np.float64),
        z=z,
        y=np.asarray(np.bincount(group, weights=y, minlength=n_groups), dtype=np.float64),
        gram=gram,
        cross=cross,
    )


def within_groups(moments: Moments) -> tuple[Vector, Vector]:
    """Gram matrix (p, p) and cross products (p,) of z and y less their means in each group.

    The within estimator of panel econometrics (Wooldridge, Econometric Analysis of Cross Section and Panel
    Data, 10.5): the same coefficients as a dummy variable per group.
    """
    means = moments.z / np.maximum(moments.counts, 1.0)[:, None]
    with one_blas_thread():
        # Sums of squares about the group means: Z'Z less the sum over groups of n * mean mean'.
        return moments.gram - moments.z.T @ means, moments.cross - means.T @ moments.y


def ridge_penalty(n_features: int, prior_r2: float) -> float:
    """The penalty under which all features together explain `prior_r2` of the label's variance.

    With the prior b_j ~ N(0, t^2), t^2 = prior_r2 / p * var(y), and noise of variance var(y), the posterior
    mean is ridge with sigma^2 / t^2 = p / prior_r2. Above 0 without features too, where it decides nothing.
    """
    return max(n_features, 1) / prior_r2


def solve_ridge(gram: Vector, cross: Vector, penalty: float) -> Vector:
    """b of (gram + penalty I) b = cross, shape as `cross`: (p,), or (p, k) for k labels. `penalty` > 0.

    A feature without a scale has zeros in `gram` and `cross`, and so the coefficient 0.
    """
    if not len(cross):
        return np.zeros_like(cross)
    ridged = gram.copy()
    np.fill_diagonal(ridged, ridged.diagonal() + penalty)
    with one_blas_thread():
        solved = cho_solve(cho_factor(ridged, lower=True, check_finite=False), cross, check_finite=False)
    return np.asarray(solved, dtype=np.float64)


def shrunk_intercepts(moments: Moments, coefficients: Vector, prior_rows: float) -> tuple[float, Vector]:
    """The overall intercept, and those of the groups, shape (g,), shrunk towards it.

    A group's own intercept, mean(y) - mean(z) b, counts n / (n + prior_rows) with its n rows; a group
    without rows has the overall one.
    """
    rows = np.maximum(moments.counts, 1.0)
    with one_blas_thread():
        total = moments.y - moments.z @ coefficients
    overall = float(total.sum() / moments.counts.sum())
    # 0 for a group without rows.
    weight = moments.counts / (rows + prior_rows)
    return overall, overall + weight * (total / rows - overall)


def fit_moments(
    moments: Moments, *, n_features: int, prior_r2: float, intercept_prior_rows: float
) -> LinearFit:
    """Ridge within groups. `n_features` counts the columns with a scale."""
    gram, cross = within_groups(moments)
    coefficients = solve_ridge(gram, cross, ridge_penalty(n_features, prior_r2))
    overall, intercepts = shrunk_intercepts(moments, coefficients, intercept_prior_rows)
    return LinearFit(coefficients, overall, intercepts)


def linear_sum(X: Floats, scales: Scales, clip: float, coefficients: Vector) -> Vector:
    """Z b, shape (n,), added up column by column: a row's value does not depend on the rows beside it."""
    total = np.zeros(len(X))
    for j in np.flatnonzero(coefficients):
        total += coefficients[j] * _standard_column(X[:, j], scales.means[j], scales.scales[j], clip)
    return total


def _mean_and_scale(x: Vector) -> tuple[float, float]:
    finite = np.isfinite(x)
    if not finite.all():
        x = x[finite]
    if not len(x):
        return 0.0, 0.0
    # Rounding of the mean would give a constant column a scale a little above 0.
    if x.min() == x.max():
        return float(x[0]), 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean = x.mean()
        return float(mean), float(np.sqrt(np.square(x - mean).mean()))


def _standard_column(column: Floats, mean: float, scale: float, clip: float) -> Vector:
    with np.errstate(over="ignore"):
        z = np.asarray(column, dtype=np.float64) - mean
        z /= scale
    np.clip(z, -clip, clip, out=z)
    # The mean of the training rows.
    z[np.isnan(z)] = 0.0
    return z
