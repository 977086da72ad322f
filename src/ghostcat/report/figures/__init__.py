"""Figures of the report, each an inline SVG that needs nothing from outside."""

from ghostcat.report.figures.calendar import effort_calendar
from ghostcat.report.figures.detection import detection_curve
from ghostcat.report.figures.interval import interval_strip
from ghostcat.report.figures.map import PopulationMap, draw_map, map_badge
from ghostcat.report.figures.timeline import sightings_strip

__all__ = [
    "PopulationMap",
    "detection_curve",
    "draw_map",
    "effort_calendar",
    "interval_strip",
    "map_badge",
    "sightings_strip",
]
