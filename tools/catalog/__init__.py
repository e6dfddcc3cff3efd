"""Registered datasets, their description, and named places in them."""
