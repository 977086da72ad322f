"""From a score to a probability, learned in every survey from its own photos.

Nobody has to label anything. Scores of *different* animals are measured on decoys: photo a against the
mirror image of photo b stands and is lit like a comparison of two flanks, but no animal carries its
coat mirrored. What the real comparisons have beyond that are the matches (the two-groups model of
Efron 2008; target–decoy search of Elias & Gygi 2007). Judgements of persons enter as known cases.
A survey too small to measure leans on the defaults below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["DEFAULT", "Calibration", "calibrate", "expected_calibration_error"]

Floats = NDArray[np.float64]

#: Weight, in comparisons with a score above zero, of the default over what a survey shows.
DEFAULT_WEIGHT = 12.0
#: No score is worth more than this log odds: labels, cameras and photos go wrong too.
MOST_LOG_ODDS = 7.0
#: The tail of the null is widened by this: decoys measure it with few large scores.
TAIL_CAUTION = 1.2
_GRID = np.geomspace(0.05, 60.0, 240)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What scores of the same and of different coats look like.

    A score is 0 where no geometry agrees. Above 0 its logarithm is normal, with `null_*` for
    different and `same_*` for the same coat.

    Attributes
    ----------
    null_hit, same_hit : share of comparisons with a score above 0.
    null_mean, null_sd, same_mean, same_sd : of log score.
    prior : share of all comparisons that show the same coat.
    decoys, pairs, judged : what it was learned from.
    """

    null_hit: float
    null_mean: float
    null_sd: float
    same_hit: float
    same_mean: float
    same_sd: float
    prior: float
    decoys: int = 0
    pairs: int = 0
    judged: int = 0

    def log_ratio(self, score: ArrayLike) -> Floats:
        """log P(score | same) − log P(score | different); never falls as the score rises."""
        score = np.atleast_1d(np.asarray(score, dtype=np.float64))
        found = np.interp(np.log(np.maximum(score, 1e-9)), np.log(_GRID), self._curve())
        return np.where(score > 0, found, self.miss)

    @property
    def miss(self) -> float:
        """log ratio of a comparison in which nothing agrees: negative, and weak, evidence."""
        return float(np.log((1 - self.same_hit) / (1 - self.null_hit)))

    def probability(self, score: ArrayLike) -> Floats:
        """P(same coat) of a comparison drawn at random from the survey, given its score."""
        odds = self.log_ratio(score) + np.log(self.prior / (1 - self.prior))
        return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)

    def _curve(self) -> Floats:
        x = np.log(_GRID)
        ratio = (
            np.log(self.same_hit / self.null_hit)
            + _log_normal(x, self.same_mean, self.same_sd)
            - _log_normal(x, self.null_mean, self.null_sd * TAIL_CAUTION)
        )
        peak = int(ratio.argmax())
        ratio[peak:] = ratio[peak]
        # A low score must not look better than a higher one on the far side of the null.
        ratio[: int(ratio.argmin())] = ratio.min()
        return np.clip(np.maximum.accumulate(ratio), self.miss, MOST_LOG_ODDS)


#: Set by hand, fitted to no picture: a chance agreement is a few spots that just pass the ratio test
#: (4 to 8 of 0.1, log ½ ± 0.7); a true one covers some 20 cells with spots of 0.2 (log 4 ± 0.8).
DEFAULT = Calibration(
    null_hit=0.015,
    null_mean=-0.7,
    null_sd=0.7,
    same_hit=0.65,
    same_mean=1.3,
    same_sd=0.8,
    prior=0.05,
)


def calibrate(
    scores: ArrayLike,
    decoy_scores: ArrayLike,
    *,
    judged: Sequence[tuple[float, bool]] = (),
    same_hit: float | None = None,
    rounds: int = 40,
) -> Calibration:
    """Fit `Calibration` to the comparisons of one survey.

    Parameters
    ----------
    scores : every real comparison between different passes, zeros included.
    decoy_scores : every comparison with a mirror image, zeros included.
    judged : (score, same) of comparisons that a person decided.
    same_hit : share of same-coat comparisons that score above 0, when it is known from groups already
        found; scores alone cannot tell a miss from a different animal.
    rounds : of the EM algorithm, which is deterministic.

    Raises
    ------
    nothing: with no data it returns `DEFAULT`.

    References
    ----------
    Efron (2008) Statist. Sci. 23:1–22; Elias & Gygi (2007) Nat. Methods 4:207–214.
    """
    real = np.asarray(scores, dtype=np.float64).ravel()
    decoy = np.asarray(decoy_scores, dtype=np.float64).ravel()
    decided = np.array([(s, float(y)) for s, y in judged], dtype=np.float64).reshape(-1, 2)
    null = _fit_null(decoy, decided)
    hit = DEFAULT.same_hit if same_hit is None else float(np.clip(same_hit, 0.2, 0.95))
    fit = replace(DEFAULT, **null, same_hit=hit, decoys=len(decoy), pairs=len(real), judged=len(decided))
    if not len(real):
        return fit
    positive = np.log(real[real > 0])
    known = decided[(decided[:, 0] > 0) & (decided[:, 1] == 1), 0]
    for _ in range(rounds):
        weight = fit.probability(np.exp(positive))
        x = np.concatenate([positive, np.log(known)])
        w = np.concatenate([weight, np.ones(len(known))])
        # A real match is better than chance: its scores may not sink into the null.
        mean, sd = _leaning(x, w, DEFAULT.same_mean, DEFAULT.same_sd)
        mean = max(mean, fit.null_mean + fit.null_sd)
        prior = (weight.sum() / hit + 1.0) / (len(real) + 1.0 / DEFAULT.prior)
        fit = replace(
            fit,
            same_mean=float(mean),
            same_sd=float(np.clip(sd, 0.4, 1.2)),
            prior=float(np.clip(prior, 1e-4, 0.6)),
        )
    return fit


def _fit_null(decoy: Floats, decided: NDArray[np.float64]) -> dict[str, float]:
    different = np.concatenate([decoy, decided[decided[:, 1] == 0, 0]])
    positive = np.log(different[different > 0])
    mean, sd = _leaning(positive, np.ones(len(positive)), DEFAULT.null_mean, DEFAULT.null_sd)
    weight = DEFAULT_WEIGHT / DEFAULT.null_hit
    hit = (len(positive) + DEFAULT_WEIGHT) / (len(different) + weight)
    return {
        "null_hit": float(np.clip(hit, 1e-4, 0.5)),
        "null_mean": float(mean),
        "null_sd": float(np.clip(sd, 0.35, 1.2)),
    }


def _leaning(x: Floats, w: Floats, mean0: float, sd0: float) -> tuple[float, float]:
    """Weighted mean and sd that lean on a default with `DEFAULT_WEIGHT` cases."""
    total = w.sum() + DEFAULT_WEIGHT
    mean = ((w * x).sum() + DEFAULT_WEIGHT * mean0) / total
    spread = (w * (x - mean) ** 2).sum() + DEFAULT_WEIGHT * (sd0**2 + (mean0 - mean) ** 2)
    return float(mean), float(np.sqrt(spread / total))


def _log_normal(x: Floats, mean: float, sd: float) -> Floats:
    return np.asarray(-0.5 * ((x - mean) / sd) ** 2 - np.log(sd), dtype=np.float64)


def expected_calibration_error(probability: ArrayLike, truth: ArrayLike, *, bins: int = 10) -> float:
    """Mean gap between stated probability and observed share, over equal-width bins, weighted by size."""
    p = np.asarray(probability, dtype=np.float64)
    y = np.asarray(truth, dtype=np.float64)
    if not len(p):
        return 0.0
    index = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[index == k].mean() - y[index == k].mean()) * (index == k).mean() for k in np.unique(index)]
    return float(np.sum(gaps))
