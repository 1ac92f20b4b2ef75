#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What breaks, and what still crosses then: a table.  Each row breaks one thing, sends probes of each kind from twelve
# ports (probes.py), mends it, and looks whether calls are signed again, nothing was signed late and the sums hold.
# STATES="..." in the environment: only these rows.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/faultlib.sh"

# state           ordinary INVITEs, on_signer_failure drop | pass       their reasons
TABLE='
signer_killed     absent          unsigned          signer_down_dropped  signer_down
worker_hung       signed+absent   signed+unsigned   signer_down_dropped  signer_down
signer_stopped    absent          unsigned          signer_down_dropped  signer_down
daemon_killed     absent          unsigned          signer_down_dropped  signer_down
both_killed       absent          unsigned          signer_down_dropped  signer_down
carrier_link_down absent          absent            -                    -
core_link_down    absent          absent            -                    -
links_flapped     signed          signed            -                    -
ring_overflow     not-unsigned    any               -                    -
umem_exhausted    not-unsigned    any               -                    -
disk_full         signed          signed            -                    -
clock_back        signed          signed            -                    -
clock_forward     signed          signed            -                    -
clock_past_end    unsigned        unsigned          certificate_invalid  certificate_invalid
'

# ---- breaking and mending ---------------------------------------------------------------------------------
# The signer's program is away meanwhile, or it would be there again 100 ms later.
break_signer_killed() {
	mv "$T/libexec/sipseal-signer" "$T/libexec/away"
	kill -KILL "$(signer_pid)"
	wait_for 5 grep -qs event=signer_died "$T/gateway.log"
}
mend_signer_killed() { mv "$T/libexec/away" "$T/libexec/sipseal-signer"; }

break_worker_hung() {
	bg hang gw python3 "$HERE/hang.py" "$(signer_pid)" 1
	wait_for 5 grep -qs hangs "$T/hang.log" || fail "hang.py: $(cat "$T/hang.log")"
	sleep 0.7 # heartbeat_ms is 500
}
mend_worker_hung() { stop hang; }

break_signer_stopped() {
	signer_pid >"$T/stopped"
	kill -STOP "$(cat "$T/stopped")"
	sleep 0.7
}
mend_signer_stopped() { kill -CONT "$(cat "$T/stopped")" 2>/dev/null || :; } # the watchdog may have replaced it

break_daemon_killed() {
	local signer
	signer=$(signer_pid)
	kill -KILL "$(pid_of gateway)"
	wait_for 5 is_dead "$signer" || fail "the signer outlived its daemon"
	sleep 0.7 # heartbeat_ms is 500: the kernel closes socket after socket, and nobody is there to tell XDP
}
mend_daemon_killed() { start_gateway "$T/sipseal.yaml"; }

break_both_killed() {
	local signer
	signer=$(signer_pid)
	kill -KILL "$signer" "$(pid_of gateway)"
	wait_for 5 is_dead "$signer"
	sleep 0.7
}
mend_both_killed() { start_gateway "$T/sipseal.yaml"; }

break_carrier_link_down() { ip -n "$PREFIX-gw" link set gwp0 down; }
mend_carrier_link_down() { ip -n "$PREFIX-gw" link set gwp0 up; }
# The sender must not keep what it could not send, and send it later itself.
break_core_link_down() {
	local mac
	mac=$(ip -n "$PREFIX-gw" -j link show gwc0 | jq -r '.[0].address')
	ip -n "$PREFIX-core" neigh replace 10.66.1.1 lladdr "$mac" dev core0 nud permanent
	ip -n "$PREFIX-gw" link set gwc0 down
}
mend_core_link_down() { ip -n "$PREFIX-gw" link set gwc0 up; }

break_links_flapped() {
	local nic
	for _ in 1 2 3 4; do
		for nic in gwp0 gwc0; do ip -n "$PREFIX-gw" link set $nic down; done
		for nic in gwp0 gwc0; do ip -n "$PREFIX-gw" link set $nic up; done
	done
}
mend_links_flapped() { :; }

# The signer stands still for less than heartbeat_ms, if the machine is quick: its rings fill.  What is in them when it goes on
# still arrives, emergency calls in any case.
break_ring_overflow() {
	signer_pid >"$T/stopped"
	kill -STOP "$(cat "$T/stopped")"
	in_ns core "$O/bench/sipflood" --from $CORE4 --to $CARRIER4:5060 --count 6000 >"$T/flood.json" || fail "sipflood"
}
probed_ring_overflow() { mend_signer_stopped; }
mend_ring_overflow() { wait_for 5 has_ring_drops || fail "no ring ran over"; }
has_ring_drops() {
	stats
	[ "$(jq .sums.ring_drops "$T/stats.json")" -gt "$ring_drops" ]
}

break_umem_exhausted() {
	sed -i 's/umem_frames: .*/umem_frames: 256/' "$T/sipseal.yaml"
	restart
	ring_drops=0
	break_ring_overflow
}
probed_umem_exhausted() { mend_signer_stopped; }
mend_umem_exhausted() {
	mend_ring_overflow
	at_least "frames that found no chunk" 1 "$(jq '[.signer.rings[].rx_fill_empty] | add' "$T/stats.json")"
	sed -i 's/umem_frames: .*/umem_frames: 1024/' "$T/sipseal.yaml"
	restart
}

# State, trunks, events and the fetcher's cache stand on a disk of 1 MiB.
break_disk_full() {
	mkdir -p "$T/disk"
	mount -t tmpfs -o size=1m none "$T/disk"
	mkdir "$T/disk/trunks.d" "$T/disk/state" "$T/disk/cache"
	chown 65534:65534 "$T/disk/cache"
	chmod 711 "$T"
	mv "$T/state" "$T/state.kept"
	ln -s "$T/disk/state" "$T/state"
	cp "$T/sipseal.yaml" "$T/kept.yaml"
	sed -i "s|trunks_dir:.*|trunks_dir: $T/disk/trunks.d|; s|metrics: off|&\n  events_file: $T/disk/events|
		s|  key_path:.*|&\n  trust_anchors: root.pem|" "$T/sipseal.yaml"
	echo "fetch: { cache_dir: $T/disk/cache }" >>"$T/sipseal.yaml"
	restart
	dd if=/dev/zero of="$T/disk/fill" bs=4k 2>/dev/null || :
	exits 1 sipseal trunk add more "carrier.peers=192.0.2.1:5060" attestation=B origid=x
	grep -qi "no space" "$T/out" "$T/err" || fail "a full disk is not named: $(cat "$T/out" "$T/err")"
	expect "trunks" 1 "$(sipseal -j trunk list | jq '.trunks | length')"
	restart # it has to come up without a byte to write
}
mend_disk_full() {
	rm "$T/disk/fill"
	sipseal trunk add more "carrier.peers=192.0.2.1:5060" attestation=B origid=x >"$T/out"
	sipseal trunk remove more >"$T/out"
	mv "$T/kept.yaml" "$T/sipseal.yaml"
	rm "$T/state"
	mv "$T/state.kept" "$T/state"
	restart
	umount "$T/disk"
}

# The clock of this gateway alone (clockstep.c): the machine's belongs to all.
clock_begin() {
	local lib=$T/clock
	mkdir -p "$lib/real" "$T/stepped"
	gcc -O2 -shared -fPIC -o "$lib/clockstep.so" "$HERE/clockstep.c"
	gcc -O2 "-DWRAP=\"$lib\"" -o "$T/stepped/sipseal-signer" "$HERE/clockstep.c"
	cp "$O/sipseal-signer" "$lib/real/"
	ln -s "$O/sipseal-fetcher" "$T/stepped/sipseal-fetcher"
	head -c 8 /dev/zero >"$lib/step"
	chmod 711 "$T" # the signer runs as somebody else
}
# Rows behind the first run on the same gateway.
clock_step() { # SECONDS
	if [ ! -d "$T/clock" ]; then
		clock_begin
		LIBEXEC=$T/stepped restart env LD_PRELOAD="$T/clock/clockstep.so" CLOCK_STEP="$T/clock/step"
		recovered # signed by the clock of all
	fi
	clock_set "$1"
}
clock_set() { # SECONDS
	python3 -c 'import struct, sys; f = open(sys.argv[1], "r+b"); f.write(struct.pack("q", int(sys.argv[2])))' \
		"$T/clock/step" "$1"
}
mend_clock() { clock_set 0; }
# further back our certificate is not valid yet (`sipseal cert lab`: since 300 s)
break_clock_back() { clock_step -200; }
mend_clock_back() { mend_clock; }
break_clock_forward() { clock_step 7200; }
mend_clock_forward() { mend_clock; }
break_clock_past_end() { clock_step 1000000000; }
mend_clock_past_end() { mend_clock; }

# iat of what was signed is that of the stepped clock
iat_is_off_by() { # NAME SECONDS
	local iat now
	iat=$(seen "$1.plain.5070" iat) now=$(date +%s)
	[ $((iat - now - $2)) -ge -30 ] && [ $((iat - now - $2)) -le 2 ] || fail "iat $iat at $now, expected $2 s beside it"
}
look_clock_back() { iat_is_off_by "$state" -200; }
look_clock_forward() { iat_is_off_by "$state" 7200; }

# ---- one row -----------------------------------------------------------------------------------------------
restart() { # [PROGRAM PREFIX...]
	stop gateway
	gateway_start "$T/sipseal.yaml" "$@"
	wait_for 10 gateway_is_ready
	is_alive "$(pid_of gateway)" || { cat "$T/gateway.log"; fail "the gateway does not come up"; }
}

probe() { in_ns core python3 "$HERE/probes.py" send $CORE4 $CARRIER4 "$@"; } # NAME [KIND...]

look() { # NAME : its figures as variables
	python3 "$HERE/probes.py" look "$T/carrier.pcap" "$1" >"$T/look" || fail "probes.py: $(cat "$T/look")"
	eval "local $(cat "$T/look")"
	printf '%s\n' "signed $signed unsigned $unsigned mixed $mixed absent $absent late $late sos $sos reinvite $reinvite" \
		"options $options media $media resigned $resigned" | xargs -n 2 >"$T/look"
}
value() { sed -n "s/^$1 //p" "$T/look"; } # KEY

all_signed() { # NAME
	probe "$1" plain
	sleep 0.2
	look "$1"
	[ "$(value signed)" = 12 ]
}

again=0
is_well() { all_signed "again$((++again))"; }
recovered() { wait_for 12 is_well || fail "$state: calls are not signed again: $(xargs <"$T/look")"; }

outcome() { # -> what became of the ordinary INVITEs
	local k out=
	for k in signed unsigned absent mixed; do
		[ "$(value $k)" = 0 ] || out+="+$k"
	done
	echo "${out#+}"
}

is_wanted() { # WANTED FOUND
	case $1 in
	any) ;;
	not-unsigned) case +$2+ in *+unsigned+*|*mixed*) return 1 ;; esac ;;
	*) [ "$1" = "$2" ] ;;
	esac
}

reason_count() { # WORD
	stats
	echo $(($(xdp_count "$1") + $(signer_count "$1")))
}

has_link() { case $1 in *_link_down) return 1 ;; esac; } # STATE: can anything cross?

arrived() { # NAME : what must cross in any state
	look "$1"
	[ "$(value sos)" = 24 ] && [ "$(value reinvite)" = 12 ] && [ "$(value options)" = 12 ] && [ "$(value media)" = 24 ]
}

row() { # STATE WANTED REASON
	local state=$1 ring_drops before=0 found n
	stats
	ring_drops=$(jq .sums.ring_drops "$T/stats.json")
	[ "$3" = - ] || before=$(reason_count "$3")
	"break_$state"
	probe "$state"
	! declare -F "probed_$state" >/dev/null || "probed_$state"
	if has_link "$state"; then
		wait_for 2 arrived "$state" || fail "$state: $(xargs <"$T/look")"
	else
		sleep 0.2
	fi
	look "$state"
	found=$(outcome)
	is_wanted "$2" "$found" || fail "$state: ordinary INVITEs are $found, expected $2"
	if [ "$3" = certificate_invalid ]; then # of a process that ends with its state
		at_least "$state: $3" 12 "$(reason_count "$3")"
	fi
	! declare -F "look_$state" >/dev/null || "look_$state"
	"mend_$state"
	if ! has_link "$state"; then # the next copy arrives
		sleep 0.1
		probe "$state" sos reinvite options media
		wait_for 2 arrived "$state" || fail "$state: $(xargs <"$T/look")"
	fi
	recovered
	look "$state"
	case $2 in
	*absent*|*unsigned*) # and not afterwards, either
		[ "$2" = not-unsigned ] || expect "$state: ordinary INVITEs later" "$found" "$(outcome)" ;;
	esac
	expect "$state: signed late" 0 "$(value late)"
	expect "$state: re-INVITEs signed" 0 "$(value resigned)"
	n=-
	if [ "$3" != - ] && [ "$3" != certificate_invalid ]; then
		n=$(($(reason_count "$3") - before))
		at_least "$state: $3" $((12 - $(value signed))) $n
	fi
	expect_sums
	stats
	expect "$state: frames lost" 0 "$(signer_value frames_lost)"
	report "$(printf '%-4s %-17s %-22s sos %s/24 re-INVITE %s/12 OPTIONS %s/12 media %s/24 late %s  %s %s' "$policy" "$state" \
		"$found" "$(value sos)" "$(value reinvite)" "$(value options)" "$(value media)" "$(value late)" "${3/#-/}" "${n/#-/}")"
}

begin() { # POLICY
	make_certs "$T/sti"
	mkdir -p "$T/libexec"
	LIBEXEC=$T/libexec
	ln -s "$O"/sipseal-{signer,fetcher} "$T/libexec"
	ON_FAILURE=$1 gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0 'udp src portrange 5070-5081'
	udp_sink $CARRIER4:5060 $CARRIER4:7000
	trap 'umount -l "$T/disk" 2>/dev/null || :' EXIT
}

matrix() { # POLICY COLUMN
	local state policy=$1 words
	bench_programs sipflood
	begin "$1"
	state=begin recovered # as each row ends
	while read -r -a words; do
		[ ${#words[@]} = 5 ] || continue
		state=${words[0]}
		case " ${STATES:-$state} " in *" $state "*) row "$state" "${words[$2]}" "${words[$(($2 + 2))]}" ;; esac
	done <<<"$TABLE"
}

test_drop() { matrix drop 1; }
test_pass() { matrix pass 2; }

# Nobody wakes the worker: the daemon finds it and starts another signer.
test_hung_worker_is_replaced() {
	begin drop
	break_worker_hung
	wait_for 12 grep -qs 'event=signer_hung' "$T/gateway.log" || fail "nobody noticed"
	state=hung recovered
	stats
	expect "signer restarts" 1 "$(signer_value restarts)"
}

run_tests "$@"
