"""Sums up JUnit reports: prints "PASSED FAILED SKIPPED" of the files given."""
# SPDX-License-Identifier: Apache-2.0

import sys
import xml.etree.ElementTree as ElementTree


def count(path: str) -> tuple[int, int, int]:
    """Passed, failed and skipped test cases of one report, as pytest and ctest write them."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.get("status") in ("fail", "notrun"):  # ctest: also "could not be started"
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "disabled":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main() -> None:
    """A report that is missing or cut off is a failure: its run did not end well."""
    totals = [0, 0, 0]
    for path in sys.argv[1:]:
        try:
            counts = count(path)
        except (OSError, ElementTree.ParseError):
            counts = (0, 1, 0)
        totals = [total + n for total, n in zip(totals, counts)]
    print(*totals)


if __name__ == "__main__":
    main()
