"""Derived numbers from facts, with units."""
