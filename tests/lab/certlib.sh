# shellcheck shell=bash disable=SC2086
# SPDX-License-Identifier: BSD-2-Clause
# certlib.sh - certificates of the lab tests: a CA that issues what it is asked for, and who signed a call.

# ca_new DIR : a root and an intermediate, with their keys
ca_new() {
	local dir=$1 name
	mkdir -p "$dir"
	cat >"$dir/ca.cnf" <<-X
	[ca]
	default_ca = c
	[c]
	database = $dir/index
	new_certs_dir = $dir
	certificate = $dir/intermediate.pem
	private_key = $dir/intermediate.key
	rand_serial = yes
	default_md = sha256
	copy_extensions = copy
	unique_subject = no
	policy = any
	[any]
	countryName = optional
	organizationName = optional
	commonName = supplied
	[authority]
	basicConstraints = critical,CA:TRUE
	keyUsage = critical,keyCertSign,cRLSign
	subjectKeyIdentifier = hash
	[leaf]
	basicConstraints = critical,CA:FALSE
	keyUsage = critical,digitalSignature
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	X
	: >"$dir/index"
	for name in root intermediate; do
		openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$name.key"
		openssl req -new -config /dev/null -key "$dir/$name.key" -subj "/C=US/O=Lab/CN=Lab $name" -out "$dir/$name.csr"
	done
	openssl x509 -req -in "$dir/root.csr" -signkey "$dir/root.key" -days 3650 -extfile "$dir/ca.cnf" -extensions authority \
		-out "$dir/root.pem" 2>>"$T/ca.log"
	openssl x509 -req -in "$dir/intermediate.csr" -CA "$dir/root.pem" -CAkey "$dir/root.key" -CAcreateserial -days 1825 \
		-extfile "$dir/ca.cnf" -extensions authority -out "$dir/intermediate.pem" 2>>"$T/ca.log"
}

# ca_issue CA CSR DIR [SECONDS [SECTION]] : leaf.pem, chain.pem, root.pem and intermediate.pem in DIR; it began an hour ago and
# ends in SECONDS.  The TNAuthList is what the request has.
ca_issue() {
	local ca=$1 csr=$2 dir=$3 seconds=${4:-31536000} section=${5:-leaf}
	mkdir -p "$dir"
	openssl ca -config "$ca/ca.cnf" -batch -notext -in "$csr" -extensions "$section" -out "$dir/leaf.pem" \
		-startdate "$(date -u -d '1 hour ago' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$seconds seconds" +%Y%m%d%H%M%SZ)" \
		2>"$T/ca.log" || { cat "$T/ca.log"; fail "openssl ca"; }
	cp "$ca/root.pem" "$ca/intermediate.pem" "$dir/"
	cat "$dir/leaf.pem" "$dir/intermediate.pem" >"$dir/chain.pem"
}

serial_of() { # CERTIFICATE -> as in {serial}
	openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f
}

# use DIR TO : chain and key of DIR become those in TO, each replaced as a whole
use() {
	mkdir -p "$2"
	install -m 644 "$1/chain.pem" "$2/chain.new" && mv "$2/chain.new" "$2/chain.pem"
	install -m 600 "$1/key.pem" "$2/key.new" && mv "$2/key.new" "$2/key.pem"
}

invite_to() { # CALL-ID ADDRESS [SED]
	invite_file "$T/$1.sip" "$1" "sip:$CALLED@$2"
	[ $# -lt 3 ] || sed -i "$3" "$T/$1.sip"
	send_files $CORE4:5070 "$2:5060" "$T/$1.sip"
}

identity_of() { # CALL-ID FILE : as it arrived at the carrier
	python3 - "$T/carrier.pcap" "$1" >"$2" <<-P
		import sys
		sys.path.insert(0, "$HERE")
		import pcap, sipmsg
		for d in pcap.datagrams(sys.argv[1]):
		    m = sipmsg.Message(d.payload)
		    if m.value("call-id") == sys.argv[2].encode() and m.values("identity"):
		        print(m.value("identity").decode(), end="")
		        break
	P
}

verifies_with() { # DIRECTORY IDENTITY
	secsipidx -check -fidentity "$2" -p "$1/leaf.pem" -expire 300 -cert-verify 13 \
		-ca-file "$1/root.pem" -ca-inter "$1/intermediate.pem" >"$T/secsipidx.log" 2>&1 && grep -qx ok "$T/secsipidx.log"
}

# signed_by CALL-ID DIRECTORY [ADDRESS] : sends an INVITE; what arrives is signed by that certificate
signed_by() {
	invite_to "$1" "${3:-$CARRIER4}"
	expect_seen "$1" "signed 1"
	identity_of "$1" "$T/$1.identity"
	verifies_with "$2" "$T/$1.identity" || { cat "$T/secsipidx.log"; fail "$1 is not signed by $2"; }
}
