"""Carriers: what CPython and libraries keep per thread is right on OS threads and on fibers."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).with_name("carrier_hazards.py")
CARRIERS = ("thread", "fiber")
NAMES = re.findall(r"^def case_(\w+)\(", CASES.read_text(encoding="utf-8"), re.M)


def run_case(name: str, carrier: str) -> Any:
    process = subprocess.run(
        [sys.executable, str(CASES), name],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FRONTRUN_CARRIER": carrier, "PYTHONHASHSEED": "0"},
    )
    assert process.returncode == 0, process.stderr[-4000:]
    return json.loads(process.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_same_on_every_carrier(name: str) -> None:
    answers = {}
    for carrier in CARRIERS:
        used, answers[carrier] = run_case(name, carrier)
        assert used in (carrier, "thread")  # a machine without FSGSBASE has no fibers
    assert answers["thread"] == answers["fiber"]
