# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# loadlib.sh - calls by sipp that go on in the background.  Each test that uses it stops what it started.

load_start() { # NAME FROM TO RATE
	local name=$1 from=$2 to=$3 rate=$4 host
	bg "uas$name" carrier sipp -sf "$HERE/sipp/carrier_invite.xml" -i "$to" -p 5060 -nostdin
	wait_for 5 has_port carrier 5060 || fail "sipp did not start at the carrier"
	sleep 0.3
	host=$(host_of "$to")
	bg "uac$name" core sh -c "cd '$T' && exec sipp '$host:5060' -sf '$HERE/sipp/pbx_invite.xml' -i '$from' -p 5070 -nostdin \
		-r $rate -l 20000 -m 1000000 -trace_stat -stf '$T/$name.csv' -fd 1 -trace_err -error_file '$T/$name.err' \
		-key caller $CALLER -key ruri 'sip:$CALLED@$host;user=phone' \
		-key from '<sip:$CALLER@$(host_of "$from");user=phone>' -key to '<sip:$CALLED@$host;user=phone>' -key extra ''"
}

load_value() { # NAME HEAD -> of the last line of its statistics
	awk -F';' -v head="$2" 'NR == 1 { for (i = 1; i <= NF; i++) h[$i] = i } END { print $h[head] }' "$T/$1.csv"
}

load_stop() { # NAME : no new calls, those under way end; none may have failed
	kill -USR1 "$(pid_of "uac$1")"
	wait_for 20 is_dead "$(pid_of "uac$1")" || fail "calls of $1 do not end"
	echo "$1: $(load_value "$1" TotalCallCreated) calls, $(load_value "$1" 'FailedCall(C)') failed"
	expect "failed calls of $1" 0 "$(load_value "$1" 'FailedCall(C)')"
}
