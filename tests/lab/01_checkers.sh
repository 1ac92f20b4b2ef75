#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The checkers of the other tests, against captures made by hand: each fault has to be found.
. "$(dirname "$0")/lib.sh"

test_selftest() { python3 "$HERE/selftest.py" || fail "a checker is wrong"; }

run_tests "$@"
