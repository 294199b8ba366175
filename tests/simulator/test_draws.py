"""Random numbers by name, and the tables from which durations are read."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import draws
from simulator.draws import DEPTH, LOWER, ONE, STEPS, UNIT, UPPER
from simulator.scenario import Duration

U64 = st.integers(0, (1 << 64) - 1)
KINDS = [
    Duration("exponential", 120.0),
    Duration("lognormal", 160.0, 0.8),
    Duration("lognormal", 30.0, 1.6),
    Duration("weibull", 90.0, 0.6),
    Duration("weibull", 90.0, 2.5),
    Duration("empirical", sample_s=tuple(float(x) for x in range(1, 40))),
    Duration("empirical", sample_s=(3.0,)),
    Duration("empirical", sample_s=(1.0, 1.0, 1.0, 400.0)),
]


def steps_of(table: draws.Quantiles) -> tuple[np.ndarray, np.ndarray]:
    """The mean of every step that can be drawn, and its probability."""
    rows = table.reshape(-1, 2)
    middle = rows[:, 0] + rows[:, 1] / 2
    means, shares = [middle[1 : STEPS - 1]], [np.full(STEPS - 2, 1 / STEPS)]
    for base, end in ((LOWER, 0), (UPPER, STEPS - 1)):
        for level in range(1, DEPTH):
            here = np.delete(np.arange(STEPS), [] if level == DEPTH - 1 else [end])
            means.append(middle[base + STEPS * (level - 1) + here])
            shares.append(np.full(len(here), float(STEPS) ** -(level + 1)))
    return np.concatenate(means), np.concatenate(shares)


def test_the_numbers_are_those_of_splitmix64() -> None:
    """The published first outputs from the state 0."""
    assert draws.bits(0, 0, 1) == 0xE220A8397B1DCDAF
    assert draws.bits(0, 0, 2) == 0x6E789E6AA1B965F4
    assert draws.bits(0, 0, 3) == 0x06C45D188009454F


@given(U64, st.integers(0, (1 << 59) - 1), st.integers(0, 31))
def test_compiled_and_plain_numbers_are_the_same(key: int, subject: int, purpose: int) -> None:
    with np.errstate(over="ignore"):
        plain = draws.mixed(np.uint64(key), np.uint64(subject), purpose)
    assert draws.bits(key, subject, purpose) == plain


def test_a_number_depends_on_all_three_names() -> None:
    numbers = {draws.bits(k, s, p) for k in range(20) for s in range(20) for p in range(20)}
    assert len(numbers) == 8_000
    assert len({draws.key_of(seed, replication) for seed in range(50) for replication in range(50)}) == 2_500


@pytest.mark.parametrize("of", KINDS, ids=str)
def test_the_mean_of_a_table_is_that_of_its_distribution(of: Duration) -> None:
    means, shares = steps_of(draws.quantiles(of))
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    mean = float(means @ shares) / UNIT / 1000
    assert mean == pytest.approx(draws.mean_s(of), rel=1e-6)


@pytest.mark.parametrize(
    ("of", "variance"),
    [
        (Duration("exponential", 120.0), 120.0**2),
        (Duration("lognormal", 160.0, 0.8), 160.0**2 * (math.exp(0.64) - 1)),
        (
            Duration("weibull", 90.0, 2.5),
            90.0**2 * (math.gamma(1.8) / math.gamma(1.4) ** 2 - 1),
        ),
    ],
    ids=str,
)
def test_the_variance_of_what_is_drawn_is_the_distributions(of: Duration, variance: float) -> None:
    table = draws.quantiles(of).reshape(-1, 2) / UNIT / 1000
    means, shares = steps_of(draws.quantiles(of))
    widths = steps_of(np.stack([table[:, 1], np.zeros(len(table))], axis=1))[0]
    of_means = float(((means / UNIT / 1000 - of.mean_s) ** 2) @ shares)
    inside = float((widths**2 / 12) @ shares)
    assert of_means + inside == pytest.approx(variance, rel=1e-4)


def at(of: Duration, share: float) -> float:
    """The quantile in seconds, from the table."""
    return draws.drawn(draws.quantiles(of), np.uint64(int(share * 2**64))) / UNIT / 1000


@pytest.mark.parametrize("share", [1e-6, 1e-4, 0.003, 0.02, 0.3, 0.5, 0.77, 0.98, 0.9973, 0.99991, 1 - 1e-6])
def test_quantiles_are_the_textbooks(share: float) -> None:
    z = NormalDist().inv_cdf(share)
    assert at(Duration("exponential", 120.0), share) == pytest.approx(
        -120 * math.log1p(-share), rel=1e-3, abs=1e-5
    )
    median = 160 * math.exp(-0.32)
    assert at(Duration("lognormal", 160.0, 0.8), share) == pytest.approx(
        median * math.exp(0.8 * z), rel=1e-3, abs=1e-5
    )
    weibull = 90 / math.gamma(1.4) * (-math.log1p(-share)) ** 0.4
    assert at(Duration("weibull", 90.0, 2.5), share) == pytest.approx(weibull, rel=2e-3)


@pytest.mark.parametrize("of", KINDS, ids=str)
@given(number=U64)
def test_durations_are_finite_and_not_below_zero(of: Duration, number: int) -> None:
    told = draws.duration(draws.quantiles(of), np.uint64(0), np.uint64(number))
    assert 0 <= told <= draws.LONGEST_MS
    if of.kind == "empirical":
        assert min(of.sample_s) * 1000 <= told <= max(of.sample_s) * 1000


@given(st.lists(st.floats(0, 3600), min_size=1, max_size=30))
def test_what_was_observed_keeps_its_mean(sample: list[float]) -> None:
    means, shares = steps_of(draws.quantiles(Duration("empirical", sample_s=tuple(sample))))
    assert float(means @ shares) / UNIT / 1000 == pytest.approx(np.mean(sample), rel=1e-4, abs=2e-3)


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0, 250.0, 3_000.0])
def test_a_gamma_table_has_mean_one_and_the_variance_of_its_shape(shape: float) -> None:
    means, shares = steps_of(draws.gamma_mean_1(shape))
    told = means / ONE
    assert float(told @ shares) == pytest.approx(1.0, rel=1e-6)
    assert float((told - 1) ** 2 @ shares) == pytest.approx(1 / shape, rel=2e-3)


def test_a_gamma_of_shape_one_is_exponential() -> None:
    share = np.array([0.001, 0.2, 0.5, 0.9, 0.9999])
    assert draws.gamma_quantile(1.0, share, 1 - share) == pytest.approx(-np.log1p(-share), rel=1e-6)


@pytest.mark.parametrize(
    "of",
    [
        Duration("exponential", -1.0),
        Duration("lognormal", 10.0, 0.0),
        Duration("weibull", 10.0, -1.0),
        Duration("exponential", float("nan")),
        Duration("constant", 1e9),
        Duration("empirical"),
        Duration("empirical", sample_s=(1.0, -1.0)),
    ],
    ids=str,
)
def test_figures_that_are_none_are_refused(of: Duration) -> None:
    with pytest.raises(ValueError, match=": "):
        draws.quantiles(of)


@given(st.floats(0, 1), st.integers(0, 1 << 40))
def test_chances_are_kept(share: float, first: int) -> None:
    chance = draws.chance(share)
    assert not draws.happens(np.uint64(0), 0)
    assert draws.happens(np.uint64((1 << 64) - 1), draws.CERTAIN)
    lucky = sum(draws.happens(np.uint64(draws.bits(1, first + i, 0)), chance) for i in range(400))
    assert abs(lucky - 400 * share) <= 6 * math.sqrt(400 * share * (1 - share)) + 1
