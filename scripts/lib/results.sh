# The results of a test run: rows of passed, failed and skipped tests, and their sum.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

result_rows=()
result_notes=()
passed_total=0
failed_total=0

# add_result NAME PASSED FAILED SKIPPED SECONDS
add_result() {
    result_rows+=("$(printf '%-34s %7d %7d %8d %8d s' "$@")")
    passed_total=$((passed_total + $2))
    failed_total=$((failed_total + $3))
}

# add_note SENTENCE: what the table does not show.
add_note() {
    result_notes+=("$*")
}

# add_report NAME REPORT EXIT_CODE SECONDS: a JUnit report. A run that failed without a failing test
# (it crashed, it found no test, it took too long) counts as one failure.
add_report() {
    local passed failed skipped
    read -r passed failed skipped < <("$report_python" "$root/scripts/lib/junit.py" "$2")
    if (($3 != 0 && failed == 0)) || ((passed + failed == 0)); then
        failed=$((failed + 1))
    fi
    add_result "$1" "$passed" "$failed" "$skipped" "$4"
}

print_results() {
    printf '\n%-34s %7s %7s %8s %10s\n' "" passed failed skipped time
    printf '%s\n' "${result_rows[@]}"
    ((${#result_notes[@]} == 0)) || printf '%s\n' "${result_notes[@]}"
    printf '\n%d passed, %d failed\n' "$passed_total" "$failed_total"
}
