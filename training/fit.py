"""Fits linear models over hashed features beside signals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix


class Fit(NamedTuple):
    """`grams` (columns x lanes), `dense` (signals x lanes), `bias` (lanes)."""

    grams: np.ndarray
    dense: np.ndarray
    bias: np.ndarray

    def score(self, grams: csr_matrix, dense: np.ndarray) -> np.ndarray:
        """Returns rows x lanes."""
        return np.asarray(grams @ self.grams + dense @ self.dense + self.bias)


def fit(
    grams: csr_matrix,
    dense: np.ndarray,
    wanted: np.ndarray,
    weight: np.ndarray,
    ridge: tuple[float, float],
    rounds: int,
) -> Fit:
    """Returns the weights of least cross-entropy to the wanted shares (rows x lanes, each 0 to 1).

    With one lane it is a logistic unit, with more each lane parts its rows from all others by the
    squared hinge (one against the rest). `weight` counts rows, `ridge` holds
    down grams and signals. L-BFGS (Liu and Nocedal 1989), a fixed number of rounds from nought,
    so that equal data gives equal weights. Columns seen in one row only stay at nought.
    """
    seen = np.flatnonzero(np.bincount(grams.indices, minlength=grams.shape[1]) >= 2)
    narrow = grams[:, seen].tocsr()
    turned = narrow.T.tocsr()
    lanes, wide, signals = wanted.shape[1], len(seen), dense.shape[1]
    inputs = np.c_[dense, np.ones(len(dense))].astype(np.float32)
    whole = weight.sum()
    split = wide * lanes

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        flat = flat.astype(np.float32)
        of_grams = flat[:split].reshape(wide, lanes)
        of_dense = flat[split:].reshape(signals + 1, lanes)
        scores = narrow @ of_grams + inputs @ of_dense
        shares, cost = (hinge if lanes > 1 else unit)(scores, wanted)
        slope = (shares - wanted) * weight[:, None] / whole
        down_grams = turned @ slope + 2 * ridge[0] * of_grams
        down_dense = inputs.T @ slope
        down_dense[:-1] += 2 * ridge[1] * of_dense[:-1]
        held = ridge[0] * float((of_grams**2).sum()) + ridge[1] * float((of_dense[:-1] ** 2).sum())
        total = float((weight * cost).sum() / whole) + held
        return total, np.r_[down_grams.ravel(), down_dense.ravel()].astype(float)

    start = np.zeros(split + (signals + 1) * lanes)
    options = {"maxiter": rounds, "maxcor": 6}
    flat = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x.astype(np.float32)
    full = np.zeros((grams.shape[1], lanes), np.float32)
    full[seen] = flat[:split].reshape(wide, lanes)
    of_dense = flat[split:].reshape(signals + 1, lanes)
    return Fit(full, of_dense[:-1], of_dense[-1])


def hinge(scores: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns what each score should move to, so that right ones are beyond 1, with the cost."""
    sign = 2 * wanted - 1
    gap = np.maximum(0, 1 - sign * scores)
    return wanted - sign * gap, 0.5 * (gap**2).sum(1)


def unit(scores: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the logistic of each row with its cross-entropy."""
    shares = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
    cost = -(wanted * np.log(shares + 1e-9) + (1 - wanted) * np.log(1 - shares + 1e-9)).sum(1)
    return shares, cost
