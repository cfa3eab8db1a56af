"""The 95 % interval of a proportion."""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution, for two-sided intervals of 95 %."""


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Returns the 95 % score interval of the proportion hits/n; (0, 1) if n is 0.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if n <= 0:
        return 0.0, 1.0
    share = hits / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # At both ends one limit is the proportion itself, which rounding would miss.
    low = 0.0 if hits <= 0 else centre - half
    high = 1.0 if hits >= n else centre + half
    return max(0.0, low), min(1.0, high)
