"""The engine's tests kill each known mistake: seeded one by one, every one makes a test fail.

The mistakes are those that looked right while the reference was built, and our own. A mutant is a
replacement in one file of the engine; the golden rows and the random programs run against it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = bool(os.environ.get("FRONTRUN_LONG"))
FLAGS = ["-std=c11", "-O1", "-w", "-D_GNU_SOURCE", "-Iengine/include", "-Iengine", "-Itests/lib"]
# What the mutants have to survive: (program, arguments).
SUITE = [("golden", []), ("random", ["1", "4000"])]


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    quick: bool = False  # also killed in the default run


MUTANTS = [
    Mutant(
        "notdep only up to the second event",
        "dpor.c",
        "for (uint32_t k = race.first + 1; k < trace->length; k++)",
        "for (uint32_t k = race.first + 1; k < trace->length && k < race.second; k++)",
    ),
    Mutant(
        "a weak read counts as the spin's last access",
        "perform.c",
        "if (mode == FR_READ || mode == FR_WRITE) {",
        "if (mode == FR_READ || mode == FR_WRITE || mode == FR_READ_WEAK) {",
    ),
    Mutant(
        "siblings taken freely out of turn",
        "wakeup.c",
        "if (other != at && is_initial_below(wakeup, &step, other))",
        "if (0)",
        quick=True,
    ),
    Mutant(
        "a reversed conditional operation always succeeds",
        "dpor.c",
        "spare->mode = succeeds ? FR_WRITE : FR_READ;",
        "spare->mode = succeeds ? FR_WRITE : FR_WRITE;",
    ),
    Mutant(
        "a reversed conditional operation ends as it did",
        "dpor.c",
        "spare->mode = succeeds ? FR_WRITE : FR_READ;",
        "(void)succeeds;",
    ),
    Mutant(
        "no race of an acquire that waits at the end",
        "race.c",
        "if (taken != NONE)",
        "if (0)",
    ),
    Mutant(
        "no race of an acquire that waited when time passed",
        "jump.c",
        "if (taken == NONE)\n            continue;",
        "if (1)\n            continue;",
        quick=True,
    ),
    Mutant(
        "an acquire that waits races again at each jump",
        "jump.c",
        "taken < trace_barrier(&run->trace) ||",
        "",
    ),
    Mutant(
        "races across a jump",
        "race.c",
        "if (cause.at < b->barrier || ",
        "if (",
    ),
    Mutant(
        "acquires race across a jump",
        "race.c",
        "b->rival >= b->barrier &&",
        "",
    ),
    Mutant(
        "only one of those who are due wakes up",
        "jump.c",
        "            run_fall_due(thread);",
        "        {\n            run_fall_due(thread);\n            break;\n        }",
    ),
    Mutant(
        "a jump is no barrier",
        "trace.c",
        "memcpy(clock, trace->barrier_clock, trace->threads_max * sizeof *clock);",
        "memset(clock, 0, trace->threads_max * sizeof *clock);",
    ),
    Mutant(
        "the hash forgets what was before a jump",
        "trace.c",
        "uint64_t causes = trace->barrier_hash;",
        "uint64_t causes = 0;",
    ),
    Mutant(
        "an acquire whose time is over never takes the lock",
        "jump.c",
        "    if (thread->kind == FR_OP_ACQUIRE)\n        thread->kind = FR_OP_TRY;",
        "    if (thread->kind == FR_OP_ACQUIRE)\n        thread->kind = FR_OP_JOIN;",
    ),
    Mutant(
        "a join whose time is over still waits for the thread's events",
        "jump.c",
        "    thread->kind = FR_OP_SLEEP;",
        "    if (thread->kind == FR_OP_SPIN)\n        thread->kind = FR_OP_SLEEP;",
    ),
    Mutant(
        "an acquire of a tree has the mode of the try it became",
        "wakeup.c",
        " || out->kind == FR_OP_ACQUIRE",
        "",
    ),
    Mutant(
        "acquires race even if ordered otherwise",
        "race.c",
        "if (trace->events[a].thread == b->thread)\n        return true;",
        "if (1)\n        return trace->events[a].thread == b->thread;",
    ),
    Mutant(
        "races that are not immediate",
        "race.c",
        "if (other != d && trace_before(trace, d, other))\n            return false;",
        "if (0)\n            return false;",
        quick=True,
    ),
    Mutant(
        "a release and the acquire it allows are reversed",
        "race.c",
        "if (b->kind == FR_OP_ACQUIRE && a->kind == FR_OP_RELEASE && a->outcome)",
        "if (0)",
    ),
    Mutant(
        "an acquire has no rival",
        "perform.c",
        "event->rival = object->acquired_at;",
        "event->rival = NONE;",
        quick=True,
    ),
    Mutant(
        "insertion compares prefixes, not equivalence",
        "wakeup.c",
        "if (comparable && step_depends(step, other))\n            return INITIAL_NOT;",
        "if (i + 1 >= 1)\n            return INITIAL_NOT;",
    ),
    Mutant(
        "what cannot be compared counts as dependent",
        "wakeup.c",
        "if (comparable && step_depends(step, other))",
        "if (!comparable || step_depends(step, other))",
    ),
    Mutant(
        "sleep is inherited whole",
        "dpor.c",
        "if (step_depends(&asleep, event))",
        "if (0)",
        quick=True,
    ),
    Mutant(
        "nothing sleeps",
        "dpor.c",
        "node->sleep |= tset_of(node->thread);",
        "node->sleep |= 0;",
    ),
    Mutant(
        "weak writes conflict with weak reads",
        "step.c",
        "[FR_READ_WEAK] = 1 << FR_WRITE,",
        "[FR_READ_WEAK] = 1 << FR_WRITE | 1 << FR_WRITE_WEAK,",
    ),
    Mutant(
        "a weak write does not conflict with a read",
        "step.c",
        "[FR_WRITE_WEAK] = 1 << FR_READ | 1 << FR_WRITE,",
        "[FR_WRITE_WEAK] = 1 << FR_WRITE,",
    ),
    Mutant(
        "spawn does not come before what the thread does",
        "perform.c",
        "run->threads[step->target].last = at;",
        "",
    ),
    Mutant(
        "a spin is reversed before the only write that lets it go",
        "race.c",
        "return b->kind != FR_OP_SPIN || spin_has_other_write(trace, cause.at, at);",
        "return true;",
    ),
    Mutant(
        "the hash forgets what an event depends on",
        "trace.c",
        "causes += mix64(",
        "causes += 0 * mix64(",
        quick=True,
    ),
    Mutant(
        "the hash depends on the linearisation",
        "trace.c",
        "trace->hash += mix64(event->hash);",
        "trace->hash = mix64(trace->hash + event->hash);",
    ),
]


def build(tree: Path, name: str) -> Path:
    sources = [*sorted(tree.glob("engine/*.c")), *sorted(tree.glob("tests/lib/*.c"))]
    program = tree / name
    command = ["gcc", *FLAGS, *map(str, sources), f"tests/model/test_{name}.c", "-lm", "-o", name]
    subprocess.run(command, cwd=tree, check=True)
    return program


def survives(tree: Path) -> bool:
    for name, arguments in SUITE:
        program = build(tree, name)
        ran = subprocess.run(
            [str(program), *arguments], cwd=tree, capture_output=True, timeout=120, check=False
        )
        if ran.returncode != 0:
            return False
    return True


def copy_tree(to: Path) -> Path:
    for part in ("engine", "tests/lib", "tests/model"):
        shutil.copytree(ROOT / part, to / part)
    return to


def test_the_engine_itself_survives(tmp_path: Path) -> None:
    assert survives(copy_tree(tmp_path))


@pytest.mark.parametrize(
    "mutant", [m for m in MUTANTS if LONG or m.quick], ids=lambda mutant: mutant.name
)
def test_each_mistake_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    source = tree / "engine" / mutant.file
    text = source.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has changed: adapt the mutant"
    source.write_text(text.replace(mutant.old, mutant.new))
    assert not survives(tree)
