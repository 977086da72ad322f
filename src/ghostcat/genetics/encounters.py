"""From animals and their samples to an encounter history: who was found where and when.

The history is what spatial capture–recapture needs: counts of samples by animal, detector (station or
search cell) and occasion. Samples without a place or a date, and those that were not assigned to an
animal, are told apart, never dropped in silence. Effort is not in it: it comes from the search routes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError

__all__ = ["DnaHistory", "encounter_history"]


@dataclass(frozen=True, eq=False)
class DnaHistory:
    """Counts of samples, with the names of every axis.

    Parameters
    ----------
    counts : (animals, places, occasions) number of samples.
    first_day : of the first occasion; `occasion_days` long each.
    left_out : (sample, reason) of those that could not be placed.
    """

    animals: tuple[str, ...]
    places: tuple[str, ...]
    counts: NDArray[np.int64]
    first_day: date
    occasion_days: int
    left_out: tuple[tuple[str, str], ...]

    @property
    def captures(self) -> list[tuple[str, int, str, int]]:
        """Rows (animal, occasion from 1, place, samples) of everything found."""
        rows = np.argwhere(self.counts)
        return [(self.animals[i], int(t) + 1, self.places[k], int(self.counts[i, k, t])) for i, k, t in rows]


def encounter_history(
    animal_of: Mapping[str, str],
    place_of: Mapping[str, str],
    day_of: Mapping[str, date],
    *,
    samples: Sequence[str],
    occasion_days: int,
    first_day: date | None = None,
    last_day: date | None = None,
) -> DnaHistory:
    """Count samples by animal, place and occasion.

    Parameters
    ----------
    animal_of, place_of, day_of : by sample; a sample that is missing in one of them is left out.
    occasion_days : length of an occasion.
    first_day, last_day : window of the survey; that of the samples when None.

    Raises
    ------
    ParameterError : an occasion of less than a day, or a window that ends before it begins.
    EstimateRefused : no sample has an animal, a place and a day (`no_encounters`).

    >>> one = encounter_history(
    ...     {"s1": "D1", "s2": "D1"}, {"s1": "A4", "s2": "B4"},
    ...     {"s1": date(2026, 1, 1), "s2": date(2026, 1, 9)}, samples=["s1", "s2"], occasion_days=7,
    ... )
    >>> one.captures
    [('D1', 1, 'A4', 1), ('D1', 2, 'B4', 1)]
    """
    if occasion_days < 1:
        raise ParameterError(f"an occasion has {occasion_days} days", fix="Use at least one.")
    left_out: list[tuple[str, str]] = []
    usable: list[str] = []
    for name in samples:
        lacks = [
            what
            for what, known in (("animal", animal_of), ("place", place_of), ("day", day_of))
            if not known.get(name)
        ]
        if lacks:
            left_out.append((name, f"no {' and no '.join(lacks)}"))
        else:
            usable.append(name)
    first = first_day or min((day_of[name] for name in usable), default=None)
    last = last_day or max((day_of[name] for name in usable), default=None)
    if first is not None and last is not None and last < first:
        raise ParameterError(f"the window ends on {last}, before it begins on {first}", fix="Swap the days.")
    inside = []
    for name in usable:
        assert first is not None and last is not None
        if first <= day_of[name] <= last:
            inside.append(name)
        else:
            left_out.append((name, f"{day_of[name]} is outside {first} to {last}"))
    if not inside or first is None or last is None:
        raise EstimateRefused(
            f"none of {len(samples)} samples has an animal, a place and a day in the window",
            code="no_encounters",
            fix="Give the columns with the station or search cell and with the date.",
        )
    animals = tuple(dict.fromkeys(animal_of[name] for name in inside))
    places = tuple(sorted({place_of[name] for name in inside}))
    row, column = ({name: at for at, name in enumerate(names)} for names in (animals, places))
    counts = np.zeros((len(animals), len(places), (last - first).days // occasion_days + 1), dtype=np.int64)
    for name in inside:
        occasion = (day_of[name] - first).days // occasion_days
        counts[row[animal_of[name]], column[place_of[name]], occasion] += 1
    return DnaHistory(animals, places, counts, first, occasion_days, tuple(left_out))
