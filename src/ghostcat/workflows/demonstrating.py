"""The demo: a synthetic survey goes the whole way, and the truth is laid beside what was found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ghostcat.workflows.portraying import PortraitResult, portrait
from ghostcat.workflows.progress import Progress, silent

__all__ = ["DemoResult", "demo"]

DEFAULT_SEED = 2026


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """What the demo found in a world whose truth is known. Everything in it is synthetic."""

    result: PortraitResult
    package: Path
    true_abundance: int
    true_photographed: int
    """Animals with at least one usable flank on a photo."""


def demo(
    folder: str | Path = "ghostcat-demo",
    *,
    seed: int = DEFAULT_SEED,
    lang: str = "en",
    processes: int | None = None,
    progress: Progress = silent,
) -> DemoResult:
    """Make a synthetic survey with its photos, then import, identify, estimate and report it.

    Nothing is downloaded. Run again with the same folder and seed, it goes on where it stopped.

    Parameters
    ----------
    folder : where the photos, the survey and the report go.
    seed : of the world; another seed is another forest.
    """
    from ghostcat.simulate import demo_options, simulate_world, write_world

    folder = Path(folder)
    package = folder / f"synthetic-{seed}"
    world = simulate_world(seed, demo_options())
    if not (package / "datapackage.json").exists():
        write_world(world, package, progress=progress, processes=processes or 2)
    result = portrait(
        package,
        out=folder,
        region=package / "field_tables" / "habitat_mask.csv",
        lang=lang,
        processes=processes,
        progress=progress,
    )
    truth = json.loads((package / "truth" / "truth.json").read_text(encoding="utf-8"))
    return DemoResult(
        result=result,
        package=package,
        true_abundance=truth["N_region"],
        true_photographed=truth["counts"]["identifiable"],
    )
