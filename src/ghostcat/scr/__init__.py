"""Spatial capture–recapture: how many, where, how far do they move, given effort?"""

from ghostcat.scr.data import ScrData
from ghostcat.scr.estimate import check_mask, estimate_density
from ghostcat.scr.fit import ScrFit, fit_scr
from ghostcat.scr.hazard import half_normal_hazard
from ghostcat.scr.likelihood import conditional_log_likelihood, log_likelihood, prepare
from ghostcat.scr.mask import Mask, make_mask, suggest_buffer
from ghostcat.scr.region import region_share
from ghostcat.scr.results import Abundance, Convergence, Diagnostic, Interval, MaskCheck
from ghostcat.scr.simulate import SimulatedCaptures, simulate_captures

__all__ = [
    "Abundance",
    "Convergence",
    "Diagnostic",
    "Interval",
    "Mask",
    "MaskCheck",
    "ScrData",
    "ScrFit",
    "SimulatedCaptures",
    "check_mask",
    "conditional_log_likelihood",
    "estimate_density",
    "fit_scr",
    "half_normal_hazard",
    "log_likelihood",
    "make_mask",
    "prepare",
    "region_share",
    "simulate_captures",
    "suggest_buffer",
]
