"""Draws the cost-quality curve of `nr eval` to a file."""

from __future__ import annotations

import io
import os
from importlib import import_module
from importlib.util import find_spec

from nr_cli.cli.evaltext import dig
from nr_cli.errors import ExitCode, InputError, OutputError, UsageError
from nr_cli.types.json import Json

ENDINGS = (".png", ".svg", ".html")


def check_plot(path: str) -> None:
    """Raises: UsageError for a file that cannot be drawn here."""
    if os.path.splitext(path)[1].lower() not in ENDINGS:
        raise UsageError(f"--plot {path}: no such format", "end it in .png, .svg or .html")
    if find_spec("matplotlib") is None:
        raise UsageError("--plot: matplotlib is not installed", "pip install 'nr-cli[plot]'")


def write_plot(path: str, whole: Json) -> None:
    """Writes the curves. Raises: InputError without outcomes, OutputError."""
    routers = dig(whole, "outcomes", "routers")
    if not isinstance(routers, dict):
        raise InputError(
            "--plot: no row has outcomes of two models", "see docs/eval.md", ExitCode.BAD_DATA
        )
    ending = os.path.splitext(path)[1].lower()
    figure = import_module("matplotlib.figure").Figure(figsize=(7, 4.5))
    axes = figure.subplots()
    for name, router in routers.items():
        points = dig(router, "curve")
        if isinstance(points, list):
            pairs = [point for point in points if isinstance(point, list)]
            axes.plot([pair[0] for pair in pairs], [pair[1] for pair in pairs], label=name)
    axes.set_xlabel("share of strong calls")
    axes.set_ylabel("quality")
    axes.legend()
    held = io.BytesIO()
    figure.savefig(held, format="png" if ending == ".png" else "svg")
    drawn = held.getvalue()
    if ending == ".html":
        svg = drawn[drawn.index(b"<svg") :]
        drawn = b"<!doctype html><meta charset=utf-8><title>nr eval</title>" + svg
    try:
        with open(path, "wb") as file:
            file.write(drawn)
    except OSError as error:
        raise OutputError(f"--plot {path}: {os.strerror(error.errno or 0)}") from None
