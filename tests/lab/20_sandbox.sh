#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The signer holds the key and can do nothing else; the daemon holds no socket of the data path.
. "$(dirname "$0")/lib.sh"

status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; } # PID FIELD
fds_of() { find "/proc/$1/fd" -type l -printf '%l\n'; } # PID

signer() { pgrep -P "$(pid_of gateway)" -f sipseal-signer; }

test_signer() {
	start_gateway
	local pid
	pid=$(signer)
	for set in CapEff CapPrm CapInh CapAmb CapBnd; do
		expect "$set" 0000000000000000 "$(status_of "$pid" $set)"
	done
	expect "NoNewPrivs" 1 "$(status_of "$pid" NoNewPrivs)"
	expect "Seccomp" 2 "$(status_of "$pid" Seccomp)"
	at_least "uid" 1 "$(status_of "$pid" Uid | cut -f1)"
	at_least "gid" 1 "$(status_of "$pid" Gid | cut -f1)"
	# only what it was given: sockets, memory, the heartbeat map; no file of any directory but stderr
	fds_of "$pid" | grep -vE '^(socket|anon_inode|pipe):|^/memfd:|^/dev/null$' | grep -vxF "$T/gateway.log" >"$T/fds" || :
	expect "other descriptors" "" "$(cat "$T/fds")"
	[ "$(stat -c %U "/proc/$pid/mem")" = root ] || fail "the signer is dumpable"
}

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
