"""Joins the outside world with a router, the start of every command that routes."""

from __future__ import annotations

import os

from nr_cli.app import Router
from nr_cli.cli.env import Outside


def outside_with_router(
    policy: str | None, no_project: bool, quiet: bool = False
) -> tuple[Outside, Router]:
    """Returns the outside world with a router that knows it."""
    from nr_cli.cli.progress import ProgressLine

    outside = Outside(os.environ)
    router = Router(
        outside.environ,
        outside.surroundings(),
        policy_file=policy,
        no_project=no_project,
        progress=None if quiet else ProgressLine(outside).show,
    )
    return outside, router
