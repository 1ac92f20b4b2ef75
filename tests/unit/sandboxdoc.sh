#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/sandbox.md lists each system call that the filters of signer and fetcher name, and no other.
#
#   tests/unit/sandboxdoc.sh [TOP]       prints `ok NAME` or `not ok NAME: WHY`
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

named() { # FILE : what its tables and rules allow; test builds have more, and clone3 gets an error
	sed '/__SANITIZE_ADDRESS__/,/#endif/d' "$1" | grep -v SCMP_ACT_ERRNO | grep -oE 'SCMP_SYS\([a-z0-9_]+\)' | sed 's/.*(\(.*\))/\1/' | sort -u
}

documented() { # SECTION
	sed -n "/^## $1/,/^## /p" docs/sandbox.md | awk -F'|' '/^\| `/ { n = split($2, c, "`"); for (i = 2; i <= n; i += 2) print c[i] }' | sort -u
}

bad=0
for program in signer fetcher; do
	faults=$(diff <(named "user/$program/sandbox.c") <(documented "The $program"))
	if [ -z "$faults" ] && [ -n "$(documented "The $program")" ]; then
		echo "ok sandboxdoc/$program"
	else
		echo "not ok sandboxdoc/$program: docs/sandbox.md (>) and user/$program/sandbox.c (<) differ"
		printf '    | %s\n' "${faults//$'\n'/$'\n    | '}"
		bad=1
	fi
done
exit $bad
