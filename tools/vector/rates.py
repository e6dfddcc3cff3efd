"""Columns of rates and averages, and the base by which their mean is weighted: a rate of a whole is a ratio of totals.

The mean of the rates of three towns is not the rate of their inhabitants together unless the towns are of one size. The base
is found in the data where a numerator is there too (rate = factor × numerator / base in every row), else by its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from tools.geo.frame import Floats
from tools.geo.names import fold
from tools.vector.plain import is_numeric

if TYPE_CHECKING:
    import pandas

RATE_WORDS = frozenset(
    "rate rates ratio ratios share shares pct perc percent percentage percentages prop proportion proportions quota quote prozent anteil per "
    "prevalence incidence density mean avg average tasa tasso taux taxa aandeel andel odsetek procent pourcentage porcentaje percentuale "
    "porcentagem densidad densite densita densidade dichtheid moyenne media promedio mittel durchschnitt".split()
)
"""Words for a number that was divided by another, in the languages that open data is most often published in."""
RATE_ENDINGS = ("quote", "dichte", "anteil", "prozent", "percentage")
"""Ends of words that are written as one."""
DENSITY_WORDS = frozenset("density densidad densite densita densidade dichte dichtheid km2 ha hectare".split())
"""Words for what is divided by an area."""
BASE_WORDS = frozenset(
    "population pop people persons person inhabitants residents citizens households hh dwellings families workforce workers employees voters "
    "electorate registered pupils students patients births base denominator count total n size popolazione abitanti bevolkerung bevoelkerung "
    "einwohner poblacion habitantes habitants populacao bevolking inwoners befolkning ludnosc labour labor".split()
)
"""Words for what rates are divided by: how many there are."""
OTHER_WORDS = frozenset("rank year date id code class index month".split())
"""Words for what stands beside a base: the year of a population is none."""
FACTORS = (1.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)
"""A rate is a share, or per hundred, thousand, …."""
LEAST_ROWS = 3
"""With fewer different rows almost any column is a ratio of two others."""
MOST_COLUMNS = 40
MOST_DECIMALS = 9


def is_rate(column: str) -> bool:
    """Whether a column's name says that its values were divided by something: a rate, share, density or average."""
    words = _words(column)
    return "%" in column or bool(words & RATE_WORDS) or any(word.endswith(RATE_ENDINGS) for word in words)


def is_density(column: str) -> bool:
    """Whether a column's name says that its values were divided by an area."""
    return is_rate(column) and bool(_words(column) & DENSITY_WORDS or any(word.endswith("dichte") for word in _words(column)))


def bases(frame: pandas.DataFrame, rate: str) -> tuple[str, ...]:
    """Return the columns by which a mean of `rate` may be weighted: the one that the data shows to be its base, else those so named."""
    numeric = [str(name) for name in frame.columns if str(name) != rate and is_numeric(frame[name])][:MOST_COLUMNS]
    shown = [name for name in _shown_bases(frame, rate, numeric) if not is_rate(name)]
    if shown:
        return tuple(shown)
    return tuple(name for name in numeric if _may_be_base(name) and _never_negative(frame[name]))


def _may_be_base(column: str) -> bool:
    words = _words(column)
    return bool(words & BASE_WORDS) and not words & OTHER_WORDS and not is_rate(column)


def _shown_bases(frame: pandas.DataFrame, rate: str, others: Sequence[str]) -> list[str]:
    """Return the columns of which, with another as numerator, the rate is the ratio in every row, to the digits it has."""
    values = {name: frame[name].to_numpy(dtype=float, na_value=np.nan) for name in (rate, *others)}
    found = dict.fromkeys(base for numerator, base in permutations(others, 2) if _is_ratio(values[rate], values[numerator], values[base]))
    return list(found)


def _is_ratio(rates: Floats, numerator: Floats, base: Floats) -> bool:
    with np.errstate(all="ignore"):
        ratio = numerator / base
    there = np.isfinite(rates) & np.isfinite(ratio) & (base > 0)
    if len(np.unique(ratio[there])) < LEAST_ROWS:
        return False
    tolerance = _half_digit(rates[there]) + 1e-9 * np.abs(rates[there])
    return any(bool((np.abs(factor * ratio[there] - rates[there]) <= tolerance).all()) for factor in FACTORS)


def _half_digit(values: Floats) -> float:
    """Return half a unit of the last decimal that the values have, at most nine."""
    for decimals in range(MOST_DECIMALS):
        if np.allclose(values, np.round(values, decimals), rtol=0, atol=1e-12 * max(1.0, float(np.abs(values).max()))):
            return 0.5001 * 10.0**-decimals
    return 0.5 * 10.0**-MOST_DECIMALS


def _never_negative(column: pandas.Series[float]) -> bool:
    return bool((column.dropna() >= 0).all())


def _words(column: str) -> frozenset[str]:
    """Return the folded words of a name: `UnemploymentRate_2020` is unemployment, rate, 2020."""
    parts = re.findall(r"km2|[^\W\d_]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))
    return frozenset(fold(part) for part in parts)
