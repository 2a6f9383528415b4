"""A campaign under libFuzzer or our own loop. Not public; use the command frontrun-fuzz."""

from typing import Any, Literal, Protocol, TypedDict, overload

class Stats(TypedDict):
    inputs: int
    executions: int
    traces: int  # distinct
    is_exact: bool  # their number; else an estimate
    corpus: int  # inputs with a feature that no input before them had
    failures: int
    redundant: int  # executions cut short because all that follows was explored
    chance_new: float  # that the next execution shows a new trace

class Listener(Protocol):
    """What a campaign tells. The int answered is the exit code that ends the process."""

    def progress(self, stats: Stats) -> None: ...
    def failed(self, stats: Stats, schedule: bytes, in_whole_space: bool) -> int: ...
    def exhausted(self, stats: Stats) -> int: ...
    def stopped(self, stats: Stats, sentence: str, exception: BaseException | None) -> int: ...
    def finished(self, stats: Stats) -> int: ...
    def keep(self, schedule: bytes) -> None:
        """Our own loop only: this input has a new feature."""

HAS_LIBFUZZER: bool
INPUT_EXECUTIONS_MAX: int

@overload
def run(
    subject: Any,  # the capsule of a frontrun._core.Subject
    listener: Listener,
    *,
    traces: Literal[0, 1, 2] = 0,  # which trace hashes are features: all, thinned, none
    whole_space: bool = False,  # explore everything beside the inputs
    argv: list[str],
) -> int:
    """libFuzzer with these arguments. May end the process instead of returning."""

@overload
def run(
    subject: Any,
    listener: Listener,
    *,
    traces: Literal[0, 1, 2] = 0,
    whole_space: bool = False,
    seeds: list[bytes],
    runs: int = -1,
    seconds_max: float = 0,
    seed: int = 0,
    size_max: int = 512,
) -> int:
    """Our own loop. Returns the exit code; KeyboardInterrupt is told to stopped()."""
