#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Several rx queues and workers: fragments may come by any queue, copies meet the same worker, a flow keeps its order.
export LAB_QUEUES=4
# a worker that stands still for some milliseconds, for the machine is busy, shall not make XDP limit the trunk: eight
# rings share what there is
export UMEM_FRAMES=8192
. "$(dirname "$0")/lib.sh"
. "$HERE/fraglib.sh"
FRAGS=

# the n-th fragment of a datagram is sent from processor n % 2
spread_fragments() { # NS NIC
	spread_queues "$@"
	FRAGS="--cpus 2"
}

queues_used() { # NIC -> rx queues that had more than a few packets
	in_ns gw ethtool -S "$1" | awk '/rx_queue_[0-9]+_xdp_packets:/ && $2 > 10 { n++ } END { print n + 0 }'
}

spread() { # WORKERS
	many_workers "$1"
	frag_start
	spread_fragments core core0
	spread_fragments carrier carr0
	frags spread
	at_least "queues of the core NIC" 2 "$(queues_used gwc0)"
	at_least "queues of the carrier NIC" 2 "$(queues_used gwp0)"
	expect "signed" 40 "$(signer_count signed)"
	expect "verified" 40 "$(signer_count verified)"
	expect "retransmission" 80 "$(signer_count retransmission)"
	expect "signatures" 40 "$(signer_value signatures)"
	expect "overflow" 0 "$(signer_count fragment_overflow)"
	expect "held" 0 "$(jq '.sums.fragments_held' "$T/stats.json")"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

test_two_workers() {
	spread 2
	all_verified 40
	at_least "fragments that went to another worker" 50 "$(signer_value mailed)"
}

test_four_workers() {
	spread 4
	at_least "fragments that went to another worker" 50 "$(signer_value mailed)"
}

test_one_worker() {
	spread 1
	expect "fragments that went to another worker" 0 "$(signer_value mailed)"
}

# A NIC with fewer queues than there are workers: only those who can send there own flows.
test_uneven() {
	many_workers 2
	in_ns gw ethtool -L gwp0 rx 1 tx 1
	in_ns carrier ethtool -L carr0 rx 1 tx 1
	frag_start
	spread_fragments core core0
	frags spread
	expect "signed" 40 "$(signer_count signed)"
	expect "left by the raw socket" 0 "$(signer_value sent_raw)"
}

test_order() {
	many_workers 2
	frag_start
	frags order
	expect "signed" 80 "$(signer_count signed)"
}

run_tests "$@"
