"""Every way `nr` can fail, as one tree.

    NrError                     anything that ends a command early, known and worded
    ├── UsageError         2    the command line is wrong
    ├── InputError     65/66    the prompt or an input file cannot be used
    ├── TooSlow           75    what was to be read did not end within --timeout
    ├── ConfigError       78    settings or policy are wrong; carries every finding
    ├── Refused           80    the policy leaves no candidate
    │   └── TooLong             because no window holds the prompt
    ├── NoCredential      77    every model that may answer lacks its key
    ├── CacheMiss         81    only the cache was allowed, and it has no answer
    ├── OutputError       74    the answer could not be written where it was wanted
    └── Exhausted     by kind   every candidate was tried; carries each attempt

A failure of one backend is not an exception but a value (`Failed` in types/events.py):
the chain decides what follows, and only when it is spent is `Exhausted` raised.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nr_cli.types.decision import Decision
    from nr_cli.types.events import Failed
    from nr_cli.types.policy import Finding
    from nr_cli.types.record import Attempt, CacheStatus


class ExitCode(IntEnum):
    """The exit statuses of `nr`, as the README explains them to scripts."""

    OK = 0
    NO = 1
    USAGE = 2
    INCOMPLETE = 3
    BAD_DATA = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    BUG = 70
    OUTPUT = 74
    TRY_LATER = 75
    UNINTELLIGIBLE = 76
    AUTH = 77
    CONFIG = 78
    REFUSED = 80
    NOT_CACHED = 81
    FILTERED = 82


class FailureKind(StrEnum):
    """Why one attempt at one backend failed; the names are `error.code` in JSON."""

    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    QUOTA = "quota"
    SERVER = "server"
    NETWORK = "network"
    MODEL_NOT_FOUND = "model_not_found"
    UNSUPPORTED = "unsupported"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    INVALID_RESPONSE = "invalid_response"
    STREAM_BROKEN = "stream_broken"


EXIT_OF_KIND: dict[FailureKind, ExitCode] = {
    FailureKind.RATE_LIMIT: ExitCode.TRY_LATER,
    FailureKind.OVERLOADED: ExitCode.TRY_LATER,
    FailureKind.TIMEOUT: ExitCode.TRY_LATER,
    FailureKind.QUOTA: ExitCode.UNAVAILABLE,
    FailureKind.SERVER: ExitCode.UNAVAILABLE,
    FailureKind.NETWORK: ExitCode.UNAVAILABLE,
    FailureKind.MODEL_NOT_FOUND: ExitCode.UNAVAILABLE,
    FailureKind.UNSUPPORTED: ExitCode.UNAVAILABLE,
    FailureKind.AUTH: ExitCode.AUTH,
    FailureKind.BAD_REQUEST: ExitCode.BAD_DATA,
    FailureKind.CONTEXT_LENGTH: ExitCode.BAD_DATA,
    FailureKind.CONTENT_FILTER: ExitCode.FILTERED,
    FailureKind.INVALID_RESPONSE: ExitCode.UNINTELLIGIBLE,
    FailureKind.STREAM_BROKEN: ExitCode.INCOMPLETE,
}


class NrError(Exception):
    """Ends a command with a worded message, a stable code and an exit status."""

    code = "bug"
    exit: int = ExitCode.BUG
    decision: Decision | None = None  # what was decided before it failed, where that is known
    attempts: tuple[Attempt, ...] = ()  # the requests that were made before it failed
    cache: tuple[CacheStatus, str | None] | None = None  # how it took part, the key looked for

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(NrError):
    """The command line cannot be understood."""

    code = "usage"
    exit = ExitCode.USAGE


class InputError(NrError):
    """The prompt or an input file is missing (66) or unusable (65)."""

    code = "no_input"
    exit = ExitCode.NO_INPUT

    def __init__(self, message: str, hint: str = "", exit: ExitCode = ExitCode.NO_INPUT) -> None:
        super().__init__(message, hint)
        self.exit = exit
        self.code = "no_input" if exit == ExitCode.NO_INPUT else "bad_request"


class TooSlow(NrError):
    """What the prompt is made of did not come to its end within --timeout."""

    code = "timeout"
    exit = ExitCode.TRY_LATER


class ConfigError(NrError):
    """Settings, policy or trust are wrong; `findings` holds every error with its place."""

    code = "policy"
    exit = ExitCode.CONFIG

    def __init__(self, message: str, hint: str = "", findings: Sequence[Finding] = ()) -> None:
        super().__init__(message, hint)
        self.findings = tuple(findings)


class Refused(NrError):
    """The policy leaves no model that may answer this prompt."""

    code = "refused"
    exit = ExitCode.REFUSED


class TooLong(Refused):
    """The prompt, earlier turns included, fits no window of the models that may answer."""


class NoCredential(NrError):
    """Every model that may answer lacks its key."""

    code = "auth"
    exit = ExitCode.AUTH


class CacheMiss(NrError):
    """Only the cache was allowed to answer, and it has no entry."""

    code = "cache_miss"
    exit = ExitCode.NOT_CACHED


class OutputError(NrError):
    """The answer could not be written to stdout or to the file named by -O."""

    code = "output"
    exit = ExitCode.OUTPUT


class Exhausted(NrError):
    """Every candidate was tried; `failures` holds one value an attempt, in order."""

    def __init__(self, failures: Sequence[Failed], message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.failures = tuple(failures)
        self.kind = ruling_kind([failure.kind for failure in failures])
        self.code = self.kind.value
        self.exit = EXIT_OF_KIND[self.kind]


def ruling_kind(kinds: Sequence[FailureKind]) -> FailureKind:
    """Picks the kind that speaks for a spent chain.

    A kind that says "try again later" wins, so that a script retries exactly when a retry
    can help; then auth when every attempt failed so; else the last attempt's kind.
    """
    later = [kind for kind in kinds if EXIT_OF_KIND[kind] == ExitCode.TRY_LATER]
    return later[-1] if later else kinds[-1]
