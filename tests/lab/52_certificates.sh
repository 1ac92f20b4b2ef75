#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Certificates of a running gateway: shown, asked for, swapped, refused; and a key that has gone is gone.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/certlib.sh"
OTHER4=10.66.2.9
X5U_OWN=https://own.example/c.pem

# begin - the gateway with the certificate of $T/old, one call signed; $T/new is another.  Keys of the second trunk
# `own`, which has a certificate of its own, as arguments.
begin() {
	make_certs "$T/old"
	make_certs "$T/new"
	use "$T/old" "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	[ $# = 0 ] || with_own "$@"
	start_gateway "$T/sipseal.yaml"
	captures_start
	in_ns carrier ip addr add $OTHER4/24 dev carr0
	udp_sink $CARRIER4:5060 $OTHER4:5060
	signed_by before "$T/old"
}

with_own() {
	make_certs "$T/own"
	use "$T/own" "$T/sti/own"
	printf '  - name: own\n    carrier: { peers: ["%s:5060"] }\n    attestation: B\n' $OTHER4 >>"$T/sipseal.yaml"
	printf '    certificates: { cert_path: own/chain.pem, key_path: own/key.pem, x5u: "%s" }\n' "$X5U_OWN" >>"$T/sipseal.yaml"
	printf '    %s\n' 'default_country_code: "1"' "$@" >>"$T/sipseal.yaml"
}

certificate() { # JQ : of `cert show -j`
	sipseal -j cert show >"$T/show.json" || fail "cert show -j"
	jq -r "$1" "$T/show.json"
}

generation() { sipseal -j status | jq .generation; }

reload() { sipseal cert reload "$@" >"$T/reload.txt" 2>&1 || { cat "$T/reload.txt"; fail "cert reload $*"; }; }

test_show() {
	begin "mode: enforce"
	local serial
	serial=$(serial_of "$T/old/leaf.pem")
	expect "certificates" 2 "$(certificate '.certificates | length')"
	expect "serial" "$serial" "$(certificate '.certificates[] | select(.gateway) | .serial')"
	expect "what it is" "chain.pem key.pem ok true" \
		"$(certificate '.certificates[] | select(.gateway) | "\(.cert_path) \(.key_path) \(.level) \(.usable)"')"
	expect "TNAuthList" '[{"spc":"1234"}]' "$(certificate '.certificates[] | select(.gateway) | .tnauthlist | tojson')"
	expect "its users" '2 ["acme"]' "$(certificate '.certificates[] | select(.gateway) | "\(.users) \(.trunk_names)"')"
	expect "users of the other" '1 ["own"]' "$(certificate '.certificates[] | select(.gateway | not) | "\(.users) \(.trunk_names)"')"
	expect "x5u of the other" "$X5U_OWN" "$(certificate '.certificates[] | select(.gateway | not) | .x5u')"
	expect "end" "$(date -u -d "$(openssl x509 -in "$T/old/leaf.pem" -noout -enddate | cut -d= -f2)" +%FT%TZ)" \
		"$(certificate '.certificates[] | select(.gateway) | .not_after')"
	sipseal cert show >"$T/show.txt" || fail "cert show"
	grep -q "^CERTIFICATE *LEVEL *DAYS LEFT" "$T/show.txt" || fail "no table: $(cat "$T/show.txt")"
	grep -q "^chain.pem *ok .* 1234 *1 *$serial *$X5U" "$T/show.txt" || fail "no line of it: $(cat "$T/show.txt")"
	expect "status of curl" 200 "$(api GET /v1/certificates)"
	expect "what curl gets" "$(jq -S 'del(.certificates[].expires_in_s)' "$T/show.json")" \
		"$(jq -S 'del(.certificates[].expires_in_s)' "$T/api.json")"
	! grep -rq "PRIVATE" "$T"/show.* || fail "a key is shown"
}

# Key, chain and {serial} together: one generation, and the next call is signed by the new one alone.
test_swap() {
	X5U='https://cert.example/{serial}.pem'
	begin
	local was now
	was=$(serial_of "$T/old/leaf.pem")
	now=$(serial_of "$T/new/leaf.pem")
	grep -q "info=<https://cert.example/$was.pem>" "$T/before.identity" || fail "x5u: $(cat "$T/before.identity")"
	use "$T/new" "$T/sti"
	signed_by files_alone "$T/old"
	was="$was $(generation)"
	sipseal -j cert reload >"$T/reload.json" 2>"$T/reload.err" || fail "cert reload: $(cat "$T/reload.err")"
	expect "generation" $((${was#* } + 1)) "$(generation)"
	expect "the answer" "$(generation) ${was% *} $now" \
		"$(jq -r '"\(.generation) \(.certificates[0].old_serial) \(.certificates[0].serial)"' "$T/reload.json")"
	expect "warnings" '[]' "$(jq -c '[.warnings[] | select(.message | contains("x5u-unchanged"))]' "$T/reload.json")"
	signed_by after "$T/new"
	grep -q "info=<https://cert.example/$now.pem>" "$T/after.identity" || fail "x5u: $(cat "$T/after.identity")"
	! verifies_with "$T/old" "$T/after.identity" || fail "the old certificate verifies as well"
	grep -q "event=change what=certificates_reload uid=0 .*result=ok" "$T/gateway.log" || fail "the change is not logged"
	# as they are, once more: the same certificate, no warning
	reload
	grep -q "serial $now, read again" "$T/reload.txt" || fail "read again: $(cat "$T/reload.txt")"
	signed_by again "$T/new"
}

test_x5u_unchanged() {
	begin
	use "$T/new" "$T/sti"
	expect "status of curl" 200 "$(api POST /v1/certificates/reload '{}')"
	expect "key of the warning" certificates.x5u \
		"$(jq -r '.warnings[] | select(.message | contains("x5u-unchanged")) | .key' "$T/api.json")"
	signed_by after "$T/new"
	use "$T/old" "$T/sti"
	reload
	grep -q "warning: .*x5u-unchanged: .*24 h; {serial} in x5u avoids it" "$T/reload.txt" || fail "no warning: $(cat "$T/reload.txt")"
	reload
	! grep -q x5u-unchanged "$T/reload.txt" || fail "a warning though nothing changed: $(cat "$T/reload.txt")"
	signed_by back "$T/old"
}

# ---- bad sets --------------------------------------------------------------------------------------
ago() { date -u -d "$*" +%Y%m%d%H%M%SZ; }

bad_set() { # CURVE START END TNAUTH
	self_signed "$T/bad" "$1" "$(ago "$2")" "$(ago "$3")" "$4"
	use "$T/bad" "$T/sti"
}

bad_rsa() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/bad/key.pem" -out "$T/bad/chain.pem" -days 90 \
		-subj "/C=US/O=Lab/CN=SHAKEN 1234" -addext "basicConstraints=critical,CA:FALSE" \
		-addext "keyUsage=critical,digitalSignature" -addext "$TNAUTH" 2>"$T/rsa.log"
	use "$T/bad" "$T/sti"
}

bad_key_type() { # OPENSSL-ARGUMENT... : beside a good certificate
	openssl genpkey "$@" -out "$T/sti/key.new" 2>/dev/null
	chmod 600 "$T/sti/key.new"
	mv "$T/sti/key.new" "$T/sti/key.pem"
}

# refused WHAT CODE PATTERN COMMAND... : with the files that COMMAND leaves, `cert reload` is refused, and the certificate
# that was goes on
refused() {
	local what=$1 code=$2 pattern=$3 before
	shift 3
	use "$T/new" "$T/sti"
	"$@"
	before=$(generation)
	expect "$what: status of curl" 422 "$(api POST /v1/certificates/reload)"
	expect "$what: code" "$code" "$(jq -r .error.code "$T/api.json")"
	exits 5 sipseal cert reload
	grep -qE "$pattern" "$T/err" || fail "$what: the message does not say '$pattern': $(cat "$T/err")"
	! grep -q "BEGIN\|MII[A-Za-z0-9]" "$T/err" "$T/api.json" || fail "$what: the message quotes the file"
	expect "$what: generation" "$before" "$(generation)"
	expect "$what: serial" "$(serial_of "$T/old/leaf.pem")" "$(certificate '.certificates[0].serial')"
	number=$((number + 1))
	signed_by "refused$number" "$T/old"
	rm -rf "$T/sti/chain.pem" "$T/sti/key.pem"
}

test_bad_certificates() {
	local number=0
	mkdir "$T/bad"
	begin
	refused "P-384" certificate_refused "P-256" bad_set secp384r1 "1 day ago" "90 days" "$TNAUTH"
	refused "RSA" certificate_refused "P-256|sha256WithRSA" bad_rsa
	refused "expired" certificate_refused "expired" bad_set prime256v1 "90 days ago" "1 day ago" "$TNAUTH"
	refused "not yet valid" certificate_refused "valid only in" bad_set prime256v1 "2 days" "90 days" "$TNAUTH"
	refused "no TNAuthList" certificate_refused "TNAuthList" bad_set prime256v1 "1 day ago" "90 days" ""
	refused "missing intermediate" certificate_refused "was not issued by" chain_of leaf root
	refused "wrong order" certificate_refused "its issuer is certificate 3" chain_of leaf root intermediate
	refused "chain cut short" certificate_refused "cut short" truncate -s 700 "$T/sti/chain.pem"
	refused "chain empty" certificate_refused "no certificate" truncate -s 0 "$T/sti/chain.pem"
	refused "chain missing" certificate_refused "No such file" rm "$T/sti/chain.pem"
	refused "chain is a pipe" certificate_refused "no regular file" pipe_instead chain.pem
	grep -q "result=certificate_refused" "$T/gateway.log" || fail "refusals are not logged"
	use "$T/new" "$T/sti"
	reload
	signed_by after "$T/new"
}

test_bad_keys() {
	local number=0
	begin
	refused "no match" key_refused "does not match the certificate" use_key "$T/old/key.pem"
	refused "P-384 key" key_refused "not on curve P-256" bad_key_type -algorithm EC -pkeyopt ec_paramgen_curve:P-384
	refused "RSA key" key_refused "not on curve P-256" bad_key_type -algorithm RSA
	refused "encrypted key" key_refused "passphrase" encrypted_key
	refused "certificate for a key" key_refused "not a private key" use_key "$T/new/chain.pem"
	refused "key cut short" key_refused "cannot be decoded|not a private key" truncate -s 120 "$T/sti/key.pem"
	refused "key empty" key_refused "not a private key" truncate -s 0 "$T/sti/key.pem"
	refused "key for all to read" certificate_refused "readable by others.*0600" chmod 644 "$T/sti/key.pem"
	refused "key of the group" certificate_refused "readable by others" chmod 640 "$T/sti/key.pem"
	refused "key of somebody else" certificate_refused "owner root" chown 65534 "$T/sti/key.pem"
	refused "key missing" certificate_refused "No such file" rm "$T/sti/key.pem"
	refused "key outside" certificate_refused "leaves certificates.root" ln -sf "$T/new/key.pem" "$T/sti/key.pem"
	refused "key is a pipe" certificate_refused "no regular file" pipe_instead key.pem
	# refused files are no harm to a signer that starts anew: the key that signs is still held
	use "$T/new" "$T/sti"
	chmod 644 "$T/sti/key.pem"
	exits 5 sipseal cert reload
	new_signer
	signed_by restarted "$T/old"
	chmod 600 "$T/sti/key.pem"
	reload
	signed_by after "$T/new"
}

chain_of() { # NAME... : of the new certificate
	local name
	for name in "$@"; do cat "$T/new/$name.pem"; done >"$T/sti/chain.pem"
}

pipe_instead() { # NAME
	rm "$T/sti/$1"
	mkfifo -m 600 "$T/sti/$1"
}

use_key() { install -m 600 "$1" "$T/sti/key.pem"; } # FILE

encrypted_key() {
	openssl pkey -in "$T/new/key.pem" -aes256 -passout pass:secret -out "$T/sti/key.pem"
	chmod 600 "$T/sti/key.pem"
}

signer_runs() { # [PID] : another one than that
	sipseal -j status | jq -e --arg pid "${1:-0}" \
		'.signer | .state == "running" and .pid != 0 and .pid != ($pid | tonumber)' >"$T/signer_runs"
}

new_signer() { # kill it and wait for the next
	local pid
	pid=$(signer_pid)
	kill -KILL "$pid"
	wait_for 10 signer_runs "$pid" || fail "no signer runs"
}

# ---- trunks with certificates of their own ---------------------------------------------------------
test_reload_of_one_trunk() {
	begin "mode: enforce"
	signed_by own1 "$T/own" $OTHER4
	make_certs "$T/own2"
	use "$T/new" "$T/sti"
	use "$T/own2" "$T/sti/own"
	reload --trunk own
	expect "read again" "own/chain.pem" "$(sed -n 's/: serial.*//p' "$T/reload.txt")"
	signed_by own2 "$T/own2" $OTHER4
	signed_by common1 "$T/old"
	reload --trunk acme
	expect "read again" "chain.pem" "$(sed -n 's/: serial.*//p' "$T/reload.txt")"
	signed_by common2 "$T/new"
	signed_by own3 "$T/own2" $OTHER4
	# what is broken elsewhere does not stand in the way
	use "$T/own" "$T/sti/own"
	: >"$T/sti/chain.pem"
	reload --trunk own
	signed_by own4 "$T/own" $OTHER4
	exits 5 sipseal cert reload
	exits 4 sipseal cert reload --trunk nobody
	signed_by common3 "$T/new"
}

# The gateway's own certificate is never a trunk's second choice.
test_no_fallback() {
	begin "mode: enforce"
	use_own() { install -m 600 "$1" "$T/sti/own/key.pem"; }
	use_own "$T/old/key.pem"
	exits 5 sipseal cert reload --trunk own
	grep -q "does not match" "$T/err" || fail "not refused for its key: $(cat "$T/err")"
	signed_by own1 "$T/own" $OTHER4
	use "$T/own" "$T/sti/own"
	reload --trunk own
	# the very file that the daemon holds becomes another key, and the signer starts anew
	cat "$T/old/key.pem" >"$T/sti/own/key.pem"
	new_signer
	expect "level" key_refused "$(certificate '.certificates[] | select(.gateway | not) | .level')"
	grep -q "event=key_refused file=own/key.pem" "$T/gateway.log" || fail "the refused key is not logged"
	invite_to own2 $OTHER4
	expect_seen own2 "unsigned 1"
	signed_by common "$T/old"
	stats
	expect "certificate_missing or sign_failed" 1 $(($(signer_count certificate_missing) + $(signer_count sign_failed)))
	sipseal -j status | jq -e '.warnings[] | select(.code == "key_refused" and .level == "critical")' >/dev/null ||
		fail "status does not warn"
	use "$T/own" "$T/sti/own"
	reload --trunk own
	signed_by own3 "$T/own" $OTHER4
}

# ---- without a signer ------------------------------------------------------------------------------
test_no_signer() {
	mkdir "$T/libexec"
	cp "$O/sipseal-signer" "$T/libexec/"
	LIBEXEC=$T/libexec
	begin
	mv "$T/libexec/sipseal-signer" "$T/libexec/away"
	local pid
	pid=$(signer_pid)
	kill -KILL "$pid"
	wait_for 5 is_dead "$pid" || fail "the signer lives"
	use "$T/new" "$T/sti"
	expect "status of curl" 503 "$(api POST /v1/certificates/reload)"
	expect "code" signer_down "$(jq -r .error.code "$T/api.json")"
	exits 1 sipseal cert reload
	grep -q "signer.*key.pem\|key.pem.*signer" "$T/err" || fail "the message does not say why: $(cat "$T/err")"
	expect "serial" "$(serial_of "$T/old/leaf.pem")" "$(certificate '.certificates[0].serial')"
	mv "$T/libexec/away" "$T/libexec/sipseal-signer"
	wait_for 12 signer_runs || fail "no signer runs"
	signed_by restarted "$T/old"
	reload
	signed_by after "$T/new"
}

# The signer dies in the middle of it, again and again: each reload is done or refused, never half.
test_signer_dies_meanwhile() {
	begin
	local i now=old next=new rc swapped=0
	for i in 1 2 3 4 5 6; do
		use "$T/$next" "$T/sti"
		kill -KILL "$(signer_pid)"
		[ $((i % 2)) = 0 ] || sleep 0.1
		rc=0
		sipseal cert reload >"$T/reload.txt" 2>&1 || rc=$?
		case $rc in
		0) now=$next swapped=$((swapped + 1)) ;;
		1) grep -q signer_down "$T/reload.txt" || fail "refused for something else: $(cat "$T/reload.txt")" ;;
		*) fail "exit status $rc: $(cat "$T/reload.txt")" ;;
		esac
		wait_for 10 signer_runs || fail "no signer runs"
		signed_by "after$i" "$T/$now"
		next=$([ $now = old ] && echo new || echo old)
	done
	echo "$swapped of 6 reloads were done"
	use "$T/$next" "$T/sti"
	reload
	signed_by last "$T/$next"
}

# ---- expiry ----------------------------------------------------------------------------------------
ends_in() { # TIME
	mkdir -p "$T/end"
	self_signed "$T/end" prime256v1 "$(ago "60 days ago")" "$(ago "$1")" "$TNAUTH"
	use "$T/end" "$T/sti"
}

warned() { sipseal -j status | jq -r '[.warnings[] | select(.code == "certificate_expires") | .level] | join(" ")'; }

said() { grep -c "event=certificate_expires file=chain.pem" "$T/gateway.log" || :; }

test_expiry() {
	local days level show n=0
	ends_in "40 days"
	start_gateway
	expect "warnings at 40 days" "" "$(warned)"
	expect "level at 40 days" "ok" "$(certificate '.certificates[0].level')"
	expect "log at 40 days" 0 "$(said)"
	for days in "29 days:notice:28" "6 days:warning:5" "20 hours:critical:0"; do
		IFS=: read -r days level show <<<"$days"
		ends_in "$days"
		reload
		n=$((n + 1))
		expect "warnings at $days" "$level" "$(warned)"
		expect "level at $days" "expires" "$(certificate '.certificates[0].level')"
		at_least "days left at $days" "$show" "$(certificate '.certificates[0].days_left')"
		wait_for 2 eval "[ \$(said) = $n ]" || fail "$days: said $(said) times, expected $n"
		sipseal cert show | grep -q "^chain.pem: expires" || fail "cert show does not warn at $days"
		sipseal status | grep -q "chain.pem: expires in" || fail "status does not warn at $days"
		sipseal trunk list >/dev/null
	done
	sipseal status | grep -q "expires in .* hours: renew it NOW" || fail "the last day is not loud enough"
	sleep 0.5
	expect "log lines" 3 "$(said)"
	# one line for a start, too
	stop_gateway
	: >"$T/gateway.log"
	start_gateway
	wait_for 2 eval '[ $(said) = 1 ]' || fail "said $(said) times after a start"
}

# ---- cert request ----------------------------------------------------------------------------------
tnauth_of() { # req|x509 FILE -> DER in hex
	openssl "$1" -in "$2" -noout -text | sed -n '/1.3.6.1.5.5.7.1.26/{n;s/ *//p}' | od -An -c | tr -d ' \n'
}

request_to_call() { # NAME ARGUMENT... of cert request
	local dir=$T/req.$1 name=$1
	shift
	exits 0 sipseal cert request "$dir" --org "Lab Telecom" "$@"
	expect "mode of the key" "600 root" "$(stat -c '%a %U' "$dir/key.pem")"
	openssl req -in "$dir/request.pem" -noout -verify 2>&1 | grep -q "OK" || fail "openssl does not verify the request"
	openssl req -in "$dir/request.pem" -noout -subject | grep -q "C = US, O = Lab Telecom, CN = " || fail "subject of the request"
	expect "public key" "$(openssl pkey -in "$dir/key.pem" -pubout)" "$(openssl req -in "$dir/request.pem" -noout -pubkey)"
	at_least "TNAuthList in the request" 8 "$(tnauth_of req "$dir/request.pem" | wc -c)"
	ca_issue "$T/ca" "$dir/request.pem" "$dir"
	expect "TNAuthList of the certificate" "$(tnauth_of req "$dir/request.pem")" "$(tnauth_of x509 "$dir/leaf.pem")"
	exits 0 sipseal cert check "$dir/chain.pem" --anchors "$T/ca/root.pem"
	use "$dir" "$T/sti"
	reload
	signed_by "$name" "$dir"
	# never overwritten
	sha256sum "$dir/key.pem" "$dir/request.pem" >"$T/sums"
	exits 5 sipseal cert request "$dir" --org Other --spc 9999
	grep -q "never overwritten" "$T/err" || fail "the message does not say why: $(cat "$T/err")"
	sha256sum -c "$T/sums" >"$T/sums.log" || fail "key or request was overwritten"
}

test_request() {
	ca_new "$T/ca"
	begin
	request_to_call spc --spc 709J
	expect "TNAuthList shown" '[{"spc":"709J"}]' "$(certificate '.certificates[0].tnauthlist | tojson')"
	request_to_call numbers --number +18005550100 --number +12025550100-+12025550199
	expect "TNAuthList shown" '[{"number":"18005550100"},{"first":"12025550100","count":100}]' \
		"$(certificate '.certificates[0].tnauthlist | tojson')"
}

# ---- keys that have gone ---------------------------------------------------------------------------
copies_of() { # KEY -> how often it stands in the memory of the signer
	python3 "$HERE/keymem.py" "$(signer_pid)" "$1"
}

is_gone() { [ "$(copies_of "$1")" = 0 ]; }

# A key stands once in the memory of the signer, on OpenSSL's secure heap, and nowhere else.
test_old_key_is_wiped() {
	begin
	expect "copies of the key that signs" 1 "$(copies_of "$T/old/key.pem")"
	expect "copies of a key that it never had" 0 "$(copies_of "$T/new/key.pem")"
	use "$T/new" "$T/sti"
	reload
	wait_for 3 is_gone "$T/old/key.pem" || fail "the old key is still there: $(copies_of "$T/old/key.pem") copies"
	signed_by after "$T/new"
	expect "copies of the new key" 1 "$(copies_of "$T/new/key.pem")"
	# that of a refused set is not kept, nor that of a trunk that went
	install -m 600 "$T/old/key.pem" "$T/sti/key.pem"
	exits 5 sipseal cert reload
	expect "copies of the refused key" 0 "$(copies_of "$T/old/key.pem")"
	use "$T/old" "$T/sti/gone"
	exits 0 sipseal trunk add gone carrier.peers=192.0.2.1:5060 attestation=C certificates.cert_path=gone/chain.pem \
		certificates.key_path=gone/key.pem certificates.x5u=https://gone.example/c.pem
	expect "copies of the trunk's key" 1 "$(copies_of "$T/old/key.pem")"
	exits 0 sipseal trunk remove gone
	wait_for 3 is_gone "$T/old/key.pem" || fail "the key of a trunk that went is still there"
	expect "keys in the daemon" 0 "$(python3 "$HERE/keymem.py" "$(pid_of gateway)" "$T/new/key.pem")"
}

run_tests "$@"
