"""A simulated studbook: animals that were never born, in zoos that were never built."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

ZOOS = ("Nord", "Ost", "Süd", "West", "Taiga", "Bay")
COLUMNS = ("id", "dam", "sire", "sex", "birth", "death", "alive", "location")


def studbook_rows(*, founders: int = 14, animals: int = 200, seed: int = 7) -> list[dict[str, str]]:
    """`animals` rows with dates, sexes and places; the last years of life are those up to 2026."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    living: list[dict[str, object]] = []

    def born(year: int, dam: str, sire: str, sex: str, place: str) -> None:
        name = f"SB{len(rows) + 1}"
        told = {"birth": str(year), "death": "", "alive": "yes", "location": place}
        rows.append({"id": name, "dam": dam, "sire": sire, "sex": sex, **told})
        end = year + int(rng.integers(9, 18)) if not dam else year + int(rng.integers(1, 17))
        living.append({"row": rows[-1], "year": year, "end": end})

    for k in range(founders):
        born(1978 + int(rng.integers(0, 6)), "", "", "FM"[k % 2], str(rng.choice(ZOOS)))
    year = 1983
    while len(rows) < animals and year < 2026:
        for animal in [a for a in living if a["end"] <= year]:
            animal["row"].update(death=str(year), alive="no")
            living.remove(animal)
        grown = [a for a in living if 3 <= year - a["year"] <= 14]
        females = [a["row"] for a in grown if a["row"]["sex"] == "F"]
        males = [a["row"] for a in grown if a["row"]["sex"] == "M"]
        litters = min(len(females), max(1, round((animals - len(rows)) / (2.1 * (2027 - year)))))
        for mother in rng.permutation(len(females))[:litters] if males else ():
            father = males[int(rng.integers(len(males)))]
            for _ in range(1 + int(rng.binomial(3, 0.37))):
                if len(rows) < animals:
                    sex = str(rng.choice(["F", "M"]))
                    born(year, females[mother]["id"], father["id"], sex, females[mother]["location"])
        year += 1
    return rows


def write_studbook(path: Path, **options: int) -> Path:
    """The same as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(studbook_rows(**options))
    return path
