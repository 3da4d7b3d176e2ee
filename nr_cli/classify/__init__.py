"""Reads a prompt's intent with its complexity, offline: one file for each classifier."""
