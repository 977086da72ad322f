"""Collared animals: how they move, where they live, and where they cross."""

from ghostcat.movement.bandwidth import Bandwidth, choose_bandwidth
from ghostcat.movement.cleaning import CleanTrack, RawFixes, RemovedFix, clean_fixes, local_projection
from ghostcat.movement.crossings import Crossing, Crossings, LineRate, find_crossings, straight_crossings
from ghostcat.movement.fit import MotionFit, Selection, fit_motion, select_motion
from ghostcat.movement.likelihood import TrackLikelihood, track_likelihood
from ghostcat.movement.motion import Motion, autocorrelation
from ghostcat.movement.overlap import gaussian_overlap, kernel_overlap
from ghostcat.movement.paths import Paths, draw_paths, most_likely_path, occurrence
from ghostcat.movement.ranges import KernelRange, akde, convex_polygon, gaussian_range, local_hulls
from ghostcat.movement.results import Estimate
from ghostcat.movement.track import Track
from ghostcat.movement.variogram import Variogram, model_variogram, variogram

__all__ = [
    "Bandwidth",
    "CleanTrack",
    "Crossing",
    "Crossings",
    "Estimate",
    "KernelRange",
    "LineRate",
    "Motion",
    "MotionFit",
    "Paths",
    "RawFixes",
    "RemovedFix",
    "Selection",
    "Track",
    "TrackLikelihood",
    "Variogram",
    "akde",
    "autocorrelation",
    "choose_bandwidth",
    "clean_fixes",
    "convex_polygon",
    "draw_paths",
    "find_crossings",
    "fit_motion",
    "gaussian_overlap",
    "gaussian_range",
    "kernel_overlap",
    "local_hulls",
    "local_projection",
    "model_variogram",
    "most_likely_path",
    "occurrence",
    "select_motion",
    "straight_crossings",
    "track_likelihood",
    "variogram",
]
