#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The lab: three network namespaces in a row, made of two veth pairs.
#
#   scripts/lab.sh up|down|status [--prefix P]
#   scripts/lab.sh shell core|gw|carrier [--prefix P] [COMMAND...]
#
#   P-core           P-gw                 P-carrier
#   core0 ---------- gwc0   gwp0 -------- carr0
#   10.66.1.2        .1.1   .2.1          10.66.2.2
#   fd66:1::2        ::1    fd66:2::1     fd66:2::2
#
# and a bpffs at /run/P-lab/bpf.  `up` and `down` may be repeated.  The environment may set
#   LAB_PREFIX (sipseal)    LAB_QUEUES (4: rx and tx queues of every NIC)
#   LAB_NEIGH (empty; "permanent": neighbours are entered by hand)
set -euo pipefail

PREFIX=${LAB_PREFIX:-sipseal}
QUEUES=${LAB_QUEUES:-4}
NEIGH=${LAB_NEIGH:-}

die() { printf 'lab: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '3,17s/^# \{0,1\}//p' "$0"; }

cmd=${1:-}
[ $# -eq 0 ] || shift
ns_arg=
case $cmd in
shell)
	ns_arg=${1:-}
	[ $# -eq 0 ] || shift ;;
up|down|status) ;;
-h|--help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac
if [ "${1:-}" = --prefix ]; then
	[ $# -ge 2 ] || { usage >&2; exit 2; }
	PREFIX=$2
	shift 2
fi
[[ $PREFIX =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]] || die "prefix '$PREFIX': lower-case letters, digits and '-' only"
[ "$(id -u)" = 0 ] || die "must be root (try: sudo $0 $cmd)"

BPF=/run/$PREFIX-lab/bpf

# Not `ip netns exec`: that has a mount namespace of its own, in which a bpffs gets lost.
in_ns() { # NS COMMAND...
	local ns=$1
	shift
	nsenter --net="/run/netns/$PREFIX-$ns" -- "$@"
}

has_link() { ip -n "$PREFIX-$1" link show "$2" >/dev/null 2>&1; }
mac_of() { ip -n "$PREFIX-$1" -j link show "$2" | sed 's/.*"address":"\([0-9a-f:]*\)".*/\1/'; }

pair() { # GW_NIC HOST_NS HOST_NIC
	has_link gw "$1" && has_link "$2" "$3" && return 0
	ip -n "$PREFIX-gw" link del "$1" 2>/dev/null || :
	ip -n "$PREFIX-gw" link add "$1" numtxqueues "$QUEUES" numrxqueues "$QUEUES" type veth \
		peer name "$3" numtxqueues "$QUEUES" numrxqueues "$QUEUES" netns "$PREFIX-$2"
}

nic() { # NS NIC V4 V6
	ip -n "$PREFIX-$1" link set "$2" mtu 1500 up
	ip -n "$PREFIX-$1" addr replace "$3/24" dev "$2"
	ip -n "$PREFIX-$1" addr replace "$4/64" dev "$2" nodad
}

# What real NICs give for nothing has to be asked of veth: both ends with equal queues (native XDP
# refuses otherwise), whole UDP checksums (native redirect and AF_XDP lose a partial one), and GRO on
# the receiving host (without NAPI it does not see redirected frames).
host_offloads() { # NS NIC
	in_ns "$1" ethtool -K "$2" tx off gro on >/dev/null
}

up_ns() { # NS
	[ -e "/run/netns/$PREFIX-$1" ] || ip netns add "$PREFIX-$1"
	ip -n "$PREFIX-$1" link set lo up
	in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.accept_ra=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
}

neighbour() { # NS NIC OTHER_NS OTHER_NIC ADDRESS...
	local mac ns=$1 nic=$2 a
	mac=$(mac_of "$3" "$4")
	shift 4
	for a in "$@"; do ip -n "$PREFIX-$ns" neigh replace "$a" lladdr "$mac" dev "$nic" nud permanent; done
}

up() {
	local ns
	for ns in core gw carrier; do up_ns $ns; done
	pair gwc0 core core0
	pair gwp0 carrier carr0
	nic gw gwc0 10.66.1.1 fd66:1::1
	nic gw gwp0 10.66.2.1 fd66:2::1
	nic core core0 10.66.1.2 fd66:1::2
	nic carrier carr0 10.66.2.2 fd66:2::2
	host_offloads core core0
	host_offloads carrier carr0
	in_ns gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$PREFIX-core" route replace 10.66.2.0/24 via 10.66.1.1
	ip -n "$PREFIX-core" route replace fd66:2::/64 via fd66:1::1
	ip -n "$PREFIX-carrier" route replace 10.66.1.0/24 via 10.66.2.1
	ip -n "$PREFIX-carrier" route replace fd66:1::/64 via fd66:2::1
	if [ "$NEIGH" = permanent ]; then
		neighbour gw gwc0 core core0 10.66.1.2 fd66:1::2
		neighbour gw gwp0 carrier carr0 10.66.2.2 fd66:2::2
		neighbour core core0 gw gwc0 10.66.1.1 fd66:1::1
		neighbour carrier carr0 gw gwp0 10.66.2.1 fd66:2::1
	fi
	mkdir -p "$BPF"
	mountpoint -q "$BPF" || mount -t bpf bpf "$BPF" -o mode=0700 || die "cannot mount a bpffs at $BPF"
}

down() {
	local ns
	# pins first: the program goes with the last one
	while mountpoint -q "$BPF"; do umount "$BPF" || die "$BPF is busy (sipseald still runs there?)"; done
	rmdir "$BPF" "${BPF%/bpf}" 2>/dev/null || :
	for ns in core gw carrier; do
		[ -e "/run/netns/$PREFIX-$ns" ] || continue
		# a process may keep the namespace alive; its NICs shall not survive all the same
		for l in core0 gwc0 gwp0 carr0; do ip -n "$PREFIX-$ns" link del $l 2>/dev/null || :; done
		ip netns del "$PREFIX-$ns"
	done
}

status() {
	local ns
	for ns in core gw carrier; do
		if [ ! -e "/run/netns/$PREFIX-$ns" ]; then echo "$PREFIX-$ns: absent"; continue; fi
		echo "$PREFIX-$ns:"
		ip -n "$PREFIX-$ns" -br addr show scope global | sed 's/^/  /'
	done
	if mountpoint -q "$BPF"; then echo "bpffs: $BPF"; else echo "bpffs: not mounted"; fi
}

case $cmd in
up)
	trap '[ $? = 0 ] || echo "lab: not complete; \"$0 down\" removes what is there" >&2' EXIT
	up ;;
down) down ;;
status) status ;;
shell)
	case $ns_arg in core|gw|carrier) ;; *) die "shell: core, gw or carrier" ;; esac
	[ -e "/run/netns/$PREFIX-$ns_arg" ] || die "$PREFIX-$ns_arg is not there: $0 up"
	[ $# -gt 0 ] || set -- "${SHELL:-/bin/sh}"
	exec nsenter --net="/run/netns/$PREFIX-$ns_arg" -- "$@" ;;
esac
