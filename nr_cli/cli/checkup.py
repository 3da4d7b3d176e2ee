"""Looks at everything that nr depends on here, a finding each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nr_cli.cli.configured import Configured, key_words
from nr_cli.cli.env import Outside
from nr_cli.errors import ConfigError

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.types.policy import Provider

State: TypeAlias = Literal["ok", "note", "problem"]
PATIENCE = 5.0  # seconds for all servers together
FOLDERS = ("config", "cache", "state", "data")


class Found(NamedTuple):
    """One finding: what was looked at, how it is, in words, what to do about a problem."""

    area: str
    state: State
    words: str
    advice: str = ""


def examine(outside: Outside, known: Configured, net: bool) -> Iterator[Found]:
    """Yields every finding; only with `net` does anything leave this machine."""
    router = known.router
    yield from versions()
    yield from folders(router)
    yield from policy(known)
    yield from providers(known)
    yield from resting(known)
    yield reader()
    yield from embedded(known)
    yield from stores(router)
    yield from terminal(outside)
    yield from variables(outside.environ)
    if net:
        yield from servers(known)


def versions() -> Iterator[Found]:
    """Yields which nr runs under which Python."""
    import platform

    from nr_cli import __version__

    yield Found("nr", "ok", f"{__version__}, {os.path.dirname(os.path.dirname(__file__))}")
    yield Found("python", "ok", f"{platform.python_version()}, {sys.executable}")
    yield Found("system", "ok", platform.platform())
    from nr_cli.policy.linear import is_here

    engine = "RE2" if is_here() else "Python's, bounded by an alarm (pip install 'nr-cli[re2]')"
    yield Found("patterns", "ok", engine)


def folders(router: Router) -> Iterator[Found]:
    """Yields the directories with their modes."""
    from nr_cli.store.paths import find_fault

    for name in FOLDERS:
        path = getattr(router.paths, name)
        variable = f"NR_{name.upper()}_DIR"
        if path is None:
            yield Found(name, "problem", "there is no place for it", f"set HOME or {variable}")
        elif not os.path.lexists(path):
            yield Found(name, "ok", f"{path} (not there yet)")
        elif fault := find_fault(path):
            yield Found(name, "problem", f"{path} {fault}", f"correct it, or set {variable}")
        elif not os.access(path, os.W_OK):
            yield Found(name, "problem", f"{path} cannot be written", f"or set {variable}")
        else:
            yield Found(name, "ok", f"{path} ({os.lstat(path).st_mode & 0o777:o})")


def policy(known: Configured) -> Iterator[Found]:
    """Yields the policy files, then whether they check."""
    from nr_cli.settings import policy_files

    router = known.router
    found = policy_files(router.environ, router.paths.config, router.policy_file, router.no_project)
    files = [f"{path} (trusted)" if path == found.project else path for path in found.paths]
    problem = known.problem
    shown = ", ".join(files) or "no file: the built-in policy"
    if problem is None:
        yield Found("policy", "ok", shown)
        return
    findings = getattr(problem, "findings", ())
    words = "; ".join(str(finding) for finding in findings[:3]) or problem.message
    yield Found("policy", "problem", words, problem.hint or "nr policy check names all findings")


def resting(known: Configured) -> Iterator[Found]:
    """Yields the backends that are left alone for a while."""
    if known.problem is not None:
        return
    for _, who, rest in known.router.backends.all():
        words = f"{who} rests for {rest.left:.0f} s more: {rest.because}"
        yield Found("backends", "note", words, "nr models wake ends it")


def providers(known: Configured) -> Iterator[Found]:
    """Yields each provider in use with where its key comes from."""
    usable = False
    for provider in known.in_use:
        credential = known.credential(provider)
        usable = usable or not credential.problem
        state: State = "note" if credential.problem else "ok"
        words = f"{key_words(credential)}{f', {provider.base_url}' if provider.base_url else ''}"
        yield Found(provider.name, state, words)
    if not usable:
        yield Found("providers", "problem", "none can be asked", "nr keys set PROVIDER, or nr init")
    try:
        from nr_cli.store.keys import kept_keys, keys_path

        count = len(kept_keys(known.router.environ))
        if count:
            yield Found("keys", "ok", f"{count} kept in {keys_path(known.router.environ)}")
    except ConfigError as error:
        yield Found("keys", "problem", error.message, error.hint)


def reader() -> Found:
    """Returns whether the trained reader of prompts can be used."""
    from nr_cli.classify.weights import MEND, PLACE, WeightsError, load

    try:
        load()
    except WeightsError as error:
        words = f"{os.path.dirname(PLACE)}: {error}; prompts are read by their structure alone"
        return Found("reader", "problem", words, MEND)
    return Found("reader", "ok", PLACE)


def embedded(known: Configured) -> Iterator[Found]:
    """Yields whether the embedded model could answer: a problem where nothing else can."""
    from importlib.util import find_spec

    from nr_cli.store.weights import find_risk, is_whole, weights_path

    if find_spec("xllamacpp") is None:
        others = any(one.base_url or one.argv for one in known.in_use)
        state: State = "note" if others else "problem"
        yield Found("embedded", state, "not installed", "pip install 'nr-cli[local]'")
        return
    router = known.router
    path = router.paths.data and weights_path(router.paths.data)
    if path and (risk := find_risk(path)):
        yield Found("embedded", "problem", risk, "correct it, or set NR_DATA_DIR")
    elif path and is_whole(path):
        yield Found("embedded", "ok", path)
    else:
        yield Found("embedded", "note", "its weights are fetched at first use", "nr models pull")


def stores(router: Router) -> Iterator[Found]:
    """Yields how cache and history are."""
    from nr_cli.store.health import examine as look
    from nr_cli.store.history import history_path

    for name, path, advice in (
        ("cache file", router.cache.path, "nr cache clear"),
        ("history", history_path(router.paths.state), "the next ask sets it aside, begins anew"),
    ):
        health = look(path) if path else None
        if health is None:
            yield Found(name, "ok", "nothing kept yet")
        elif health.flaw:
            yield Found(name, "problem", f"{path}: {health.flaw}", advice)
        else:
            yield Found(name, "ok", f"{path} ({health.size / 1e6:.1f} MB, whole)")


def terminal(outside: Outside) -> Iterator[Found]:
    """Yields what the terminal can show, and whether its shell completes nr."""
    import locale

    from nr_cli.cli.completing import SHELLS, is_installed

    environ = outside.environ
    kind = "a terminal" if outside.out_is_terminal else "no terminal"
    style = "plain" if outside.plain else "colour"
    encoding = locale.getpreferredencoding(do_setlocale=False)
    words = f"stdout is {kind}, TERM={environ.get('TERM', '')}, {style}, {encoding}"
    yield Found("terminal", "ok", words)
    shell = os.path.basename(environ.get("SHELL", ""))
    for name in SHELLS:
        if name == shell and is_installed(name, environ):
            yield Found("completion", "ok", f"installed for {name}")
        elif name == shell:
            yield Found("completion", "note", f"none for {name}", f"nr completion {name} --install")


def variables(environ: Mapping[str, str]) -> Iterator[Found]:
    """Yields the names of the variables that set anything of nr; values may be private."""
    names = sorted(name for name in environ if name.startswith("NR_"))
    yield Found("variables", "ok", " ".join(names) or "no NR_* is set")


def servers(known: Configured) -> Iterator[Found]:
    """Yields what each server in use says to a question for its models."""
    from nr_cli.providers import listing
    from nr_cli.transport.probe import get_all

    asked = []
    for provider in known.in_use:
        credential = known.credential(provider)
        call = None if credential.problem else listing.ask(provider, credential)
        if call is not None:
            asked.append((provider, call))
    answers = get_all([call for _, call in asked], known.router.environ, PATIENCE)
    for (provider, _), answer in zip(asked, answers, strict=True):
        yield judge(known, provider, answer.status, answer.body, answer.trouble)


def judge(known: Configured, provider: Provider, status: int, body: bytes, trouble: str) -> Found:
    """Returns what a server's answer means."""
    from nr_cli.providers import listing

    area = f"{provider.name} (net)"
    if not status:
        return Found(area, "problem", trouble, "check the network, the address, the proxy")
    if status in (401, 403):
        advice = f"nr keys which {provider.name} names where it comes from"
        return Found(area, "problem", f"the key is refused (HTTP {status})", advice)
    if 300 <= status < 400:
        return Found(area, "problem", "sends elsewhere; not followed", "correct its base_url")
    if status != 200:
        return Found(area, "note", f"reachable, but gives no list of models (HTTP {status})")
    found = listing.read(body)
    used = [model for model in known.models.values() if model.provider.name == provider.name]
    missing = sorted({model.wire for model in used if not listing.holds(found, model.wire)})
    if missing:
        words = f"does not list {', '.join(missing[:5])}"
        return Found(area, "problem", words, "correct the id in the policy")
    count = "" if found.names is None else f", {len(found.names)} models"
    return Found(area, "ok", f"reachable{count}")
