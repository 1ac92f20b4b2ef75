# shellcheck shell=bash disable=SC2034,SC2086,SC2119
# SPDX-License-Identifier: BSD-2-Clause
# inboundlib.sh - calls from the carrier: certificates, the server that has them, a gateway that verifies, and calls.
# Source it behind lib.sh.
. "$HERE/certlib.sh"

WEB=https://$CARRIER4:8443           # good TLS; 8444 another name, 8445 a CA that nobody knows, 8446 mute, 8449 nobody
X5U=$WEB/chain.pem
STRICT4=10.66.2.11                   # carrier of the trunk `strict`, which refuses
IN_CALLER=+12155551213 IN_CALLED=+18005550100

# ---- certificates ------------------------------------------------------------------------------------
# make_chains - $T/sti as of `cert lab` (the gateway's own, too), its root among the anchors, and what the server has.
make_chains() {
	make_certs "$T/sti"
	mkdir -p "$T/sti/anchors" "$T/www" "$T/cache"
	chmod 711 "$T"                   # sipseal-fetcher runs as somebody else
	own_cache "$T/cache"
	cp "$T/sti/root.pem" "$T/sti/anchors/lab.pem"
	cp "$T/sti/chain.pem" "$T/www/"
	web_ca
}

own_cache() { # DIR : the fetcher's user, as the unit's CacheDirectory= would have it
	if id sipseal-fetcher >/dev/null 2>&1; then chown sipseal-fetcher: "$1"; else chown 65534:65534 "$1"; fi
	chmod 700 "$1"
}

web_ca() { # the CA of the web, and certificates of the server
	local dir=$T/web name san
	mkdir -p "$dir"
	for name in ca other; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$dir/$name.key" -out "$dir/$name.pem" \
			-days 30 -subj "/CN=Lab web $name" -addext basicConstraints=critical,CA:TRUE 2>>"$T/ca.log"
	done
	openssl ecparam -name prime256v1 -genkey -noout -out "$dir/server.key"
	for name in "good ca IP:$CARRIER4,DNS:good.lab.example,DNS:turns.lab.example" "wrong ca DNS:wrong.lab.example" \
		"unknown other IP:$CARRIER4"; do
		set -- $name
		printf 'subjectAltName=%s\n' "$3" >"$dir/$1.ext"
		openssl req -new -key "$dir/server.key" -subj /CN=server -out "$dir/$1.csr" 2>>"$T/ca.log"
		openssl x509 -req -in "$dir/$1.csr" -CA "$dir/$2.pem" -CAkey "$dir/$2.key" -CAcreateserial -days 30 \
			-extfile "$dir/$1.ext" -out "$dir/$1.pem" 2>>"$T/ca.log" || { cat "$T/ca.log"; fail "web certificate $1"; }
	done
}

# more_chains - a second CA whose root is an anchor, too: $T/www/NAME.pem with key $T/keys/NAME.pem for what `cert lab`
# does not make.
TN_RANGE='1.3.6.1.5.5.7.1.26 = DER:3014a1123010160b3132313535353531323030020164' # 12155551200, 100 numbers
TN_OTHER='1.3.6.1.5.5.7.1.26 = DER:300fa20d160b3139393935353531323133'           # 19995551213
MUST_RCD='1.3.6.1.5.5.7.1.27 = DER:3009a00730051603726364'                               # JWTClaimConstraints: mustInclude rcd
more_chains() {
	mkdir -p "$T/keys"
	ca_new "$T/ca"
	ca_new "$T/stranger"
	cp "$T/ca/root.pem" "$T/sti/anchors/ca.pem"
	chain spc ca 86400 "$TNAUTH"
	printf '[e]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\n%s\n' "$TNAUTH" >"$T/req.cnf.spc"
	chain revoked ca 86400 "$TNAUTH"
	chain range ca 86400 "$TN_RANGE"
	chain other ca 86400 "$TN_OTHER"
	chain must ca 86400 "$TNAUTH"$'\n'"$MUST_RCD"
	chain bare ca 86400 ""
	chain broken ca 86400 '1.3.6.1.5.5.7.1.26 = DER:3084ffffffff'
	chain expired ca -60 "$TNAUTH"
	chain usage ca 86400 "$TNAUTH" leaf_usage
	chain stranger stranger 86400 "$TNAUTH"
	CURVE=secp384r1 chain p384 ca 86400 "$TNAUTH"
	echo "no certificate" >"$T/www/text.pem"
	printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >"$T/www/garbage.pem"
	cp "$T/sti/leaf.pem" "$T/www/leaf.pem"          # without the intermediate
	# one certificate, DER, of an anchor itself
	openssl x509 -req -in "$T/spc.csr" -CA "$T/ca/root.pem" -CAkey "$T/ca/root.key" -CAcreateserial -days 1 -extfile "$T/req.cnf.spc" \
		-extensions e -outform DER -out "$T/www/direct.der" 2>>"$T/ca.log" || { cat "$T/ca.log"; fail "direct.der"; }
}

chain() { # NAME CA SECONDS EXTENSION-LINE [SECTION]
	local name=$1 ca=$T/$2
	openssl ecparam -name "${CURVE:-prime256v1}" -genkey -noout | openssl pkcs8 -topk8 -nocrypt >"$T/keys/$name.pem" 2>/dev/null
	printf '[req]\ndistinguished_name = d\nreq_extensions = e\n[d]\n[e]\nnothing = x\n%s\n' "$4" | sed '/^nothing/d' >"$T/req.cnf"
	[ -n "$4" ] || sed -i '/req_extensions/d' "$T/req.cnf"
	openssl req -new -config "$T/req.cnf" -key "$T/keys/$name.pem" -subj "/C=US/O=Lab/CN=SHAKEN 1234" -out "$T/$name.csr" 2>>"$T/ca.log" ||
		{ cat "$T/ca.log"; fail "request $name"; }
	grep -q leaf_usage "$ca/ca.cnf" ||
		printf '%s\n' '[leaf_usage]' 'basicConstraints = critical,CA:FALSE' 'keyUsage = critical,keyEncipherment' \
			'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid' >>"$ca/ca.cnf"
	ca_issue "$ca" "$T/$name.csr" "$ca/$name" "$3" "${5:-leaf}"
	cp "$ca/$name/chain.pem" "$T/www/$name.pem"
}

make_crl() { # CA FILE [NAME...] : a CRL of the intermediate, with its certificate; those of NAME are revoked
	local ca=$1 file=$2 name
	shift 2
	for name in "$@"; do
		openssl ca -config "$ca/ca.cnf" -revoke "$ca/$name/leaf.pem" 2>"$T/ca.log" || grep -q 'Already revoked' "$T/ca.log" ||
			{ cat "$T/ca.log"; fail "openssl ca -revoke"; }
	done
	openssl ca -config "$ca/ca.cnf" -gencrl -crldays 7 -out "$file.new" 2>"$T/ca.log" || { cat "$T/ca.log"; fail "openssl ca -gencrl"; }
	cat "$ca/intermediate.pem" >>"$file.new"
	mv "$file.new" "$file"
}

# ---- servers -----------------------------------------------------------------------------------------
server_start() {
	touch "$T/web.log"
	bg server "${SERVER_NS:-carrier}" python3 "$HERE/certserver.py" --root "$T/www" --log "$T/web.log" \
		--tls "$T/web/good.pem" "$T/web/server.key" "${SERVER4:-}:8443" --tls "$T/web/wrong.pem" "$T/web/server.key" ":8444" \
		--tls "$T/web/unknown.pem" "$T/web/server.key" ":8445" --mute ":8446"
	wait_for 5 grep -qs ready "$T/server.log" || { cat "$T/server.log"; fail "the server of certificates did not start"; }
}

hits() { grep -c " $1\$" "$T/web.log" || :; } # PATH -> requests so far; - : connections

# dns_start NAME=ADDRESS... - at the address where this machine expects its name server, in gw
dns_start() {
	local addr
	addr=$(sed -n 's/^nameserver *\([0-9a-fA-F.:]*\).*/\1/p' /etc/resolv.conf | head -n 1)
	case $addr in
	'') addr=127.0.0.1 ;;
	127.*|::1) ;;
	*) in_ns gw ip addr add "$addr" dev lo ;;
	esac
	bg dns gw python3 "$HERE/dnsserver.py" "$addr" "$@"
	wait_for 5 grep -qs ready "$T/dns.log" || { cat "$T/dns.log"; fail "the name server did not start"; }
}

# ---- gateway -----------------------------------------------------------------------------------------
# inbound_yaml - gateway_yaml with what verifies.  Environment: VERIFY (verification of acme, the trunk that marks), STRICT
# (of strict, which refuses), CRL (certificates.crl), PRIVATE (fetch.allow_private_addresses), FETCH_MS, CACHE
inbound_yaml() {
	local more
	more="  trust_anchors: ${ANCHORS:-anchors}\n${CRL:+  crl: $CRL\n}fetch:\n  https_ca: ${HTTPS_CA:-$T/web/ca.pem}\n"
	more+="  timeout_ms: ${FETCH_MS:-2000}\n  allow_private_addresses: ${PRIVATE:-true}\n  cache_dir: \"${CACHE-$T/cache}\""
	gateway_yaml | sed "s|^  x5u: .*|&\n$more|"
	cat <<-X
	    verification: ${VERIFY:-{ verstat: pai \}}
	  - name: strict
	    carrier: { peers: ["$STRICT4:5060"] }
	$(gateway_core_peers)
	    attestation: B
	    default_country_code: "1"
	    verification: ${STRICT:-{ on_failure: reject, on_missing: reject \}}
	${MORE_TRUNKS:-}
	X
}

inbound_start() { # environment as for inbound_yaml; certificates and server unless they are there
	[ -d "$T/www" ] || make_chains
	[ -e "$T/server.pid" ] || server_start
	in_ns carrier ip addr replace $STRICT4/24 dev carr0
	inbound_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	wait_for 5 fetcher_is_up || { cat "$T/gateway.log"; fail "no sipseal-fetcher"; }
}

fetcher_pid() { pgrep -P "$(pid_of gateway)" -f sipseal-fetcher; }
fetcher_is_up() { fetcher_pid >/dev/null; }

# ---- calls -------------------------------------------------------------------------------------------
# calls [ARGUMENT...] - a table of calls (incall.py), from standard input
calls() {
	python3 "$HERE/incall.py" --prefix "$PREFIX" --control "$T/control.sock" --key "$T/sti/key.pem" --x5u "$X5U" --save "$T" "$@" \
		>"$T/calls.txt" || { cat "$T/calls.txt"; fail "calls: $(grep -m 1 -o 'FAIL: .*' "$T/calls.txt")"; }
	cat "$T/calls.txt"
}

event() { # CALL-ID JQ -> of its last event
	sipseal -j events | jq -rs --arg id "$1" "[.[] | select(.call_id == \$id)][-1] | $2"
}

# warm [URL...] : the gateway knows these certificates (default: the good one)
warm() {
	local url
	for url in "${@:-$X5U}"; do sipseal cert prefetch "$url" >"$T/prefetch.txt" || { cat "$T/prefetch.txt"; fail "prefetch $url"; }; done
	for url in "${@:-$X5U}"; do wait_for 5 is_known "$url" || { sipseal cert cache list; fail "$url is not known"; }; done
}
is_known() { sipseal -j cert cache list | jq -e --arg u "$1" 'any(.entries[]; .x5u == $u and .state == "good")' >/dev/null; }

# inbound_call - sipp at the carrier calls sipp at the core; environment as for uac, EXTRA: more rows
inbound_call() { # [ARGUMENT...]
	bg uas core timeout 60 sipp -sf "$HERE/sipp/carrier_invite.xml" -i $CORE4 -p 5060 -nostdin -m "${CALLS:-1}"
	wait_for 5 has_port core 5060 || { tail -n 5 "$T/uas.log"; fail "sipp did not start at the core"; }
	( cd "$T" && in_ns carrier timeout 30 sipp "$CORE4:5060" -sf "$HERE/sipp/pbx_invite.xml" -i $CARRIER4 -p 5060 \
		-nostdin -m "${CALLS:-1}" -recv_timeout 5000 -trace_err -error_file "$T/uac.err" \
		-key caller "$IN_CALLER" -key ruri "sip:$IN_CALLED@$CORE4;user=phone" \
		-key from "${FROM:-\"Bob\" <sip:$IN_CALLER@$CARRIER4;user=phone>}" \
		-key to "${TO:-<sip:$IN_CALLED@$CORE4;user=phone>}" -key extra "${EXTRA:-}" "$@" ) >"$T/uac.log" 2>&1 ||
		{ cat "$T/uac.err" 2>/dev/null; tail -n 30 "$T/uac.log"; fail "sipp"; }
	stop uas
}

marks_at_core() { # -> result rows that came to the core, one per line, from the wire
	tshark -r "$T/core.pcap" -d udp.port==5060,sip -Y 'sip.Method == "INVITE" && ip.dst == '$CORE4 -T fields -e sip.msg_hdr 2>/dev/null |
		sed 's/\\r\\n/\n/g; s/\\n/\n/g' | sed -n 's/^X-STIR-Result: //p'
}

# A call that secsipidx has signed; captures run, and end here.
verified_call() {
	local id
	id=$(secsipidx -sign-full -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest A -x5u "$X5U" -k "$T/sti/key.pem")
	EXTRA=$'\r\n'"Identity: $id" inbound_call
	captures_stop
	case $(marks_at_core | sort -u) in
	"STIR_VERIFIED;attest=A;origid="*) ;;
	*) fail "mark: $(marks_at_core)" ;;
	esac
}
