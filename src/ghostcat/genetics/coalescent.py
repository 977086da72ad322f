"""Samples of one locus from a population at mutation–drift equilibrium, by the coalescent."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["MutationModel", "equilibrium_samples"]

#: Infinite alleles; stepwise; two phases (mostly single steps, the rest geometric).
MutationModel = Literal["IAM", "SMM", "TPM"]


def equilibrium_samples(
    n_genes: int,
    theta: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    model: MutationModel,
    single_step: float = 0.7,
    step_variance: float = 12.0,
) -> NDArray[np.int32]:
    """Draw allele states of samples from populations of constant size.

    Looking forward from the first ancestor: with j lineages, the next event is a mutation of one of
    them with probability θ/(θ + j − 1), and otherwise one of them divides. All samples are drawn at
    once; there is no tree to keep.

    Parameters
    ----------
    n_genes : genes of a sample.
    theta : (m,) 4Neμ of each sample.
    model : how mutation changes an allele.
    single_step : of TPM, the share of mutations by one repeat.
    step_variance : of TPM, the variance of the number of repeats of the other mutations.

    Returns
    -------
    (m, n_genes) repeats (SMM, TPM) or arbitrary labels (IAM).

    References
    ----------
    Hudson (1990) Oxford Surveys in Evolutionary Biology 7:1–44; Donnelly & Tavaré (1986) Advances in
    Applied Probability 18:1–19 (the coalescent forward); Di Rienzo et al. (1994) PNAS 91:3166–3170 (TPM).
    """
    m = len(theta)
    state = np.zeros((m, n_genes), dtype=np.int32)
    lineages = np.ones(m, dtype=np.int64)
    # Two lineages from the start: what happens to the single ancestor changes nothing but its label.
    lineages[:] = min(2, n_genes)
    label = np.ones(m, dtype=np.int32)
    going = np.arange(m)
    # A geometric number of repeats k ≥ 1 with this parameter has the wanted variance (1 − p)/p².
    geometric = (np.sqrt(1 + 4 * step_variance) - 1) / (2 * step_variance)
    while going.size:
        j = lineages[going]
        mutates = rng.random(going.size) < theta[going] / (theta[going] + j - 1)
        which = (rng.random(going.size) * j).astype(np.int64)
        at, who = going[mutates], which[mutates]
        if model == "IAM":
            state[at, who] = label[at]
            label[at] += 1
        else:
            size = np.ones(at.size, dtype=np.int32)
            if model == "TPM":
                large = rng.random(at.size) >= single_step
                size[large] = rng.geometric(geometric, size=int(large.sum()))
            state[at, who] += np.where(rng.random(at.size) < 0.5, size, -size).astype(np.int32)
        splits = ~mutates
        done = splits & (j == n_genes)
        at, who, place = going[splits & ~done], which[splits & ~done], j[splits & ~done]
        state[at, place] = state[at, who]
        lineages[at] += 1
        going = going[~done]
    return state
