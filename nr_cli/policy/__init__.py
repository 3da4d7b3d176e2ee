"""Turns routes.yaml into decisions: strict loading, conditions, the walk."""
