"""Species and sex from marker readings: called with odds, or not called at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ghostcat.errors import ParameterError

__all__ = ["MarkerCall", "call_sex", "call_species"]

_Y_SEEN = frozenset({"xy", "yx", "y", "m", "male", "♂", "1", "+", "sry", "sry+", "yes"})
_Y_ABSENT = frozenset({"xx", "x", "f", "female", "♀", "0", "-", "−", "sry-", "no"})
_NOTHING = frozenset({"", "na", "nan", "?", "-9", "-99", "unknown", "u", "none"})


@dataclass(frozen=True)
class MarkerCall:
    """What the readings of one marker say about one sample."""

    sample: str
    value: str
    """The likeliest species or sex, called or not; empty where nothing was read."""
    called: bool
    probability: float
    odds: float
    """Of the likeliest against everything else."""
    readings: tuple[str, ...]
    reason: str = ""
    """Why it is not called."""


def call_sex(
    sample: str,
    readings: Sequence[str],
    *,
    y_dropout: float = 0.10,
    y_false: float = 0.01,
    males_per_female: float = 1.0 / 1.2,
    call_at: float = 0.95,
) -> MarkerCall:
    """Sex from reactions of a marker on the Y chromosome (`XY` and `XX`, `Y`, `M`, `F`, `+`, `-` …).

    Parameters
    ----------
    y_dropout : chance that a male's Y does not amplify; y_false : that a female shows one. Both are
        assumptions of the field's order of magnitude unless the laboratory gives its own.
    males_per_female : prior odds; the default is the sex ratio of surveys of the Amur leopard.

    Raises
    ------
    ParameterError : a reading that is neither, or a chance outside 0 … 1.

    >>> call_sex("s1", ["XY"]).value, call_sex("s1", ["XX"]).called, call_sex("s1", ["XX", "XX"]).called
    ('male', False, True)
    """
    _check(y_dropout=y_dropout, y_false=y_false)
    log_odds, heard = float(np.log(males_per_female)), []
    for reading in readings:
        word = reading.strip().casefold()
        if word in _NOTHING:
            continue
        heard.append(reading)
        if word in _Y_SEEN:
            log_odds += float(np.log((1.0 - y_dropout) / y_false))
        elif word in _Y_ABSENT:
            log_odds += float(np.log(y_dropout / (1.0 - y_false)))
        else:
            raise ParameterError(
                f"sample {sample}: {reading!r} is no reading of a sex marker",
                fix="Write XY or XX, Y or X, M or F.",
            )
    if not heard:
        return MarkerCall(sample, "", False, float("nan"), float("nan"), (), "nothing was read")
    chance = float(1.0 / (1.0 + np.exp(-abs(log_odds))))
    return _call(sample, "male" if log_odds > 0 else "female", chance, heard, call_at)


def call_species(
    sample: str,
    readings: Sequence[str],
    *,
    candidates: Mapping[str, float] | Sequence[str] = (),
    wrong: float = 0.02,
    call_at: float = 0.95,
) -> MarkerCall:
    """Species from reactions that each name one.

    Parameters
    ----------
    candidates : species that it could be, with prior weights if they differ; what was read and
        "another species" are always among them.
    wrong : chance that a reaction names a species that is not there (contamination, prey, mix-up).

    >>> call_species("s1", ["leopard", "leopard"]).called, call_species("s1", ["leopard", "tiger"]).called
    (True, False)
    """
    _check(wrong=wrong)
    heard = [one.strip() for one in readings if one.strip().casefold() not in _NOTHING]
    if not heard:
        return MarkerCall(sample, "", False, float("nan"), float("nan"), (), "nothing was read")
    weights = dict(candidates) if isinstance(candidates, Mapping) else dict.fromkeys(candidates, 1.0)
    mean = float(np.mean(list(weights.values()))) if weights else 1.0
    for name in (*heard, "another species"):
        weights.setdefault(name, mean)
    names = list(weights)
    logs = np.log(np.array([weights[name] for name in names], dtype=float))
    for reading in heard:
        hit = np.array([name.casefold() == reading.casefold() for name in names])
        logs += np.where(hit, np.log(1.0 - wrong), np.log(wrong / max(len(names) - 1, 1)))
    chance = np.exp(logs - logs.max())
    chance /= chance.sum()
    best = int(chance.argmax())
    return _call(sample, names[best], float(chance[best]), heard, call_at)


def _check(**chances: float) -> None:
    for name, value in chances.items():
        if not 0.0 < value < 1.0:
            raise ParameterError(f"{name} is {value}", fix="Give a probability between 0 and 1.")


def _call(sample: str, value: str, chance: float, heard: Sequence[str], call_at: float) -> MarkerCall:
    called = chance >= call_at
    reason = "" if called else f"{chance:.2f} is below the {call_at:.2f} that a call needs; read it again"
    odds = chance / max(1.0 - chance, 1e-12)
    return MarkerCall(sample, value, called, chance, odds, tuple(heard), reason)
