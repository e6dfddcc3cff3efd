"""Fingerprint of code, canonical parameters, keys, store, explain. Knows nothing geographic."""
