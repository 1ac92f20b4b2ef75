#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The arrows of the architecture point one way: a module includes only itself and what the Makefile's
# USES table gives it.  Further: the pure modules do no I/O, the contract header includes nothing, and
# the signer is linked with no parser of configuration and no BPF.
#
#   tests/unit/arrows.sh [TOP]       prints `ok NAME` or `not ok NAME: WHY`
set -u
TOP=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
O=${O:-$TOP/build}
cd "$TOP" || exit 1

PURE="sip stir location trunk engine wire"
bad=0

verdict() { # NAME FAULTS
	if [ -z "$2" ]; then
		echo "ok arrows/$1"
	else
		echo "not ok arrows/$1: $(echo "$2" | head -n 1)"
		printf "    | %s\n" "${2//$'\n'/$'\n    | '}"
		bad=1
	fi
}

declare -A uses
while read -r module list; do uses[$module]=" $module $list "; done \
	< <(sed -n 's/^USES_\([a-z]*\) *:= *\(.*\)$/\1 \2/p' Makefile)

includes_of() { # DIR -> FILE:LINE MODULE of includes of other modules
	grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*/' "$1"/*.[ch] 2>/dev/null |
		sed -E 's@^([^:]*:[0-9]*):.*"([^"/]*)/.*@\1 \2@'
}

one_way() {
	local dir module at target
	[ ${#uses[@]} -gt 0 ] || echo "no USES table in the Makefile"
	for dir in user/*; do
		module=$(basename "$dir")
		if [ -z "${uses[$module]+x}" ]; then echo "$dir is not in the USES table"; continue; fi
		while read -r at target; do
			case ${uses[$module]} in *" $target "*) ;; *) echo "$at: $module may not use $target" ;; esac
		done < <(includes_of "$dir")
	done
}

no_cycle() { # what a module uses may not use it back
	local a b
	for a in "${!uses[@]}"; do
		for b in ${uses[$a]}; do
			[ "$a" = "$b" ] || case ${uses[$b]:-} in *" $a "*) echo "$a and $b use each other" ;; esac
		done
	done
}

pure() {
	local m
	for m in $PURE; do
		grep -nHE '#[[:space:]]*include[[:space:]]*<(sys/socket|sys/ioctl|sys/stat|sys/mman|fcntl|poll|bpf/.*)\.h>' \
			user/"$m"/*.[ch] 2>/dev/null
	done
}

contract() {
	grep -nE '#[[:space:]]*include' bpf/abi.h | grep -v '<linux/types.h>'
	grep -nHE '#[[:space:]]*include[[:space:]]*"' bpf/*.[ch] | grep -vE '"(abi|packet|maps|[a-z_]+)\.h"'
	grep -rnE '#[[:space:]]*include[[:space:]]*"[a-z]*\.skel\.h"' user --include='*.[ch]' | grep -v '^user/daemon/'
}

signer_links() {
	ldd "$O/sipseal-signer" | grep -oE 'lib(bpf|yaml|xml2|curl|microhttpd)[^ ]*'
}

verdict one_way "$(one_way)"
verdict no_cycle "$(no_cycle)"
verdict pure_modules "$(pure)"
verdict contract "$(contract)"
if [ -x "$O/sipseal-signer" ]; then verdict signer_links "$(signer_links)"; else echo "skip arrows/signer_links: not built"; fi
exit $bad
