"""Remote files by byte ranges: what is fetched, and what is noticed when the file or the server misbehaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from range_server import Fault, RangeServer, etag_of
from served_scenes import blocks_of
from tools.errors import BusyError, DataError, LimitError, NotFoundError, ServiceError, TerraciteError
from tools.settings import ToolSettings
from tools.storage.http import Remote
from tools.storage.ranges import Budget, Pin, RemoteFile, joined_ranges
from tools.storage.remote_rasters import open_remote

SIZE, TILE = 1024, 256
PATH = "/scene/B04.tif"
ANY = Pin()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a COG of noise, 4 x 4 tiles of about 80 kB, with overviews."""
    path = tmp_path_factory.mktemp("cog") / "scene.tif"
    values = np.random.default_rng(1).integers(1, 3000, (SIZE, SIZE), dtype="uint16")
    profile = {"driver": "COG", "count": 1, "height": SIZE, "width": SIZE, "dtype": "uint16", "crs": "EPSG:32631"}
    transform = rasterio.transform.from_origin(500_000, 5_000_000, 10, 10)
    with rasterio.open(path, "w", **profile, transform=transform, blocksize=TILE, compress="deflate", nodata=0) as dataset:
        dataset.write(values, 1)
    return path.read_bytes()


@pytest.fixture
def server(scene: bytes) -> Iterator[RangeServer]:
    with RangeServer() as running:
        running.put(PATH, scene)
        yield running


@pytest.fixture
def remote(server: RangeServer) -> Iterator[Remote]:
    with Remote(ToolSettings(allowed_hosts=server.host, http_deadline_s=5), pause_s=0.01) as client:
        yield client


def opened(server: RangeServer, remote: Remote, pin: Pin = ANY, limit: int = 10**9, path: str = PATH) -> tuple[RemoteFile, Budget]:
    budget = Budget(limit)
    return RemoteFile(remote, server.url(path), budget, pin=pin), budget


def window_of(file: RemoteFile, rows: tuple[int, int], cols: tuple[int, int]) -> np.ndarray:
    with open_remote(file) as dataset:
        return dataset.read(1, window=(rows, cols))


@pytest.mark.parametrize(
    ("rows", "cols", "requests"),
    [
        ((0, 100), (0, 100), 2),  # one tile: the header, the tile
        ((0, 256), (0, 1024), 2),  # a row of tiles, which lie side by side in the file
        ((200, 300), (200, 300), 3),  # four tiles: two runs of two
        ((0, 1024), (0, 1024), 2),  # all of them
    ],
)
def test_a_window_costs_its_blocks_and_the_header(
    server: RangeServer, remote: Remote, scene: bytes, tmp_path: Path, rows: tuple[int, int], cols: tuple[int, int], requests: int
) -> None:
    file, budget = opened(server, remote)
    values = window_of(file, rows, cols)
    needed = blocks_of(scene, rows, cols, TILE, tmp_path)
    with rasterio.open(tmp_path / "local.tif") as dataset:
        np.testing.assert_array_equal(values, dataset.read(1, window=(rows, cols)))
    assert needed <= server.sent() <= 1.2 * needed
    assert (budget.spent, budget.requests) == (server.sent(), requests)
    assert len(server.seen) == requests


def test_an_overview_costs_only_itself(server: RangeServer, remote: Remote, scene: bytes) -> None:
    file, budget = opened(server, remote)
    with open_remote(file, overview=0) as dataset:
        assert dataset.shape == (512, 512)
        dataset.read(1)
    assert budget.spent < 0.3 * len(scene)


def test_nothing_beside_the_file_is_asked_for(server: RangeServer, remote: Remote) -> None:
    window_of(opened(server, remote)[0], (0, 10), (0, 10))
    assert {each.path for each in server.seen} == {PATH}


def test_a_file_that_changes_while_it_is_read_is_noticed(server: RangeServer, remote: Remote, scene: bytes) -> None:
    file, _ = opened(server, remote)
    window_of(file, (0, 10), (0, 10))
    server.put(PATH, scene[:-1] + b"!")
    with pytest.raises(BusyError, match="changed while it was read"):
        window_of(file, (900, 910), (900, 910))


def test_a_file_that_changes_on_a_server_without_etags_is_noticed_by_its_size(server: RangeServer, remote: Remote, scene: bytes) -> None:
    server.always_fail(PATH, Fault(headers={"etag": ""}))
    file, _ = opened(server, remote)
    file.read(0, 10)
    server.put(PATH, scene + b"!")
    with pytest.raises(BusyError, match="changed"):
        file.read(500_000, 10_000)


@pytest.mark.parametrize("pin", [Pin(size=5), Pin(etag='"other"')])
def test_a_file_that_is_not_the_one_found_is_refused(server: RangeServer, remote: Remote, pin: Pin) -> None:
    with pytest.raises(DataError, match="not the file that was found"):
        opened(server, remote, pin)[0].read(0, 4)


def test_the_file_that_was_found_is_read(server: RangeServer, remote: Remote, scene: bytes) -> None:
    assert opened(server, remote, Pin(len(scene), etag_of(scene)))[0].read(0, 4) == scene[:4]


def test_a_connection_that_breaks_is_tried_again(server: RangeServer, remote: Remote, scene: bytes) -> None:
    server.fail(PATH, Fault(), Fault(cut_at=1000), Fault(503))
    values = window_of(opened(server, remote)[0], (0, 10), (0, 10))
    assert values.shape == (10, 10)


def test_a_tile_that_always_breaks_off_is_an_error_not_a_hole(server: RangeServer, remote: Remote) -> None:
    server.fail(PATH, Fault())
    server.always_fail(PATH, Fault(cut_at=1000))
    with pytest.raises(ServiceError, match="broke off"):
        window_of(opened(server, remote)[0], (0, 10), (0, 10))


def test_an_answer_shorter_than_asked_is_refused(server: RangeServer, remote: Remote, scene: bytes) -> None:
    server.fail(PATH, Fault(), Fault(headers={"content-range": f"bytes 500000-500000/{len(scene)}", "content-length": "9"}, cut_at=9))
    file, _ = opened(server, remote)
    file.read(0, 4)
    with pytest.raises(ServiceError, match="sent 9 bytes where 10000"):
        file.read(500_000, 10_000)


def test_a_file_cut_at_its_source_is_bad_data(server: RangeServer, remote: Remote, scene: bytes) -> None:
    server.put(PATH, scene[: len(scene) // 2])
    with pytest.raises(DataError, match=rf"/scene/B04\.tif cannot be read as a GeoTIFF \(it ends after {len(scene) // 2:,} bytes"):
        window_of(opened(server, remote)[0], (0, SIZE), (0, SIZE))


def test_a_cut_file_without_compression_yields_no_pixels_of_other_memory(server: RangeServer, remote: Remote, tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    profile = {"driver": "GTiff", "count": 1, "height": SIZE, "width": SIZE, "dtype": "uint16", "crs": "EPSG:32631", "tiled": True}
    with rasterio.open(path, "w", **profile, transform=rasterio.transform.from_origin(0, 0, 10, 10)) as dataset:
        dataset.write(np.full((SIZE, SIZE), 7, "uint16"), 1)
    whole = path.read_bytes()
    server.put(PATH, whole)
    assert (window_of(opened(server, remote)[0], (0, SIZE), (0, SIZE)) == 7).all()
    server.put(PATH, whole[: len(whole) * 3 // 4])
    with pytest.raises(DataError, match="it ends after"):
        window_of(opened(server, remote)[0], (0, SIZE), (0, SIZE))


def test_a_page_instead_of_a_file_is_told_in_words_that_mean_something(server: RangeServer, remote: Remote) -> None:
    server.put(PATH, b"<html>Please log in</html>")
    with pytest.raises(DataError) as caught:
        window_of(opened(server, remote)[0], (0, SIZE), (0, SIZE))
    assert caught.value.message == f"{server.url(PATH)} cannot be read as a GeoTIFF (it is none)."


def test_a_server_without_ranges_sends_a_small_file_once(server: RangeServer, remote: Remote, scene: bytes) -> None:
    server.always_fail(PATH, Fault(ignores_range=True))
    file, budget = opened(server, remote)
    window_of(file, (0, SIZE), (0, SIZE))
    assert server.sent() == len(scene) == budget.spent


def test_a_server_without_ranges_is_refused_for_a_large_file(server: RangeServer, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.storage.ranges.WHOLE_BYTES", 100_000)
    server.always_fail(PATH, Fault(ignores_range=True))
    with pytest.raises(ServiceError, match="knows no byte ranges"):
        window_of(opened(server, remote)[0], (0, 10), (0, 10))


def test_bytes_are_bounded_before_they_are_fetched(server: RangeServer, remote: Remote) -> None:
    with pytest.raises(LimitError, match="TERRACITE_MAX_READ_BYTES"):
        window_of(opened(server, remote, limit=50_000)[0], (0, 10), (0, 10))
    assert server.sent() <= 50_000


def test_a_whole_file_is_checked_against_its_checksum(server: RangeServer, remote: Remote, scene: bytes) -> None:
    digest = hashlib.sha256(scene).hexdigest()
    file, _ = opened(server, remote, Pin(checksum=f"1220{digest}"))
    file.fetch_whole()
    fetched = server.sent()
    assert file.read(300_000, 50_000) == scene[300_000:350_000]
    assert server.sent() == fetched


@pytest.mark.parametrize("checksum", ["1220" + "0" * 64, "1114" + "0" * 40, "d50110" + "0" * 32])
def test_a_whole_file_with_another_checksum_is_refused(server: RangeServer, remote: Remote, checksum: str) -> None:
    with pytest.raises(DataError, match="checksum differs"):
        opened(server, remote, Pin(checksum=checksum))[0].fetch_whole()


@pytest.mark.parametrize(
    "checksum", ["dd3cc7ed9a831bfe915c87e45638c48c", "1220c7ed9a831bfe915c87e45638c48c", "b220" + "0" * 64, "no digits", ""]
)
def test_a_checksum_that_is_no_multihash_we_know_checks_nothing(server: RangeServer, remote: Remote, scene: bytes, checksum: str) -> None:
    file, _ = opened(server, remote, Pin(checksum=checksum))
    file.fetch_whole()
    assert file.read(0, 4) == scene[:4]


def test_long_ranges_come_in_pieces_side_by_side(
    server: RangeServer, remote: Remote, scene: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.storage.ranges.PIECE_BYTES", 100_000)
    file, budget = opened(server, remote)
    assert file.read_many([(10, 250_000), (600_000, 30)]) == [scene[10:250_010], scene[600_000:600_030]]
    assert (budget.spent, budget.requests) == (250_030, 4)


@pytest.mark.parametrize(
    ("content", "error"), [(b"", DataError), (b"<VRTDataset/>" * 100, DataError), (b"\x89PNG\r\n\x1a\n" + bytes(500), DataError)]
)
def test_what_is_no_geotiff_is_refused(server: RangeServer, remote: Remote, content: bytes, error: type[TerraciteError]) -> None:
    server.put("/other", content)
    with pytest.raises(error):
        window_of(opened(server, remote, path="/other")[0], (0, 1), (0, 1))


def test_a_missing_file_is_not_found(server: RangeServer, remote: Remote) -> None:
    with pytest.raises(NotFoundError, match="/none"):
        window_of(opened(server, remote, path="/none")[0], (0, 1), (0, 1))


def test_a_file_that_changes_on_a_server_without_etags_is_noticed_by_its_time(server: RangeServer, remote: Remote) -> None:
    def modified(when: str) -> Fault:
        return Fault(headers={"etag": "", "last-modified": when})

    server.fail(PATH, modified("Mon, 01 Jun 2020 10:00:00 GMT"), modified("Tue, 02 Jun 2020 10:00:00 GMT"))
    file, _ = opened(server, remote)
    file.read(0, 10)
    with pytest.raises(BusyError, match="changed"):
        file.read(500_000, 10_000)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 9999), st.integers(1, 5000)), min_size=1, max_size=5), max_size=6))
def test_whatever_is_read_in_whatever_order_is_what_the_file_holds(
    server: RangeServer, remote: Remote, asked: list[list[tuple[int, int]]]
) -> None:
    content = bytes(position * 7919 % 256 for position in range(10_000))
    server.put("/small", content)
    file, _ = opened(server, remote, path="/small")
    for ranges in asked:
        expected = [content[offset : offset + count] for offset, count in ranges]
        assert [file.read(*each) for each in ranges[:1]] == expected[:1]
        assert file.read_many(ranges) == expected


def test_ranges_that_are_near_are_joined() -> None:
    assert joined_ranges([(300, 10), (0, 100), (108, 50), (250, 20)]) == [(0, 158), (250, 310)]


class Ticket:
    """Signs with the first of its tickets; a forgotten one is gone."""

    def __init__(self, *tickets: str) -> None:
        self.tickets = list(tickets)

    def sign(self, url: str) -> str:
        return f"{url}?{self.tickets[0]}"

    def forget(self, url: str) -> None:
        self.tickets.pop(0)


def test_a_signature_that_expires_while_a_file_is_read_is_renewed_once(server: RangeServer, remote: Remote, scene: bytes) -> None:
    file = RemoteFile(remote, server.url(PATH), Budget(10**9), signer=Ticket("sig=1", "sig=2"))
    server.signatures[PATH] = "sig=1"
    assert file.read(0, 4) == scene[:4]
    server.signatures[PATH] = "sig=2"
    assert file.read(500_000, 10_000) == scene[500_000:510_000]
    assert [each.query for each in server.seen] == ["sig=1", "sig=1", "sig=2"]
