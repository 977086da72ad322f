"""Fit a spatial capture–recapture model, and everything that can be read off the fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.constant_model import Constants, lay_out_data
from ghostcat.scr.data import ScrData, captures_spread_m
from ghostcat.scr.fitting import ModelFit, fit_model
from ghostcat.scr.mask import Mask, Polygon, nearest_station_m
from ghostcat.scr.model import Form
from ghostcat.scr.refusal import diagnose, refuse_if_hopeless
from ghostcat.scr.results import (
    Abundance,
    Convergence,
    Diagnostic,
    Interval,
    MaskCheck,
    log_link_interval,
)
from ghostcat.scr.surfaces import activity_centres, caught_somewhere, density_map, region_abundance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ScrFit", "fit_scr"]

Floats = NDArray[np.float64]

MODEL = "hazard half-normal; D, lambda0, sigma constant; Poisson number of animals"
_HA_PER_100KM2 = 10_000.0
# A standard error of 3 on the log scale: the limits of 95 % would be a factor of 350 either way.
_MAX_LOG_SE = 3.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ScrFit:
    """A fitted model: estimates with 95 % intervals, the proof of convergence, and what they rest on.

    `density_per_100km2`, `lambda0` (detections per station-day at distance 0) and `sigma_m` have
    log-normal intervals from the exact Hessian. `effective_area_km2` is esa = a Σ p.(m). Expected and
    realised numbers of a region come from `abundance`.
    """

    data: ScrData = field(repr=False)
    mask: Mask = field(repr=False)
    beta: Floats
    """(3,) ln D per hectare, ln λ0, ln σ in metres."""
    covariance: Floats
    """(3, 3) of `beta`, inverse of the exact observed information."""
    log_likelihood: float
    convergence: Convergence
    density_per_100km2: Interval
    lambda0: Interval
    sigma_m: Interval
    effective_area_km2: Interval
    diagnostics: tuple[Diagnostic, ...]
    constants: Constants
    form: Form
    general: ModelFit = field(repr=False)
    """The same fit as the engine for all models sees it."""
    mask_check: MaskCheck | None = None
    model: str = MODEL

    @property
    def beta_names(self) -> tuple[str, ...]:
        """Names of `beta`."""
        return ("D", "lambda0", "sigma")

    @property
    def converged(self) -> bool:
        """Whether the maximum is proven."""
        return self.convergence.converged

    @property
    def aic(self) -> float:
        """Akaike's criterion; compare only fits of the same data, constants and form."""
        return -2.0 * self.log_likelihood + 2.0 * len(self.beta)

    @property
    def aicc(self) -> float:
        """AIC corrected for a sample of n animals; infinite if n is too small for it."""
        p, n = len(self.beta), self.data.animals
        return self.aic + 2.0 * p * (p + 1) / (n - p - 1) if n > p + 1 else math.inf

    @property
    def density_per_ha(self) -> Interval:
        """Density in the unit of the reference programs."""
        return self.density_per_100km2.times(1.0 / _HA_PER_100KM2)

    @property
    def relative_standard_error(self) -> float:
        """RSE of density."""
        return self.density_per_100km2.relative_standard_error

    def abundance(self, region: Mask | Polygon | None = None) -> Abundance:
        """Expected and realised number of animals in a region.

        Parameters
        ----------
        region : None for the whole mask; booleans per mask cell; another `Mask`; a polygon. Where it
            reaches beyond the mask, the density is assumed to hold there.

        Returns
        -------
        Abundance : see `region_abundance` for the formulas.
        """
        return region_abundance(self.general, region)

    def density_surface(self) -> Floats:
        """(n_cells,) expected activity centres per 100 km², given the captures.

        Seen animals by the posterior of their centres, and those expected unseen. This is where the
        animals of this survey live, not a model of habitat: far from stations it is the mean density.
        """
        return density_map(self.general).realised

    def activity_centres(self) -> Floats:
        """(n_animals, n_cells) posterior probability of each detected animal's activity centre."""
        return activity_centres(self.general)[1]

    def activity_centre(self, animal_id: str) -> Floats:
        """(n_cells,) posterior probability of one animal's activity centre."""
        return np.asarray(self.activity_centres()[self.data.animal_ids.index(animal_id)])

    def detection_probability(self) -> Floats:
        """(n_cells,) probability that an animal living there was detected at least once."""
        return np.asarray(caught_somewhere(self.general)[0])

    def table(self) -> pd.DataFrame:
        """Estimates, standard errors and limits, one row each, with units."""
        import pandas as pd

        whole = self.abundance()
        rows = (
            ("density", "animals / 100 km²", self.density_per_100km2),
            ("lambda0", "detections / station-day", self.lambda0),
            ("sigma", "m", self.sigma_m),
            ("effective sampling area", "km²", self.effective_area_km2),
            ("expected N of the mask", "animals", whole.expected),
            ("realised N of the mask", "animals", whole.realised),
        )
        return pd.DataFrame(
            [
                {
                    "quantity": name,
                    "unit": unit,
                    "estimate": value.estimate,
                    "standard_error": value.standard_error,
                    "lower": value.lower,
                    "upper": value.upper,
                }
                for name, unit, value in rows
            ]
        ).set_index("quantity")

    def provenance(self) -> Mapping[str, str]:
        """What this estimate was computed from and how, to be stored beside it."""
        return {
            "model": self.model,
            "detector": self.data.detector,
            "data": self.data.fingerprint,
            "mask_cells": str(self.mask.cells),
            "mask_area_km2": f"{self.mask.area_km2:.6g}",
            "buffer_m": f"{self.mask.buffer_m:.6g}",
            "cell_m": f"{self.mask.cell_m:.6g}",
            "constants": self.constants,
            "form": self.form,
            "optimiser": "Newton in a trust region, exact gradient and Hessian",
            "iterations": str(self.convergence.iterations),
            "newton_decrement": f"{self.convergence.newton_decrement:.2e}",
        }


def fit_scr(
    data: ScrData,
    mask: Mask,
    *,
    constants: Constants = "secr",
    form: Form = "collapsed",
    start: Floats | None = None,
) -> ScrFit:
    """Fit the hazard half-normal model by maximum likelihood.

    Parameters
    ----------
    data : captures and effort.
    mask : habitat cells; see `make_mask`, or `estimate_density` for a mask that is chosen and checked.
    constants, form : see `constant_model.prepare`; they shift the log-likelihood and move nothing else.
    start : (3,) β to start from; by default the engine finds one.

    Returns
    -------
    ScrFit : `convergence` says whether the maximum is proven; `diagnostics` what weakens it.

    Raises
    ------
    EstimateRefused : the data cannot carry an estimate (codes of `refuse_if_hopeless`), or the
        likelihood has no maximum inside a wide range (`not_identified`).
    ParameterError : the mask lies elsewhere than the captures.

    References
    ----------
    Borchers & Efford (2008) Biometrics 64:377–385.

    >>> rng = np.random.default_rng(1)
    >>> from ghostcat.scr.mask import make_mask
    >>> traps = 2000.0 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    >>> mask = make_mask(traps, sigma_m=2000.0)
    >>> from ghostcat.scr.simulate import simulate_captures
    >>> drawn = simulate_captures(traps, np.full(36, 90.0), mask=mask, density_per_100km2=5.0,
    ...                           lambda0=0.02, sigma_m=2000.0, rng=rng)
    >>> fit = fit_scr(drawn.data, mask)
    >>> fit.converged, bool(fit.sigma_m.lower < 2000.0 < fit.sigma_m.upper)
    (True, True)
    """
    refuse_if_hopeless(data)
    _check_mask_place(data, mask)
    laid = lay_out_data(data, mask, constants=constants, form=form)
    general = fit_model(laid, start=start, checked=False)
    _refuse_if_unbounded(general)
    covariance = general.covariance
    log_d, log_lambda0, log_sigma = general.beta
    density = log_link_interval(log_d + math.log(_HA_PER_100KM2), float(covariance[0, 0]))
    sigma = log_link_interval(log_sigma, float(covariance[2, 2]))
    lambda0 = log_link_interval(log_lambda0, float(covariance[1, 1]))
    _, areas, slopes = general.animal_areas(0, 0)
    relative = slopes[0] / areas[0]
    area = log_link_interval(math.log(areas[0] / 100.0), float(relative @ covariance @ relative))
    diagnostics = diagnose(
        data,
        mask,
        lambda0=lambda0.estimate,
        sigma_m=sigma.estimate,
        relative_error=density.relative_standard_error,
    )
    convergence = general.convergence
    if not convergence.converged:
        failure = Diagnostic(
            code="not_converged",
            severity="warning",
            message=f"The fit did not reach a proven maximum: {convergence.reason}.",
            fix="Do not report this estimate. Check the captures for one animal under two names.",
        )
        diagnostics = (failure, *diagnostics)
    return ScrFit(
        data=data,
        mask=mask,
        beta=general.beta,
        covariance=covariance,
        log_likelihood=general.log_likelihood,
        convergence=convergence,
        density_per_100km2=density,
        lambda0=lambda0,
        sigma_m=sigma,
        effective_area_km2=area,
        diagnostics=diagnostics,
        constants=constants,
        form=form,
        general=general,
    )


def _refuse_if_unbounded(fit: ModelFit) -> None:
    """A search that ran away, or a maximum so flat that a parameter could be anything."""
    ran_away = "has no bound" in fit.convergence.reason
    flat = bool((np.diag(fit.covariance) > _MAX_LOG_SE**2).any())
    if ran_away or flat:
        raise EstimateRefused(
            "density and movement cannot be told apart: the likelihood has no clear maximum (the search "
            f"ended at λ0 {math.exp(fit.beta[1]):.2g} per station-day, "
            f"σ {math.exp(fit.beta[2]) / 1000:.2g} km)",
            code="not_identified",
            fix="There are too few spatial recaptures, or the stations are too close together for the range "
            "of the animals. More stations over a wider area would separate the two.",
        )


def _check_mask_place(data: ScrData, mask: Mask) -> None:
    """A mask in another projection would give a fit of nothing."""
    used = np.flatnonzero(data.station_counts.sum(axis=0) > 0)
    gap = nearest_station_m(data.traps_xy_m[used], mask.xy_m)
    allowed = 10.0 * max(captures_spread_m(data), mask.cell_m)
    if (gap > allowed).any():
        worst = int(np.argmax(gap))
        raise ParameterError(
            f"station {data.station_ids[used[worst]]} lies {gap[worst] / 1000:.1f} km from the nearest "
            "mask cell",
            fix="Check that mask and stations are in the same projection, and that the mask surrounds them.",
        )
