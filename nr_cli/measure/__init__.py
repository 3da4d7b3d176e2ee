"""Measures readings against what was expected, from plain lists of numbers."""
