"""What can be chosen about a simulated world, and two ready-made choices."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Final

from ..errors import ParameterError

__all__ = ["DEMO_SEED", "TINY_SEED", "WorldOptions", "demo_options", "tiny_options"]

#: The seeds that the demo and the tests use. Any other seed is as good: one realisation each.
DEMO_SEED: Final = 2
TINY_SEED: Final = 0


@dataclass(frozen=True, kw_only=True)
class WorldOptions:
    """A simulated survey before the dice are thrown.

    Lengths in metres; hazards per station-day with at least one working camera.
    """

    name: str = "synthetic-leopards"
    title: str = "Synthetic leopards: a simulated camera-trap survey with known truth"

    stations: int = 28
    spacing_m: float = 4000.0
    jitter_m: float = 500.0
    single_camera_share: float = 0.15
    """Share of stations with camera A only."""
    buffer_m: float = 12_000.0
    """How far the region reaches beyond the outer stations."""
    barren_share: float = 0.12
    """Share of the region's cells that is no habitat."""

    density_per_100km2: float = 1.5
    animals: int | None = None
    """Number in the region; None takes it from the density."""
    female_share: float = 0.545
    sigma_female_m: float = 3500.0
    sigma_male_m: float = 5500.0
    lambda0_female: float = 0.020
    lambda0_male: float = 0.014

    start: date = date(2025, 9, 15)
    days: int = 90
    utc_offset_h: int = 10
    failure_share: float = 0.18
    """Share of cameras that fail once."""
    night_share: float = 0.35
    unusable_share: float = 0.10
    """Chance that a camera's photos of a pass cannot be used: blurred, cut off or over-exposed."""
    blanks_per_camera: float = 0.25
    """Mean number of empty photos (wind, falling snow) per camera."""
    burst_max: int = 3
    """A camera takes 1 … this many photos of a pass."""
    clock_error_s: int = 0
    """Seconds by which one camera's clock is wrong; 0 for none."""

    width_px: int = 900
    height_px: int = 600
    jpeg_quality: int = 84

    def __post_init__(self) -> None:
        for name in ("stations", "days", "burst_max"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} is {getattr(self, name)}", fix="Give 1 or more.")
        positive = ("spacing_m", "sigma_female_m", "sigma_male_m", "lambda0_female", "lambda0_male")
        for name in positive:
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name} is {getattr(self, name)}", fix="Give a number above 0.")
        for name in (f.name for f in fields(self) if f.name.endswith("_share")):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name} is {getattr(self, name)}", fix="Give a share from 0 to 1.")
        if self.width_px < 200 or self.height_px < 150:
            raise ParameterError(
                f"photos of {self.width_px} × {self.height_px} px cannot show a coat",
                fix="Give 200 × 150 or more.",
            )


def demo_options() -> WorldOptions:
    """The survey of `ghostcat demo`: a patch of forest that 28 stations can estimate honestly.

    Density and hazards lie at the upper end of what surveys of leopards find, so that a small
    survey carries an estimate; see docs/simulate.md.
    """
    return WorldOptions(burst_max=2)


def tiny_options() -> WorldOptions:
    """A survey of seconds for tests: six stations, a handful of animals, about thirty photos."""
    return WorldOptions(
        name="synthetic-leopards-tiny",
        title="Synthetic leopards, tiny: a simulated camera-trap survey with known truth",
        stations=6,
        spacing_m=3000.0,
        jitter_m=300.0,
        buffer_m=4000.0,
        animals=5,
        start=date(2025, 10, 5),
        days=30,
        lambda0_female=0.045,
        lambda0_male=0.030,
        blanks_per_camera=0.1,
        burst_max=2,
        width_px=640,
        height_px=427,
    )
