#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A location and the bodies that a call can have: which are wrapped, extended, left alone.
. "$(dirname "$0")/lib.sh"

ADDRESS='{ country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }'
DIGEST='Proxy-Authorization: Digest username="a", realm="b", nonce="c", uri="sip:d", nc=1, response="f", qop='
SDP=$'v=0\r\no=- 1 1 IN IP4 10.66.1.2\r\ns=-\r\nc=IN IP4 10.66.1.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n'

begin() { # LINES of geolocation
	make_certs "$T/sti"
	TRUNK="    extras:
      geolocation:
        default_civic_address: $ADDRESS
        ${1:-}" gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $CARRIER4:5060
}

with_body() { # CALL-ID ROWS BODY : an INVITE with these rows and this body
	invite_file "$T/$1.sip" "$1" ${URI:-}
	python3 - "$T/$1.sip" "$2" "$3" <<-P
		import os, sys
		data = open(sys.argv[1], "rb").read()
		rows, body = (os.fsencode(a) for a in sys.argv[2:])
		data = data.replace(b"Content-Length: 0\r\n", rows + b"Content-Length: %d\r\n" % len(body))
		open(sys.argv[1], "wb").write(data + body)
	P
	send_files $CORE4:5070 $CARRIER4:5060 "$T/$1.sip"
}

arrived() { # CALL-ID : the message, in $T/CALL-ID.out
	expect_seen "$1" "${2:-signed 1}"
	python3 - "$T/carrier.pcap" "$1" >"$T/$1.out" <<-P
		import sys
		sys.path.insert(0, "$HERE")
		import pcap, sipmsg
		for d in pcap.datagrams(sys.argv[1]):
		    if sipmsg.Message(d.payload).value("call-id") == sys.argv[2].encode():
		        sys.stdout.buffer.write(d.payload)
		        break
	P
}

parts() { # CALL-ID -> types of the parts of a multipart/mixed, by a MIME reader that is not ours
	python3 - "$T/$1.out" <<-P
		import email, sys
		data = open(sys.argv[1], "rb").read()
		m = email.message_from_bytes(data.partition(b"\r\n")[2])
		head, _, body = data.partition(b"\r\n\r\n")
		assert int(m["Content-Length"]) == len(body), "Content-Length"
		def show(m):
		    if not m.is_multipart():
		        return m.get_content_type()
		    return m.get_content_subtype() + "(" + " ".join(show(p) for p in m.get_payload()) + ")"
		print(show(m))
	P
}

holds_sdp() { # CALL-ID : the bytes of the SDP stand between delimiters
	python3 - "$T/$1.out" "$SDP" <<-P || fail "the SDP is not byte-identical"
		import os, sys
		data = open(sys.argv[1], "rb").read()
		sys.exit(data.count(b"\r\n\r\n" + os.fsencode(sys.argv[2]) + b"\r\n--") != 1)
	P
}

rows() { # CALL-ID NAME -> how many rows of this name
	sed '/^\r$/q' "$T/$1.out" | grep -ciE "^$2[ ]*:" || :
}

unchanged_body() { # CALL-ID : no location, the body as it was
	arrived "$1"
	expect "Geolocation rows" 0 "$(rows "$1" Geolocation)"
	cmp <(sed '1,/^\r$/d' "$T/$1.sip") <(sed '1,/^\r$/d' "$T/$1.out") || fail "the body changed"
}

clean_for_tshark() {
	captures_stop
	local f=$T/carrier.pcap
	expect "malformed" 0 \
		"$(tshark -r "$f" -Y 'sip && (_ws.malformed || _ws.expert.severity == "Error")' 2>/dev/null | wc -l)"
	stats
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

test_kinds_of_body() {
	begin
	local mixed
	mixed=$'preamble\r\n--bb\r\nContent-Type: application/sdp\r\n\r\n'$SDP$'\r\n--bb\r\n'
	mixed+=$'Content-Type: application/x-private\r\nContent-Disposition: signal;handling=optional'
	mixed+=$'\r\n\r\n\x01\x10\x48\r\n--bb--\r\nepilogue'
	with_body none '' ''
	with_body sdp $'c: application/sdp\r\nContent-Disposition: session\r\n' "$SDP"
	with_body mixed $'Content-Type: multipart/mixed;boundary="bb"\r\n' "$mixed"
	with_body signed $'Content-Type: multipart/signed;boundary=bb;protocol="application/x"\r\n' "$mixed"
	with_body encoded $'Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n' "$SDP"
	with_body authint "$DIGEST"$'auth-int\r\nContent-Type: application/sdp\r\n' "$SDP"
	with_body auth "$DIGEST"$'auth\r\nContent-Type: application/sdp\r\n' "$SDP"
	with_body located $'Geolocation: <https://loc.example/1>\r\nContent-Type: application/sdp\r\n' "$SDP"
	arrived none
	expect "no body" "mixed(application/pidf+xml)" "$(parts none)"
	arrived sdp
	expect "SDP" "mixed(application/sdp application/pidf+xml)" "$(parts sdp)"
	holds_sdp sdp
	sed '1,/^\r$/d' "$T/sdp.out" | grep -aqi $'^Content-Disposition: session\r$' ||
		fail "Content-Disposition did not move into the part"
	arrived mixed
	expect "multipart" "mixed(application/sdp application/x-private application/pidf+xml)" "$(parts mixed)"
	holds_sdp mixed
	grep -aq $'^\x01\x10\x48\r$' "$T/mixed.out" || fail "the private part changed"
	grep -aq '^preamble' "$T/mixed.out" && grep -aq '^epilogue' "$T/mixed.out" || fail "preamble or epilogue lost"
	unchanged_body signed
	unchanged_body encoded
	unchanged_body authint
	arrived auth
	expect "qop=auth" "mixed(application/sdp application/pidf+xml)" "$(parts auth)"
	arrived located
	expect "Geolocation rows where there was one" 1 "$(rows located Geolocation)"
	expect "Geolocation-Routing where the location is not ours" 0 "$(rows located Geolocation-Routing)"
	grep -aq '^Geolocation: <https://loc.example/1>' "$T/located.out" || fail "the location of the call changed"
	clean_for_tshark
}

test_existing_replace() {
	begin "existing: replace"
	with_body located $'Geolocation: <https://loc.example/1>\r\nContent-Type: application/sdp\r\n' "$SDP"
	arrived located
	expect "Geolocation rows" 1 "$(rows located Geolocation)"
	grep -aq '^Geolocation: <cid:' "$T/located.out" || fail "the location is not ours"
	expect "parts" "mixed(application/sdp application/pidf+xml)" "$(parts located)"
	holds_sdp located
	clean_for_tshark
}

test_no_routing() {
	begin "geo_priv_routing: none"
	with_body sdp $'Content-Type: application/sdp\r\n' "$SDP"
	arrived sdp
	expect "Geolocation rows" 1 "$(rows sdp Geolocation)"
	expect "Geolocation-Routing rows" 0 "$(rows sdp Geolocation-Routing)"
}

test_only_emergency_calls() {
	begin "attach: emergency"
	with_body plain $'Content-Type: application/sdp\r\n' "$SDP"
	URI=urn:service:sos with_body urn $'Content-Type: application/sdp\r\n' "$SDP"
	URI=sip:911@$CARRIER4 with_body number $'Content-Type: application/sdp\r\n' "$SDP"
	URI=URN:service:SOS.fire with_body upper $'Content-Type: application/sdp\r\n' "$SDP"
	unchanged_body plain
	local id
	for id in urn number upper; do
		arrived $id
		expect "$id" "mixed(application/sdp application/pidf+xml)" "$(parts $id)"
		expect "$id: Geolocation-Routing rows" 1 "$(rows $id Geolocation-Routing)"
	done
	clean_for_tshark
}

pidf() { # CALL-ID -> the document
	python3 - "$T/$1.out" <<-P
		import email, sys
		m = email.message_from_bytes(open(sys.argv[1], "rb").read().partition(b"\r\n")[2])
		sys.stdout.buffer.write(m.get_payload()[-1].get_payload(decode=True))
	P
}

plain_times() { tr -d '\r' | sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/TIME/'; }

test_legacy_form() {
	begin "pidf: legacy"
	with_body sdp $'Content-Type: application/sdp\r\n' "$SDP"
	arrived sdp
	pidf sdp | plain_times >"$T/legacy.xml"
	diff <(plain_times <"$TOP/tests/data/location/legacy.xml") "$T/legacy.xml" || fail "not the legacy form"
	holds_sdp sdp
}

# Every civic key, and what has to be escaped.
test_all_civic_keys() {
	ADDRESS='{ country: us, region: CA, county: "Alameda & Co", city: "<Oakland>", '
	ADDRESS+='street: "101A Broad \"Way\"", postal: 94607, building: B1, floor: 3, unit: "12", room: "3.14", '
	ADDRESS+='landmark: "Old mill" }'
	begin
	with_body sdp $'Content-Type: application/sdp\r\n' "$SDP"
	arrived sdp
	pidf sdp >"$T/pidf.xml"
	xmllint --noout --relaxng "$TOP/tests/data/location/pidf-lo.rng" "$T/pidf.xml" || fail "PIDF-LO is not valid"
	local want='country=US A1=CA A2=Alameda & Co A3=<Oakland> RD=Broad "Way" HNO=101 HNS=A LMK=Old mill FLR=3 '
	want+='PC=94607 BLD=B1 UNIT=12 ROOM=3.14 '
	expect "civic address" "$want" \
		"$(python3 -c "
import sys, xml.etree.ElementTree as e
for c in e.parse('$T/pidf.xml').iter('{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}civicAddress'):
    for x in c: print(x.tag.split('}')[1] + '=' + x.text, end=' ')")"
}

run_tests "$@"
