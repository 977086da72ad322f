"""Where each animal of a pedigree drawing stands: layers of generations with few crossing lines.

Sugiyama, Tagawa & Toda (1981): generations become layers, families layers between them, long lines get a
waypoint in each layer they pass; layers are reordered by the middle of their neighbours, up and down,
and the order with the fewest crossings is kept. Then each layer moves to where its neighbours are, as far
as the order and the room allow (isotonic regression). Wide generations stand in staggered rows.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Family", "Layout", "lay_out_pedigree"]

_SWEEPS = 24
_APART = 24.0
"""Between neighbours of one generation, also when they stand in different rows."""
_LINE_APART = 7.0
_WIDEST = 1130.0
_ROW = 40.0
_BETWEEN = 62.0
"""Between generations: room for the bars of the families."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Parents and their young: where their line comes together, and the ways from the parents to it."""

    dam: int
    sire: int
    """-1 where a parent is not drawn."""
    children: tuple[int, ...]
    x: float
    y: float
    ways: tuple[tuple[int, tuple[tuple[float, float], ...]], ...]
    """(parent, points) from the parent to the family."""
    bar_y: float


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Positions of a drawing."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    generation: tuple[int, ...]
    families: tuple[Family, ...]
    crossings: int
    width: float
    height: float


def lay_out_pedigree(dam: Sequence[int], sire: Sequence[int]) -> Layout:
    """Place the animals of a pedigree.

    Parameters
    ----------
    dam, sire : position of each parent, -1 where it is not drawn. No animal is its own ancestor.

    >>> drawn = lay_out_pedigree([-1, -1, 0, 0], [-1, -1, 1, 1])
    >>> drawn.generation, drawn.crossings, drawn.families[0].children
    ((0, 0, 1, 1), 0, (2, 3))
    """
    generation = _generations(dam, sire)
    pairs: dict[tuple[int, int], list[int]] = {}
    for child, pair in enumerate(zip(dam, sire, strict=True)):
        if max(pair) >= 0:
            pairs.setdefault(pair, []).append(child)
    graph = _Graph(generation, pairs)
    graph.order()
    graph.place()
    return graph.layout(generation, pairs)


def _generations(dam: Sequence[int], sire: Sequence[int]) -> list[int]:
    """Layers: young below both parents; who has no parent stands just above the first own family."""
    n = len(dam)
    layer = [-1] * n
    waiting = list(range(n))
    while waiting:
        later = []
        for i in waiting:
            parents = [p for p in (dam[i], sire[i]) if p >= 0]
            if all(layer[p] >= 0 for p in parents):
                layer[i] = 1 + max((layer[p] for p in parents), default=-1)
            else:
                later.append(i)
        if len(later) == len(waiting):
            raise ValueError("an animal is its own ancestor")
        waiting = later
    first = [math.inf] * n
    for i in range(n):
        for p in (dam[i], sire[i]):
            if p >= 0:
                first[p] = min(first[p], layer[i])
    for i in range(n):
        if dam[i] < 0 and sire[i] < 0 and math.isfinite(first[i]):
            layer[i] = int(first[i]) - 1
    return layer


class _Graph:
    """Nodes in layers: animals in even ones, families in odd ones, waypoints in both."""

    def __init__(self, generation: list[int], pairs: dict[tuple[int, int], list[int]]) -> None:
        self.n = len(generation)
        layers = 2 * max(generation, default=0) + 1
        self.layers: list[list[int]] = [[] for _ in range(layers)]
        self.layer_of: list[int] = []
        self.up: list[list[int]] = []
        self.down: list[list[int]] = []
        self.way: dict[tuple[int, int], list[int]] = {}
        for g in generation:
            self._add(2 * g)
        self.family: dict[tuple[int, int], int] = {}
        for pair, children in pairs.items():
            node = self._add(2 * generation[children[0]] - 1)
            self.family[pair] = node
            for parent in dict.fromkeys(p for p in pair if p >= 0):
                self.way[parent, node] = self._connect(parent, node)
            for child in children:
                self._join(node, child)

    def _add(self, layer: int) -> int:
        node = len(self.layer_of)
        self.layer_of.append(layer)
        self.layers[layer].append(node)
        self.up.append([])
        self.down.append([])
        return node

    def _join(self, above: int, below: int) -> None:
        self.down[above].append(below)
        self.up[below].append(above)

    def _connect(self, parent: int, family: int) -> list[int]:
        """Waypoints between a parent and a family that lies more than one layer below."""
        points, last = [], parent
        for layer in range(self.layer_of[parent] + 1, self.layer_of[family]):
            point = self._add(layer)
            self._join(last, point)
            points.append(point)
            last = point
        self._join(last, family)
        return points

    def order(self) -> None:
        """Reorder the layers to and fro; keep the order with the fewest crossings."""
        self._start()
        best, fewest = [list(layer) for layer in self.layers], self.crossings()
        for sweep in range(_SWEEPS):
            downwards = sweep % 2 == 0
            layers = self.layers[1:] if downwards else self.layers[-2::-1]
            for layer in layers:
                self._by_middle(layer, self.up if downwards else self.down)
            crossings = self.crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
            if not fewest:
                break
        self.layers = best
        self._swap_neighbours()

    def _start(self) -> None:
        """First order: depth first from the families, so that kin begin side by side."""
        seen: set[int] = set()
        layers: list[list[int]] = [[] for _ in self.layers]

        def visit(root: int) -> None:
            stack = [root]
            while stack:
                node = stack.pop()
                if node in seen:
                    continue
                seen.add(node)
                layers[self.layer_of[node]].append(node)
                stack += [*reversed(self.down[node]), *reversed(self.up[node])]

        for layer in self.layers:
            for node in layer:
                visit(node)
        self.layers = layers

    def _by_middle(self, layer: list[int], neighbours: list[list[int]]) -> None:
        at = {node: k for other in self.layers for k, node in enumerate(other)}
        keys = {}
        for k, node in enumerate(layer):
            places = sorted(at[other] for other in neighbours[node])
            keys[node] = sum(places) / len(places) if places else float(k)
        layer.sort(key=lambda node: keys[node])

    def crossings(self) -> int:
        """Crossing lines between neighbouring layers, by counting inversions."""
        total = 0
        for above, below in zip(self.layers, self.layers[1:], strict=False):
            at = {node: k for k, node in enumerate(below)}
            seen: list[int] = []
            for node in above:
                ends = sorted(at[other] for other in self.down[node])
                total += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
                for end in ends:
                    bisect.insort(seen, end)
        return total

    def _swap_neighbours(self) -> None:
        """Swap two neighbours of a layer wherever that takes crossings away."""
        for _ in range(6):
            changed = False
            for k, layer in enumerate(self.layers):
                at = [
                    {node: i for i, node in enumerate(self.layers[other])}
                    if 0 <= other < len(self.layers)
                    else {}
                    for other in (k - 1, k + 1)
                ]
                for i in range(len(layer) - 1):
                    a, b = layer[i], layer[i + 1]
                    gain = 0
                    for edges, place in ((self.up, at[0]), (self.down, at[1])):
                        left = [place[node] for node in edges[a]]
                        right = [place[node] for node in edges[b]]
                        gain += sum((x > y) - (x < y) for x in left for y in right)
                    if gain > 0:
                        layer[i], layer[i + 1] = b, a
                        changed = True
            if not changed:
                break

    def place(self) -> None:
        """Across: each layer to the middle of its neighbours. Down: rows of generations."""
        self.rows = self._rows()
        self.x = [0.0] * len(self.layer_of)
        for layer in self.layers:
            gaps = self._gaps(layer)
            at = 0.0
            for node, gap in zip(layer, gaps, strict=True):
                at += gap
                self.x[node] = at
        for turn in range(30):
            layers = self.layers if turn % 2 == 0 else self.layers[::-1]
            for layer in layers:
                wish = []
                for node in layer:
                    around = [self.x[other] for other in (*self.up[node], *self.down[node])]
                    wish.append(sum(around) / len(around) if around else self.x[node])
                for node, x in zip(layer, _apart(wish, self._gaps(layer)), strict=True):
                    self.x[node] = x
        left = min(self.x, default=0.0)
        self.x = [x - left + 30.0 for x in self.x]

    def _rows(self) -> dict[int, int]:
        """In how many staggered rows each generation stands."""
        rows = {}
        for k in range(0, len(self.layers), 2):
            animals = sum(node < self.n for node in self.layers[k])
            rows[k] = max(1, min(4, math.ceil(animals * 46.0 / _WIDEST))) if animals else 1
        return rows

    def _gaps(self, layer: list[int]) -> list[float]:
        """Room that each node needs to its left neighbour."""
        gaps = [0.0]
        for before, node in itertools.pairwise(layer):
            both = (before < self.n) + (node < self.n)
            rows = self.rows.get(self.layer_of[node], 1)
            wide = _APART if rows > 1 else 46.0
            gaps.append(wide if both == 2 else 0.5 * (wide + _LINE_APART) if both else _LINE_APART)
        return gaps[: len(layer)]

    def layout(self, generation: list[int], pairs: dict[tuple[int, int], list[int]]) -> Layout:
        top: dict[int, float] = {}
        y = 34.0
        for k in range(0, len(self.layers), 2):
            top[k] = y
            y += (self.rows[k] - 1) * _ROW + _ROW + _BETWEEN
        ys = [0.0] * self.n
        for k in range(0, len(self.layers), 2):
            animals = [node for node in self.layers[k] if node < self.n]
            for i, node in enumerate(animals):
                ys[node] = top[k] + (i % self.rows[k]) * _ROW
        bottom = {k: top[k] + (self.rows[k] - 1) * _ROW + 26.0 for k in top}
        bars = self._bars(top, bottom)
        families = []
        for pair, children in pairs.items():
            node = self.family[pair]
            here = (self.x[node], bars[node][0])
            ways = []
            for parent in dict.fromkeys(p for p in pair if p >= 0):
                points = [(self.x[parent], ys[parent])]
                for point in self.way[parent, node]:
                    layer = self.layer_of[point]
                    if layer % 2 == 0:
                        points += [(self.x[point], top[layer] - 16.0), (self.x[point], bottom[layer])]
                ways.append((parent, (*points, here)))
            families.append(
                Family(
                    dam=pair[0],
                    sire=pair[1],
                    children=tuple(children),
                    x=here[0],
                    y=here[1],
                    ways=tuple(ways),
                    bar_y=bars[node][1],
                )
            )
        return Layout(
            x=tuple(self.x[: self.n]),
            y=tuple(ys),
            generation=tuple(generation),
            families=tuple(families),
            crossings=self.crossings(),
            width=max(self.x, default=0.0) + 30.0,
            height=y - _BETWEEN + 8.0,
        )

    def _bars(self, top: dict[int, float], bottom: dict[int, float]) -> dict[int, tuple[float, float]]:
        """Heights at which parents join and sibs hang: families whose bars overlap get different ones."""
        heights: dict[int, tuple[float, float]] = {}
        for k in range(1, len(self.layers), 2):
            families = [node for node in self.layers[k] if node in set(self.family.values())]
            ends: list[float] = []
            lanes: dict[int, int] = {}
            for node in families:
                across = [self.x[node], *(self.x[child] for child in self.down[node])]
                left, right = min(across) - 4.0, max(across) + 4.0
                lane = next((i for i, end in enumerate(ends) if end < left), len(ends))
                if lane == len(ends):
                    ends.append(right)
                ends[lane] = right
                lanes[node] = lane
            room = top[k + 1] - 12.0 - bottom[k - 1]
            step = min(5.0, 0.5 * room / max(len(ends), 1))
            for node, lane in lanes.items():
                bar = top[k + 1] - 14.0 - lane * step
                heights[node] = (min(bottom[k - 1] + 0.35 * room, bar - 4.0), bar)
        return heights


def _apart(wish: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Positions nearest to `wish` that keep the order and the gaps: pool adjacent violators.

    >>> _apart([0.0, 0.0], [0.0, 10.0])
    [-5.0, 5.0]
    """
    shift, total = [], 0.0
    for gap in gaps:
        total += gap
        shift.append(total)
    blocks: list[list[float]] = []
    for w, s in zip(wish, shift, strict=True):
        blocks.append([w - s, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value, count = blocks.pop()
            other, more = blocks.pop()
            blocks.append([(value * count + other * more) / (count + more), count + more])
    flat = [value for value, count in blocks for _ in range(int(count))]
    return [value + s for value, s in zip(flat, shift, strict=True)]
