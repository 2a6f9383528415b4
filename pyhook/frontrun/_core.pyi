"""The C core: a harness under an explorer. Not public; use frontrun.* instead."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

class FrontrunError(Exception):
    """The tool cannot go on; the text is one sentence for people."""

class DivergedError(FrontrunError):
    """The program did not repeat what it did before under the same schedule."""

class HarnessError(FrontrunError):
    """The harness cannot be executed: setup() raised (__cause__ is its exception), or its shape is
    wrong."""

class Abort(BaseException):
    """Raised inside logical threads whose execution is given up. Never leaves the core."""

class Failure(NamedTuple):
    kind: str  # "invariant", "exception", "deadlock", "step-limit", "blocked", "timeout", "race"
    thread: int | None  # the thread that raised, for "exception"
    exception: BaseException | None  # of the thread, or raised by invariant()
    place: int  # the same number for the same failure in every process

class Event(NamedTuple):
    thread: int
    index: int  # type: ignore[assignment]  # 1, 2, ... in its thread
    kind: str  # word of fr_op.def
    action: str  # of the place: "read", "write", "acquire", ...
    name: str
    function: str
    text: str  # the source line, stripped
    file: str
    line: int
    site: int
    hash: int
    outcome: bool
    accesses: tuple[tuple[int, str], ...]  # (number, "read"|"write"|"weak read"|"weak write")
    # In words, of an execution with step(values=True); None: not known.
    found: str | None  # what was there
    stored: str | None  # what it put there
    object: str | None  # kind and name of a lock, queue ...: "Semaphore self.seats"

class Wait(NamedTuple):
    thread: int  # is blocked
    waits_for: int | None  # on this thread, if known
    action: str
    function: str
    text: str
    file: str
    line: int
    taken_at: int | None  # position in trace() of the event that took the lock
    name: str  # of the place
    object: str | None  # as of an Event

class Subject:
    """A harness: setup() -> state; each thread called with the state; invariant(state).

    threads is a sequence of callables, or a callable state -> sequence evaluated in each execution.
    traced(filename) says whether the code of a file is observed.
    """

    def __init__(
        self,
        setup: Callable[[], Any],
        threads: Sequence[Callable[[Any], Any]],
        invariant: Callable[[Any], Any],
        *,
        traced: Callable[[str], bool],
        watchdog: float = 10.0,  # seconds without an operation after which it is "blocked"
        switch_points: bool = False,  # find out where the GIL allows to switch; needed by reach()
        clock: str = "virtual",  # or "explored", "real": docs/time.md
        carrier: str | None = None,  # "thread" or "fiber"; None: FRONTRUN_CARRIER, or the default
        any_race: bool = False,  # two unordered conflicting accesses are a failure
        run_seconds: float = 0.0,  # an execution whose threads take longer is a "timeout"; 0: any
        second_try: bool = False,  # begin as after a second try, see below
    ) -> None: ...
    @property
    def capsule(self) -> Any: ...  # a struct fr_subject; keeps the Subject alive
    @property
    def abandoned(self) -> int: ...  # logical threads that could not be unwound, ever
    @property
    def second_try(self) -> bool: ...  # one blocked: on threads that can be set aside, since then
    def close(self) -> None:
        """Restores the interpreter. The next execution sets it up again."""
    def __enter__(self) -> Subject: ...
    def __exit__(self, *exc: object) -> None: ...

class Explorer:
    def __init__(
        self, subject: Subject, *, threads_max: int = 16, events_max: int = 100_000
    ) -> None: ...
    def start(self, schedule: bytes = b"") -> None:
        """A new exploration as schedule bytes say."""
    def start_plan(
        self,
        *,
        strategy: str = "dpor",
        seed: int = 0,
        depth: int = 0,
        order: str = "dfs",
        order_seed: int = 0,
        bound: str = "none",
        bound_max: int = 0,
        executions_max: int = 0,
        choices: bytes = b"",
        segments: Sequence[tuple[int, int, int, int]] = (),
    ) -> None:
        """segments: (thread, events, until, nth), as struct fr_segment."""
    def step(self, *, values: bool = False) -> str | None:
        """One execution: its verdict's word, or None if there is none left. values: trace() and
        waits() also tell what was read and stored; it takes longer."""
    def run(
        self,
        executions_max: int = 0,
        *,
        stop_on_failure: bool = True,
        seconds_max: float = 0.0,
    ) -> str:
        """Executions until one fails (its kind), the exploration ends (its ending), or the number
        or the time is spent ("running"). May be called again to go on."""
    def shrink(self, tries_max: int = 20_000) -> tuple[bool, int]:
        """Minimises the last execution, which failed; its trace is then the last execution's.
        Answers (no schedule with fewer preemptions fails so, candidates tried)."""
    def reach(
        self, allowed: str = "yes", states_max: int = 200_000
    ) -> list[tuple[int, int]] | None:
        """A schedule of the last execution's trace, as `blocks`, that takes the turn from a thread
        that could go on only where an interpreter with the GIL may: "yes": certainly; "unknown":
        or where nobody knows; "cold": or before it has specialised the code; "no": anywhere. None
        if there is none. FrontrunError if the trace has more than states_max prefixes, or is not
        complete."""
    def trace(self) -> list[Event]: ...
    def resources(self) -> dict[int, str]:
        """Names of what lies outside the process ("file config.json"), by the numbers of objects in
        Event.accesses."""
    def waits(self) -> list[Wait]: ...
    def happens_before(self, a: int, b: int) -> bool: ...
    @property
    def ending(self) -> str: ...  # "running", "exhausted", "bounded", "budget", "once"
    @property
    def stats(self) -> dict[str, int]: ...  # struct fr_stats
    @property
    def distinct(self) -> int: ...  # distinct trace hashes since start
    @property
    def distinct_is_exact(self) -> bool: ...  # no estimate: at most 2,097,152 of them
    @property
    def estimate(self) -> float: ...  # about how many executions DPOR takes; 0: unknown
    @property
    def data_race(self) -> tuple[int, int] | None: ...  # events, ordered by no synchronisation
    @property
    def chance_new(self) -> float: ...
    @property
    def failure(self) -> Failure | None: ...  # of the last execution
    @property
    def thread_names(self) -> dict[int, str]: ...  # of the threads that the program started
    @property
    def trace_hash(self) -> int: ...
    @property
    def preemptions(self) -> int: ...
    @property
    def schedule(self) -> bytes: ...  # schedule bytes that repeat the last execution
    @property
    def blocks(self) -> list[tuple[int, int]]: ...  # the last execution as (thread, events) blocks
    @property
    def segments_done(self) -> int: ...

def carrier_name() -> str: ...
def version() -> str: ...

def site(function: str, text: str, action: str, name: str) -> int:
    """The hash of a place, as Event.site."""

def observe_alone(
    function: Callable[[Any], object], argument: object, traced: Callable[[str], bool]
) -> int:
    """For measuring: calls function(argument) under observation that ends at the door, and answers
    how many events came there."""

# What frontrun._threads is told, and tells.

def _current_thread() -> tuple[int, Any, bool] | None:
    """(number, callable, is a worker of the harness) of the calling logical thread."""

def _execution() -> tuple[int, int] | None:
    """Which execution the caller takes part in, and as which thread (-1: in setup, invariant)."""

def _call_closed(function: Callable[[], Any]) -> Any:
    """Calls it without scheduling points inside."""

def _call_open(function: Callable[[], Any]) -> Any:
    """Within a function that is called closed: calls one with scheduling points."""

def _set_handle(handle: Any) -> None:
    """What others ask whether the calling logical thread is over."""

def _refuse(sentence: str) -> None:
    """Ends the execution that the caller, a logical thread, takes part in."""
