"""Services that a small file describes, and headers that name the file where their pixels lie."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

from hostile_bait import BOTTOM, CRS, LEFT, RIGHT, SIZE, TOP, Bait, write_raster
from hostile_virtual import Reach, secret_tif


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
