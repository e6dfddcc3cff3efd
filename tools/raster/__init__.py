"""Tools over rasters."""
