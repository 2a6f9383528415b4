"""fr-model, the engine on abstract programs, as a command of the environment."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "tests" / "model"
COMMAND = shutil.which("fr-model", path=str(Path(sys.executable).parent))

pytestmark = pytest.mark.skipif(
    COMMAND is None, reason="fr-model is not installed beside this interpreter"
)


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs fr-model; its output is text."""
    assert COMMAND is not None
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def numbers(output: str) -> dict[str, int]:
    """The lines `word number ...` of an output."""
    fields = (line.split() for line in output.splitlines())
    return {words[0]: int(words[1]) for words in fields if len(words) > 1 and words[1].isdigit()}


def refusal(*arguments: object, cwd: Path = ROOT) -> str:
    """What fr-model says when it cannot do it: one sentence, exit code 2, nothing on stdout."""
    done = run(*arguments, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("fr-model: ")
    return lines[0].removeprefix("fr-model: ")


def test_counts_equal_brute_force() -> None:
    done = run(MODELS / "inc.prog", "-D", "n=3", "--brute-force")
    assert done.returncode == 0
    found = numbers(done.stdout)
    assert found["executions"] == found["traces"] == 36
    assert found["redundant"] == found["deadlocked"] == found["failed"] == 0
    assert found["reads-from"] == 16
    assert "ending      exhausted" in done.stdout
    assert "brute force 90 interleavings, 36 traces, 0 deadlocked, 0 failed: equal" in done.stdout


def rows(table: str) -> list[list[str]]:
    """The rows of a table beside the programs: program, constant, the rest."""
    lines = (MODELS / table).read_text(encoding="utf-8").splitlines()
    return [line.split(None, 2) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("program", "constant", "text"), rows("deadlocks.txt"), ids=lambda field: field.split(":")[0]
)
def test_a_deadlock_is_shown_with_its_cycle(program: str, constant: str, text: str) -> None:
    defines = [] if constant == "-" else ["-D", constant]
    done = run(MODELS / f"{program}.prog", *defines, "--text")
    assert done.returncode == 1
    assert text in [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_every_program_that_deadlocks_has_its_cycle_in_the_table() -> None:
    deadlocked = {
        (program, constant)
        for program, constant, counts in rows("traces.txt")
        if counts.split()[1] != "0"
    }
    assert deadlocked == {(program, constant) for program, constant, _ in rows("deadlocks.txt")}


def test_a_failed_assertion_is_shown_with_its_line() -> None:
    done = run(MODELS / "lost_update.prog", "--text")
    assert done.returncode == 1
    assert numbers(done.stdout)["failed"] == 4
    assert "then the assertion of line 6 fails" in done.stdout


def test_every_row_of_the_table() -> None:
    done = run("--all")
    assert done.returncode == 0, done.stdout
    assert ", 0 not as expected" in done.stdout.splitlines()[-1]


@pytest.mark.long
def test_every_row_that_takes_longer() -> None:
    done = run("--all", MODELS / "traces_long.txt")
    assert done.returncode == 0, done.stdout


def test_a_wrong_row_is_found(tmp_path: Path) -> None:
    shutil.copy(MODELS / "sb.prog", tmp_path)
    (tmp_path / "table.txt").write_text("sb - 4 0 0\n")
    done = run("--all", tmp_path / "table.txt")
    assert done.returncode == 1
    assert "expected 4 traces" in done.stdout


@pytest.mark.parametrize(
    "order",
    ["dfs", "bit-reversal:5", "round-robin:1", "stride:9", "conflict-first", "lowest-first"],
)
def test_orders_visit_the_same_traces(order: str) -> None:
    done = run(MODELS / "fib_bench.prog", "-D", "k=2", f"--order={order}", "--unstable-keys")
    assert done.returncode == 0
    assert numbers(done.stdout)["traces"] == 140


@pytest.mark.parametrize("strategy", ["random", "pct", "pos", "urw", "surw", "delay"])
def test_walks_find_a_lost_update(strategy: str) -> None:
    done = run(MODELS / "lost_update.prog", f"--strategy={strategy}", "--seed=7", "--budget=300")
    assert done.returncode == 1
    found = numbers(done.stdout)
    assert found["executions"] == 300
    assert 1 <= found["failed"] <= 4
    assert "ending      budget" in done.stdout


@pytest.mark.parametrize(
    ("program", "constants"),
    [
        ("reorder", ["-Dsetters=9"]),
        ("reorder", ["-Dsetters=10", "-Dcheckers=10"]),
        ("twostage", ["-Dwriters=10", "-Dreaders=10"]),
        ("wronglock", []),
    ],
)
def test_walks_find_the_bugs_of_programs_too_large_to_exhaust(
    program: str, constants: list[str]
) -> None:
    walk = run(MODELS / f"{program}.prog", *constants, "--strategy=pos", "--budget=5000")
    assert walk.returncode == 1
    assert numbers(walk.stdout)["failed"] >= 1


def test_prefixes_split_the_tree() -> None:
    whole = run(MODELS / "casw.prog", "-Dn=3")
    parts = [run(MODELS / "casw.prog", "-Dn=3", f"--prefix=0{first}") for first in range(3)]
    traces = [numbers(part.stdout)["traces"] for part in parts]
    # Every trace below a choice of the first thread; some lie below several of them.
    assert all(0 < count <= numbers(whole.stdout)["traces"] for count in traces)
    assert sum(traces) >= numbers(whole.stdout)["traces"]


def test_a_saved_exploration_is_taken_up(tmp_path: Path) -> None:
    saved = tmp_path / "state"
    program = MODELS / "fib_bench.prog"
    first = run(program, "-Dk=3", "--budget=700", f"--save={saved}")
    assert numbers(first.stdout)["traces"] == 700
    assert "ending      budget" in first.stdout
    second = run(program, "-Dk=3", f"--resume={saved}", f"--save={saved}")
    assert numbers(second.stdout)["traces"] == 998
    assert "(1698 with those before)" in second.stdout
    assert "ending      exhausted" in second.stdout
    third = run(program, "-Dk=3", f"--resume={saved}")
    assert numbers(third.stdout)["traces"] == 0
    assert sorted(tmp_path.iterdir()) == [saved]


def test_another_program_does_not_take_up_a_saved_exploration(tmp_path: Path) -> None:
    saved = tmp_path / "state"
    run(MODELS / "fib_bench.prog", "-Dk=3", "--budget=7", f"--save={saved}")
    assert "did not repeat" in refusal(MODELS / "cinc.prog", "-Dn=3", f"--resume={saved}")
    assert "damaged" in refusal(MODELS / "cinc.prog", "-Dn=2", f"--resume={saved}")
    saved.write_bytes(saved.read_bytes()[:-1])
    assert "damaged" in refusal(MODELS / "fib_bench.prog", "-Dk=3", f"--resume={saved}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shared x;\nthread t { x = ; }\n", 'line 2: found ";", expected a value'),
        ("shared x;\n\nthread t { y == 1; }\n", 'line 3: found "==", expected ='),
        ("shared x\nthread t { x = 1; }\n", 'line 2: found "thread", expected ;'),
        ("thread t { acquire m; }\n", 'line 1: found "m", expected a lock'),
        ("shared x;\n", 'line 2: found "the end", expected at least one thread'),
        # Found by fuzzing the parser: nobody is there to spawn the late one.
        ("shared x;\nlate thread t { x = 1; }\n", "expected at least one thread that is not late"),
        ("shared x;\nthread t { x = $; }\n", "line 2: "),
        ("thread t { r = 1; }\nthread u { spawn t; }\n", "line 2: "),
        ("shared x[2];\nthread t { x[5] = 1; }\n", "an index is out of range"),
        ("thread t { while (1) r = 1; }\n", "a thread loops without touching shared state"),
    ],
)
def test_a_mistake_in_a_program_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    program = tmp_path / "wrong.prog"
    program.write_text(text)
    assert sentence in refusal(program)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "a program is needed"),
        (["nowhere.prog"], "nowhere.prog: No such file or directory"),
        (["tests/model/sb.prog", "--strategy=best"], "--strategy needs dpor, random"),
        (["tests/model/sb.prog", "--order=dfs:x"], "the seed of --order needs a number"),
        (["tests/model/sb.prog", "--bound=-1"], "--bound needs a number"),
        (["tests/model/sb.prog", "--bound=1", "--strategy=pos"], "need --strategy=dpor"),
        (["tests/model/sb.prog", "--prefix=0g"], "--prefix needs an even number of hexadecimal"),
        (["tests/model/sb.prog", "-Dm=1"], 'there is no constant "m" to define'),
        (["tests/model/inc.prog", "-Dn=x"], "-D needs a number behind n="),
        (["tests/model/inc.prog", "-Dn=99"], "at most 64 threads"),
        (["tests/model/sb.prog", "--fast"], "there is no option --fast"),
        (["tests/model/sb.prog", "--resume=nowhere"], "nowhere: No such file"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], sentence: str) -> None:
    assert sentence in refusal(*arguments)
