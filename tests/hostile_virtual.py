"""Virtual rasters under many names, and notes, masks and overviews that point away from the raster they lie beside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hostile_bait import CRS, LEFT, SIZE, TOP, Bait, write_raster

GEO = f"<SRS>{CRS}</SRS><GeoTransform>{LEFT}, 10, 0, {TOP}, 0, -10</GeoTransform>"
Reach = Callable[[Bait], str]
"""The name by which a file reaches for the bait."""


def plain(folder: Path) -> Path:
    return write_raster(folder / "plain.tif")


def vrt(source: str, *, relative: int = 0, kind: str = "", more: str = "") -> str:
    """Return a virtual raster over one source."""
    band = f'<VRTRasterBand dataType="UInt16" band="1"{kind}>{more}<SimpleSource><SourceFilename relativeToVRT="{relative}">{source}</SourceFilename>'
    return f'<VRTDataset rasterXSize="{SIZE}" rasterYSize="{SIZE}">{GEO}{band}<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>'


def secret_tif(bait: Bait) -> str:
    return str(bait.file("secret.tif"))


def remote_tif(bait: Bait) -> str:
    return f"/vsicurl/{bait.url}secret.tif"


def zipped_tif(bait: Bait) -> str:
    return f"/vsizip/{bait.file('secret.zip')}/secret.tif"


def virtual(name: str, reach: Reach, encoding: str = "utf-8", before: str = "") -> Callable[[Path, Bait], Path]:
    """Return a writer of a virtual raster under any name."""

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        path.write_bytes((before + vrt(reach(bait))).encode(encoding))
        return path

    return write


def local_vrt(folder: Path) -> Path:
    plain(folder)
    path = folder / "mosaic.vrt"
    path.write_text(vrt("plain.tif", relative=1))
    return path


def vrt_relative(folder: Path, bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_text(vrt(os.path.relpath(bait.file("secret.tif"), folder), relative=1))
    return path


def vrt_over_link(folder: Path, bait: Bait) -> Path:
    (folder / "part.dat").symlink_to(bait.file("secret.tif"))
    path = folder / "x.tif"
    path.write_text(vrt("part.dat", relative=1))
    return path


def vrt_raw(folder: Path, bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_text(
        f'<VRTDataset rasterXSize="{SIZE}" rasterYSize="{SIZE}">{GEO}<VRTRasterBand dataType="UInt16" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="0">{bait.file("secret.raw")}</SourceFilename><ImageOffset>0</ImageOffset><PixelOffset>2</PixelOffset>'
        f"<LineOffset>{2 * SIZE}</LineOffset></VRTRasterBand></VRTDataset>"
    )
    return path


def vrt_python(folder: Path, bait: Bait) -> Path:
    code = f"def f(*given, **named):\n    open({str(bait.file('taken'))!r}, 'w').write('x')\n"
    function = f"<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode><![CDATA[{code}]]></PixelFunctionCode>"
    path = folder / "x.vrt"
    path.write_text(vrt(str(write_raster(folder / "own.tif")), kind=' subClass="VRTDerivedRasterBand"', more=function))
    return path


def vrt_warped(folder: Path, bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_text(
        f'<VRTDataset rasterXSize="{SIZE}" rasterYSize="{SIZE}" subClass="VRTWarpedDataset">{GEO}<VRTRasterBand dataType="UInt16" band="1" subClass="VRTWarpedRasterBand"/>'
        f"<BlockXSize>{SIZE}</BlockXSize><BlockYSize>{SIZE}</BlockYSize><GDALWarpOptions><WarpMemoryLimit>6e+07</WarpMemoryLimit><ResampleAlg>NearestNeighbour</ResampleAlg>"
        f'<WorkingDataType>UInt16</WorkingDataType><SourceDataset relativeToVRT="0">{secret_tif(bait)}</SourceDataset><Transformer><ApproxTransformer><MaxError>0.1</MaxError><BaseTransformer>'
        f"<GenImgProjTransformer><SrcGeoTransform>{LEFT},10,0,{TOP},0,-10</SrcGeoTransform><SrcInvGeoTransform>{-LEFT / 10},0.1,0,{TOP / 10},0,-0.1</SrcInvGeoTransform>"
        f"<DstGeoTransform>{LEFT},10,0,{TOP},0,-10</DstGeoTransform><DstInvGeoTransform>{-LEFT / 10},0.1,0,{TOP / 10},0,-0.1</DstInvGeoTransform></GenImgProjTransformer>"
        '</BaseTransformer></ApproxTransformer></Transformer><BandList><BandMapping src="1" dst="1"/></BandList></GDALWarpOptions></VRTDataset>'
    )
    return path


def vrt_pansharpened(folder: Path, bait: Bait) -> Path:
    source = f'<SourceFilename relativeToVRT="0">{secret_tif(bait)}</SourceFilename><SourceBand>1</SourceBand>'
    path = folder / "x.tif"
    path.write_text(
        f'<VRTDataset subClass="VRTPansharpenedDataset"><PansharpeningOptions><Algorithm>WeightedBrovey</Algorithm><AlgorithmOptions><Weights>1</Weights></AlgorithmOptions>'
        f'<PanchroBand>{source}</PanchroBand><SpectralBand dstBand="1">{source}</SpectralBand></PansharpeningOptions></VRTDataset>'
    )
    return path


def vrt_processed(folder: Path, bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_text(
        f'<VRTDataset subClass="VRTProcessedDataset"><Input><SourceFilename relativeToVRT="0">{secret_tif(bait)}</SourceFilename></Input><ProcessingSteps><Step name="one">'
        '<Algorithm>BandAffineCombination</Algorithm><Argument name="coefficients_1">0,1</Argument></Step></ProcessingSteps></VRTDataset>'
    )
    return path


def beside(suffix: str, content: Callable[[Path, Bait], str | bytes]) -> Callable[[Path, Bait], Path]:
    """Return a writer of a plain GeoTIFF with a hostile side file."""

    def write(folder: Path, bait: Bait) -> Path:
        path = write_raster(folder / "x.tif")
        text = content(folder, bait)
        (folder / f"x.tif{suffix}").write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def overview_pointer(name: str) -> str:
    return f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{name}</MDI></Metadata></PAMDataset>'


def half_size(source: str) -> str:
    """Return a virtual raster that passes for an overview."""
    return vrt(source).replace(f'XSize="{SIZE}"', f'XSize="{SIZE // 2}"').replace(f'YSize="{SIZE}"', f'YSize="{SIZE // 2}"')


def flagged(source: str) -> str:
    """Return a virtual raster that passes for a mask."""
    return vrt(source).replace("<SRS>", '<Metadata><MDI key="INTERNAL_MASK_FLAGS_1">2</MDI></Metadata><SRS>')


def link_beside(suffix: str) -> Callable[[Path, Bait], Path]:
    def write(folder: Path, bait: Bait) -> Path:
        path = write_raster(folder / "x.tif")
        (folder / f"x.tif{suffix}").symlink_to(bait.file("secret.tif"))
        return path

    return write


def tagged(reach: Reach) -> Callable[[Path, Bait], Path]:
    """Return a writer of a GeoTIFF that names its overviews in its own metadata."""

    def write(folder: Path, bait: Bait) -> Path:
        import rasterio

        path = write_raster(folder / "x.tif")
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=reach(bait))
        return path

    return write


def with_notes(folder: Path) -> Path:
    path = plain(folder)
    (folder / "plain.tif.aux.xml").write_text('<PAMDataset><Metadata><MDI key="AREA_OR_POINT">Area</MDI></Metadata></PAMDataset>')
    return path


def with_overviews(folder: Path) -> Path:
    import rasterio
    from rasterio.enums import Resampling

    path = plain(folder)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2], Resampling.nearest)
    assert (folder / "plain.tif.ovr").is_file()
    return path


def with_mask(folder: Path) -> Path:
    import numpy as np
    import rasterio

    path = plain(folder)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        mask = np.full((SIZE, SIZE), 255, "uint8")
        mask[0] = 0
        dataset.write_mask(mask)
    assert (folder / "plain.tif.msk").is_file()
    return path
