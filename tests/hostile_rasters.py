"""Rasters that reach for files of others, for hosts and for memory, each with the nearest raster that does not."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

from hostile_bait import BOTTOM, CRS, LEFT, OWN, RIGHT, SIZE, TOP, Bait, FileCase, write_raster

GEO = f"<SRS>{CRS}</SRS><GeoTransform>{LEFT}, 10, 0, {TOP}, 0, -10</GeoTransform>"
Reach = Callable[[Bait], str]
"""The name by which a file reaches for the bait."""


def plain(folder: Path) -> Path:
    return write_raster(folder / "plain.tif")


# --- virtual rasters


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


# --- pointers beside and inside a GeoTIFF


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


# --- services described in a small file


def text_file(name: str, text: Callable[[Bait], str]) -> Callable[[Path, Bait], Path]:
    """Return a writer of a small text under any name."""

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        path.write_text(text(bait))
        return path

    return write


WINDOW = f"<UpperLeftX>{LEFT}</UpperLeftX><UpperLeftY>{TOP}</UpperLeftY><LowerRightX>{RIGHT}</LowerRightX><LowerRightY>{BOTTOM}</LowerRightY><SizeX>{SIZE}</SizeX><SizeY>{SIZE}</SizeY>"


def wms(bait: Bait) -> str:
    return (
        f'<GDAL_WMS><Service name="WMS"><Version>1.1.1</Version><ServerUrl>{bait.url}?</ServerUrl><SRS>{CRS}</SRS><ImageFormat>image/png</ImageFormat><Layers>a</Layers></Service>'
        f"<DataWindow>{WINDOW}</DataWindow><BandsCount>1</BandsCount><BlockSizeX>{SIZE}</BlockSizeX><BlockSizeY>{SIZE}</BlockSizeY></GDAL_WMS>"
    )


def wms_cached(bait: Bait) -> str:
    return wms(bait).replace("<BandsCount>", f"<Cache><Path>{bait.file('cache')}</Path></Cache><BandsCount>")


def tms(bait: Bait) -> str:
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{bait.url}${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>{WINDOW}<TileLevel>0</TileLevel><TileCountX>1</TileCountX>'
        f"<TileCountY>1</TileCountY></DataWindow><Projection>{CRS}</Projection><BlockSizeX>{SIZE}</BlockSizeX><BlockSizeY>{SIZE}</BlockSizeY><BandsCount>1</BandsCount></GDAL_WMS>"
    )


def tms_of_files(bait: Bait) -> str:
    return tms(bait).replace(f"{bait.url}${{z}}/${{x}}/${{y}}.png", f"file://{bait.file('secret.png')}")


def wmts(bait: Bait) -> str:
    return f"<GDAL_WMTS><GetCapabilitiesUrl>{bait.url}caps.xml</GetCapabilitiesUrl><Layer>a</Layer></GDAL_WMTS>"


def wcs(bait: Bait) -> str:
    return f"<WCS_GDAL><ServiceURL>{bait.url}wcs?</ServiceURL><CoverageName>a</CoverageName><Version>1.0.0</Version></WCS_GDAL>"


def stac_items(bait: Bait) -> str:
    asset = f'{{"href": "{secret_tif(bait)}", "eo:bands": [{{"name": "a"}}]}}'
    place = f'"proj:epsg": 32631, "proj:transform": [10, 0, {LEFT}, 0, -10, {TOP}], "proj:shape": [{SIZE}, {SIZE}]'
    return (
        f'{{"type": "FeatureCollection", "stac_version": "1.0.0", "features": [{{"type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "c", "properties": {{{place}}},'
        f' "geometry": null, "bbox": [3, 45, 3.1, 45.1], "assets": {{"a": {asset}}}}}]}}'
    )


def stac_items_remote(bait: Bait) -> str:
    return stac_items(bait).replace(str(bait.file("secret.tif")), f"{bait.url}secret.tif")


def tile_index(bait: Bait) -> str:
    return f"<GDALTileIndexDataset><IndexDataset>{bait.file('secret.gpkg')}</IndexDataset><LocationField>name</LocationField><ResX>10</ResX><ResY>10</ResY><BandCount>1</BandCount><DataType>Byte</DataType></GDALTileIndexDataset>"


def tile_index_remote(bait: Bait) -> str:
    return tile_index(bait).replace(str(bait.file("secret.gpkg")), f"/vsicurl/{bait.url}index.gpkg")


def mrf(data: str) -> str:
    return (
        f'<MRF_META><Raster><Size x="{SIZE}" y="{SIZE}" c="1"/><PageSize x="{SIZE}" y="{SIZE}" c="1"/><Compression>NONE</Compression><DataType>UInt16</DataType>{data}</Raster>'
        f'<GeoTags><BoundingBox minx="{LEFT}" miny="{BOTTOM}" maxx="{RIGHT}" maxy="{TOP}"/><Projection>{CRS}</Projection></GeoTags></MRF_META>'
    )


def mrf_over(bait: Bait) -> str:
    index = bait.file("secret.raw")
    return mrf(f"<DataFile>{index}</DataFile><IndexFile>x.idx</IndexFile>")


def mrf_case(folder: Path, bait: Bait) -> Path:
    path = folder / "x.tif"
    path.write_text(mrf_over(bait).replace("x.idx", str(folder / "x.idx")))
    (folder / "x.idx").write_bytes(struct.pack(">QQ", 0, 2 * SIZE * SIZE))
    return path


def mrf_cache(reach: Reach) -> Callable[[Path, Bait], Path]:
    """Return a writer of a raster that copies another one beside itself while it is read."""

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / "x.tif"
        source = f"<CachedSource><Source>{reach(bait)}</Source></CachedSource>"
        path.write_text(mrf("").replace("<Raster>", f"{source}<Raster>"))
        return path

    return write


def ground_overlay(bait: Bait) -> str:
    overlay = f"<GroundOverlay><Icon><href>{bait.file('secret.png')}</href></Icon><LatLonBox><north>46</north><south>45</south><east>4</east><west>3</west></LatLonBox></GroundOverlay>"
    return f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Region><LatLonAltBox/><Lod/></Region>{overlay}</Document></kml>'


# --- headers that name their data


def ers(bait: Bait) -> str:
    return (
        f'DatasetHeader Begin\n\tVersion = "6.0"\n\tDataFile = "{bait.file("secret.raw")}"\n\tDataSetType = ERStorage\n\tDataType = Raster\n\tByteOrder = LSBFirst\n'
        '\tCoordinateSpace Begin\n\t\tDatum = "WGS84"\n\t\tProjection = "NUTM31"\n\t\tCoordinateType = EN\n\t\tRotation = 0:0:0.0\n\tCoordinateSpace End\n'
        f"\tRasterInfo Begin\n\t\tCellType = Unsigned16BitInteger\n\t\tNrOfLines = {SIZE}\n\t\tNrOfCellsPerLine = {SIZE}\n\t\tNrOfBands = 1\n\t\tCellInfo Begin\n\t\t\tXdimension = 10\n\t\t\tYdimension = 10\n\t\tCellInfo End\n"
        f"\t\tRegistrationCoord Begin\n\t\t\tEastings = {LEFT}\n\t\t\tNorthings = {TOP}\n\t\tRegistrationCoord End\n\tRasterInfo End\nDatasetHeader End\n"
    )


def pds(bait: Bait) -> str:
    return (
        f'PDS_VERSION_ID = PDS3\nRECORD_TYPE = FIXED_LENGTH\nRECORD_BYTES = {2 * SIZE}\nFILE_RECORDS = {SIZE}\n^IMAGE = "{bait.file("secret.raw")}"\nOBJECT = IMAGE\n'
        f" LINES = {SIZE}\n LINE_SAMPLES = {SIZE}\n SAMPLE_TYPE = LSB_UNSIGNED_INTEGER\n SAMPLE_BITS = 16\n BANDS = 1\nEND_OBJECT = IMAGE\nEND\n"
    )


def isis3(bait: Bait) -> str:
    return (
        f'Object = IsisCube\n  Object = Core\n    StartByte = 1\n    ^Core = "{bait.file("secret.raw")}"\n    Format = BandSequential\n    Group = Dimensions\n      Samples = {SIZE}\n      Lines = {SIZE}\n      Bands = 1\n'
        "    End_Group\n    Group = Pixels\n      Type = SignedWord\n      ByteOrder = Lsb\n      Base = 0.0\n      Multiplier = 1.0\n    End_Group\n  End_Object\nEnd_Object\nEnd\n"
    )


def pds4(bait: Bait) -> str:
    axis = "<Axis_Array><axis_name>{}</axis_name><elements>16</elements><sequence_number>{}</sequence_number></Axis_Array>"
    return (
        '<?xml version="1.0"?><Product_Observational xmlns="http://pds.nasa.gov/pds4/pds/v1"><File_Area_Observational><File>'
        f'<file_name>../elsewhere/secret.raw</file_name></File><Array_2D_Image><offset unit="byte">0</offset><axes>2</axes><axis_index_order>Last Index Fastest</axis_index_order>'
        f"<Element_Array><data_type>UnsignedLSB2</data_type></Element_Array>{axis.format('Line', 1)}{axis.format('Sample', 2)}</Array_2D_Image></File_Area_Observational></Product_Observational>"
    )


def snodas(bait: Bait) -> str:
    return (
        f"Format version: NOHRSC GIS/RS raster file v1.1\nData file pathname: {bait.file('secret.raw')}\nNumber of columns: {SIZE}\nNumber of rows: {SIZE}\nMinimum x-axis coordinate: 3\nMaximum x-axis coordinate: 4\n"
        "Minimum y-axis coordinate: 45\nMaximum y-axis coordinate: 46\nData bytes per pixel: 2\nData type: integer\n"
    )


def ozi(bait: Bait) -> str:
    points = "".join(
        f"Point{n:02d},xy,{x},{y},in,deg,{45 + y / 100},0,N,{3 + x / 100},0,E,grid,,,,N\n"
        for n, (x, y) in enumerate([(0, 0), (15, 0), (15, 15), (0, 15)], 1)
    )
    return f"OziExplorer Map Data File Version 2.2\nx\n{bait.file('secret.png')}\n1 ,Map Code,\nWGS 84,WGS 84,0.0,0.0,WGS 84\nReserved 1\nReserved 2\nMagnetic Variation,,,E\nMap Projection,Latitude/Longitude,PolyCal,No,AutoCalOnly,No,BSBUseWPX,No\n{points}"


def dimap(bait: Bait) -> str:
    return (
        f'<?xml version="1.0"?><Dimap_Document><Metadata_Id><METADATA_FORMAT version="1.1">DIMAP</METADATA_FORMAT></Metadata_Id><Raster_Dimensions><NROWS>{SIZE}</NROWS><NCOLS>{SIZE}</NCOLS><NBANDS>1</NBANDS></Raster_Dimensions>'
        f'<Data_Access><DATA_FILE_ORGANISATION>BAND_COMPOSITE</DATA_FILE_ORGANISATION><Data_File><DATA_FILE_PATH href="{secret_tif(bait)}"/></Data_File></Data_Access></Dimap_Document>'
    )


def paux(folder: Path, bait: Bait) -> Path:
    path = folder / "x.img"
    path.symlink_to(bait.file("secret.raw"))
    (folder / "x.aux").write_text(f"AuxilaryTarget: x.img\nRawDefinition: {SIZE} {SIZE} 1\nChanDefinition-1: 16U 0 2 {2 * SIZE} Swapped\n")
    return path


def raw_link(folder: Path, bait: Bait) -> Path:
    path = folder / "x.bil"
    path.symlink_to(bait.file("secret.raw"))
    (folder / "x.hdr").write_text(
        f"NROWS {SIZE}\nNCOLS {SIZE}\nNBANDS 1\nNBITS 16\nBYTEORDER I\nLAYOUT BIL\nULXMAP {LEFT}\nULYMAP {TOP}\nXDIM 10\nYDIM 10\n"
    )
    return path


def own_bil(folder: Path) -> Path:
    path = write_raster(folder / "plain.bil", driver="EHdr")
    assert (folder / "plain.hdr").is_file()
    return path


def spilled(folder: Path, bait: Bait) -> Path:
    """Write an Erdas Imagine file whose pixels lie in another file, and let it name that of the bait."""
    name = os.path.relpath(bait.file("secret.ige"), folder)
    own = "x" * (len(name) - 4) + ".img"
    path = write_raster(folder / own, driver="HFA", USE_SPILL="YES")
    content = path.read_bytes()
    assert own.replace(".img", ".ige").encode() in content
    (folder / own.replace(".img", ".ige")).unlink()
    path = path.rename(folder / "x.img")
    path.write_bytes(content.replace(own.replace(".img", ".ige").encode(), name.encode()))
    return path


def own_img(folder: Path) -> Path:
    return write_raster(folder / "plain.img", driver="HFA")


# --- links, pipes, memory


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


CASES: tuple[FileCase, ...] = (
    FileCase("a virtual raster named as a GeoTIFF", virtual("x.tif", secret_tif), plain),
    FileCase("a virtual raster named as an image", virtual("x.png", secret_tif), plain),
    FileCase("a virtual raster named as an Imagine file", virtual("x.img", secret_tif), own_img),
    FileCase("a virtual raster over a file elsewhere", virtual("x.vrt", secret_tif), local_vrt, "vrt"),
    FileCase("a virtual raster over an address", virtual("x.vrt", remote_tif), local_vrt, "vrt"),
    FileCase("a virtual raster over an address named as a GeoTIFF", virtual("x.tif", remote_tif), plain),
    FileCase("a virtual raster into an archive", virtual("x.tif", zipped_tif), plain),
    FileCase("a virtual raster after blanks", virtual("x.tif", secret_tif, before=" \n" * 400), plain),
    FileCase("a virtual raster after a comment", virtual("x.tif", secret_tif, before="<!-- II*\0 -->".replace("\0", "")), plain),
    FileCase("a virtual raster after a byte order mark", virtual("x.tif", secret_tif, "utf-8-sig"), plain),
    FileCase("a virtual raster in UTF-16", virtual("x.tif", secret_tif, "utf-16"), plain),
    FileCase("a virtual raster along a relative path", vrt_relative, plain),
    FileCase("a virtual raster over a link", vrt_over_link, plain),
    FileCase("a virtual raster over raw bytes", vrt_raw, plain),
    FileCase("a virtual raster with a program", vrt_python, local_vrt, "vrt"),
    FileCase("a warped virtual raster", vrt_warped, plain),
    FileCase("a pansharpened virtual raster", vrt_pansharpened, plain),
    FileCase("a processed virtual raster", vrt_processed, plain),
    FileCase("overviews that are a virtual raster", beside(".ovr", lambda _, bait: half_size(secret_tif(bait))), with_overviews),
    FileCase("overviews that are a remote virtual raster", beside(".ovr", lambda _, bait: half_size(remote_tif(bait))), with_overviews),
    FileCase("overviews that are a map service", beside(".ovr", lambda _, bait: wms(bait)), with_overviews),
    FileCase("a mask that is a virtual raster", beside(".msk", lambda _, bait: flagged(secret_tif(bait))), with_mask),
    FileCase("a mask that is a remote virtual raster", beside(".msk", lambda _, bait: flagged(remote_tif(bait))), with_mask),
    FileCase("notes that point to overviews elsewhere", beside(".aux.xml", lambda _, bait: overview_pointer(secret_tif(bait))), with_notes),
    FileCase(
        "notes that point to overviews along a path",
        beside(".aux.xml", lambda *_: overview_pointer(":::BASE:::../elsewhere/secret.tif")),
        with_notes,
    ),
    FileCase(
        "notes that point to overviews at an address", beside(".aux.xml", lambda _, bait: overview_pointer(remote_tif(bait))), with_notes
    ),
    FileCase(
        "notes that point to overviews in words",
        beside(".aux.xml", lambda _, bait: overview_pointer(vrt(secret_tif(bait)).replace("<", "&lt;"))),
        with_notes,
    ),
    FileCase("a GeoTIFF that points to overviews elsewhere", tagged(secret_tif), plain),
    FileCase("a GeoTIFF that points to overviews at an address", tagged(remote_tif), plain),
    FileCase("a map service named as a GeoTIFF", text_file("x.tif", wms), plain),
    FileCase("a map service with a cache elsewhere", text_file("x.tif", wms_cached), plain),
    FileCase("a tile service named as an image", text_file("x.jpg", tms), plain),
    FileCase("a tile service over files", text_file("x.tif", tms_of_files), plain),
    FileCase("a WMTS named as a grid of text", text_file("x.asc", wmts), own_text),
    FileCase("a coverage service", text_file("x.tif", wcs), plain),
    FileCase("scenes named as a GeoTIFF", text_file("x.tif", stac_items), plain),
    FileCase("scenes at an address named as a GeoTIFF", text_file("x.tif", stac_items_remote), plain),
    FileCase("a tile index", text_file("x.tif", tile_index), plain),
    FileCase("a tile index at an address", text_file("x.tif", tile_index_remote), plain),
    FileCase("a meta raster over raw bytes", mrf_case, plain),
    FileCase("a meta raster that copies a file", mrf_cache(secret_tif), plain),
    FileCase("a meta raster that fetches", mrf_cache(remote_tif), plain),
    FileCase("a ground overlay named as an image", text_file("x.kml", ground_overlay), plain),
    FileCase("an ERS header over raw bytes", text_file("x.ers", ers), plain),
    FileCase("a PDS label over raw bytes", text_file("x.lbl", pds), plain),
    FileCase("an ISIS label over raw bytes", text_file("x.cub", isis3), plain),
    FileCase("an ISIS label named as an Imagine file", text_file("x.img", isis3), own_img),
    FileCase("a PDS label named as a GeoTIFF", text_file("x.tif", pds), plain),
    FileCase("a PDS4 label over raw bytes", text_file("x.xml", pds4), plain),
    FileCase("a SNODAS header over raw bytes", text_file("x.hdr", snodas), plain),
    FileCase("an OziExplorer map of an image elsewhere", text_file("x.map", ozi), plain),
    FileCase("a DIMAP document over a raster elsewhere", text_file("x.dim", dimap), plain),
    FileCase("an Imagine file whose pixels lie elsewhere", spilled, own_img),
    FileCase("a pipe", pipe, plain),
    FileCase("directories without end", endless_directories, plain),
)
"""Rasters that reach for the bait whoever opens them."""

BOMBS: tuple[FileCase, ...] = (
    FileCase("one pixel of 65,535 bands", many_bands, plain),
    FileCase("four quintillion pixels", vast, plain),
    FileCase("a strip that unpacks to 676 MB", bomb, plain),
    FileCase("a text of four quintillion cells", vast_text, own_text),
)
"""Small files that ask for more memory or time than there is."""

LINKED: tuple[FileCase, ...] = (
    FileCase("a link to a raster elsewhere", link, plain),
    FileCase("overviews that are a link", link_beside(".ovr"), with_overviews),
    FileCase("raw bytes that are a link", raw_link, own_bil),
    FileCase("an image with notes over raw bytes", paux, own_img),
)
"""Links that lead out of the folders from which files may be read."""
