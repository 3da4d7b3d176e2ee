"""`nr budget`: shows what the policy's budgets were used for."""

from __future__ import annotations

import typer

from nr_cli.cli import flags
from nr_cli.cli.env import Outside
from nr_cli.types.budget import Budget, Spent
from nr_cli.types.json import Json

app = typer.Typer(rich_markup_mode=None, add_completion=False)

HEADS = ("budget", "period", "limit", "spent", "reserved", "left", "")
WIDTH = 20  # characters of a bar


@app.command(
    help="Show what is spent and left of each budget in its present period.\n\nExample: nr budget",
)
def budget(
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    as_json: flags.AsJson = False,
) -> None:
    """Prints a table with a bar for each budget, or JSON."""
    from nr_cli.cli.document import dump
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.table import show_table

    outside, router = outside_with_router(policy, no_project)
    found = [(one, router.ledger.spent(one)) for one in router.policy.budgets]
    if as_json:
        outside.write(dump([document_of(*one) for one in found]))
    elif found:
        show_table(outside, HEADS, [row_of(outside, *one) for one in found], folds="budget")
    else:
        outside.say("nr: the policy has no budgets (see docs/routing-policy.md)")


def document_of(budget: Budget, spent: Spent) -> dict[str, Json]:
    """Returns a budget as JSON, in US dollars."""
    from nr_cli.store.ledger import period_now

    return {
        "name": budget.name,
        "per": budget.per,
        "period": period_now(budget.per),
        "limit": budget.limit,
        "spent": round(spent.settled, 6),
        "reserved": round(spent.reserved, 6),
        "left": round(left_of(budget, spent), 6),
        "state": budget.action(spent.total) or "ok",
    }


def row_of(outside: Outside, budget: Budget, spent: Spent) -> tuple[str, ...]:
    """Returns a budget's cells, in the order of `HEADS`."""
    from nr_cli.cli.plots import bar
    from nr_cli.store.ledger import period_now

    share = min(1.0, spent.total / budget.limit)
    drawn = bar(share, 1.0, WIDTH, outside.out_is_terminal and not outside.plain)
    return (
        budget.name,
        period_now(budget.per),
        f"${budget.limit:.2f}",
        f"${spent.settled:.4f}",
        f"${spent.reserved:.4f}",
        f"${left_of(budget, spent):.4f}",
        f"{share:4.0%} {drawn}",
    )


def left_of(budget: Budget, spent: Spent) -> float:
    """Returns what may still be spent, in US dollars."""
    return max(0.0, budget.limit - spent.total)
