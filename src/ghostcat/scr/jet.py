"""Numbers that carry their first and second derivatives, so that a short formula differentiates itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Jet", "variables"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jet:
    """A batch of n numbers, each with derivatives in d variables, to second order.

    >>> x, y = variables(np.array([[3.0, 2.0]]))
    >>> z = (x * y).log()
    >>> z.value.round(4).tolist(), z.gradient.round(4).tolist()
    ([1.7918], [[0.3333, 0.5]])
    """

    value: Floats
    """(n,)."""
    gradient: Floats
    """(n, d)."""
    hessian: Floats
    """(n, d, d)."""

    def apply(self, value: Floats, first: Floats, second: Floats) -> Jet:
        """f(self), given f and its two derivatives at `value`."""
        outer = self.gradient[:, :, None] * self.gradient[:, None, :]
        return Jet(
            value,
            first[:, None] * self.gradient,
            first[:, None, None] * self.hessian + second[:, None, None] * outer,
        )

    def log(self) -> Jet:
        """ln."""
        return self.apply(np.log(self.value), 1.0 / self.value, -1.0 / self.value**2)

    def exp(self) -> Jet:
        """exp."""
        value = np.exp(self.value)
        return self.apply(value, value, value)

    def log_gamma(self) -> Jet:
        """ln Γ."""
        from scipy.special import gammaln, polygamma

        x = self.value
        return self.apply(gammaln(x), polygamma(0, x), polygamma(1, x))

    def __add__(self, other: Jet | Floats | float) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.value + other.value, self.gradient + other.gradient, self.hessian + other.hessian)
        return Jet(self.value + other, self.gradient, self.hessian)

    def __mul__(self, other: Jet | Floats | float) -> Jet:
        if isinstance(other, Jet):
            cross = self.gradient[:, :, None] * other.gradient[:, None, :]
            return Jet(
                self.value * other.value,
                self.value[:, None] * other.gradient + other.value[:, None] * self.gradient,
                self.value[:, None, None] * other.hessian
                + other.value[:, None, None] * self.hessian
                + cross
                + cross.transpose(0, 2, 1),
            )
        factor = np.broadcast_to(np.asarray(other, dtype=np.float64), self.value.shape)
        return Jet(factor * self.value, factor[:, None] * self.gradient, factor[:, None, None] * self.hessian)

    def __neg__(self) -> Jet:
        return self * -1.0

    def __sub__(self, other: Jet | Floats | float) -> Jet:
        return self + (-other)


def variables(values: Floats) -> tuple[Jet, ...]:
    """d independent variables, n times: `values` is (n, d)."""
    n, d = values.shape
    none = np.zeros((n, d, d))
    unit = np.eye(d)
    return tuple(Jet(values[:, j], np.broadcast_to(unit[j], (n, d)), none) for j in range(d))
