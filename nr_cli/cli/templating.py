"""Fills a template with what an ask gives, or keeps an ask as one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from nr_cli.cli.env import Outside
from nr_cli.cli.request import Form, read_pair, read_params
from nr_cli.errors import ConfigError, UsageError
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.template import INPUT, compose, parse_template, substitute, variables
from nr_cli.store.paths import find_paths
from nr_cli.store.templates import Templates
from nr_cli.types.prompt import Prompt
from nr_cli.types.template import Template


def open_templates(outside: Outside) -> Templates:
    """Returns the user's templates."""
    return Templates(find_paths(outside.environ).config)


def open_template(outside: Outside, name: str) -> Template:
    """Returns a template by name.

    Raises: UsageError with did-you-mean for an unknown one, ConfigError for a broken one.
    """
    templates = open_templates(outside)
    return parse_template(read_template(templates, name), templates.path(name))


def read_template(templates: Templates, name: str) -> bytes:
    """Returns the bytes of a template. Raises: UsageError with did-you-mean, ConfigError."""
    content = templates.read(name)
    if content is None:
        meant = did_you_mean(name, templates.names())
        raise UsageError(f"template {name}: there is none{meant}", "see nr template list")
    return content


class TemplateForm(Form):
    """A template opened for one ask, with the flags given beside it, which win."""

    def __init__(
        self, outside: Outside, name: str | None, params: Sequence[str], flags: Form
    ) -> None:
        """Takes the template's name, None for one that changes nothing; `params` are `-p` pairs.

        Raises: UsageError with did-you-mean for an unknown one, ConfigError for a broken one.
        """
        template = Template() if name is None else open_template(outside, name)
        pinned = flags.model or flags.route
        own = [f"{key}={json.dumps(value)}" for key, value in template.options.items()]
        super().__init__(
            flags.model if pinned else template.model,
            flags.route if pinned else template.route,
            [*own, *flags.options],
            flags.block or template.extract,
        )
        self.template = template
        self.schema = template.schema
        self.params = dict(map(read_variable, params))
        prompt = template.prompt
        self.asks_by_itself = prompt is not None and INPUT not in variables(prompt)

    def fill(self, prompt: Prompt) -> Prompt:
        """Returns the prompt that the template makes of the user's, with values from `-p` pairs.

        A prompt that the template does not name with `$input` follows it. A system text of the
        user's own stands in place of the template's.

        Raises: UsageError naming each variable without a value, each value without a variable.
        """
        template, given, text = self.template, self.params, prompt.text
        system = None if prompt.system is not None else template.system
        used = {*variables(template.prompt), *variables(system)} - {INPUT}
        values = {**template.defaults, **given}
        refuse_unused(given, used | set(variables(template.system)) - {INPUT})
        refuse_missing(sorted(used - values.keys()))
        values[INPUT] = text
        if template.prompt is not None:
            filled = substitute(template.prompt, values)
            added = text if self.asks_by_itself else ""
            text = f"{filled.rstrip()}\n\n{added}" if added else filled
        return prompt._replace(
            text=text, system=prompt.system if system is None else substitute(system, values)
        )


def save_ask(
    outside: Outside,
    name: str,
    form: Form,
    words: Sequence[str] | None,
    system: str | None,
    params: Sequence[str] | None,
    left: Mapping[str, object],
) -> None:
    """Keeps an ask as a template; says where, with the flags of `left` that were given in vain.

    Raises: UsageError when there is one of this name, or when it could not be read again.
    """
    from nr_cli.cli.intake import PLACE, decode_system, decode_words

    before = form.template if isinstance(form, TemplateForm) else Template()
    text = decode_words(words or (), outside.say)
    template = before._replace(
        prompt=text.replace(PLACE, f"${INPUT}") if text not in ("", "-") else before.prompt,
        system=decode_system(system, outside.say) or before.system,
        defaults={**before.defaults, **dict(map(read_variable, params or ()))},
        options=read_params(form.options),
        extract=form.block,
        model=form.model,
        route=form.route,
    )
    templates = open_templates(outside)
    path, text = templates.path(name), compose(template)
    try:
        parse_template(text.encode("utf-8", "replace"), path)
    except ConfigError as error:
        wrong = error.findings[0].message if error.findings else error.message
        raise UsageError(f"--save {name}: {wrong}") from None
    templates.create(name, text)
    dropped = ", ".join(flag for flag, given in left.items() if given)
    outside.say(f"nr: saved {path}{dropped and f' (not kept: {dropped})'}; use it with -t {name}")


def read_variable(pair: str) -> tuple[str, str]:
    """Returns the name with the value of one `-p`. Raises: UsageError."""
    return read_pair("-p", pair, "write -p name value")


def refuse_unused(given: Mapping[str, str], named: set[str]) -> None:
    """Refuses a value for a variable that the template does not have. Raises: UsageError."""
    unused = [name for name in given if name not in named]
    if unused:
        shown = ", ".join(quote(name) + did_you_mean(name, named) for name in unused)
        have = f"they are: {', '.join(sorted(named))}" if named else "name a template with -t"
        raise UsageError(f"-p: no variable is called {shown}", have)


def refuse_missing(missing: Sequence[str]) -> None:
    """Refuses to ask without a value for each variable. Raises: UsageError."""
    if missing:
        shown = ", ".join(map(quote, missing))
        hint = " ".join(f"-p {name} …" for name in missing)
        raise UsageError(f"the template needs a value for {shown}", f"add {hint}")
