#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The lab: network namespaces and veth pairs, one picture for each way in which a gateway can stand there.
#
#   scripts/lab.sh up|down|status [--prefix P] [--topology T]
#   scripts/lab.sh shell core|gw|carrier|sw [--prefix P] [COMMAND...]
#
#   routed (default): three in a row
#   P-core           P-gw                 P-carrier
#   core0 ---------- gwc0   gwp0 -------- carr0
#   10.66.1.2        .1.1   .2.1          10.66.2.2
#   fd66:1::2        ::1    fd66:2::1     fd66:2::2
#
#   wire: the same, but gwc0 and gwp0 have no addresses, and core and carrier share one link (/16, fd66::/16)
#
#   stick: one NIC at a switch (a bridge in P-sw), which has both networks of `routed`
#   P-core           P-sw                 P-carrier
#   core0 ---------- swc0  swg0  swp0 --- carr0
#   10.66.1.2              |              10.66.2.2
#                    P-gw: gw0  10.66.1.1 and 10.66.2.1, fd66:1::1 and fd66:2::1
#
#   host: the PBX on the machine itself; P-core is another name of P-gw
#   P-gw (P-core)    P-carrier
#   gwp0 ----------- carr0
#   10.66.2.1        10.66.2.2
#   fd66:2::1        fd66:2::2
#
# and a bpffs at /run/P-lab/bpf.  `up` and `down` may be repeated, `up` of the same topology.  The environment may set
#   LAB_PREFIX (sipseal)    LAB_QUEUES (4: rx and tx queues of every NIC)    LAB_TOPOLOGY (routed)
#   LAB_NEIGH (empty; "permanent": neighbours are entered by hand)
set -euo pipefail

PREFIX=${LAB_PREFIX:-sipseal}
QUEUES=${LAB_QUEUES:-4}
NEIGH=${LAB_NEIGH:-}
TOPOLOGY=${LAB_TOPOLOGY:-routed}

die() { printf 'lab: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '3,34s/^# \{0,1\}//p' "$0"; }

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
while [ "${1:-}" = --prefix ] || [ "${1:-}" = --topology ]; do
	[ $# -ge 2 ] || { usage >&2; exit 2; }
	case $1 in --prefix) PREFIX=$2 ;; --topology) TOPOLOGY=$2 ;; esac
	shift 2
done
[[ $PREFIX =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]] || die "prefix '$PREFIX': lower-case letters, digits and '-' only"
case $TOPOLOGY in routed|wire|stick|host) ;; *) die "topology '$TOPOLOGY': routed, wire, stick or host" ;; esac
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

pair() { # NS NIC OTHER_NS OTHER_NIC
	has_link "$1" "$2" && has_link "$3" "$4" && return 0
	ip -n "$PREFIX-$1" link del "$2" 2>/dev/null || :
	ip -n "$PREFIX-$1" link add "$2" numtxqueues "$QUEUES" numrxqueues "$QUEUES" type veth \
		peer name "$4" numtxqueues "$QUEUES" numrxqueues "$QUEUES" netns "$PREFIX-$3"
}

nic() { # NS NIC [ADDRESS/BITS...]
	local ns=$1 nic=$2 a dad
	shift 2
	ip -n "$PREFIX-$ns" link set "$nic" mtu 1500 up
	for a in "$@"; do
		case $a in *:*) dad=nodad ;; *) dad= ;; esac
		ip -n "$PREFIX-$ns" addr replace "$a" dev "$nic" $dad
	done
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

namespaces() { # of the topology
	case $TOPOLOGY in
	stick) echo core gw carrier sw ;;
	host) echo gw carrier ;;
	*) echo core gw carrier ;;
	esac
}

forwarding() { in_ns gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; }

host_routes() { # both hosts reach the other network through the gateway
	ip -n "$PREFIX-core" route replace 10.66.2.0/24 via 10.66.1.1
	ip -n "$PREFIX-core" route replace fd66:2::/64 via fd66:1::1
	ip -n "$PREFIX-carrier" route replace 10.66.1.0/24 via 10.66.2.1
	ip -n "$PREFIX-carrier" route replace fd66:1::/64 via fd66:2::1
}

up_routed() {
	pair gw gwc0 core core0
	pair gw gwp0 carrier carr0
	nic gw gwc0 10.66.1.1/24 fd66:1::1/64
	nic gw gwp0 10.66.2.1/24 fd66:2::1/64
	nic core core0 10.66.1.2/24 fd66:1::2/64
	nic carrier carr0 10.66.2.2/24 fd66:2::2/64
	forwarding
	host_routes
	[ "$NEIGH" = permanent ] || return 0
	neighbour gw gwc0 core core0 10.66.1.2 fd66:1::2
	neighbour gw gwp0 carrier carr0 10.66.2.2 fd66:2::2
	neighbour core core0 gw gwc0 10.66.1.1 fd66:1::1
	neighbour carrier carr0 gw gwp0 10.66.2.1 fd66:2::1
}

up_wire() {
	pair gw gwc0 core core0
	pair gw gwp0 carrier carr0
	nic gw gwc0
	nic gw gwp0
	nic core core0 10.66.1.2/16 fd66:1::2/16
	nic carrier carr0 10.66.2.2/16 fd66:2::2/16
	[ "$NEIGH" = permanent ] || return 0
	neighbour core core0 carrier carr0 10.66.2.2 fd66:2::2
	neighbour carrier carr0 core core0 10.66.1.2 fd66:1::2
}

# The gateway's NIC sends what it has received on: nobody shall tell the hosts of a shorter way round it.
up_stick() {
	local nic
	has_link sw br0 || ip -n "$PREFIX-sw" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	ip -n "$PREFIX-sw" link set br0 up
	pair gw gw0 sw swg0
	pair core core0 sw swc0
	pair carrier carr0 sw swp0
	for nic in swg0 swc0 swp0; do
		nic sw $nic
		ip -n "$PREFIX-sw" link set $nic master br0
		host_offloads sw $nic
	done
	nic gw gw0 10.66.1.1/24 10.66.2.1/24 fd66:1::1/64 fd66:2::1/64
	nic core core0 10.66.1.2/24 fd66:1::2/64
	nic carrier carr0 10.66.2.2/24 fd66:2::2/64
	forwarding
	in_ns gw sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.gw0.send_redirects=0
	for nic in core carrier; do
		in_ns $nic sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv6.conf.all.accept_redirects=0
	done
	host_routes
	[ "$NEIGH" = permanent ] || return 0
	neighbour gw gw0 core core0 10.66.1.2 fd66:1::2
	neighbour gw gw0 carrier carr0 10.66.2.2 fd66:2::2
	neighbour core core0 gw gw0 10.66.1.1 fd66:1::1
	neighbour carrier carr0 gw gw0 10.66.2.1 fd66:2::1
}

up_host() {
	pair gw gwp0 carrier carr0
	nic gw gwp0 10.66.2.1/24 fd66:2::1/64
	nic carrier carr0 10.66.2.2/24 fd66:2::2/64
	if [ ! -e "/run/netns/$PREFIX-core" ]; then
		: >"/run/netns/$PREFIX-core"
		mount --bind "/run/netns/$PREFIX-gw" "/run/netns/$PREFIX-core"
	fi
	[ "$NEIGH" = permanent ] || return 0
	neighbour gw gwp0 carrier carr0 10.66.2.2 fd66:2::2
	neighbour carrier carr0 gw gwp0 10.66.2.1 fd66:2::1
}

up() {
	local ns
	for ns in $(namespaces); do up_ns $ns; done
	up_$TOPOLOGY
	[ $TOPOLOGY = host ] || host_offloads core core0
	host_offloads carrier carr0
	mkdir -p "$BPF"
	mountpoint -q "$BPF" || mount -t bpf bpf "$BPF" -o mode=0700 || die "cannot mount a bpffs at $BPF"
}

# Of any topology.
down() {
	local ns
	# pins first: the program goes with the last one
	while mountpoint -q "$BPF"; do umount "$BPF" || die "$BPF is busy (sipseald still runs there?)"; done
	rmdir "$BPF" "${BPF%/bpf}" 2>/dev/null || :
	for ns in core carrier sw gw; do
		[ -e "/run/netns/$PREFIX-$ns" ] || continue
		# a process may keep the namespace alive; its NICs shall not survive all the same
		for l in core0 gwc0 gwp0 carr0 gw0 br0 sipseal0; do ip -n "$PREFIX-$ns" link del $l 2>/dev/null || :; done
		ip netns del "$PREFIX-$ns"
	done
}

status() {
	local ns
	for ns in $(namespaces); do
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
	case $ns_arg in core|gw|carrier|sw) ;; *) die "shell: core, gw, carrier or sw" ;; esac
	[ -e "/run/netns/$PREFIX-$ns_arg" ] || die "$PREFIX-$ns_arg is not there: $0 up"
	[ $# -gt 0 ] || set -- "${SHELL:-/bin/sh}"
	exec nsenter --net="/run/netns/$PREFIX-$ns_arg" -- "$@" ;;
esac
