"""Who was exposed to which detector, in which state, for how long: rows, profiles and catches of one array.

A row is a detector with the parameters that hold there: those of a class of occasions, a class of animals
and a state of behaviour. Animals that share their exposure share a profile. What an animal has learned at
single traps enters as a correction to the profile of its like, so that cost grows with detections.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ghostcat.scr.captures import DetectorArray

__all__ = ["BEHAVIOURS", "Exposure", "Situation", "expose"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: b: caught before; B: caught on the occasion before; bk, Bk: the same at this detector.
BEHAVIOURS = ("b", "B", "bk", "Bk")


@dataclass(frozen=True, kw_only=True, eq=False)
class Situation:
    """What a model distinguishes, apart from the detectors themselves."""

    occasion_key: Ints
    """(K, S) class of each detector on each occasion, by the variables that vary over occasions."""
    animal_key: Ints
    """(n,) class of each animal, by the covariates of animals that are used."""
    animal_keys: int
    last: Ints
    """(n,) last occasion on which each animal was there."""
    behaviours: tuple[str, ...]
    """Those used, in the order of `BEHAVIOURS`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposure:
    """Structure of one array, without parameters; see `ClassLayout` for the shapes."""

    detector: Ints
    occasion: Ints
    """(R,) an occasion that is typical of each row."""
    animal_key: Ints
    state: Ints
    """(R,) bits of the behaviours that are used, the first the lowest."""
    profiles: csr_array
    survived: csr_array
    competed: csr_array
    crowds: csr_array | None
    catch_row: Ints
    catch_effort: Floats
    caught: csr_array
    naive: csr_array
    log_effort: Floats
    """(n,) Σ ln T of each animal's catches, where the effort is not part of the kind of catch."""


def expose(array: DetectorArray, animals: int, situation: Situation) -> Exposure:
    """Lay out one array for `animals` histories, whose indices are those of `array.animal`."""
    return _Builder(array, animals, situation).build()


class _Builder:
    """Entries of the sparse matrices, collected; rows get their final numbers at the end."""

    def __init__(self, array: DetectorArray, animals: int, situation: Situation) -> None:
        self.array, self.n, self.situation = array, animals, situation
        self.k, self.s = array.usage.shape
        self.effort = array.usage if array.trials is None else array.usage * array.trials
        self.global_behaviour = [b for b in situation.behaviours if b in ("b", "B")]
        self.local_behaviour = [b for b in situation.behaviours if b in ("bk", "Bk")]
        self.states = 1 << len(situation.behaviours)
        self.keys, self.key_of = _occasion_classes(situation.occasion_key)
        self.profile_entries: list[tuple[Ints, Ints, Floats]] = []
        self.profile_count = 0

    def build(self) -> Exposure:
        patterns, of_animal = self._patterns()
        if self.array.exclusive:
            parts = self._exclusive(patterns, of_animal)
        else:
            parts = self._independent(patterns, of_animal)
        survived, competed, crowds, naive = parts
        return self._finish(survived, competed, crowds, naive, patterns, of_animal)

    # ── animals that share their exposure ────────────────────────────────────────────────────────────

    def _patterns(self) -> tuple[Ints, Ints]:
        """Unique (animal key, state on each occasion; −1 once removed), and which one each animal has.

        The first `animal_keys` patterns are those of animals that were never caught.
        """
        keys, n = self.situation.animal_keys, self.n
        naive = np.zeros((keys, self.s + 1), dtype=np.int64)
        naive[:, 0] = np.arange(keys)
        removed = self.situation.last < self.s - 1
        if not self.global_behaviour and not removed.any():
            return naive, self.situation.animal_key
        own = np.zeros((n, self.s + 1), dtype=np.int64)
        own[:, 0] = self.situation.animal_key
        own[:, 1:] = self._global_state()
        own[:, 1:][np.arange(self.s)[None, :] > self.situation.last[:, None]] = -1
        unique, inverse = np.unique(own, axis=0, return_inverse=True)
        plain = (unique[:, 1:] == 0).all(axis=1)
        # Patterns that equal a naive one take its number; the others follow.
        number = np.where(plain, unique[:, 0], keys + np.cumsum(~plain) - 1)
        return np.concatenate([naive, unique[~plain]]), number[inverse.reshape(-1)]

    def _global_state(self) -> Ints:
        caught = np.zeros((self.n, self.s), dtype=bool)
        caught[self.array.animal, self.array.occasion] = True
        state = np.zeros((self.n, self.s), dtype=np.int64)
        for behaviour in self.global_behaviour:
            bit = 1 << self.situation.behaviours.index(behaviour)
            before = np.zeros_like(caught)
            before[:, 1:] = (
                np.logical_or.accumulate(caught, axis=1)[:, :-1] if behaviour == "b" else caught[:, :-1]
            )
            state |= np.where(before, bit, 0)
        return state

    def _local_states(self) -> tuple[Ints, Ints, Ints, Ints]:
        """(animal, detector, occasion, bits) wherever an animal has learned something about a detector."""
        array, span = self.array, np.arange(self.s)
        found: list[Ints] = []
        bits: list[Ints] = []
        for behaviour in self.local_behaviour:
            bit = 1 << self.situation.behaviours.index(behaviour)
            pair = array.animal * self.k + array.detector
            if behaviour == "bk":
                unique = np.unique(pair)
                first = np.full(len(unique), self.s)
                np.minimum.at(first, np.searchsorted(unique, pair), array.occasion)
                which, occasion = np.nonzero(span[None, :] > first[:, None])
                flat = unique[which] * self.s + occasion
            else:
                later = array.occasion + 1 < self.s
                flat = np.unique(pair[later] * self.s + array.occasion[later] + 1)
            found.append(flat)
            bits.append(np.full(len(flat), bit))
        flat, inverse = np.unique(np.concatenate(found), return_inverse=True)
        total = np.zeros(len(flat), dtype=np.int64)
        np.bitwise_or.at(total, inverse.reshape(-1), np.concatenate(bits))
        animal, detector, occasion = flat // (self.k * self.s), flat // self.s % self.k, flat % self.s
        here = (occasion <= self.situation.last[animal]) & (self.array.usage[detector, occasion] > 0)
        return animal[here], detector[here], occasion[here], total[here]

    # ── numbers of rows before they are made few ─────────────────────────────────────────────────────

    def _row(self, detector: Ints, occasion: Ints, animal_key: Ints, state: Ints) -> Ints:
        key = self.keys[detector, self.key_of[occasion]]
        levels = int(self.keys.max(initial=0)) + 1
        row = ((detector * levels + key) * self.situation.animal_keys + animal_key) * self.states + state
        return np.asarray(row, dtype=np.int64)

    def _rows_of(self, occasion: int, animal_key: int, state: int) -> Ints:
        k = np.arange(self.k)
        return self._row(k, np.full(self.k, occasion), np.full(self.k, animal_key), np.full(self.k, state))

    def _add_profile(self, rows: Ints, effort: Floats) -> int:
        number = self.profile_count
        self.profile_entries.append((np.full(len(rows), number), rows, effort))
        self.profile_count += 1
        return number

    # ── detectors that do not compete ────────────────────────────────────────────────────────────────

    def _independent(
        self, patterns: Ints, of_animal: Ints
    ) -> tuple[csr_array, csr_array, csr_array | None, csr_array]:
        for pattern in patterns:
            rows, efforts = [], []
            for key in range(self.keys.shape[1]):
                for state in np.unique(pattern[1:]):
                    when = (self.key_of == key) & (pattern[1:] == state)
                    if state < 0 or not when.any():
                        continue
                    occasion = int(np.argmax(when))
                    effort = self.effort[:, when].sum(axis=1)
                    rows.append(self._rows_of(occasion, int(pattern[0]), int(state)))
                    efforts.append(effort)
            self._add_profile(np.concatenate(rows), np.concatenate(efforts))
        who, which, number = [np.arange(self.n)], [of_animal], [np.ones(self.n)]
        if self.local_behaviour:
            animal, profile = self._independent_corrections(patterns, of_animal)
            who.append(animal)
            which.append(profile)
            number.append(np.ones(len(animal)))
        survived = self._matrix(who, which, number, (self.n, self.profile_count))
        keys = self.situation.animal_keys
        naive = self._matrix(
            [np.arange(keys)], [np.arange(keys)], [np.ones(keys)], (keys, self.profile_count)
        )
        return survived, csr_array((self.n, self.profile_count)), None, naive

    def _independent_corrections(self, patterns: Ints, of_animal: Ints) -> tuple[Ints, Ints]:
        animal, detector, occasion, bits = self._local_states()
        key = self.situation.animal_key[animal]
        base = patterns[of_animal[animal], occasion + 1]
        effort = self.effort[detector, occasion]
        naive = self._row(detector, occasion, key, base)
        learned = self._row(detector, occasion, key, base | bits)
        rows = np.concatenate([naive, learned])
        span = int(rows.max(initial=0)) + 1
        flat = np.concatenate([animal, animal]) * span + rows
        unique, inverse = np.unique(flat, return_inverse=True)
        total = np.asarray(
            np.bincount(inverse.reshape(-1), weights=np.concatenate([-effort, effort])), dtype=np.float64
        )
        who = unique // span
        animals, start = np.unique(who, return_index=True)
        for rows_here, effort_here in zip(
            np.split(unique % span, start[1:]), np.split(total, start[1:]), strict=True
        ):
            if len(animals):
                self._add_profile(rows_here, effort_here)
        return animals, self.profile_count - len(animals) + np.arange(len(animals))

    # ── traps that hold the animal ───────────────────────────────────────────────────────────────────

    def _exclusive(
        self, patterns: Ints, of_animal: Ints
    ) -> tuple[csr_array, csr_array, csr_array | None, csr_array]:
        """Profiles are of single occasions here: a catch competes with all traps of its occasion."""
        stacked = np.concatenate([self.effort, self.key_of[None, :].astype(np.float64)])
        if (stacked == stacked[:, :1]).all():
            kind, kinds = np.zeros(self.s, dtype=np.int64), 1
        else:
            _, inverse = np.unique(stacked, axis=1, return_inverse=True)
            kind, kinds = inverse.reshape(-1), int(inverse.max()) + 1
        keys = self.situation.animal_keys
        table = np.full((kinds, keys, self.states), -1, dtype=np.int64)
        state = patterns[:, 1:]
        here = state >= 0
        flat = (kind[None, :] * keys + patterns[:, :1]) * self.states + np.maximum(state, 0)
        for used in np.unique(flat[here]):
            c, a, b = used // self.states // keys, used // self.states % keys, used % self.states
            when = int(np.argmax(kind == c))
            profile = self._add_profile(self._rows_of(when, int(a), int(b)), self.effort[:, when])
            table[c, a, b] = profile
        pattern, occasion = np.nonzero(here)
        exposure = self._matrix(
            [pattern],
            [table[kind[occasion], patterns[pattern, 0], state[pattern, occasion]]],
            [np.ones(len(pattern))],
            (len(patterns), self.profile_count),
        )
        who, moment = self.array.animal, self.array.occasion
        base = table[kind[moment], self.situation.animal_key[who], state[of_animal[who], moment]]
        if not self.local_behaviour:
            survived = csr_array(exposure[of_animal])
            competed = self._matrix([who], [base], [np.ones(len(who))], (self.n, self.profile_count))
            return survived, competed, None, csr_array(exposure[:keys])
        return self._exclusive_corrections(patterns, of_animal, kind, exposure, base, table)

    def _exclusive_corrections(
        self, patterns: Ints, of_animal: Ints, kind: Ints, exposure: csr_array, base: Ints, table: Ints
    ) -> tuple[csr_array, csr_array, csr_array | None, csr_array]:
        animal, detector, occasion, bits = self._local_states()
        flat = animal * self.s + occasion
        order = np.lexsort((detector, flat))
        animal, detector, occasion, bits, flat = (v[order] for v in (animal, detector, occasion, bits, flat))
        unique, start = np.unique(flat, return_index=True)
        stop = np.append(start[1:], len(flat))
        known: dict[tuple[object, ...], int] = {}
        profile_of: dict[int, int] = {}
        for moment, i, j in zip(unique.tolist(), start.tolist(), stop.tolist(), strict=True):
            who, when = moment // self.s, moment % self.s
            key = int(self.situation.animal_key[who])
            state = int(patterns[of_animal[who], when + 1])
            mark = (int(kind[when]), key, state, detector[i:j].tobytes(), bits[i:j].tobytes())
            if mark not in known:
                d, b = detector[i:j], bits[i:j]
                many = np.full(len(d), when)
                rows = np.concatenate(
                    [
                        self._row(d, many, np.full(len(d), key), np.full(len(d), state)),
                        self._row(d, many, np.full(len(d), key), state | b),
                    ]
                )
                effort = self.effort[d, when]
                known[mark] = self._add_profile(rows, np.concatenate([-effort, effort]))
            profile_of[moment] = known[mark]
        moments = np.array(list(profile_of), dtype=np.int64)
        corrections = np.array(list(profile_of.values()), dtype=np.int64)
        shape = (self.n, self.profile_count)
        wide = csr_array((exposure.data, exposure.indices, exposure.indptr), (len(patterns), shape[1]))
        added = self._matrix([moments // self.s], [corrections], [np.ones(len(moments))], shape)
        survived = csr_array(wide[of_animal] + added)
        flat_catch = self.array.animal * self.s + self.array.occasion
        extra = np.array([profile_of.get(m, -1) for m in flat_catch.tolist()], dtype=np.int64)
        pairs, crowd = np.unique(np.stack([base, extra], axis=1), axis=0, return_inverse=True)
        index = np.arange(len(pairs))
        corrected = pairs[:, 1] >= 0
        crowds = self._matrix(
            [index, index[corrected]],
            [pairs[:, 0], pairs[corrected, 1]],
            [np.ones(len(pairs)), np.ones(int(corrected.sum()))],
            (len(pairs), shape[1]),
        )
        competed = self._matrix(
            [self.array.animal], [crowd.reshape(-1)], [np.ones(len(base))], (self.n, len(pairs))
        )
        return survived, competed, crowds, csr_array(wide[: self.situation.animal_keys])

    # ── catches, and the end ─────────────────────────────────────────────────────────────────────────

    def _finish(
        self,
        survived: csr_array,
        competed: csr_array,
        crowds: csr_array | None,
        naive: csr_array,
        patterns: Ints,
        of_animal: Ints,
    ) -> Exposure:
        array = self.array
        state = np.maximum(patterns[of_animal[array.animal], array.occasion + 1], 0)
        if self.local_behaviour:
            animal, detector, occasion, bits = self._local_states()
            flat = (animal * self.k + detector) * self.s + occasion
            wanted = (array.animal * self.k + array.detector) * self.s + array.occasion
            place = np.minimum(np.searchsorted(flat, wanted), max(len(flat) - 1, 0))
            if len(flat):
                state = state | np.where(flat[place] == wanted, bits[place], 0)
        catch = self._row(array.detector, array.occasion, self.situation.animal_key[array.animal], state)
        number = array.counts.astype(np.float64)
        effort = array.usage[array.detector, array.occasion]
        log_effort: Floats = np.zeros(self.n)
        if array.kind in ("proximity", "binomial"):
            kinds, which = np.unique(
                np.stack([catch.astype(np.float64), effort], axis=1), axis=0, return_inverse=True
            )
            catch_row, catch_effort = kinds[:, 0].astype(np.int64), kinds[:, 1]
        else:
            catch_row, which = np.unique(catch, return_inverse=True)
            catch_effort = np.ones(len(catch_row))
        if array.kind in ("count", "multi", "single"):
            weights = number * np.log(effort)
            log_effort = np.asarray(
                np.bincount(array.animal, weights=weights, minlength=self.n), dtype=np.float64
            )
        caught = self._matrix([array.animal], [which.reshape(-1)], [number], (self.n, len(catch_row)))
        profile, row, effort_in = (np.concatenate([e[i] for e in self.profile_entries]) for i in (0, 1, 2))
        kept = effort_in != 0
        profile, row, effort_in = profile[kept], row[kept], effort_in[kept]
        used, inverse = np.unique(np.concatenate([row, catch_row]), return_inverse=True)
        inverse = inverse.reshape(-1)
        profiles = self._matrix(
            [profile], [inverse[: len(row)]], [effort_in], (self.profile_count, max(len(used), 0))
        )
        levels = int(self.keys.max(initial=0)) + 1
        state_of, rest = used % self.states, used // self.states
        key_of, rest = rest % self.situation.animal_keys, rest // self.situation.animal_keys
        level, detector_of = rest % levels, rest // levels
        return Exposure(
            detector=detector_of,
            occasion=self._typical_occasion(detector_of, level),
            animal_key=key_of,
            state=state_of,
            profiles=profiles,
            survived=survived,
            competed=competed,
            crowds=crowds,
            catch_row=inverse[len(row) :],
            catch_effort=catch_effort,
            caught=caught,
            naive=naive,
            log_effort=log_effort,
        )

    def _typical_occasion(self, detector: Ints, level: Ints) -> Ints:
        column = np.argmax(self.keys[detector] == level[:, None], axis=1)
        first = np.array(
            [int(np.argmax(self.key_of == c)) for c in range(self.keys.shape[1])], dtype=np.int64
        )
        return np.asarray(first[column], dtype=np.int64)

    @staticmethod
    def _matrix(
        rows: list[Ints], columns: list[Ints], values: list[Floats], shape: tuple[int, int]
    ) -> csr_array:
        """A sparse matrix of entries, equal places added up."""
        r, c, v = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
        found = csr_array((v, (r, c)), shape=shape)
        found.sum_duplicates()
        return found


def _occasion_classes(key: Ints) -> tuple[Ints, Ints]:
    """Distinct columns (K, C) of the classes of detectors on occasions, and the column of each occasion."""
    if (key == key[:, :1]).all():
        return key[:, :1], np.zeros(key.shape[1], dtype=np.int64)
    columns, inverse = np.unique(key, axis=1, return_inverse=True)
    return columns, inverse.reshape(-1)
