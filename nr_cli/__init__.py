"""NeuroRoute CLI: the prompt router of the terminal."""

__version__ = "0.1.0"
