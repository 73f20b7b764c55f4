"""ARIMA of single series by maximum likelihood, as statsmodels' SARIMAX has it.

Differences are chosen by tests before anything is fitted, orders and the form of the season by AICc among a few:
Hyndman and Khandakar, Journal of Statistical Software 27 (2008). A season of more than `SHORT` periods is a regression
on sines and cosines with ARIMA errors: Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.),
section 10.5.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from statsmodels.tsa.statespace.sarimax import SARIMAX
from statsmodels.tsa.stattools import kpss
from threadpoolctl import ThreadpoolController

from services.errors import SalescopeError
from services.forecasting.panel import Values
from services.seasonality import STRONG, decompose

#: Orders (p, q) that are tried; the first stands while the season is chosen.
ORDERS = ((1, 1), (0, 0), (1, 0), (0, 1), (2, 0))
#: Seasonal orders (P, Q) that are tried with and without a seasonal difference.
SEASONAL = {0: ((0, 0), (1, 0), (1, 1)), 1: ((0, 1), (1, 0))}
#: Pairs of sine and cosine that are tried for a long season.
WAVES = (0, 1, 2)
#: Longest season with an order of its own, and how many seasons a history needs for either form.
SHORT, CYCLES, SOME_CYCLES = 12, 3, 1.25
#: Latest values that count, fewest that will do, and steps after which a fit is given up.
LONGEST, FEWEST, STEPS = 260, 12, 60
#: A fit ends when a step gains less than this many units of rounding: a thousandth of a unit of AICc.
CLOSE = 1e10
#: Seconds for each series of several: they are fitted only where a run has a time limit that allows it.
SECONDS = 2.0
#: Chance of a difference where none is needed.
LEVEL = 0.05

THREADS = ThreadpoolController()


class NotFittedError(SalescopeError):
    """A model cannot be had for a panel; the message says why and the forecast does without it."""


@dataclass(frozen=True)
class Form:
    """What is fitted: ARIMA(p, d, q), a seasonal part of its own or waves of a long season, a constant or drift."""

    order: tuple[int, int, int]
    season: int
    seasonal: tuple[int, int, int] = (0, 0, 0)
    constant: bool = False
    waves: int = 0

    def model(self, values: Values, first: int) -> Any:
        """Return the model of values whose first stands in the given column of the panel."""
        return SARIMAX(
            values,
            exog=self.regressors(first, len(values)),
            order=self.order,
            seasonal_order=(*self.seasonal, self.season) if any(self.seasonal) else (0, 0, 0, 0),
            trend="c" if self.constant else "n",
            concentrate_scale=True,
        )

    def regressors(self, first: int, count: int) -> Values | None:
        """Return the waves (periods, 2 x waves); None without any."""
        angle = 2 * np.pi * np.arange(first, first + count) / self.season
        found = [wave(angle * number) for number in range(1, self.waves + 1) for wave in (np.sin, np.cos)]
        return np.stack(found, 1) if found else None


@dataclass(frozen=True)
class Arima:
    """A fitted form, for values from which `centre` was taken and which were divided by `unit`."""

    form: Form
    parameters: Values
    centre: float
    unit: float
    aicc: float

    def ahead(self, values: Values, horizon: int) -> Values:
        """Return the forecast of the `horizon` periods after the values, which may be later than those of the fit."""
        recent, first = _recent(values)
        with _quiet():
            found = self.form.model((recent - self.centre) / self.unit, first).filter(self.parameters)
            steps = found.forecast(horizon, exog=self.form.regressors(len(values), horizon))
        return np.asarray(steps, "float64") * self.unit + self.centre


def fit(values: Values, season: int, until: float = float("inf")) -> Arima:
    """Return the ARIMA of a series (NaN where nothing was recorded) with the smallest AICc among a few.

    `until` is the moment (seconds of `time.monotonic`) after which no further order is tried. Raises NotFittedError for
    a history that is too short or does not vary, and when no fit has converged.
    """
    recent, first = _recent(values)
    seen = recent[np.isfinite(recent)]
    if len(seen) < FEWEST:
        raise NotFittedError(f"there are {len(seen)} values; it needs {FEWEST}")
    centre, unit = float(seen.mean()), float(seen.std())
    if not unit > 1e-9 * max(abs(centre), 1e-300):
        raise NotFittedError("the values do not vary")
    search = _Search((recent - centre) / unit, first, centre, unit, until)
    with _quiet():
        seasonal, plain = _differences(search.values, season)
        p, q = ORDERS[0]
        base = Form((p, plain, q), season, constant=plain + seasonal == 0)
        forms = _seasons(base, seasonal, len(seen))
        best = search.best(forms, None)
        form = best.form if best else forms[0]
        best = search.best([replace(form, order=(p, plain, q)) for p, q in ORDERS[1:]], best)
        if best and plain + seasonal == 1:
            best = search.best([replace(best.form, constant=True)], best)
    if best is None:
        raise NotFittedError(f"no order converged within {STEPS} steps and the time there is")
    return best


def fit_each(values: Values, season: int, horizon: int, until: float) -> Callable[[Values], Values]:
    """Return what forecasts later values (series, periods) of the same series by the ARIMA of each.

    A series without an ARIMA is NaN. Raises NotFittedError when none has one, and for several series when no limit of
    time allows for them.
    """
    left = until - time.monotonic()
    if left < 0 or (len(values) > 1 and not SECONDS * len(values) < left < float("inf")):
        raise NotFittedError(f"it takes its time for each series, and there are {len(values)}")
    found: list[Arima | None] = []
    reasons: list[str] = []
    for row in values:
        try:
            found.append(fit(row, season, until))
        except NotFittedError as error:
            found.append(None)
            reasons.append(str(error))
    if len(reasons) == len(found):
        raise NotFittedError(reasons[0])
    blank = np.full(horizon, np.nan)

    def ahead(later: Values) -> Values:
        pairs = zip(found, later, strict=True)
        return np.stack([each.ahead(row, horizon) if each else blank for each, row in pairs])

    return ahead


@dataclass(frozen=True)
class _Search:
    values: Values
    first: int
    centre: float
    unit: float
    until: float

    def best(self, forms: list[Form], best: Arima | None) -> Arima | None:
        """Return the form with the smallest AICc, the one found before included."""
        for form in forms:
            found = self._fitted(form) if time.monotonic() < self.until else None
            if found and (best is None or found.aicc < best.aicc):
                best = found
        return best

    def _fitted(self, form: Form) -> Arima | None:
        try:
            model = form.model(self.values, self.first)
            # A random walk has nothing to fit, which statsmodels' optimiser does not take.
            found = model.fit(disp=0, maxiter=STEPS, factr=CLOSE) if model.k_params else model.filter(np.zeros(0))
        except (np.linalg.LinAlgError, ValueError, IndexError):
            return None
        aicc, parameters = float(found.aicc), np.asarray(found.params, "float64")
        converged = not model.k_params or bool(found.mle_retvals["converged"])
        sound = converged and np.isfinite(aicc) and np.isfinite(parameters).all()
        return Arima(form, parameters, self.centre, self.unit, aicc) if sound else None


def _recent(values: Values) -> tuple[Values, int]:
    """Return the latest values from a record on, and the column of the first."""
    known = np.flatnonzero(np.isfinite(values))
    first = max(len(values) - LONGEST, int(known[0]) if len(known) else 0)
    return values[first:], first


def _differences(values: Values, season: int) -> tuple[int, int]:
    """Return how many seasonal differences (0 or 1) and plain ones (0 or 1) make the values stationary.

    A seasonal one where the season is strong; a plain one where the KPSS test rejects a constant level.
    """
    known = np.flatnonzero(np.isfinite(values))
    filled = np.interp(np.arange(len(values)), known, values[known])
    parts = decompose(filled.tolist(), season) if season <= SHORT and len(filled) >= CYCLES * season else None
    seasonal = int(parts is not None and parts.season_strength > STRONG)
    rest = filled[season:] - filled[:-season] if seasonal else filled
    if np.ptp(rest) < 1e-9:
        return seasonal, 0
    return seasonal, int(kpss(rest, regression="c", nlags="auto")[1] < LEVEL)


def _seasons(base: Form, seasonal: int, known: int) -> list[Form]:
    """Return the forms of the season that the history is long enough for."""
    if base.season > SHORT:
        enough = known >= SOME_CYCLES * base.season
        return [replace(base, waves=number) for number in (WAVES if enough else WAVES[:1])]
    if base.season < 2 or known < CYCLES * base.season:
        return [base]
    return [replace(base, seasonal=(p, seasonal, q)) for p, q in SEASONAL[seasonal]]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the optimiser and the tests say on the way; whether a fit converged is looked up.

    One thread: with two, BLAS spends a hundred times longer on handing out matrices of this size than on their algebra.
    """
    with THREADS.limit(limits=1, user_api="blas"), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
