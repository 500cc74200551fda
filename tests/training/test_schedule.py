"""The learning rate rises during the warm-up, and a half cosine lets it fall to 0."""

import math

import pytest

from distill.training.schedule import WarmupCosine


@pytest.mark.parametrize("warmup", [0.0, 0.04, 1.0])
def test_the_rate_stays_below_its_peak_and_ends_at_0(warmup):
    rate_at = WarmupCosine(peak=0.01, warmup=warmup)
    rates = [rate_at(step / 200) for step in range(201)]
    assert all(0 <= rate <= 0.01 for rate in rates)
    assert rates[-1] == pytest.approx(0, abs=1e-12)


def test_the_warm_up_begins_at_a_tenth_and_is_linear():
    rate_at = WarmupCosine(peak=1.0, warmup=0.5)
    cosine = [0.5 * (1 + math.cos(math.pi * fraction)) for fraction in (0.0, 0.2, 0.45)]
    assert [rate_at(0.0), rate_at(0.2), rate_at(0.45)] == pytest.approx([0.1, 0.5 * cosine[1], cosine[2]])


def test_without_a_warm_up_the_rate_is_the_half_cosine():
    assert WarmupCosine(peak=2.0, warmup=0.0)(0.5) == pytest.approx(1.0)
