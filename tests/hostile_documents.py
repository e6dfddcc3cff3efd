"""Documents that load from elsewhere, archives that lead out of themselves, and programs in pickles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from hostile_bait import TEXT, Bait, features, write_raster
from hostile_layers import Write
from hostile_tables import program


def page(bait: Bait) -> str:
    return f'<html><body><h1>Notes</h1><img src="{bait.url}x.png"><script src="{bait.url}x.js"></script><iframe src="file://{bait.file("secret.txt")}"></iframe><link rel="stylesheet" href="{bait.url}x.css"><object data="{bait.file("secret.txt")}"></object>Dull.</body></html>'


def entities(bait: Bait) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{bait.file("secret.txt")}"><!ENTITY % r SYSTEM "{bait.url}x.dtd"> %r;]><html><body><p>&e;</p></body></html>'


def markdown(bait: Bait) -> str:
    return f'# Notes\n\n![x]({bait.url}x.png) ![y](file://{bait.file("secret.txt")})\n\n<!--#include file="{bait.file("secret.txt")}" -->\n\n[z]: {bait.file("secret.txt")}\n'


def restructured(bait: Bait) -> str:
    return f"Notes\n=====\n\n.. include:: {bait.file('secret.txt')}\n\n.. raw:: html\n   :url: {bait.url}x\n\n.. csv-table::\n   :file: {bait.file('secret.csv')}\n"


def pdf(more: Callable[[Bait], str]) -> Write:
    """Return a writer of a PDF of one page, with something hostile in its catalogue or in its page."""

    def write(folder: Path, bait: Bait) -> Path:
        catalogue, _, contents = more(bait).partition("|")
        stream = b"BT /F1 12 Tf 20 100 Td (Notes) Tj ET"
        objects = [
            f"<< /Type /Catalog /Pages 2 0 R {catalogue} >>".encode(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            f"<< /Length {len(stream)} {contents} >>\nstream\n".encode() + stream + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
        body, places = b"%PDF-1.4\n", []
        for number, one in enumerate(objects, 1):
            places.append(len(body))
            body += f"{number} 0 obj\n".encode() + one + b"\nendobj\n"
        table = "".join(f"{place:010d} 00000 n \n" for place in places)
        path = folder / "x.pdf"
        path.write_bytes(
            body + f"xref\n0 6\n0000000000 65535 f \n{table}trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF".encode()
        )
        return path

    return write


def pdf_actions(bait: Bait) -> str:
    return f"/OpenAction << /S /Launch /F ({bait.file('secret.txt')}) >> /AA << /O << /S /URI /URI ({bait.url}) >> >> /Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (app.launchURL('{bait.url}')) >>] >> >>"


def pdf_elsewhere(bait: Bait) -> str:
    return f"|/F << /Type /Filespec /FS /URL /F ({bait.url}x) >>"


def pdf_file(bait: Bait) -> str:
    return f"|/F ({bait.file('secret.txt')})"


def notes(name: str) -> Callable[[Path], Path]:
    """Return a writer of a harmless document."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_text("# Notes\n\nDull.\n")
        return path

    write.__name__ = name
    return write


def plain_pdf(folder: Path) -> Path:
    return pdf(lambda _: "")(folder, Bait(folder, ""))


def pickled_weights(name: str) -> Write:
    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        path.write_bytes(program(bait))
        return path

    return write


def archive(name: str, kind: str) -> Write:
    """Return a writer of an archive that holds a link and a file with a name that leads out of it."""

    def write(folder: Path, bait: Bait) -> Path:
        inside = folder / "inside"
        inside.mkdir()
        write_raster(inside / "own.tif")
        (inside / "link.tif").symlink_to(bait.file("secret.tif"))
        made = Path(shutil.make_archive(str(folder / "made"), kind, inside))
        shutil.rmtree(inside)
        return made.rename(folder / name)

    return write


def slip(name: str) -> Write:
    import zipfile

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        with zipfile.ZipFile(path, "w") as made:
            for member in ("../taken.tif", str(bait.file("taken.tif")), "doc.kml", "own.shp", "own.geojson"):
                made.writestr(member, json.dumps(features((TEXT[::-1],) * 3)))
        return path

    return write


def layer_zip_bomb(folder: Path, _bait: Bait) -> Path:
    import zipfile

    path = folder / "x.gpkg"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("x.gpkg", bytes(200_000_000))
    return path


def squeezed(folder: Path, _bait: Bait) -> Path:
    import gzip

    path = folder / "x.csv"
    path.write_bytes(gzip.compress(b"name,people\n" + b"a,1\n" * 5_000_000))
    return path
