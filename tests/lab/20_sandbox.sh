#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The signer holds the key and can do nothing else; the fetcher sees neither key nor packet; the daemon holds no socket of
# the data path.  What they may not do is tried from inside (tests/tools/inside.c); docs/sandbox.md lists what they may.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

INSIDE=$O/tools/inside

status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; } # PID FIELD
fds_of() { find "/proc/$1/fd" -type l -printf '%l\n'; } # PID

signer() { pgrep -P "$(pid_of gateway)" -f sipseal-signer; }

injector() { # the tool, built here if need be
	[ "$(uname -m)" = x86_64 ] || skip "system calls are injected on x86-64 only"
	[ -x "$INSIDE" ] || make -C "$TOP" O="$O" tools >"$T/make.log" 2>&1 || { cat "$T/make.log"; fail "make tools"; }
}

confined() { # PID : of each of its threads
	local dir field uid
	for dir in /proc/"$1"/task/*; do
		for field in CapEff CapPrm CapInh CapAmb CapBnd; do
			expect "$field" 0000000000000000 "$(sed -n "s/^$field:[[:space:]]*//p" "$dir/status")"
		done
		expect "NoNewPrivs" 1 "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "$dir/status")"
		expect "Seccomp" 2 "$(sed -n 's/^Seccomp:[[:space:]]*//p' "$dir/status")"
		# real, effective, saved, of files: one user, not root
		for field in Uid Gid; do
			uid=$(sed -n "s/^$field:[[:space:]]*//p" "$dir/status" | tr '\t' '\n' | sort -u)
			expect "kinds of $field" 1 "$(wc -l <<<"$uid")"
			at_least "$field" 1 "$uid"
		done
		expect "Groups" "" "$(sed -n 's/^Groups:[[:space:]]*//p' "$dir/status")"
	done
	[ "$(stat -c %U "/proc/$1/mem")" = root ] || fail "dumpable"
	expect "Max core file size" "0 0" "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$1/limits")"
	# nor may another process of the same user look at it
	! setpriv --reuid "$(status_of "$1" Uid | cut -f1)" --regid "$(status_of "$1" Gid | cut -f1)" --clear-groups \
		head -c 1 "/proc/$1/environ" >"$T/environ" 2>&1 || fail "another process of its user reads its environment"
}

test_signer() {
	start_gateway
	local pid
	pid=$(signer)
	confined "$pid"
	# only what it was given: sockets, memory, the heartbeat map; no file of any directory but stderr
	fds_of "$pid" | grep -vE '^(socket|anon_inode|pipe):|^/memfd:|^/dev/null$' | grep -vxF "$T/gateway.log" >"$T/fds" || :
	expect "other descriptors" "" "$(cat "$T/fds")"
	# memory that holds the key: locked (never swapped), in no core file
	python3 "$HERE/keymem.py" --flags "$pid" "$T/sti/key.pem" >"$T/flags"
	expect "mappings that hold the key" 1 "$(wc -l <"$T/flags")"
	grep -qw lo "$T/flags" || fail "the key is not in locked memory: $(cat "$T/flags")"
	grep -qw dd "$T/flags" || fail "the key would be in a core file: $(cat "$T/flags")"
}

test_fetcher() {
	inbound_start
	local pid
	pid=$(fetcher_pid)
	confined "$pid"
	# sockets, shared memory, its directory; no file of another
	fds_of "$pid" | grep -vE '^(socket|anon_inode|pipe):|^/memfd:|^/dev/null$' | grep -vxF -e "$T/gateway.log" -e "$T/cache" \
		>"$T/fds" || :
	expect "other descriptors" "" "$(cat "$T/fds")"
	expect "keys in the fetcher" 0 "$(python3 "$HERE/keymem.py" "$pid" "$T/sti/key.pem")"
}

# ---- what they may not do ----------------------------------------------------------------------------
none_succeeded() { # COUNT : lines of $T/tries
	grep -q '^ok' "$T/tries" || { cat "$T/tries"; fail "nothing was tried"; }
	! grep -v '^ok' "$T/tries" || fail "something could be done that must not: $(grep -m 1 -v '^ok' "$T/tries")"
	at_least "tries" "$1" "$(grep -c '^ok' "$T/tries")"
}

# A signer for each try, for it does not live through one.
test_tries_in_the_signer() {
	injector
	in_ns gw "$INSIDE" signer "$LIBEXEC/sipseal-signer" >"$T/tries" 2>"$T/tries.err" || cat "$T/tries.err"
	none_succeeded $(($("$INSIDE" count) + 2))
	! grep -v ': killed$' "$T/tries" | grep -v '^ok dump core: none$' || fail "something was refused, but did not kill"
}

# One fetcher for all: a refusal is an error, and it goes on.
test_tries_in_the_fetcher() {
	injector
	inbound_start
	local pid
	pid=$(fetcher_pid)
	INSIDE_SOCKET=$T/control.sock "$INSIDE" fetcher "$pid" >"$T/tries" 2>"$T/tries.err" || cat "$T/tries.err"
	none_succeeded 75
	expect "fetcher" "$pid" "$(fetcher_pid)"
	warm # it works
	# another table of system calls would be another filter's: that kills
	"$INSIDE" one "$pid" "open by the 32-bit table" || fail "the fetcher lives"
	is_dead "$pid" || fail "the fetcher lives"
	wait_for 5 fetcher_is_up || fail "no other fetcher"
}

# The one that has the calls: it dies, and the daemon starts another.
test_signer_that_tries_dies() {
	injector
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	local pid
	pid=$(signer)
	"$INSIDE" one "$pid" "open a file" || fail "the signer lives"
	wait_for 5 grep -qs 'event=signer_restart pid' "$T/gateway.log" || fail "no other signer"
	send_invite after
	expect_seen after "signed 1"
}

# What the filters of the running processes let through is what docs/sandbox.md lists, no more and no less.
documented() { # PID SECTION
	"$INSIDE" filter "$1" | sort >"$T/filter" || skip "this kernel does not show the filter of a process"
	sed -n "/^## $2/,/^## /p" "$TOP/docs/sandbox.md" | awk -F'|' '/^\| `/ {
		how = $3 ~ /^ *always *$/ ? "always" : "condition"
		n = split($2, call, "`")
		for (i = 2; i <= n; i += 2) print how, call[i]
	}' | sort -u >"$T/documented"
	at_least "calls that are documented" 20 "$(wc -l <"$T/documented")"
	diff "$T/documented" "$T/filter" || fail "$2: docs/sandbox.md (<) and the filter (>) differ"
}

test_documented() {
	injector
	inbound_start
	documented "$(signer)" "The signer"
	documented "$(fetcher_pid)" "The fetcher"
}

# ---- what others hold --------------------------------------------------------------------------------

sockets_of() { fds_of "$1" | grep '^socket:' | sort -u; } # PID

test_daemon_closes_its_copies() {
	start_gateway
	sockets_of "$(signer)" >"$T/signer.sockets"
	sockets_of "$(pid_of gateway)" >"$T/daemon.sockets"
	# two NICs with four queues each, IPv4 and IPv6 raw, the line to the daemon
	at_least "sockets of the signer" 11 "$(wc -l <"$T/signer.sockets")"
	expect "sockets that both hold" "" "$(comm -12 "$T/signer.sockets" "$T/daemon.sockets")"
}

test_signer_ends_with_its_daemon() {
	start_gateway
	local pid
	pid=$(signer)
	stop gateway KILL
	wait_for 5 is_dead "$pid" || fail "the signer outlived its daemon"
}

test_key_is_nowhere_in_the_daemon() {
	start_gateway
	local line d
	d=$(pid_of gateway)
	line=$(sed -n 2p "$T/sti/key.pem")
	at_least "length of the line looked for" 40 ${#line}
	python3 - "$d" "$line" <<-'X' || fail "the daemon has the key in its memory"
	import re, sys
	pid, needle = sys.argv[1], sys.argv[2].encode()
	with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb", 0) as mem:
	    for row in maps:
	        a, b, mode = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", row).groups()
	        if "r" not in mode or "[v" in row:
	            continue
	        try:
	            mem.seek(int(a, 16))
	            if needle in mem.read(int(b, 16) - int(a, 16)):
	                sys.exit(1)
	        except OSError:
	            continue
	X
}

run_tests "$@"
