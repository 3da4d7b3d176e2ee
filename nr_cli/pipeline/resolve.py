"""Turns a decision into the exact request for one of its candidates."""

from __future__ import annotations

from nr_cli.types.decision import Decision
from nr_cli.types.message import Message
from nr_cli.types.policy import Model
from nr_cli.types.prompt import Ask
from nr_cli.types.request import Request


def resolve(ask: Ask, decision: Decision, model: Model) -> Request:
    """Returns the request: the flag's word over the route's, the route's over the model's."""
    ask = as_sent(ask, decision)
    settings = decision.settings
    params = {**model.params, **settings.params, **ask.params}
    system = system_text(ask, decision, model)
    if ask.schema is not None and not keeps_schemas(model):
        from nr_cli.pipeline.structured import instruction

        system = "\n\n".join(part for part in (system, instruction(ask.schema)) if part)
    messages = [Message("system", system)] if system else []
    messages += ask.prompt.turns
    messages.append(Message("user", ask.prompt.text, ask.prompt.attachments))
    costs = {entry.model.name: entry.est_cost for entry in decision.candidates}
    timeouts = model.provider.timeout._replace(**settings.timeout)
    return Request(
        model,
        tuple(messages),
        params,
        timeouts,
        ask.schema if keeps_schemas(model) else None,
        decision.input_tokens,
        costs.get(model.name),
    )


def as_sent(ask: Ask, decision: Decision) -> Ask:
    """Returns the ask without what a guard takes out of it."""
    if not decision.redact:
        return ask
    from nr_cli.features.masking import redact

    return redact(ask, decision.redact)[0]


def keeps_schemas(model: Model) -> bool:
    """Tells whether the model's protocol can hold it to a schema."""
    return model.caps is not None and "json" in model.caps


def system_text(ask: Ask, decision: Decision, model: Model) -> str:
    """Returns the system text, joined as the route's `system_mode` says.

    The user's own `-s` stands in place of the route's or model's text by default; `prepend` and
    `append` put the route's text before or after it, `replace` lets the route's text win.
    """
    own = ask.prompt.system if ask.prompt.system is not None else model.system or ""
    ruled = decision.settings.system
    if ruled is None:
        return own
    mode = decision.settings.system_mode
    if mode == "prepend":
        return "\n\n".join(part for part in (ruled, own) if part)
    if mode == "append":
        return "\n\n".join(part for part in (own, ruled) if part)
    if mode == "replace" or ask.prompt.system is None:
        return ruled
    return own
