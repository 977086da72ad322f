"""Populations with known truth for the tests of the genetics room."""

import numpy as np
import pytest

from ghostcat.genetics.genotypes import Genotypes, Locus


@pytest.fixture
def breed():
    """Animals of a closed population of `size`, half of each sex, after some generations."""

    def make(size, sampled, n_loci, n_alleles, seed, *, generations=4):
        rng = np.random.default_rng(seed)
        p = np.clip(rng.dirichlet(np.ones(n_alleles), size=n_loci), 0.02, None)
        p /= p.sum(axis=1, keepdims=True)
        genes = (rng.random((size, n_loci, 2, 1)) > p.cumsum(axis=1)[None, :, None, :-1]).sum(axis=-1)
        locus = np.arange(n_loci)
        for _ in range(generations):
            parents = rng.integers(0, size // 2, size), rng.integers(size // 2, size, size)
            sides = rng.integers(0, 2, (2, size, n_loci))
            genes = np.stack([genes[parents[k][:, None], locus, sides[k]] for k in (0, 1)], axis=2)
        loci = tuple(
            Locus(f"L{at}", tuple(str(100 + 2 * k) for k in range(n_alleles))) for at in range(n_loci)
        )
        chosen = rng.permutation(size)[:sampled]
        return Genotypes(tuple(f"a{i}" for i in chosen), loci, genes[chosen].astype(np.int16))

    return make
