"""The composition root: builds everything an ask needs from the surroundings."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from nr_cli import __version__
from nr_cli.errors import ConfigError, NoCredential, NrError, Refused
from nr_cli.pipeline.answer import World, answer
from nr_cli.pipeline.facts import FactBook, Reader, Source
from nr_cli.settings import child_environ, policy_files
from nr_cli.store.paths import Paths, find_paths
from nr_cli.store.private import PrivateFiles
from nr_cli.types.decision import Decision
from nr_cli.types.events import Event
from nr_cli.types.facts import Classification, Fact, Facts, FactValue, Labelled
from nr_cli.types.json import Json
from nr_cli.types.policy import Model
from nr_cli.types.prompt import Ask
from nr_cli.types.record import Record
from nr_cli.types.request import Credential
from nr_cli.types.steps import Reply, Step

if TYPE_CHECKING:
    from nr_cli.catalog.lookup import Catalog
    from nr_cli.pipeline.allowance import Purse
    from nr_cli.pipeline.answer import Shelf
    from nr_cli.pipeline.breaker import Groups, Health
    from nr_cli.policy.builtin import Choice
    from nr_cli.policy.document import Document
    from nr_cli.policy.policy import Policy
    from nr_cli.providers.codec import Codec
    from nr_cli.store.cache import Cache
    from nr_cli.store.flights import Flights
    from nr_cli.store.history import History, HistoryRow
    from nr_cli.store.ledger import Ledger
    from nr_cli.store.trust import Trust
    from nr_cli.transport.aio import Connections
    from nr_cli.transport.embedded import Embedded
    from nr_cli.transport.sync import NetworkHands
    from nr_cli.types.budget import Budget
    from nr_cli.types.opinion import Opinion, Question

    Labels = Callable[[str], str | Labelled | Question | None]
    Sight = Callable[[Facts], Sequence[Facts]]

T = TypeVar("T")
Progress = Callable[[str, int, int], None]

PASSED = b"passed"  # what is kept of a policy without errors
PATIENCE = 2.0  # seconds a preparation may take in silence


class Router:
    """One policy with one set of stores, able to route and answer any number of asks."""

    def __init__(
        self,
        environ: Mapping[str, str],
        surroundings: Mapping[str, Callable[[], FactValue | None]],
        *,
        policy_file: str | None = None,
        no_project: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Takes the environment, the facts of place and time, where to report progress."""
        self.environ = environ
        self.surroundings = surroundings
        self.policy_file = policy_file
        self.no_project = no_project
        self.progress = progress or (lambda what, done, total: None)
        self._credentials: dict[str, Credential] = {}
        self._bars: dict[str, str | None] = {}

    @cached_property
    def paths(self) -> Paths:
        """Returns the directories of nr."""
        return find_paths(self.environ)

    @cached_property
    def cache(self) -> Cache:
        """Returns the cache of answers."""
        from nr_cli.store.cache import Cache

        return Cache(self.paths.cache)

    def close(self) -> None:
        """Closes what was opened; a store that nobody asked for was never opened."""
        if "cache" in self.__dict__:
            self.cache.close()

    @cached_property
    def history(self) -> History:
        """Returns the history of asks."""
        from nr_cli.store.history import History, history_path

        return History(history_path(self.paths.state))

    @cached_property
    def backends(self) -> Health:
        """Returns what is known of backends, by all processes on this machine."""
        from nr_cli.pipeline.breaker import Health
        from nr_cli.store.states import States

        states = States(self.paths.state, "backends")
        return Health(states, self._groups, self.policy.breaker, time.time)

    def _groups(self, model: Model) -> Groups:
        from nr_cli.pipeline.breaker import groups_of

        return groups_of(model, self.policy.breaker.share, self.credential(model).fingerprint)

    def remember(self, rows: Sequence[HistoryRow]) -> bool:
        """Keeps rows in the history, all or none; trouble there never reaches the answer."""
        if len(rows) == 1:
            return self.history.add(rows[0], self.secrets)
        return bool(self.history.add_all(rows, self.secrets))

    @property
    def cwd(self) -> str | None:
        """Returns the current directory, None where it is not known."""
        cwd = self.surroundings["cwd"]() if "cwd" in self.surroundings else None
        return cwd if isinstance(cwd, str) else None

    @cached_property
    def catalog(self) -> Catalog:
        """Returns what is known of models without a policy."""
        from nr_cli.catalog.lookup import Catalog

        return Catalog(self.paths.data)

    @cached_property
    def policy(self) -> Policy:
        """Returns the policy in force. Raises: ConfigError with every finding."""
        from nr_cli.policy.builtin import builtin
        from nr_cli.policy.document import merge
        from nr_cli.policy.policy import Policy

        found = policy_files(self.environ, self.paths.config, self.policy_file, self.no_project)
        files = found.paths
        document: Document | None = None
        for path in reversed(files):
            nearer = self._document(path)
            if path == found.project:
                self._vet(path, nearer, document)
            document = nearer if document is None else merge(nearer, document)
        if document is None:
            document = builtin(self.found())
        elif not document.tree.keys() & {"routes", "default"}:
            document = merge(document, builtin(self.found()))
        if files:
            self._check(document, self.catalog)
        return Policy(document, self.environ, self.catalog)

    @cached_property
    def trust(self) -> Trust:
        """Returns which project policies the user has vouched for."""
        from nr_cli.store.trust import Trust

        return Trust(self.paths.state)

    def project_document(self, path: str) -> Document:
        """Returns a project's policy with its includes. Raises: ConfigError."""
        return self._document(path)

    def _vet(self, path: str, document: Document, user: Document | None) -> None:
        """Refuses a project's policy that nobody vouched for, or that reaches for the user's keys.

        Raises: ConfigError.
        """
        from nr_cli.policy.document import refuse
        from nr_cli.policy.project import find_trespasses
        from nr_cli.settings import untrusted
        from nr_cli.store.trust import find_danger

        for file in (path, *document.includes):
            danger = find_danger(file)
            if danger:
                raise ConfigError(f"{path}: untrusted project config: {danger[0]}", danger[1])
        if not self.trust.vouches(path, document.digest):
            raise untrusted(path, self.trust.find(path) is not None)
        trespasses = find_trespasses(document, user, self.catalog)
        if user is not None and user.tree.get("guards"):
            from nr_cli.policy.loosening import find_loosenings

            trespasses += find_loosenings(document, user, self.catalog)
        if trespasses:
            raise refuse(trespasses)

    def found(self) -> list[Choice]:
        """Returns the models worth choosing of the vendors that a key is at hand for."""
        from nr_cli.policy.builtin import Choice
        from nr_cli.store.keys import find_keyed

        return [
            Choice(f"{name}/{wire}", caps, rank, cost)
            for name in find_keyed(self.catalog.vendors(), self.environ)
            for wire, caps, rank, cost in self.catalog.shortlist(name)
        ]

    def _document(self, path: str) -> Document:
        """Returns a policy file with its includes, from kept parsings where nothing changed."""
        from nr_cli.policy.include import read_include
        from nr_cli.policy.load import load

        return load(read_policy(path), path, read_include, self._parse)

    def _parse(self, content: bytes, file: str) -> Document:
        """Returns one parsed file, kept under the digest of its name with its content."""
        from nr_cli.policy.document import Document

        name = digest(f"{__version__}\0{file}\0{content!r}")
        kept = self._parsed.get(name)
        if kept is not None:
            try:
                return Document.from_json(kept.decode())
            except (ValueError, KeyError, TypeError):
                pass  # a damaged entry: it is parsed again and replaced below
        from nr_cli.policy.parse import parse

        document = parse(content, file)
        self._parsed.put(name, document.to_json().encode())
        return document

    def _check(self, document: Document, catalog: Catalog) -> None:
        """Refuses a policy with errors; one that passed is not checked again until it changes."""
        name = "checked-" + digest(f"{__version__}\0{document.digest}")
        if self._parsed.get(name) == PASSED:
            return
        from nr_cli.policy.check import check
        from nr_cli.policy.document import refuse

        errors = [entry for entry in check(document, catalog) if entry.severity == "error"]
        if errors:
            raise refuse(errors)
        self._parsed.put(name, PASSED)

    @cached_property
    def _parsed(self) -> PrivateFiles:
        return PrivateFiles(self.paths.cache, "policy", most=64)

    def decide(
        self,
        ask: Ask,
        reading: bool = False,
        full: bool = True,
        opinions: dict[str, Opinion] | None = None,
        sees: Sight | None = None,
    ) -> Decision:
        """Returns the decision; with `reading` nobody needs a key or the network for it.

        Without `full` intent and complexity are read only if a rule asks for them. `opinions` by
        fact is what was heard so far; without it nobody is asked, and those are pending. `sees` is
        what guards go by where that is not this ask alone.

        Raises: UsageError, Refused, ConfigError; Wanted for an opinion that is not in `opinions`.
        """
        from nr_cli.policy.decide import decide

        began = time.perf_counter()
        policy, wants = self.policy, opinions is not None
        opinions = {} if opinions is None else opinions
        reader = self.reader(ask)
        labels = self._labels(ask.prompt.text, opinions, wants)
        facts = FactBook({**self.surroundings, **reader.sources(), **labels})

        def bar(model: Model) -> str | None:
            return oversize_for(ask, model) or (None if reading else self._bar(ask, model))

        sees = sees or (self._sight(ask, opinions) if policy.guards else None)

        def decide_by(facts: Facts, read: Callable[[], Classification]) -> Decision:
            read_all = read if full else None
            spent = self.ledger.spent if policy.budgets else None
            return decide(policy, ask, facts, bar, random_below, read_all, sees, spent)

        try:
            if policy.second_opinion is None:
                decision = decide_by(facts, reader.classification)
            else:
                from nr_cli.pipeline.edge import Edge

                read, second = reader.classification, policy.second_opinion
                edge = Edge(decide_by, facts, read, policy.bands, second, ask.prompt.text)
                decision = edge.decide(opinions, wants)
        except NrError as error:
            if error.decision is not None:
                error.decision = error.decision._replace(opinions=tuple(opinions.values()))
            raise
        if decision.redact:
            from nr_cli.features.masking import redact

            decision = decision._replace(redacted=redact(ask, decision.redact)[1])
        ms = (time.perf_counter() - began) * 1000
        return decision._replace(overhead_ms=ms, opinions=tuple(opinions.values()))

    def _sight(self, ask: Ask, opinions: dict[str, Opinion]) -> Sight:
        """Returns what guards go by: the facts of the prompt, then of what is sent beside it."""
        from nr_cli.pipeline.sight import facts_beside

        def of_turn(turn: Ask) -> Facts:
            return self._facts(turn, self._labels(turn.prompt.text, {}, False))

        def of_all(whole: Ask) -> Facts:
            return self._facts(whole, self._labels(whole.prompt.text, dict(opinions), False))

        @cache
        def beside() -> tuple[Facts, ...]:
            return facts_beside(ask, of_turn, of_all)

        return lambda own: (own, *beside())

    def _judge_sight(self, ask: Ask, opinions: dict[str, Opinion]) -> Sight:
        """Returns what guards of a judge go by: the ask that it judges, not how it is put to it.

        What is still in question counts as unknown, so that the guard applies.
        """
        labels = self._labels(ask.prompt.text, dict(opinions), False)
        if self.policy.second_opinion is not None:
            labels["complexity"] = lambda: Fact(None, "classifier", 0.0, "it may be in question")
        facts, sees = self._facts(ask, labels), self._sight(ask, opinions)
        return lambda own: sees(facts)

    def _facts(self, ask: Ask, labels: Mapping[str, Source]) -> FactBook:
        """Returns the facts of an ask, nothing of it read yet."""
        return FactBook({**self.surroundings, **self.reader(ask).sources(), **labels})

    def reader(self, ask: Ask) -> Reader:
        """Returns what reads the prompt of an ask as the policy wants it. Raises: ConfigError."""
        policy = self.policy
        return Reader(ask, policy.min_confidence, policy.bands, self._own_intent, self._refit)

    def consider(self, ask: Ask, reading: bool = False) -> Decision:
        """Returns the decision without asking any model: opinions of theirs come from the cache.

        Raises: as `decide`.
        """
        from nr_cli.pipeline.facts import Wanted

        opinions: dict[str, Opinion] = {}
        try:
            return self.decide(ask, reading, opinions=opinions)
        except Wanted:
            from nr_cli.pipeline.answer import weigh

            world = self._world(ask, True, self.cache, opinions)
            return self._play(weigh(ask, world, reading, None), ask)

    def _play(self, flow: Generator[Step | Event, Reply, T], ask: Ask) -> T:
        """Returns what a flow comes to that has no event for anybody."""
        from nr_cli.transport.sync import drive

        events = drive(flow, self.hands(ask.offline))
        while True:
            try:
                next(events)
            except StopIteration as stop:
                result: T = stop.value
                return result

    def preview(self, ask: Ask) -> Decision:
        """Returns the decision; where no key is at hand, the one that keys would allow.

        Raises: what the ask would before it sends anything (CacheMiss, Refused, ConfigError).
        """
        try:
            return self.consider(ask)
        except NoCredential:
            return self.consider(ask, reading=True)
        except Refused:
            if not ask.offline:
                raise
            from nr_cli.pipeline.answer import Keys, look

            world = self._world(ask, True, self.cache)
            return self._play(look(ask, Keys(ask, world), world, None), ask)[0]

    @cached_property
    def _classifiers(self) -> dict[str, Labels]:
        """Returns the policy's own classifiers by name, compiled once for any number of asks."""
        return {
            name: self._learnt(name, spec)
            if spec["use"] == "examples"
            else compile_classifier(spec)
            for name, spec in self.policy.classifiers.items()
        }

    @cached_property
    def _own_intent(self) -> Callable[[str], Labelled] | None:
        """Returns what finds the intents that the policy adds, None where it adds none."""
        spec = self.policy.own_intents
        return None if spec is None else self._learnt("intent", spec)

    @cached_property
    def _refit(self) -> Callable[[str, float], float] | None:
        """Returns the policy's calibration of the complexity, None where it names none.

        Raises: ConfigError for a file that cannot be used.
        """
        content = self.policy.calibration
        if content is None:
            return None
        from nr_cli.classify.refit import CalibrationError, unpack

        try:
            return unpack(content).score
        except CalibrationError as error:
            words = f"the file that classify.complexity.calibration names {error}"
            raise ConfigError(words, "nr calibrate --out makes one") from None

    def _learnt(self, name: str, spec: Mapping[str, Json]) -> Callable[[str], Labelled]:
        """Returns a classifier by example, which learns when it is first asked."""

        @cache
        def learn() -> Callable[[str], Labelled]:
            from nr_cli.classify import examples

            shelf = PrivateFiles(self.paths.cache, "examples", most=16)
            tick = slowly(partial(self.progress, f"learning the examples of {name}"))
            return examples.compile(spec, examples.Keep(shelf.get, shelf.put), tick)

        return lambda text: learn()(text)

    def _labels(self, text: str, opinions: dict[str, Opinion], wants: bool) -> dict[str, Source]:
        """Returns what finds the fact of each classifier that the policy defines."""

        def find(about: str, classify: Labels) -> str | Labelled | Fact | None:
            found = classify(text)
            if found is None or isinstance(found, str | Labelled):
                return found
            from nr_cli.pipeline.opinion import fact_of, heard

            return fact_of(heard(found._replace(about=about), opinions, wants))

        return {
            f"label.{name}": partial(find, f"label.{name}", classify)
            for name, classify in self._classifiers.items()
        }

    def _bar(self, ask: Ask, model: Model) -> str | None:
        """Returns why a model cannot be asked from here, if it cannot."""
        provider = model.provider
        if ask.offline and not provider.local:
            return "offline: not a local provider"
        if provider.name not in self._bars:
            self._bars[provider.name] = self._bar_of(model)
        return self._bars[provider.name]

    def _bar_of(self, model: Model) -> str | None:
        if model.provider.kind == "local":
            from importlib.util import find_spec

            if find_spec("xllamacpp") is None:
                return "the embedded model is not installed (pip install 'nr-cli[local]')"
        problem = self.credential(model).problem
        return f"no key: {problem}" if problem else None

    def credential(self, model: Model) -> Credential:
        """Returns the key of a model's provider, looked up once."""
        name = model.provider.name
        if name not in self._credentials:
            from nr_cli.store.keys import find_credential

            seen = self.child_environ
            found = find_credential(model.provider, self.environ, self._fingerprint, seen)
            named = self.policy.header_variables(name)
            others = tuple(self.environ[word] for word in named if self.environ.get(word))
            self._credentials[name] = found._replace(others=others)
        return self._credentials[name]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Returns what was looked up of keys so far."""
        return tuple(word for known in self._credentials.values() for word in known.secrets)

    def _fingerprint(self, secret: str) -> str:
        from nr_cli.store.salt import fingerprint

        return fingerprint(secret, self.paths.state)

    def answer(
        self, ask: Ask, full: bool = True, shelf: Shelf | None = None
    ) -> Generator[Step | Event, Reply, Record]:
        """Returns the flow that answers an ask; `full` as for `decide`, `shelf` for the cache."""
        return answer(ask, self._world(ask, full, shelf or self.cache))

    def _world(
        self,
        ask: Ask,
        full: bool,
        shelf: Shelf,
        opinions: dict[str, Opinion] | None = None,
        asks: bool = True,
        sees: Sight | None = None,
    ) -> World:
        """Returns what the pipeline is handed for one ask; `opinions` is what was heard before.

        Unless it `asks` nobody is asked for an opinion: whoever gives one is not judged by others.
        `sees` as for `decide`.
        """
        from nr_cli.pipeline.ports import Ports

        ports = Ports(codec_named, self.credential, time.monotonic, chance, lambda: self.backends)
        heard = {} if opinions is None and asks else opinions

        def within(inner: Ask) -> World:
            guarded = self._judge_sight(ask, heard or {}) if self.policy.guards else None
            return self._world(inner, False, shelf, asks=False, sees=guarded)

        return World(
            partial(self.decide, ask, full=full, opinions=heard, sees=sees),
            ports,
            shelf,
            time.time,
            within,
            self._flights,
            self._purse,
        )

    @cached_property
    def ledger(self) -> Ledger:
        """Returns what budgets were used for."""
        from nr_cli.store.ledger import Ledger

        return Ledger(self.paths.state)

    def _purse(self, budgets: Sequence[Budget]) -> Purse:
        from nr_cli.pipeline.purse import LedgerPurse

        return LedgerPurse(self.ledger, tuple(budgets))

    def _flights(self) -> Flights:
        from nr_cli.store.flights import Flights

        return Flights(self.paths.cache)

    def child_environ(self) -> dict[str, str]:
        """Returns what programs may see of the environment: no key of any provider."""
        from nr_cli.store.keys import vendor_variables

        return child_environ(self.environ, self.policy.key_variables() | vendor_variables())

    def hands(self, offline: bool = False) -> NetworkHands:
        """Returns what carries out a flow's steps for real."""
        from nr_cli.transport.sync import NetworkHands

        seen = self.child_environ()
        return NetworkHands(self.environ, seen, lambda: self._embedded(offline))

    def connections(self, offline: bool = False) -> Connections:
        """Returns what carries out the steps of many flows at once."""
        from nr_cli.transport.aio import Connections

        seen = self.child_environ()
        return Connections(self.environ, seen, lambda: self._embedded(offline))

    def _embedded(self, offline: bool) -> Embedded:
        from nr_cli.errors import FailureKind
        from nr_cli.transport.embedded import Embedded, NotReady

        if self.paths.state is None or self.paths.data is None:
            detail = "the embedded model needs a home directory (set NR_STATE_DIR, NR_DATA_DIR)"
            raise NotReady(FailureKind.UNSUPPORTED, detail)
        return Embedded(
            self.paths.state,
            self.paths.data,
            self.child_environ(),
            daemon=not self.environ.get("CI") and self.environ.get("NR_DAEMON", "1") != "0",
            offline=offline,
            progress=self.progress,
        )


def slowly(show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Returns what shows a progress only of work that takes longer than two seconds."""
    began = time.monotonic()
    shown = False

    def tick(done: int, total: int) -> None:
        nonlocal shown
        shown = shown or time.monotonic() - began > PATIENCE
        if shown:
            show(done, total)

    return tick


def chance() -> float:
    """Returns a number from 0 to below 1; only an ask that is sent needs one."""
    from random import random

    return random()


def random_below(limit: int) -> int:
    """Returns a number from 0 to below the limit; few policies pick at random."""
    from random import randrange

    return randrange(limit)


def codec_named(kind: str) -> Codec:
    """Returns the codec of a provider's kind, imported when it is first needed.

    Raises: ConfigError for a kind whose plugin is gone or broken.
    """
    from nr_cli.providers.codec import codec_for

    try:
        return codec_for(kind)
    except LookupError:
        raise ConfigError(f"no plugin offers the provider kind {kind}") from None


def compile_classifier(spec: Mapping[str, Json]) -> Labels:
    """Returns a policy's own classifier, which the file or plugin of its `use` compiles.

    Raises: ConfigError for a plugin that is gone, broken or fails.
    """
    from nr_cli.classify import compile_own
    from nr_cli.policy.regex import search_any

    def search(pattern: str, text: str) -> bool | None:
        return {"yes": True, "no": False}.get(search_any([pattern], text)[0])

    try:
        return compile_own(spec, search)
    except LookupError:
        raise ConfigError(f"no plugin offers the classifier {spec['use']}") from None


def oversize_for(ask: Ask, model: Model) -> str | None:
    """Returns what of an ask's files is larger than a model's provider takes, if anything is."""
    if not ask.prompt.attachments:
        return None
    from nr_cli.providers.limits import oversize

    return oversize(model.provider, ask.prompt.attachments, ask.prompt.text)


def digest(text: str) -> str:
    """Returns the sha256 of a text in hex."""
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def read_policy(path: str) -> bytes:
    """Returns a policy file's bytes. Raises: ConfigError when it is no readable regular file."""
    from nr_cli.policy.include import read_regular

    try:
        return read_regular(path)
    except ValueError as error:
        raise ConfigError(str(error), "check the path") from None
