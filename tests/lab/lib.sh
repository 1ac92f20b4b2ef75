# shellcheck shell=bash disable=SC2034,SC2086,SC2119
# SPDX-License-Identifier: BSD-2-Clause
# lib.sh - harness of the lab tests.
#
# A test file tests/lab/NN_name.sh sources this, defines functions test_*, and ends with `run_tests "$@"`
# (arguments: names of tests to run).  It has a lab of its own, made once per file; each test runs in a
# subshell with `set -e` and everything it started ends with it.  A test that returns is ok; `fail WHY`
# and any failing command (but in a condition, or left of || or &&) make it not ok; `skip WHY` says why it could
# not run.
#
#   ok NAME | not ok NAME: WHY | skip NAME: WHY         the output of a failed test follows it, of one that passed the
#                                                       lines that begin with "# " (figures)
#
# DEBUG=1 opens a shell before a failed test is cleaned up; KEEP=1 leaves the files in $T.
# Everything is removed in the end, also after an interrupt; processes are stopped by their pid only.
set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
O=${O:-$TOP/build}
case $O in /*) ;; *) O=$TOP/$O ;; esac
NAME=$(basename "$0" .sh)
PREFIX=st$$
SIPSEALD=$O/sipseald
SIPSEAL=$O/sipseal
LIBEXEC=$O
T=
# A file for another topology of scripts/lab.sh sets and exports this before it sources lib.sh.
export LAB_TOPOLOGY=${LAB_TOPOLOGY:-routed}
CORE4=10.66.1.2 CARRIER4=10.66.2.2 CORE6=fd66:1::2 CARRIER6=fd66:2::2
[ $LAB_TOPOLOGY != host ] || CORE4=10.66.2.1 CORE6=fd66:2::1
CALLER=+18005550100 CALLED=+12155551213
X5U=https://cert.example/chain.pem

fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }
report() { echo "$*"; echo "# $*" >>"$T/report"; } # a figure that is shown behind the test's `ok`

# ---- processes -------------------------------------------------------------------------------------
in_ns() { # NS COMMAND...
	local ns=$1
	shift
	nsenter --net="/run/netns/$PREFIX-$ns" -- "$@"
}

is_alive() { # PID; a zombie is dead
	local state
	state=$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null) || return 1
	[ -n "$state" ] && [ "$state" != Z ]
}

bg() { # NAME NS COMMAND... : output in $T/NAME.log, pid in $T/NAME.pid
	local name=$1 ns=$2
	shift 2
	: >"$T/$name.log" # now: what an earlier one of that name said is not taken for this one's
	nsenter --net="/run/netns/$PREFIX-$ns" -- "$@" >"$T/$name.log" 2>&1 </dev/null &
	echo $! >"$T/$name.pid"
	echo $! >>"$T/pids"
}

pid_of() { cat "$T/$1.pid"; }

wait_for() { # SECONDS COMMAND... : until it succeeds
	local until=$((SECONDS + $1 + 1))
	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.05
	done
}

is_dead() { ! is_alive "$1"; }

stop_pid() { # PID [SIGNAL]
	is_alive "$1" || return 0
	kill "-${2:-TERM}" "$1" 2>/dev/null || :
	wait_for 5 is_dead "$1" || kill -KILL "$1" 2>/dev/null || :
	wait_for 2 is_dead "$1" || :
}

stop() { stop_pid "$(pid_of "$1")" "${2:-TERM}"; } # NAME [SIGNAL]

wait_exit() { # NAME SECONDS -> exit status of a process of this very shell
	wait_for "$2" is_dead "$(pid_of "$1")" || fail "$1 did not end within $2 s"
	wait "$(pid_of "$1")"
}

stop_all() { # [PID] : processes of the file $T/pids, last first; PID goes on
	local p
	[ -s "$T/pids" ] || return 0
	for p in $(tac "$T/pids"); do [ "$p" = "${1:-}" ] || stop_pid "$p"; done
	echo "${1:-}" >"$T/pids"
}

# Programs of tests/bench; make knows those below its own directory by their relative name.
bench_programs() { # NAME...
	local n
	for n in "$@"; do make -s -C "$TOP" O="$O" "${O#"$TOP"/}/bench/$n" || skip "$n cannot be built"; done
}

# ---- lab -------------------------------------------------------------------------------------------
lab() { LAB_PREFIX=$PREFIX "$TOP/scripts/lab.sh" "$@"; }

cleanup() {
	trap - EXIT INT TERM
	[ -n "$T" ] || return 0
	stop_all
	lab down || echo "$NAME: lab $PREFIX was not removed completely" >&2
	if [ -n "${KEEP:-}" ]; then echo "# files: $T"; else rm -rf "$T"; fi
}

make_certs() { # DIR : the lab chain
	"$SIPSEAL" cert lab "$1" >"$T/certlab.log" 2>&1 || { cat "$T/certlab.log"; fail "sipseal cert lab"; }
	chmod 600 "$1/key.pem"
}

# self_signed - a certificate that `cert lab` would not make; TNAUTH is a line of openssl's configuration.
self_signed() { # DIR CURVE START END TNAUTH : key.pem, chain.pem
	openssl ecparam -name "$2" -genkey -noout | openssl pkcs8 -topk8 -nocrypt >"$1/key.pem" 2>/dev/null
	chmod 600 "$1/key.pem"
	cat >"$T/ca.cnf" <<-X
	[ca]
	default_ca = c
	[c]
	database = $T/ca.db
	new_certs_dir = $T
	serial = $T/ca.serial
	default_md = sha256
	policy = p
	[p]
	commonName = supplied
	[e]
	basicConstraints = critical,CA:FALSE
	keyUsage = critical,digitalSignature
	$5
	X
	: >"$T/ca.db"
	echo 01 >"$T/ca.serial"
	openssl req -new -key "$1/key.pem" -subj "/CN=SHAKEN 1234" -out "$T/ca.csr"
	openssl ca -config "$T/ca.cnf" -selfsign -batch -notext -keyfile "$1/key.pem" -in "$T/ca.csr" \
		-startdate "$3" -enddate "$4" -extensions e -out "$1/chain.pem" 2>"$T/ca.log" || { cat "$T/ca.log"; fail "openssl ca"; }
}
TNAUTH='1.3.6.1.5.5.7.1.26 = DER:3008a006160431323334' # service provider code 1234

# ---- gateway ---------------------------------------------------------------------------------------
gateway_nics() { # NICs of the gateway, as NAME:SIDE
	case $LAB_TOPOLOGY in
	stick) echo gw0:both ;;
	host) echo gwp0:carrier ;;
	*) echo gwc0:core gwp0:carrier ;;
	esac
}

gateway_mode() { case $LAB_TOPOLOGY in wire|host) echo $LAB_TOPOLOGY ;; *) echo routed ;; esac; }

gateway_interfaces() {
	local nic
	for nic in $(gateway_nics); do echo "    - { name: ${nic%:*}, side: ${nic#*:} }"; done
}

# On one NIC for both sides a trunk says who its customers are.
gateway_core_peers() {
	[ $LAB_TOPOLOGY != stick ] || echo "    core: { peers: [\"10.66.1.0/24\", \"fd66:1::/64\"] }"
}

# gateway_yaml - the configuration of most tests; the environment changes single values:
#   FAST_PATH ON_FAILURE XDP_MODE REGULATORY HEARTBEAT_MS UMEM_FRAMES IDLE TRUNK (more lines of the trunk, indented by 4)
gateway_yaml() {
	mkdir -p "$T/trunks.d" # not those of an installed gateway
	cat <<-X
	gateway:
	  mode: $(gateway_mode)
	  interfaces:
	$(gateway_interfaces)
	  xdp_mode: ${XDP_MODE:-native}
	  fast_path: ${FAST_PATH:-forward}
	  on_signer_failure: ${ON_FAILURE:-drop}
	  heartbeat_ms: ${HEARTBEAT_MS:-500}
	  umem_frames: ${UMEM_FRAMES:-1024}
	  idle: ${IDLE:-poll}
	  bpffs: ${BPFFS:-/run/$PREFIX-lab/bpf}
	control:
	  socket: $T/control.sock
	  metrics: off
	regulatory:
	  enabled: ${REGULATORY:-true}
	certificates:
	  root: $T/sti
	  cert_path: ${CERT:-chain.pem}
	  key_path: ${KEY:-key.pem}
	  x5u: $X5U
	trunks_dir: $T/trunks.d
	trunks:
	  - name: acme
	    carrier: { peers: ["$CARRIER4:5060", "[$CARRIER6]:5060"] }
	$(gateway_core_peers)
	    attestation: A
	    numbers: ["+1800555*"]
	    default_country_code: "1"
	    pai: { mode: set, domain: example.net }
	${TRUNK:-}
	X
}

gateway_start() { # CONFIG [PROGRAM PREFIX...] : the process, without waiting
	local config=$1
	shift
	bg gateway gw "$@" "$SIPSEALD" -c "$config" --state-dir "$T/state" --libexec "$LIBEXEC"
}

gateway_is_ready() { grep -qs 'event=ready' "$T/gateway.log" || is_dead "$(pid_of gateway)"; }

start_gateway() { # [CONFIG] : default gateway_yaml; waits until it is up
	local config=${1:-$T/sipseal.yaml}
	[ -d "$T/sti" ] || make_certs "$T/sti"
	[ $# -gt 0 ] || gateway_yaml >"$config"
	gateway_start "$config"
	wait_for 10 gateway_is_ready || { cat "$T/gateway.log"; fail "gateway did not get ready within 10 s"; }
	is_alive "$(pid_of gateway)" || { cat "$T/gateway.log"; fail "gateway ended at start"; }
}

signer_pid() { pgrep -P "$(pid_of gateway)" -f sipseal-signer; }

stop_gateway() {
	inv_detached
	stop gateway
	in_ns gw "$SIPSEALD" --detach --bpffs "/run/$PREFIX-lab/bpf" >"$T/detach.log" 2>&1 ||
		{ cat "$T/detach.log"; fail "sipseald --detach"; }
}

sipseal() { "$SIPSEAL" -s "$T/control.sock" "$@"; }

# Counters by the words of bpf/abi.h.
stats() { sipseal stats -j >"$T/stats.json" || fail "sipseal stats -j"; }
xdp_count() { jq --arg r "$1" '[.interfaces[].packets[$r] // 0] | add' "$T/stats.json"; }    # REASON
signer_count() { jq --arg r "$1" '.signer.reasons[$r] // 0' "$T/stats.json"; }         # REASON
signer_total() { jq '[.signer.reasons[]] | add // 0' "$T/stats.json"; }
signer_value() { jq --arg k "$1" '.signer[$k]' "$T/stats.json"; }                      # signatures, frames_lost

# api - a call as curl makes it: prints the HTTP status; the body is in $T/api.json.
api() { # METHOD PATH [JSON]
	local body=()
	[ $# -lt 3 ] || body=(--data-binary "$3")
	curl -sgS --max-time 20 --path-as-is --unix-socket "$T/control.sock" -X "$1" ${body[@]+"${body[@]}"} \
		-o "$T/api.json" -w '%{http_code}\n' "http://localhost$2"
}

exits() { # STATUS COMMAND... : output in $T/out and $T/err
	local want=$1 rc=0
	shift
	"$@" >"$T/out" 2>"$T/err" || rc=$?
	[ $rc = "$want" ] || { cat "$T/out" "$T/err"; fail "exit status $rc, expected $want: $*"; }
}

expect() { # WHAT WANTED FOUND
	[ "$2" = "$3" ] || fail "$1: $3, expected $2"
}

# spread_queues NS NIC : what processor n sends leaves by tx queue n, and so comes by rx queue n (XPS)
spread_queues() {
	local q
	[ "$(nproc)" -ge 2 ] || skip "one processor: everything would come by one queue"
	for q in 0 1; do
		# ip netns exec, for once: /sys has to be that of the namespace
		ip netns exec "$PREFIX-$1" sh -c "echo $((1 << q)) >/sys/class/net/$2/queues/tx-$q/xps_cpus" 2>"$T/xps.log" ||
			skip "no XPS here: $(cat "$T/xps.log")"
	done
}

many_workers() { # NUMBER : gateway.workers of the gateway that starts next
	eval "$(declare -f gateway_yaml | sed '1s/gateway_yaml/plain_yaml/')"
	eval "gateway_yaml() { plain_yaml | sed 's/^  umem_frames:.*/&\n  workers: $1/'; }"
}

at_least() { # WHAT MINIMUM FOUND
	[ "$3" -ge "$2" ] || fail "$1: $3, expected at least $2"
}

attached() { # -> NICs in gw that have an XDP program
	local nic
	for nic in gwc0 gwp0 gw0; do
		case $(in_ns gw ip link show "$nic" 2>/dev/null) in *prog/xdp*) echo $nic ;; esac
	done
}

# ---- observers -------------------------------------------------------------------------------------
# No frame here is longer than 9000 bytes; tcpdump's buffer has room for so many of the length given by -s, and with 0
# (256 KiB) for some thirty.
capture_start() { # NAME NS NIC [FILTER]
	bg "tcpdump-$1" "$2" tcpdump -i "$3" -w "$T/$1.pcap" -s 9000 -U -B 16384 --immediate-mode -Z root "${4:-ip or ip6}"
	wait_for 5 grep -qs 'listening on' "$T/tcpdump-$1.log" || fail "tcpdump on $3: $(cat "$T/tcpdump-$1.log")"
}

captures_start() {
	[ $LAB_TOPOLOGY = host ] || capture_start core core core0
	capture_start carrier carrier carr0
}

captures_stop() {
	sleep 0.3 # what is under way arrives
	[ $LAB_TOPOLOGY = host ] || stop tcpdump-core INT
	stop tcpdump-carrier INT
	captures_lost
}

captures_lost() { # a test that looks for what tcpdump has lost cannot tell
	local f
	for f in "$T/tcpdump-core.log" "$T/tcpdump-carrier.log"; do
		[ -e "$f" ] || continue
		! grep -H '^[1-9][0-9]* packets\? dropped by' "$f" || echo "# tcpdump has lost packets: look there first"
	done
}

check_calls() { # ARGUMENT... of check_calls.py; result in $T/calls.txt
	python3 "$HERE/check_calls.py" "$T/core.pcap" "$T/carrier.pcap" --x5u "$X5U" --out "$T" "$@" >"$T/calls.txt" ||
		{ cat "$T/calls.txt"; exit 1; }
	cat "$T/calls.txt"
}

calls_value() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$T/calls.txt"; } # KEY

secsipidx_verify() { # IDENTITY_FILE : an implementation that shares nothing with ours
	secsipidx -check -fidentity "$1" -p "$T/sti/leaf.pem" -expire 300 -cert-verify 13 \
		-ca-file "$T/sti/root.pem" -ca-inter "$T/sti/intermediate.pem" >"$T/secsipidx.log" 2>&1 ||
		{ cat "$T/secsipidx.log"; fail "secsipidx refuses $1"; }
	grep -qx ok "$T/secsipidx.log" || fail "secsipidx does not say ok: $(cat "$T/secsipidx.log")"
}

# ---- SIP -------------------------------------------------------------------------------------------
host_of() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; } # ADDRESS as in a URI

has_port() { [ -n "$(in_ns "$1" ss -Hlun "sport = :$2")" ]; } # NS PORT

uas() { # SCENARIO ADDRESS [ARGUMENT...] : sipp at the carrier
	local scenario=$1 addr=$2
	shift 2
	bg uas carrier timeout 60 sipp -sf "$HERE/sipp/$scenario.xml" -i "$addr" -p 5060 -nostdin "$@"
	wait_for 5 has_port carrier 5060 || { tail -n 5 "$T/uas.log"; fail "sipp did not start at the carrier"; }
}

# uac - sipp at the core, one call unless -m says otherwise.  RURI, FROM, TO and EXTRA (rows behind the
# User-Agent, each begun with CRLF) in the environment replace what stands in the message.
uac() { # SCENARIO FROM TO [ARGUMENT...]
	local scenario=$1 from=$2 to=$3 host
	shift 3
	host=$(host_of "$to")
	( cd "$T" && in_ns core timeout 30 sipp "$host:5060" -sf "$HERE/sipp/$scenario.xml" -i "$from" -p 5070 \
		-nostdin -m 1 -recv_timeout 5000 -trace_err -error_file "$T/uac.err" \
		-key caller "$CALLER" -key ruri "${RURI:-sip:$CALLED@$host;user=phone}" \
		-key from "${FROM:-\"Front Desk\" <sip:$CALLER@$(host_of "$from");user=phone>}" \
		-key to "${TO:-<sip:$CALLED@$host;user=phone>}" -key extra "${EXTRA:-}" "$@" ) >"$T/uac.log" 2>&1 ||
		{ cat "$T/uac.err" 2>/dev/null; tail -n 30 "$T/uac.log"; fail "sipp scenario $scenario"; }
}

# invite_file FILE CALL-ID [REQUEST-URI] : an INVITE for `send`, with CRLF line ends
invite_file() {
	local uri=${3:-sip:$CALLED@$CARRIER4}
	sed 's/$/\r/' >"$1" <<-X
	INVITE $uri SIP/2.0
	Via: SIP/2.0/UDP $CORE4:5070;branch=z9hG4bK$2
	From: <sip:$CALLER@$CORE4>;tag=1
	To: <$uri>
	Call-ID: $2
	CSeq: 1 INVITE
	Contact: <sip:$CORE4:5070>
	Max-Forwards: 70
	Content-Length: 0

	X
}

send_invite() { # CALL-ID [REQUEST-URI]
	invite_file "$T/$1.sip" "$@"
	send_files "$CORE4:5070" "$CARRIER4:5060" "$T/$1.sip"
}

send_options() { # CALL-ID
	invite_file "$T/$1.sip" "$1"
	sed -i 's/INVITE/OPTIONS/' "$T/$1.sip"
	send_files "$CORE4:5070" "$CARRIER4:5060" "$T/$1.sip"
}

seen() { # CALL-ID [KEY] -> absent, signed N, unsigned N (at the carrier, so far); with KEY: look.py
	python3 "$HERE/look.py" "$T/carrier.pcap" "$@"
}

is_seen() { [ "$(seen "$1")" = "$2" ]; }

expect_seen() { # CALL-ID WANTED
	wait_for 2 is_seen "$@" || fail "$1 at the carrier: $(seen "$1"), expected $2"
}

sink_at() { # NS ADDR:PORT... : listens, so that nobody answers "port unreachable"
	local ns=$1
	shift
	bg "sink-$ns" "$ns" python3 "$HERE/udp.py" sink "$@"
	wait_for 5 grep -qs ready "$T/sink-$ns.log" || fail "sink: $(cat "$T/sink-$ns.log")"
}

udp_sink() { sink_at carrier "$@"; } # ADDR:PORT...

send_files() { # SRC DST ARGUMENT... of udp.py send
	in_ns core python3 "$HERE/udp.py" send "$@"
}

# ---- one call and what it shows ------------------------------------------------------------------------
# claims_of_call - one call through a fresh gateway (environment as for gateway_yaml and uac, and
# WITHOUT: keys, divided by |, that the trunk shall not have, or have as TRUNK says); then `claim` and
# `identity_verified` look at what arrived.
claims_of_call() {
	[ -d "$T/sti" ] || make_certs "$T/sti"
	TRUNK='' gateway_yaml | sed -E "/^    (${WITHOUT:--}):/d" >"$T/sipseal.yaml"
	printf '%s\n' "${TRUNK:-}" >>"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
	uas carrier_invite $CARRIER4 -m 1
	uac pbx_invite $CORE4 $CARRIER4
	captures_stop
	stats
	python3 "$HERE/check_claims.py" "$T/core.pcap" "$T/carrier.pcap" >"$T/claims.txt" || { cat "$T/claims.txt"; exit 1; }
	cat "$T/claims.txt"
}

claim() { # KEY WANTED
	expect "$1" "$2" "$(sed -n "s/^$1=//p" "$T/claims.txt")"
}

identity_verified() {
	sed -n 's/^identity=//p' "$T/claims.txt" >"$T/identity.txt"
	secsipidx_verify "$T/identity.txt"
}

# ---- runner ----------------------------------------------------------------------------------------
. "$HERE/invariants.sh"

# The end of a test: processes stop, the gateway last, if it passed what has to hold is looked at, and the lab goes.
end_one() { # STATUS : -> what does not hold
	local gateway
	gateway=$(cat "$T/gateway.pid" 2>/dev/null)
	if [ "$1" = 0 ]; then
		stop_all "$gateway"
		inv_sums
	fi
	stop_all
	inv_processes
	lab down >/dev/null 2>"$T/down.err" || sed 's/^/left behind: /' "$T/down.err"
	inv_left
}

run_one() { # FUNCTION -> line, 0 unless it failed
	local fn=$1 log=$T/test.log rc why ends
	(
		set -Eeuo pipefail
		trap 'echo "FAIL: line $LINENO: $BASH_COMMAND"' ERR
		"$fn"
	) >"$log" 2>&1
	rc=$?
	why=$(grep -a -m 1 -E '^(FAIL|SKIP): ' "$log" | cut -d' ' -f2-)
	if [ $rc != 0 ] && [ $rc != 77 ] && [ -n "${DEBUG:-}" ] && [ -t 0 ]; then
		echo "# $fn failed: $why; files in $T, lab $PREFIX (scripts/lab.sh shell gw --prefix $PREFIX); exit to go on"
		( cd "$T" && exec "${SHELL:-/bin/sh}" )
	fi
	ends=$(end_one $rc)
	if [ -n "$ends" ] && { [ $rc = 0 ] || [ $rc = 77 ]; }; then
		rc=1 why=${ends%%$'\n'*}
		printf '%s\n' "$ends" >>"$log"
	fi
	case $rc in
	0)
		echo "ok $NAME/${fn#test_}"
		grep -a '^# ' "$log" | sed 's/^/    /'
		[ ! -s "$T/report" ] || cat "$T/report" ;;
	77) echo "skip $NAME/${fn#test_}: $why" ;;
	*)
		echo "not ok $NAME/${fn#test_}: ${why:-exit status $rc}"
		sed 's/^/    | /' "$log"
		[ ! -s "$T/gateway.log" ] || tail -n 20 "$T/gateway.log" | sed 's/^/    gateway| /' ;;
	esac
	[ $rc = 0 ] || [ $rc = 77 ]
}

between_tests() { # a fresh lab: nothing of one test is seen by the next
	find "$T" -mindepth 1 -maxdepth 1 ! -name pids -exec rm -rf {} +
	lab down && lab up
}

run_tests() { # [NAME...]
	local fns fn bad=0
	[ "$(id -u)" = 0 ] || { echo "skip $NAME: not root"; exit 0; }
	T=$(mktemp -d "/tmp/sipseal-$NAME.XXXXXX")
	: >"$T/pids"
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	if [ $# -gt 0 ]; then
		fns=$(printf 'test_%s\n' "$@")
	else
		fns=$(grep -oE '^test_[a-z0-9_]+' "$0")
	fi
	for fn in $fns; do
		if ! between_tests; then echo "not ok $NAME/${fn#test_}: the lab could not be made"; bad=1; continue; fi
		# not `run_one || ...`: behind that bash would let the test go on after a command that fails
		run_one "$fn"
		[ $? = 0 ] || bad=1
	done
	exit $bad
}
