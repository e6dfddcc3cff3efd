"""Areas corrected for the errors of a map: the worked example of the paper, and what must hold of any sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import ParameterError
from tools.geo.accuracy import ConfusionMatrix, adjusted_areas

# Olofsson et al. (2014), tables 6 and 8: four classes of a map of 10 million pixels of 30 m, a stratified sample of 640 places.
LABELS = ("deforestation", "forest gain", "stable forest", "stable non-forest")
PIXELS = (200_000, 150_000, 3_200_000, 6_450_000)
SAMPLE = ((66, 0, 5, 4), (0, 55, 8, 12), (1, 0, 153, 11), (2, 1, 9, 313))
HA = 10_000


def test_the_worked_example_of_the_paper_is_reproduced() -> None:
    found = adjusted_areas(ConfusionMatrix(LABELS, SAMPLE), {label: 900 * pixels for label, pixels in zip(LABELS, PIXELS, strict=True)})
    # Section 5.2: 21,158 ± 6158 ha, 11,686 ± 3756 ha, 285,770 ± 15,510 ha, 581,386 ± 16,282 ha; overall accuracy 0.95.
    published = {
        "deforestation": (21_158, 6_158),
        "forest gain": (11_686, 3_756),
        "stable forest": (285_770, 15_510),
        "stable non-forest": (581_386, 16_282),
    }
    for label, (area, margin) in published.items():
        assert found.area_m2[label] / HA == pytest.approx(area, abs=0.6)
        assert found.margin_m2[label] / HA == pytest.approx(margin, abs=1.5)
    assert round(found.overall_accuracy, 2) == 0.95


matrices = st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=3, max_size=3).filter(
    lambda rows: all(sum(row) > 1 for row in rows)
)
areas = st.lists(st.floats(0, 1e9), min_size=3, max_size=3).filter(lambda values: sum(values) > 1)


@given(matrices, areas)
def test_corrected_areas_add_up_to_the_map(rows, mapped) -> None:
    found = adjusted_areas(ConfusionMatrix(("a", "b", "c"), tuple(map(tuple, rows))), dict(zip("abc", mapped, strict=True)))
    assert sum(found.area_m2.values()) == pytest.approx(sum(mapped), rel=1e-9)
    assert all(margin >= 0 for margin in found.margin_m2.values())
    assert 0 <= found.overall_accuracy <= 1 + 1e-12


@given(areas)
def test_a_map_without_errors_stays_as_it_is(mapped) -> None:
    perfect = ConfusionMatrix(("a", "b", "c"), ((9, 0, 0), (0, 7, 0), (0, 0, 30)))
    found = adjusted_areas(perfect, dict(zip("abc", mapped, strict=True)))
    assert list(found.area_m2.values()) == pytest.approx(mapped, rel=1e-9)
    assert not any(found.margin_m2.values())
    assert found.overall_accuracy == pytest.approx(1)


@pytest.mark.heavy
def test_the_interval_holds_the_truth_in_95_of_100_samples() -> None:
    rng = np.random.default_rng(8)
    truth = np.array([[0.18, 0.02], [0.05, 0.75]])  # shares of the ground: mapped class, true class
    mapped = truth.sum(axis=1)
    held = 0
    for _ in range(4000):
        rows = tuple(tuple(rng.multinomial(150, truth[k] / mapped[k]).tolist()) for k in range(2))
        found = adjusted_areas(ConfusionMatrix(("a", "b"), rows), {"a": mapped[0], "b": mapped[1]})
        held += abs(found.area_m2["a"] - truth[:, 0].sum()) <= found.margin_m2["a"]
    assert 0.93 < held / 4000 < 0.97


def test_a_class_that_nobody_sampled_is_refused_by_name() -> None:
    matrix = ConfusionMatrix(("a", "b"), ((9, 1), (1, 0)))
    with pytest.raises(ParameterError, match=r"no row for c; it has a, b"):
        adjusted_areas(matrix, {"a": 1.0, "c": 2.0})
    with pytest.raises(ParameterError, match=r"map says b \(1\)"):
        adjusted_areas(matrix, {"a": 1.0, "b": 2.0})
    assert adjusted_areas(matrix, {"a": 1.0, "b": 0.0}).area_m2["a"] == pytest.approx(0.9)
