"""Windows and blending: weights sum to 1 everywhere, every pixel of a raster comes once, mirrored edges, nothing depends on the window."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.vision.inference import batch_size
from tools.vision.windows import ALIGNMENT, OVERLAP_PX, TILE_PX, Answer, Axis, Strip, Tiling, blended, mirrored, tiling_of

SIZES = st.integers(1, 300)


@st.composite
def tilings(draw) -> Tiling:
    def axis() -> Axis:
        overlap = ALIGNMENT * draw(st.integers(1, 2))
        return Axis(draw(SIZES), 2 * overlap + ALIGNMENT * draw(st.integers(1, 3)), overlap)

    return Tiling(axis(), axis())


@given(tilings())
def test_the_weights_of_all_windows_sum_to_one_at_every_pixel(tiling: Tiling) -> None:
    for axis in (tiling.rows, tiling.cols):
        total = np.zeros(axis.size + 4 * axis.tile)
        for start in axis.starts:
            total[start + axis.tile : start + 2 * axis.tile] += axis.weights
        assert total[axis.tile : axis.tile + axis.size] == pytest.approx(1.0, abs=1e-12)


def pixelwise(values: np.ndarray, valid: np.ndarray, tiling: Tiling, top: int) -> Iterable[Answer]:
    """A network that sees one pixel only: its second class is as probable as the value says."""
    for left in tiling.cols.starts:
        place = np.ix_(tiling.rows.mirrored(top), tiling.cols.mirrored(left))
        told = values[place].astype(np.float32)
        yield Answer(left, valid[place], np.stack([1 - told, told]) if valid[place].any() else None)


def whole(strips: Iterable[Strip]) -> tuple[np.ndarray, np.ndarray]:
    """Put strips together; the rows must follow each other without gap or repeat."""
    found = list(strips)
    row = 0
    for strip in found:
        assert strip.row == row
        row += strip.valid.shape[0]
    return np.concatenate([strip.probabilities for strip in found], axis=1), np.concatenate([strip.valid for strip in found])


@given(tilings(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_what_sees_single_pixels_is_given_back_unchanged_whatever_the_windows(tiling: Tiling, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tiling.rows.size, tiling.cols.size
    values, valid = rng.random(shape), rng.random(shape) < 0.7
    told, known = whole(blended(tiling, 2, lambda top: pixelwise(values, valid, tiling, top)))
    assert (known == valid).all()
    assert told[1][valid] == pytest.approx(values[valid], abs=1e-6)
    assert told.sum(axis=0)[valid] == pytest.approx(1.0, abs=1e-6)


@given(st.integers(-500, 500), st.integers(1, 700), st.integers(2, 90))
def test_mirroring_is_that_of_numpy(start: int, count: int, size: int) -> None:
    before, after = max(0, -start), max(0, start + count - size)
    padded = np.pad(np.arange(size), (before, after), mode="reflect")
    assert mirrored(start, count, size).tolist() == padded[start + before : start + before + count].tolist()


def test_a_single_row_mirrors_to_itself() -> None:
    assert mirrored(-3, 7, 1).tolist() == [0] * 7


@given(st.integers(1, 6000))
def test_windows_cover_a_raster_and_its_mirrored_edges_with_little_to_spare(size: int) -> None:
    axis = tiling_of(size, 1).rows
    covered = size + 2 * OVERLAP_PX
    assert axis.starts[-1] + axis.tile >= size + OVERLAP_PX
    assert axis.tile <= TILE_PX
    assert len(axis.starts) * axis.tile - (len(axis.starts) - 1) * OVERLAP_PX < covered + len(axis.starts) * ALIGNMENT
    assert (len(axis.starts) == 1) == (covered <= TILE_PX)
    assert all(start % ALIGNMENT == 0 for start in axis.starts)


@pytest.mark.parametrize(("tile", "overlap"), [(96, 48), (100, 32), (64, 32)])
def test_windows_that_do_not_fit_together_are_an_error(tile: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Axis(10, tile, overlap)


def test_a_batch_grows_with_the_device_and_is_never_empty() -> None:
    sizes = [batch_size(memory, TILE_PX**2) for memory in (1 << 20, 8 << 30, 24 << 30, 140 << 30)]
    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    assert sizes[-1] > 8
