"""Statistics of rasters in zones."""
