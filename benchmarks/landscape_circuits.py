"""How fast are circuits of large landscapes? CPU seconds and memory, one core.

    python benchmarks/landscape_circuits.py [SIDE …]

A rough synthetic landscape of SIDE × SIDE cells (1000 by default), eight neighbours, 20 focal points: all
resistances, then the cumulative current map of all 190 pairs. Circuitscape publishes 90–106 s on 16 processes
for a problem of this size.
"""

from __future__ import annotations

import os
import resource
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set
from scipy.ndimage import gaussian_filter  # noqa: E402

from ghostcat.landscape.circuits import pair_resistances, solve_pairs  # noqa: E402
from ghostcat.landscape.graph import raster_network  # noqa: E402


def main(sides: list[int]) -> None:
    for side in sides:
        rng = np.random.default_rng(1)
        rough = gaussian_filter(rng.standard_normal((side, side)), 6)
        network = raster_network(np.exp(3.0 * rough / rough.std()))
        nodes = sorted(network.node_of[tuple(rng.integers(0, side, (2, 20)))].tolist())
        pairs = [(a, b) for k, a in enumerate(nodes) for b in nodes[k + 1 :]]
        start = time.process_time()
        found = pair_resistances(network, nodes, pairs)
        resistances_s = time.process_time() - start
        memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        start = time.process_time()
        total = np.zeros(network.nodes)
        for _, flow in solve_pairs(network, nodes, pairs):
            total += flow.current
        maps_s = time.process_time() - start
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{side * side:,} cells: {len(found)} resistances {resistances_s:.1f} CPU s, {memory_gb:.2f} GB; "
            f"with the cumulative map {maps_s:.1f} CPU s, {peak_gb:.2f} GB"
        )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [1000])
