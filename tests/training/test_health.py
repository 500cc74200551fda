"""Utilization, perplexity and dead codes, compared with values computed by hand."""

import numpy as np
import pytest

from distill.codes.levels import level_names
from distill.training.health import LevelHealth, codebook_health, health_warnings


def test_a_codebook_used_evenly_has_the_perplexity_of_its_size():
    (health,) = codebook_health(np.full((1, 64), 7))
    assert health.utilization == 1
    assert health.perplexity == pytest.approx(64)
    assert health.dead_codes == 0


def test_a_single_code_in_use_has_a_perplexity_of_one():
    counts = np.zeros((1, 64), dtype=int)
    counts[0, 5] = 1000
    assert codebook_health(counts) == [LevelHealth(1 / 64, pytest.approx(1), 63)]


def test_the_health_of_uneven_use_matches_a_computation_by_hand():
    (health,) = codebook_health(np.array([[4, 2, 1, 1, 0, 0, 0, 0]]))
    assert health.utilization == 0.5
    assert health.dead_codes == 4
    assert health.perplexity == pytest.approx(2 ** (0.5 * 1 + 0.25 * 2 + 2 * 0.125 * 3))


def test_each_level_is_counted_by_itself():
    first, second = codebook_health(np.array([[1, 1, 1, 1], [9, 9, 0, 0]]))
    assert (first.perplexity, first.dead_codes) == (pytest.approx(4), 0)
    assert (second.perplexity, second.dead_codes) == (pytest.approx(2), 2)


def test_a_codebook_that_was_never_used_is_all_dead():
    (health,) = codebook_health(np.zeros((1, 16), dtype=int))
    assert (health.utilization, health.dead_codes) == (0, 16)
    assert np.isfinite(health.perplexity)


def test_the_levels_have_names():
    assert level_names(2) == ("Structure", "Detail")
    assert level_names(3) == ("Structure", "Timbre", "Detail")
    assert level_names(4) == ("Structure", "Timbre", "Texture", "Detail")


def test_a_level_under_30_percent_gets_a_warning_with_its_name_and_advice():
    levels = [LevelHealth(0.9, 40, 6), LevelHealth(0.25, 9, 48), LevelHealth(0.30, 10, 44)]
    advice = "train longer, add more varied clips, or use fewer levels"
    assert health_warnings(levels) == [f"Timbre uses only 25.0% of its codes: {advice}."]
    assert len(health_warnings([LevelHealth(0.299, 9, 45), LevelHealth(0.30, 9, 45)])) == 1


def test_healthy_levels_get_no_warning():
    assert health_warnings([LevelHealth(0.3, 10, 44), LevelHealth(1.0, 60, 0)]) == []


def test_the_example_codec_is_healthy(codec):
    assert health_warnings(codec.training_health) == []
    for health in codec.training_health:
        assert health.utilization == 1 - health.dead_codes / 64
        assert 1 < health.perplexity <= 64
