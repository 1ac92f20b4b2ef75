#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Real calls through sipseal, from an empty Debian 12 to the verified Identity.
#
#   scripts/demo.sh
#
# Installs what is missing, builds, makes three network namespaces (core - gw - carrier), starts
# sipseald in gw, lets sipp call from core to carrier, and shows what happened to the INVITE; then
# calls back: one that is verified, and four that are not.
# Everything but the installed packages and build/ is removed in the end.
set -uo pipefail
case ${1:-} in
'') ;;
-h|--help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.." || exit 1
O=${O:-$PWD/build}
# shellcheck source=tests/lab/lib.sh
. tests/lab/lib.sh
# shellcheck source=tests/lab/inboundlib.sh
. tests/lab/inboundlib.sh
PREFIX=sipseal-demo$$

B='' N=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then B=$'\033[1;36m' N=$'\033[0m'; fi
say() { printf '\n%s== %s%s\n' "$B" "$*" "$N"; }

CALLER=scripts/demo.sh scripts/bootstrap.sh demo || exit 1

say "Build"
T=$(mktemp -d /tmp/sipseal-demo.XXXXXX)
: >"$T/pids"
trap cleanup EXIT
trap 'exit 130' INT TERM
make -j"$(nproc)" O="$O" >"$T/build.log" 2>&1 || { tail -n 40 "$T/build.log" >&2; exit 1; }
echo "   $O: sipseald, sipseal-signer, sipseal-fetcher, sipseal"

say "Lab network: a PBX (core), the gateway (gw), a carrier"
lab up
cat <<'X'
   PBX 10.66.1.2 ---- 10.66.1.1  gw: sipseald  10.66.2.1 ---- 10.66.2.2 carrier
        core0         gwc0                          gwp0      carr0
X

say "A lab certificate (root, intermediate, leaf with TNAuthList), its web server, a trunk, the gateway"
make_chains
server_start
TRUNK='    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }' \
	inbound_yaml >"$T/sipseal.yaml"
sed -n '/^certificates:/,$p' "$T/sipseal.yaml" | sed "s/^/   /"
start_gateway "$T/sipseal.yaml"

say "The call: INVITE, hold, BYE; then REGISTER with digest, OPTIONS and RTP"
captures_start
for s in call register options; do
	uas carrier_$s $CARRIER4 -m 1
	uac pbx_$s $CORE4 $CARRIER4
	stop uas
done
sink_at core $CORE4:6000
sink_at carrier $CARRIER4:7000
in_ns core python3 "$HERE/udp.py" rtp $CORE4:6000 $CARRIER4:7000 100
captures_stop
check_calls --location --location-routing --added Identity Date P-Asserted-Identity Privacy >/dev/null ||
	{ cat "$T/calls.txt"; exit 1; }
echo "   completed; every message but the INVITE arrived byte for byte as it was sent"

say "The INVITE before and after"
python3 "$HERE/show.py" invite "$T/core.pcap" "$T/carrier.pcap"

say "Its PASSporT"
python3 "$HERE/show.py" passport "$T/identity.0.txt" | sed 's/^/   /'

say "An independent implementation verifies it against the chain"
echo "   secsipidx -check -fidentity identity.txt -p leaf.pem -expire 300 -cert-verify 13 -ca-file root.pem -ca-inter intermediate.pem"
secsipidx_verify "$T/identity.0.txt"
sed 's/^/   /' "$T/secsipidx.log"

say "The location (PIDF-LO)"
xmllint --format "$T/pidf.0.xml" | sed 's/^/   /' || exit 1

say "What the gateway says of the call"
sipseal events | sed 's/^/   /'

say "Back: calls from the carrier, signed by secsipidx; the gateway fetches the certificate from $X5U"
identity() { # [ARGUMENT...] of secsipidx
	secsipidx -sign -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest A -orig-id "$(cat /proc/sys/kernel/random/uuid)" \
		-x5u "$X5U" -k "$T/sti/key.pem" "$@"
}
row() { printf '\r\nIdentity: %s;info=<%s>;alg=ES256;ppt=shaken' "$1" "$X5U"; } # TOKEN
captures_start
EXTRA=$(row "$(identity)") inbound_call -cid_str verified
EXTRA=$(row "$(identity)") FROM="<sip:+12155559999@$CARRIER4>" inbound_call -cid_str forged-number
EXTRA=$(row "$(identity | sed 's/.....$/AAAAA/')") inbound_call -cid_str forged-signature
EXTRA=$(row "$(identity -iat $(($(date +%s) - 3600)))") inbound_call -cid_str stale
EXTRA='' inbound_call -cid_str missing
captures_stop
python3 "$HERE/check_inbound.py" "$T/carrier.pcap" "$T/core.pcap" >/dev/null || exit 1
sipseal -j events >"$T/events.ndjson"
python3 "$HERE/show.py" results "$T/core.pcap" "$T/events.ndjson" | sed 's/^/   /'

say "The verified INVITE before and after"
python3 "$HERE/show.py" back "$T/carrier.pcap" "$T/core.pcap"

say "A trunk more, while it runs; and what a reload would change"
run() { # what is typed, and what it says
	echo "   \$ sipseal $*"
	sipseal "$@" 2>&1 | sed 's/^/   /'
}
run trunk add branch carrier.peers=192.0.2.10:5060 attestation=B max_cps=25
sed -i 's/^  heartbeat_ms: .*/  heartbeat_ms: 250/' "$T/sipseal.yaml"
run config reload --dry-run
run trunk list

say "Which way the packets went"
stats
printf '   %-46s %s\n' \
	"forwarded by XDP, in the kernel:" "$(xdp_count forwarded)" \
	"the hold re-INVITE, in the kernel, too:" "$(xdp_count in_dialog)" \
	"given to the signer (the INVITEs):" "$(xdp_count steered)" \
	"signatures made:" "$(signer_value signatures)" \
	"calls from the carrier that were verified:" "$(signer_count verified)" \
	"frames lost:" "$(signer_value frames_lost)"
echo
sipseal status | sed 's/^/   /'

say "Removing the lab"
stop_gateway
cleanup
echo "   done; 'scripts/test.sh' runs all tests"
