"""What all lines of evidence say together: the population portrait."""

from ghostcat.portrait.compose import catalogue, compose_portrait, effort_statement
from ghostcat.portrait.portrait import (
    MINIMUM_COUNT_RULE,
    CatalogueEntry,
    DensitySurface,
    Effort,
    Estimate,
    Interval,
    Portrait,
    Refusal,
    StationLine,
)

__all__ = [
    "MINIMUM_COUNT_RULE",
    "CatalogueEntry",
    "DensitySurface",
    "Effort",
    "Estimate",
    "Interval",
    "Portrait",
    "Refusal",
    "StationLine",
    "catalogue",
    "compose_portrait",
    "effort_statement",
]
