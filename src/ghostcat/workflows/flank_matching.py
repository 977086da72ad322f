"""Compare the flanks of different passes: a shortlist for every photo, then a close look at each pair.

Beside each real candidate a decoy is looked at, the mirror image of another photo: it shows how alike
different animals look in this very survey. Scores are kept in the survey as they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ghostcat.survey import Survey
from ghostcat.workflows.keeping import keep_in_batches
from ghostcat.workflows.pools import mapped
from ghostcat.workflows.progress import Progress, silent

__all__ = ["Scores", "match_flanks"]

BATCH = 512
WORTH_A_POOL = 60

Scores = list[tuple[str, str, float]]
#: (row of the first photo, row of the second, whether the second is mirrored)
Pair = tuple[int, int, bool]


def match_flanks(
    survey: Survey,
    engine: str,
    photos: Sequence[str],
    *,
    passes: Sequence[str],
    features: Sequence[Path],
    processes: int | None = None,
    progress: Progress = silent,
) -> tuple[Scores, Scores]:
    """Scores of the pairs worth comparing, and of the decoys.

    Parameters
    ----------
    photos : ids, sorted.
    passes : encounter of each photo; photos of one encounter are not compared.
    features : file of each photo's features.
    """
    stored = {False: engine, True: f"{engine} mirrored"}
    known = {
        (a, b, mirrored): score
        for mirrored, name in stored.items()
        for a, b, score, _ in survey.pair_scores(name)
    }
    names = sorted(set(passes))
    owner = [names.index(one) for one in passes]
    start = (tuple(map(str, features)), tuple(owner))
    pairs = _shortlists(start, processes=processes, progress=progress)
    todo = [p for p in pairs if (photos[p[0]], photos[p[1]], p[2]) not in known]
    scored = mapped(
        _score, todo, processes=processes, worth_a_pool=WORTH_A_POOL, chunk=64,
        start=_load_features, start_arguments=start,
    )  # fmt: skip

    def keep(batch: list[tuple[Pair, float, int]]) -> None:
        for mirrored, name in stored.items():
            rows = [(photos[a], photos[b], score, n) for (a, b, m), score, n in batch if m == mirrored]
            survey.put_pair_scores(name, rows)
        known.update({(photos[a], photos[b], m): score for (a, b, m), score, _ in batch})

    keep_in_batches(
        survey,
        scored,
        keep,
        job=("match flanks", engine),
        total=len(todo),
        size=BATCH,
        task="Comparing flanks",
        progress=progress,
    )
    of_kind: dict[bool, Scores] = {False: [], True: []}
    for a, b, mirrored in pairs:
        of_kind[mirrored].append((photos[a], photos[b], known[photos[a], photos[b], mirrored]))
    return of_kind[False], of_kind[True]


def _shortlists(
    start: tuple[tuple[str, ...], tuple[int, ...]], *, processes: int | None, progress: Progress
) -> list[Pair]:
    count = len(start[0])
    lists = mapped(
        _candidates, range(count), processes=processes, worth_a_pool=WORTH_A_POOL, chunk=8,
        start=_load_bank, start_arguments=start,
    )  # fmt: skip
    pairs: set[Pair] = set()
    for row, (real, decoys) in enumerate(lists):
        pairs |= {(min(row, other), max(row, other), False) for other in real}
        pairs |= {(min(row, other), max(row, other), True) for other in decoys}
        progress("Looking for candidates", row + 1, count)
    return sorted(pairs)


# What a worker process keeps between tasks.
_bank: object = None
_prepared: list[object] = []
_mirrored: list[object] = []


def _load_bank(features: tuple[str, ...], owner: tuple[int, ...]) -> None:
    global _bank
    from ghostcat.identity import build_bank, load_features

    _bank = build_bank([load_features(Path(path)) for path in features], owner)


def _candidates(row: int) -> tuple[list[int], list[int]]:
    from ghostcat.identity import Bank, candidates

    assert isinstance(_bank, Bank)
    return candidates(_bank, row)


def _load_features(features: tuple[str, ...], owner: tuple[int, ...]) -> None:
    from ghostcat.identity import load_features, mirrored, prepare

    whole = [load_features(Path(path)) for path in features]
    _prepared[:] = [prepare(one) for one in whole]
    _mirrored[:] = [prepare(mirrored(one)) for one in whole]


def _score(pair: Pair) -> tuple[Pair, float, int]:
    from ghostcat.identity import Prepared, score_prepared

    one, other = _prepared[pair[0]], (_mirrored if pair[2] else _prepared)[pair[1]]
    assert isinstance(one, Prepared) and isinstance(other, Prepared)
    score, rows, _, _ = score_prepared(one, other)
    return pair, float(score), len(rows)
