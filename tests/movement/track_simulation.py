"""Tracks of known truth: OUF paths on a fine clock."""

from __future__ import annotations

import numpy as np

from ghostcat.movement import Motion
from ghostcat.movement.motion import transitions


def simulate_ouf(tau_p: float, tau_v: float, sd_m: float, step_s: float, n: int, rng: np.random.Generator):
    """(n,) times and (n, 2) places of an isotropic OUF process."""
    step = transitions(Motion(kind="OUF", tau_position_s=tau_p, tau_velocity_s=tau_v), np.array([step_s]))
    root = np.linalg.cholesky(step.noise[0])
    state = rng.standard_normal((2, 2))
    out = np.empty((n, 2))
    noise = rng.standard_normal((n, 2, 2)) @ root.T
    for k in range(n):
        out[k] = state[:, 0]
        state = state @ step.carry[0].T + noise[k]
    return np.arange(n) * step_s + 1.4e9, out * sd_m
