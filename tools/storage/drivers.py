"""Which of GDAL's drivers stay: those that a format of ours names, and those that computing needs. The others never register.

A driver that does not register cannot be asked what a file is, whichever name or pointer a hostile file holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from tools.storage import formats

INTERNAL = ("MEM", "Memory", "COG", "VRT", "ENVI")
"""In memory, for writing, and for what is declared over a raster; ENVI also reads what its header beside it describes."""
HELPERS = {"netCDF": ("HDF5", "HDF5Image")}
"""Drivers that another one opens files with."""
KNOWN = tuple(
    """
ACE2,ADBC,ADRG,AIG,AirSAR,AIVector,AmigoCloud,AVCBin,AVCE00,BAG,BIGGIF,BLX,BMP,BSB,BT,BYN,CALS,Carto,CEOS,COASP,COSAR,CPG,CSV,
CSW,CTable2,CTG,DAAS,DERIVED,DGN,DIMAP,DIPEx,DOQ1,DOQ2,DXF,ECRGTOC,EDIGEO,EEDA,EEDAI,EIR,ELAS,Elasticsearch,ERS,ESAT,ESRIC,
ESRIJSON,FAST,FIT,GDALG,GenBin,GeoRSS,GFF,GIF,GML,GNMDatabase,GNMFile,GPSBabel,GPX,GRASSASCIIGrid,GS7BG,GSAG,GSBG,GSC,GTFS,
GTI,GTX,GXF,HDF5,HDF5Image,HF2,HTTP,Idrisi,ILWIS,IRIS,ISCE,ISG,ISIS2,ISIS3,JAXAPALSAR,JDEM,JML,JSONFG,KML,KMLSUPEROVERLAY,KRO,
L1B,LAN,LCP,Leveller,LIBERTIFF,LIBKML,LOSLAS,LVBAG,MAP,MapInfo File,MapML,MBTiles,MFF,MFF2,MiraMonRaster,MiraMonVector,MRF,MSGN,
MVT,NDF,NGSGEOID,NGW,NITF,NOAA_B,NSIDCbin,NTv2,NWT_GRC,NWT_GRD,OAPIF,ODS,OGCAPI,OGR_GMT,OGR_PDS,OGR_VRT,OpenFileGDB,OSM,
OZI,PAux,PCIDSK,PDF,PDS,PDS4,PGDUMP,PLMOSAIC,PLSCENES,PMTiles,PNM,PRF,R,Rasterlite,RCM,RIK,RMF,ROI_PAC,RPFTOC,RRASTER,RS2,RST,
S102,S104,S111,S57,SAFE,SAR_CEOS,SDTS,Selafin,SENTINEL2,SGI,SIGDEM,SNAP_TIFF,SNODAS,SQLite,SRP,STACIT,STACTA,SXF,Terragen,TGA,TIL,
TopoJSON,TSX,VDV,VFK,VICAR,WAsP,WCS,WFS,WMS,WMTS,XLSX,XPM,Zarr,ZMap
""".replace("\n", "").split(",")
)
"""All others that the wheels of rasterio (GDAL 3.10) and pyogrio (GDAL 3.12) register; a test checks those that are installed."""


def kept(trusted: Iterable[str]) -> frozenset[str]:
    """Return the names of the drivers that may register; `trusted` are formats in lower case, as in the setting."""
    names = {name.casefold() for name in trusted}
    named = {
        driver
        for form in formats.FORMATS
        for driver in form.drivers
        if not form.needs_trust or not names.isdisjoint(name.casefold() for name in (form.name, *form.drivers))
    }
    return frozenset(named.union(INTERNAL, *(HELPERS.get(driver, ()) for driver in named)))


def skipped(trusted: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the drivers that must not register."""
    ours = (driver for form in formats.FORMATS for driver in form.drivers)
    return tuple(sorted({*KNOWN, *ours} - kept(trusted)))
