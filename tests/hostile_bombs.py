"""Links, pipes, and small rasters that ask for more memory or time than there is."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from hostile_bait import BOTTOM, LEFT, OWN, SIZE, Bait, write_raster


def link(folder: Path, bait: Bait) -> Path:
    path = folder / "x.tif"
    path.symlink_to(bait.file("secret.tif"))
    return path


def pipe(folder: Path, _bait: Bait) -> Path:
    path = folder / "x.tif"
    os.mkfifo(path)
    return path


Entry = tuple[int, int, int, int]
"""Tag, type (3: 16 bits, 4: 32 bits), count, value or offset."""


def tiff(entries: list[Entry], after: bytes = b"") -> bytes:
    """Return a little-endian TIFF of one directory; what follows it begins at byte 8 + 2 + 12 × entries + 4."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0) + after


def many_bands(folder: Path, _bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_bytes(
        tiff(
            [
                (256, 3, 1, 1),
                (257, 3, 1, 1),
                (258, 3, 1, 8),
                (259, 3, 1, 1),
                (262, 3, 1, 1),
                (273, 4, 1, 200),
                (277, 3, 1, 65535),
                (278, 3, 1, 1),
                (279, 4, 1, 65535),
                (284, 3, 1, 1),
            ]
        )
        + b"\0" * 70_000
    )
    return path


def vast(folder: Path, _bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_bytes(
        tiff(
            [
                (256, 4, 1, 2_000_000_000),
                (257, 4, 1, 2_000_000_000),
                (258, 3, 1, 8),
                (259, 3, 1, 1),
                (262, 3, 1, 1),
                (273, 4, 1, 0),
                (277, 3, 1, 1),
                (278, 4, 1, 1),
                (279, 4, 1, 0),
            ]
        )
    )
    return path


def bomb(folder: Path, _bait: Bait) -> Path:
    """Write 11 MB that unpack to one strip of 676 MB: runs of 128 equal bytes, two bytes each."""
    side = 26_000
    packed = b"\x81\x00" * (side * side // 128)
    entries = [
        (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 32773), (262, 3, 1, 1), (277, 3, 1, 1), (278, 4, 1, side),
        (279, 4, 1, len(packed)),
    ]  # fmt: skip
    start = 8 + 2 + 12 * (len(entries) + 1) + 4
    path = folder / "x.tif"
    path.write_bytes(tiff([*entries, (273, 4, 1, start)], packed))
    return path


def endless_directories(folder: Path, _bait: Bait) -> Path:
    path = write_raster(folder / "x.tif")
    content = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    struct.pack_into("<I", content, start + 2 + 12 * count, start)
    path.write_bytes(content)
    return path


def vast_text(folder: Path, _bait: Bait) -> Path:
    path = folder / "x.asc"
    path.write_text("ncols 2000000000\nnrows 2000000000\nxllcorner 0\nyllcorner 0\ncellsize 10\n7 7 7 7\n")
    return path


def own_text(folder: Path) -> Path:
    rows = "\n".join(" ".join([str(OWN)] * SIZE) for _ in range(SIZE))
    path = folder / "plain.asc"
    path.write_text(f"ncols {SIZE}\nnrows {SIZE}\nxllcorner {LEFT}\nyllcorner {BOTTOM}\ncellsize 10\n{rows}\n")
    (folder / "plain.prj").write_text(
        'PROJCS["WGS_1984_UTM_Zone_31N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",3.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    return path
