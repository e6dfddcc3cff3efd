"""Pure functions over numpy, shapely, pyproj and odc-geo: no file, network, clock or environment."""
