"""Tools over vector layers."""
