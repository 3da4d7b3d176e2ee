"""Translates the configuration of other prompt tools: one file for each tool."""
