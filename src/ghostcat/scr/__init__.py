"""Spatial capture–recapture: how many, where, how far do they move, given effort?"""

from ghostcat.scr.areas import AreaEstimate, Numbers, derived_density, region_numbers
from ghostcat.scr.captures import Collars, DetectorArray, ScrSession
from ghostcat.scr.constant_model import conditional_log_likelihood, log_likelihood, prepare
from ghostcat.scr.data import ScrData
from ghostcat.scr.estimate import check_mask, estimate_density
from ghostcat.scr.evidence import EvidenceAccount, EvidencePiece, evidence_account
from ghostcat.scr.fit import ScrFit, fit_scr
from ghostcat.scr.fitting import Coefficient, ModelFit, fit_model
from ghostcat.scr.hazard import half_normal_hazard
from ghostcat.scr.mask import Mask, make_mask, suggest_buffer
from ghostcat.scr.model import ScrModel
from ghostcat.scr.predicting import RealParameter, predict, real_parameters
from ghostcat.scr.region import region_share
from ghostcat.scr.results import Abundance, Convergence, Diagnostic, Interval, MaskCheck
from ghostcat.scr.simulate import SimulatedCaptures, simulate_captures
from ghostcat.scr.surfaces import DensityMap, activity_centres, class_shares, density_map, region_abundance

__all__ = [
    "Abundance",
    "AreaEstimate",
    "Coefficient",
    "Collars",
    "Convergence",
    "DensityMap",
    "DetectorArray",
    "Diagnostic",
    "EvidenceAccount",
    "EvidencePiece",
    "Interval",
    "Mask",
    "MaskCheck",
    "ModelFit",
    "Numbers",
    "RealParameter",
    "ScrData",
    "ScrFit",
    "ScrModel",
    "ScrSession",
    "SimulatedCaptures",
    "activity_centres",
    "check_mask",
    "class_shares",
    "conditional_log_likelihood",
    "density_map",
    "derived_density",
    "estimate_density",
    "evidence_account",
    "fit_model",
    "fit_scr",
    "half_normal_hazard",
    "log_likelihood",
    "make_mask",
    "predict",
    "prepare",
    "real_parameters",
    "region_abundance",
    "region_numbers",
    "region_share",
    "simulate_captures",
    "suggest_buffer",
]
