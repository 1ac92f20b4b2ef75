#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Install what is missing for one purpose, and check that the kernel can do it.
#
#   scripts/bootstrap.sh build|demo|test|bench
#
# Each group contains the one before it.  Nothing is upgraded, nothing is asked; when nothing is
# missing no package manager runs.  Debian 12 is the baseline; other Debian-like systems may do.
set -euo pipefail

KERNEL_MIN=5.18

BUILD="make gcc libc6-dev linux-libc-dev clang llvm bpftool pkg-config libbpf-dev libelf-dev zlib1g-dev
 libssl-dev libxml2-dev libyaml-dev uthash-dev libjansson-dev libmicrohttpd-dev libcurl4-openssl-dev libseccomp-dev libxxhash-dev
 libcap-ng-dev libmnl-dev libnftnl-dev lowdown"
DEMO="$BUILD iproute2 ethtool procps util-linux sip-tester secsipidx openssl jq tcpdump python3 libxml2-utils"
TEST="$DEMO libcmocka-dev libclang-rt-14-dev tshark kamailio kamailio-secsipid-modules
 kamailio-extra-modules nftables curl strace"
BENCH="$DEMO libcmocka-dev gnuplot-nox kamailio kamailio-secsipid-modules kamailio-extra-modules"

say() { printf 'bootstrap: %s\n' "$*"; }
die() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }

usage() {
	sed -n '3,8s/^# \{0,1\}//p' "$0"
}

missing_of() { # PACKAGE... -> those that are not installed
	local p
	for p in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || :)" = installed ] || echo "$p"
	done
}

# A package that brings a service must not start it on the machine of someone who only wants to test.
POLICY=/usr/sbin/policy-rc.d
policy_made=
services_off() {
	[ -e $POLICY ] && return 0
	printf '#!/bin/sh\nexit 101\n' >$POLICY
	chmod 755 $POLICY
	policy_made=1
}
services_on() { [ -z "$policy_made" ] || rm -f $POLICY; }

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

install_group() { # GROUP PACKAGE...
	local group=$1 log p missing
	shift
	mapfile -t missing < <(missing_of "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "must be root to install: ${missing[*]}"
	say "installing for '$group': ${missing[*]}"
	log=$(mktemp)
	trap 'services_on; rm -f "$log"' EXIT
	services_off
	apt update >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get update failed (network, or /etc/apt/sources.list?)"; }
	apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
		{ tail -n 20 "$log" >&2; die "apt-get install failed; on Debian 12 all of these are in 'main'"; }
	services_on
	rm -f "$log"
	trap - EXIT
	for p in "${missing[@]}"; do
		# came as a test tool: it shall not listen on port 5060 after the next boot either
		[ "$p" != kamailio ] || ! command -v systemctl >/dev/null || systemctl -q disable kamailio 2>/dev/null || :
	done
	mapfile -t missing < <(missing_of "$@")
	[ ${#missing[@]} -eq 0 ] || die "still missing after the installation: ${missing[*]}"
}

lacks=
lack() { # WHAT REMEDY
	printf 'bootstrap: the kernel lacks %s\n           %s\n' "$1" "$2" >&2
	lacks=1
}

check_kernel() {
	local ns=sipseal-probe-$$ dir v stock err
	stock="Debian's own kernel has it: apt-get install linux-image-$(dpkg --print-architecture), then reboot into it"
	v=$(uname -r)
	[ "$(printf '%s\n%s\n' $KERNEL_MIN "${v%%-*}" | sort -V | head -n 1)" = $KERNEL_MIN ] ||
		lack "age: $v is older than $KERNEL_MIN" "$stock"
	grep -q '^XDP' /proc/net/protocols || lack "AF_XDP sockets (CONFIG_XDP_SOCKETS)" "$stock"
	bpftool prog show >/dev/null 2>&1 ||
		lack "a usable bpf(2)" "CONFIG_BPF_SYSCALL=y and CAP_BPF/CAP_SYS_ADMIN are needed; in a container: --privileged"
	if err=$(ip netns add "$ns" 2>&1); then
		err=$(ip -n "$ns" link add p0 type veth peer name p1 2>&1) ||
			lack "veth pairs in a namespace ($err)" "CONFIG_VETH is needed: modprobe veth, or: $stock"
		ip netns del "$ns"
	else
		lack "network namespaces that may be created here ($err)" "CONFIG_NET_NS=y and CAP_SYS_ADMIN are needed; in a container: --privileged"
	fi
	dir=$(mktemp -d)
	if err=$(mount -t bpf bpf "$dir" 2>&1); then
		umount "$dir"
	else
		lack "a mountable bpffs ($err)" "CONFIG_BPF_SYSCALL=y and CAP_SYS_ADMIN are needed; in a container: --privileged"
	fi
	rmdir "$dir"
	[ -z "$lacks" ] || exit 1
}

group=${1:-}
case $group in
build) list=$BUILD ;;
demo) list=$DEMO ;;
test) list=$TEST ;;
bench) list=$BENCH ;;
-h|--help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	die "this is no Debian-like system (no apt-get); install by hand what matches: ${list//$'\n'/}"
fi
# shellcheck disable=SC2086 # a list of words
install_group "$group" $list
if [ "$group" != build ]; then
	[ "$(id -u)" = 0 ] || die "must be root: '$group' makes network namespaces and attaches XDP programs (try: sudo ${CALLER:-$0 $group})"
	check_kernel
fi
