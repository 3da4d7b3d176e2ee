"""Conditions of `when`: one file for each key."""
