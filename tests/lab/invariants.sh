# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# invariants.sh - what holds after every test, whatever it did; lib.sh sources it and looks behind each test that passed.
#
#   inv_sums     of a gateway that still runs, once the test's other processes have ended:
#                XDP reasons = packets that came in, as the kernel counts them on the NICs;
#                steered = signer reasons + ring drops + lost with a dead signer + parked + fragments held;
#                no frame is lost
#   inv_left     after the test's processes were stopped and the lab is down: no process, namespace, mount, pin or file
#
# A gateway that the test has stopped or killed is not asked.  A test that takes counters away under a running gateway
# (another NIC of that name, sipseald --detach without stop_gateway) calls `sums_are_not_kept WHY`.
# Costs some 50 ms when all is well.  What does not hold at once has SUMS_WAIT seconds: a packet may come between two looks (ND),
# and rings tell their drops once a second.
SUMS_WAIT=${SUMS_WAIT:-6}

sums_are_not_kept() { echo "$*" >"$T/.sums"; }

# inv_packets NAMESPACE NIC : packets that XDP on a NIC was shown: of native XDP on veth; nothing where the kernel does not tell
inv_packets() {
	nsenter --net="$1" ethtool -S "$2" 2>/dev/null |
		awk '/rx_queue_[0-9]+_xdp_packets:/ { n += $2; any = 1 } END { if (any) print n }'
}

# Pins and NICs stay when a daemon ends, so both counters go on, until they are detached: the kernel's goes on then, too.
inv_base() { cat "$T/.base.$1" 2>/dev/null || echo 0; } # NIC

inv_detached() { # remember what was counted before
	local nic
	for nic in $(jq -r '.interfaces[].name' "$T/stats.json" 2>/dev/null || gateway_nics | tr ' ' '\n' | sed 's/:.*//'); do
		inv_packets "/run/netns/$PREFIX-gw" "$nic" >"$T/.base.$nic"
	done
}

# inv_tell PID -> what does not hold at this moment, a line each
inv_tell() {
	local nic had kernel json
	json=$(timeout 5 "$SIPSEAL" -s "$T/control.sock" stats -j 2>&1) || { echo "sipseal stats: ${json##*$'\n'}"; return; }
	jq -r 'def rest: .steered - .signer_reasons - .ring_drops - .lost_with_signer - .parked - .fragments_held;
		(.interfaces[] | "\(.name) \(.packets_total)"),
		(select(.sums | rest != 0) | "- steered is not the sum of what became of it, \(.sums | rest) are missing: \(.sums | tojson)"),
		(select(([.interfaces[].packets[]] | add) != .sums.xdp_reasons) | "- the sum of XDP reasons is not \(.sums.xdp_reasons)"),
		(select(.signer.frames_lost != 0) | "- frames lost: \(.signer.frames_lost)")' <<<"$json" |
	while read -r nic had; do
		if [ "$nic" = - ]; then echo "$had"; continue; fi
		kernel=$(inv_packets "/proc/$1/ns/net" "$nic")
		[ "${kernel:-0}" -gt 0 ] || continue # generic XDP, or no veth
		kernel=$((kernel - $(inv_base "$nic")))
		[ "$had" = "$kernel" ] || echo "$nic: XDP has reasons for $had packets, the kernel showed it $kernel"
	done
}

inv_signer_runs() {
	[ "$(timeout 5 "$SIPSEAL" -s "$T/control.sock" status -j 2>/dev/null | jq -r .signer.state)" = running ]
}

# inv_is_asked PID : is there a gateway that can be asked?
inv_is_asked() {
	[ ! -e "$T/.sums" ] && is_alive "$1" && [ -S "$T/control.sock" ] &&
		! grep -q '^State:.*\(stopped\|tracing\)' "/proc/$1/status"
}

inv_sums() { # -> nothing, or what does not hold; status 1
	local pid told until=$((SECONDS + SUMS_WAIT))
	pid=$(cat "$T/gateway.pid" 2>/dev/null) || return 0
	inv_is_asked "$pid" || return 0
	while :; do
		told=$(inv_tell "$pid")
		[ -n "$told" ] || return 0
		[ $SECONDS -lt $until ] || break
		sleep 0.25
	done
	inv_signer_runs || return 0 # as the test left it
	printf 'invariant: %s\n' "$told"
	return 1
}

# inv_pids : of the lab's namespaces, or with a file of the test on its command line
inv_pids() {
	local inodes pid
	inodes=$(stat -Lc %i "/run/netns/$PREFIX-"* 2>/dev/null)
	{
		[ -z "$inodes" ] || stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>/dev/null | grep -wF "$inodes" | cut -d/ -f3
		grep -slF -f /dev/stdin /proc/[0-9]*/cmdline <<<"$T" | cut -d/ -f3
	} | sort -u | while read -r pid; do
		is_alive "$pid" && printf '%s (%s)\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c1-80)"
	done
}

inv_no_pids() { [ -z "$(inv_pids)" ]; }

inv_processes() { # before the lab goes down: signers end a moment after their daemon
	inv_no_pids || wait_for 3 inv_no_pids || printf 'left behind: process %s\n' "$(inv_pids | head -n 1)"
}

inv_left() { # -> nothing, or what a lab that is down has left
	local left=() f
	for f in /run/netns/"$PREFIX"-* /run/"$PREFIX"-* /tmp/"$PREFIX"* /dev/shm/*"$PREFIX"* /sys/class/net/*"$PREFIX"*; do
		[ ! -e "$f" ] || left+=("$f")
	done
	[ ${#left[@]} = 0 ] || printf 'left behind: %s\n' "${left[*]}"
	! grep -F -e "/$PREFIX-" -e "$T" /proc/mounts | sed 's/^/left behind: mount /' | grep . || return 1
	[ ${#left[@]} = 0 ]
}
