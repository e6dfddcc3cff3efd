"""Documents, catalogues and weights keep their limits: size, pages, what they unpack to, time, and the folder they lie in."""

from __future__ import annotations

import io
import json
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from agent.knowledge.documents import read_document
from tools.errors import DataError, LimitError, NotFoundError, TerraciteError
from tools.storage.networks import tensor_shapes
from tools.storage.stac_files import is_stac
from tools.storage.stac_static import Walk, read_local

pypdf = pytest.importorskip("pypdf")


def pdf(path: Path, contents: list[bytes]) -> Path:
    """Write a PDF of one page per content, each packed."""
    writer = pypdf.PdfWriter()
    font = pypdf.generic.DictionaryObject(
        {
            pypdf.generic.NameObject(f"/{name}"): pypdf.generic.NameObject(f"/{value}")
            for name, value in (("Type", "Font"), ("Subtype", "Type1"), ("BaseFont", "Helvetica"))
        }
    )
    for content in contents:
        page = writer.add_blank_page(200, 200)
        fonts = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F"): font})
        page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/Font"): fonts})
        stream = pypdf.generic.EncodedStreamObject()
        stream._data = zlib.compress(content, 9)
        stream[pypdf.generic.NameObject("/Filter")] = pypdf.generic.NameObject("/FlateDecode")
        page[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    buffer = io.BytesIO()
    writer.write(buffer)
    path.write_bytes(buffer.getvalue())
    return path


TEXT = b"BT /F 12 Tf 10 100 Td (Notes of the survey) Tj ET"


def test_documents_keep_the_limits_of_bytes_and_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note, book = tmp_path / "a.md", pdf(tmp_path / "b.pdf", [TEXT, TEXT])
    note.write_text("# Notes")
    monkeypatch.setenv("TERRACITE_MAX_DOCUMENT_BYTES", "7")
    assert read_document(note).text == "# Notes"
    monkeypatch.setenv("TERRACITE_MAX_DOCUMENT_BYTES", "6")
    with pytest.raises(LimitError, match="TERRACITE_MAX_DOCUMENT_BYTES"):
        read_document(note)
    monkeypatch.delenv("TERRACITE_MAX_DOCUMENT_BYTES")
    monkeypatch.setenv("TERRACITE_MAX_DOCUMENT_PAGES", "2")
    assert len(read_document(book).pages) == 2
    monkeypatch.setenv("TERRACITE_MAX_DOCUMENT_PAGES", "1")
    with pytest.raises(LimitError, match="TERRACITE_MAX_DOCUMENT_PAGES"):
        read_document(book)


def test_a_small_pdf_that_unpacks_to_much_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = pdf(tmp_path / "a.pdf", [TEXT + b" " * 3_000_000])
    assert bomb.stat().st_size < 20_000
    assert read_document(bomb).text == "Notes of the survey\n\n"
    monkeypatch.setenv("TERRACITE_MAX_DOCUMENT_BYTES", "2000000")
    with pytest.raises(LimitError, match="unpacks to"):
        read_document(bomb)


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<![CDATA[", "<a b='", '<a b="', "</a ", "<?", "<!x", "<a b='x>", "<script "])
def test_a_page_of_unfinished_tags_is_read_at_once(tmp_path: Path, piece: str) -> None:
    page = tmp_path / "a.html"
    page.write_text("<p>Notes</p>" + piece * 20_000)  # 60 kB of `<a ` took two minutes
    start = time.monotonic()
    assert read_document(page).text.startswith("Notes")
    assert time.monotonic() - start < 5


def test_a_page_shows_what_a_reader_sees_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text(
        "<!DOCTYPE html><html><head><title>T</title></head><body><!-- <b>hidden</b> -- > --><h2 class=\"a 'b'\">Head</h2>"
        "<p>5 < 6 &amp; it's <a href='x?a=b'>a link</a><script>if (a<b) alert('no')</script><style>p > a {}</style></p>"
    )
    assert read_document(page).text == "## Head\n\n5 < 6 & it's a link\n"


def test_only_a_regular_document_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, note = tmp_path / "a.txt", tmp_path / "b.txt"
    os.mkfifo(pipe)
    note.write_text("Notes")
    for path in (pipe, Path("/proc/self/environ"), tmp_path / "gone.txt"):
        with pytest.raises((DataError, NotFoundError)):
            read_document(path)
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", str(tmp_path / "elsewhere"))
    with pytest.raises(DataError, match="TERRACITE_ALLOWED_ROOTS"):
        read_document(note)


def catalogue(path: Path, *hrefs: str, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    links = [{"rel": "item", "href": href} for href in hrefs]
    path.write_text(json.dumps({"type": "Catalog", "id": path.stem, "stac_version": "1.0.0", "description": "", "links": links, **more}))
    return path


def item(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "Feature", "id": path.stem, "properties": {}, "geometry": None, "links": [], "assets": {}}))
    return path


def test_a_catalogue_on_this_machine_stays_in_its_folder(tmp_path: Path) -> None:
    item(tmp_path / "cat" / "items" / "inside.json")
    outside = item(tmp_path / "outside.json")
    (tmp_path / "cat" / "link.json").symlink_to(outside)
    root = catalogue(
        tmp_path / "cat" / "catalog.json", "./items/inside.json", "../outside.json", str(outside), f"file://{outside}", "link.json", "a\0b.json", "/dev/zero",
        "items/../../cat/items/inside.json",
    )  # fmt: skip
    walk = Walk(read_local)
    assert [one["id"] for _, items in walk.items(str(root)) for one in items if isinstance(one, dict)] == ["inside"]
    assert len(walk.unread) == 6
    assert sum("out of the catalogue's folder" in reason for reason in walk.unread) == 5
    assert is_stac(root)


def test_catalogue_files_that_are_too_large_or_nest_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = catalogue(tmp_path / "catalog.json")
    assert read_local(str(root))["id"] == "catalog"
    deep = tmp_path / "deep.json"
    deep.write_text('{"stac_version": ' + "[" * 200_000)
    assert not is_stac(deep)
    with pytest.raises(DataError):
        read_local(str(deep))
    monkeypatch.setenv("TERRACITE_MAX_TEXT_BYTES", str(root.stat().st_size - 1))
    assert not is_stac(root)
    with pytest.raises(LimitError, match="TERRACITE_MAX_TEXT_BYTES"):
        read_local(str(root))


def weights(path: Path, header: object, size: int = 16) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))
    return path


def test_headers_of_weights_must_fit_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    good: dict[str, Any] = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "__metadata__": {"format": "pt"}}
    assert tensor_shapes(weights(path, good)) == {"w": (2, 2)}
    for wrong in ([0, 17], [-1, 8], [8, 0], [0, 1e999], [0], "01"):
        with pytest.raises(DataError, match="no safetensors"):
            tensor_shapes(weights(path, {"w": {**good["w"], "data_offsets": wrong}}))
    for broken in (b'{"w": {"shape": [1e999], "data_offsets": [0, 1]}}', b"[" * 100_000, b"{}" + b"\0" * 3, b'{"w": 1}'):
        with pytest.raises(TerraciteError):
            tensor_shapes(weights(path, broken))
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(DataError):
        tensor_shapes(path)
    length = len(json.dumps(good))
    monkeypatch.setenv("TERRACITE_MAX_HEADER_BYTES", str(length))
    assert tensor_shapes(weights(path, good))
    monkeypatch.setenv("TERRACITE_MAX_HEADER_BYTES", str(length - 1))
    with pytest.raises(LimitError, match="TERRACITE_MAX_HEADER_BYTES"):
        tensor_shapes(path)
