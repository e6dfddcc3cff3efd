"""Passages: short, word for word, nothing lost, each under its heading; documents of every kind give their text."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.knowledge.documents import read_document
from agent.knowledge.passages import passages_of
from tools.errors import DataError


def words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def parts(text: str, limit: int = 200) -> list[tuple[str, str]]:
    return [(passage.heading, text[passage.start : passage.end]) for passage in passages_of(text, words, limit)]


def test_each_passage_stands_under_the_headings_above_it() -> None:
    text = "Before.\n\n# Flood\n\nIt rained.\n\n## Deaths\nEleven.\n\n## Damage\n\n# Drought\nDry."
    assert parts(text) == [("", "Before."), ("Flood", "It rained."), ("Flood › Deaths", "Eleven."), ("Drought", "Dry.")]


def test_underlined_headings_are_headings_and_tables_and_programs_are_not() -> None:
    text = "Title\n=====\nOne.\n\nPart\n----\nTwo.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```\n# no heading\nx = 1\n```\n"
    assert [heading for heading, _ in parts(text)] == ["Title", "Title › Part"]
    assert "# no heading" in parts(text)[1][1]


def test_paragraphs_share_a_passage_while_they_fit_and_long_ones_are_split_at_sentences_first() -> None:
    assert parts("one two.\n\nthree.\n\nfour five six.", 3) == [("", "one two.\n\nthree."), ("", "four five six.")]
    assert parts("One two three. Four five six. Seven.", 4) == [("", "One two three."), ("", "Four five six. Seven.")]
    assert parts("a b c d e", 2) == [("", "a b"), ("", "c d"), ("", "e")]


@given(text=st.text(alphabet="ab. \n#-|", max_size=300), limit=st.integers(1, 12))
def test_passages_are_in_order_short_and_lose_no_word_but_headings(text: str, limit: int) -> None:
    found = passages_of(text, words, limit)
    assert all(one.end <= other.start for one, other in pairwise(found))
    for passage in found:
        own = text[passage.start : passage.end]
        assert own == own.strip()
        assert own
        assert len(words(own)) <= limit
    covered = "".join(text[passage.start : passage.end] for passage in found)
    headings = "".join(passage.heading for passage in found)
    letters = re.sub(r"[^ab]", "", text)
    assert len(letters) >= len(re.sub(r"[^ab]", "", covered))
    if "#" not in text and "-" not in text:
        assert re.sub(r"[^ab]", "", covered) == letters
        assert not headings


def test_a_page_gives_what_its_reader_sees(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<html><head><title>no</title><style>p {}</style><body><h2>The flood</h2><p>It   was <b>4&nbsp;m</b> deep.</p>"
        "<script>alert(1)</script><ul><li>one<li>two</ul><table><tr><td>a<td>b</table></body></html>"
    )
    text = read_document(page).text
    assert [part.replace("\xa0", " ") for _, part in parts(text)] == ["It was 4 m deep.\n\n- one\n\n- two\n\na b"]
    assert parts(text)[0][0] == "The flood"


def test_text_of_another_encoding_or_line_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Überflutet\r\nim Süden".encode("cp1252"))
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfmarked")
    assert read_document(tmp_path / "a.txt").text == "Überflutet\nim Süden"
    assert read_document(tmp_path / "b.txt").text == "marked"


def pdf_with(pages: list[str]) -> bytes:
    """A PDF by hand: one line of text a page."""
    count = len(pages)
    objects = [f"<< /Type /Pages /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(count))}] /Count {count} >>"]
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", *objects, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    return f"{body}xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n".encode()


def test_a_pdf_gives_its_text_and_knows_the_page_of_each_place(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf_with(["The flood was deep.", "Eleven people died."]))
    document = read_document(path)
    assert document.page_at(document.text.index("flood")) == 1
    assert document.page_at(document.text.index("Eleven")) == 2


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4\ngarbage", bytes(range(256)) * 20])
def test_a_broken_pdf_is_a_data_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"PDF|empty"):
        read_document(path)
