#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Writes the messages of this directory that an editor cannot hold: control bytes, NUL, invalid
# UTF-8, repetition.  All others are written by hand.  Run here; the results are committed.
set -eu
cd "$(dirname "$0")"

line='INVITE sip:+12155550113@carrier.example.com SIP/2.0\r\n'
via='Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK7f3c9a10\r\n'
from='From: "Front Desk" <sip:+12155550112@pbx.example.com>;tag=9fxced76sl\r\n'
rest='To: <sip:+12155550113@carrier.example.com>\r\nCall-ID: 384827@pbx.example.com\r\nCSeq: 4711 INVITE\r\n'

# repeat N FORMAT: the format is printed with the number of each copy
repeat() {
	i=0
	while [ "$i" -lt "$1" ]; do
		# shellcheck disable=SC2059
		printf "$2" "$i"
		i=$((i + 1))
	done
}

# shellcheck disable=SC2059
{
	printf "$line$via$from${rest}Subject: a\\000b\\r\\n\\r\\n" >bin_nul_in_row.sip
	printf "INVITE sip:a\\000@b SIP/2.0\\r\\n$via$from$rest\\r\\n" >bin_nul_in_line.sip
	printf "$line$via$from${rest}Sub\\000ject: a\\r\\n\\r\\n" >bin_nul_in_name.sip
	printf "$line$via$from${rest}Content-Length: 4\\r\\n\\r\\na\\000\\377\\000" >bin_nul_in_body.sip
	printf "$line$via$from${rest}Content-Length: 0\\000\\r\\n\\r\\n" >bin_nul_in_length.sip
	printf "$line$via$from${rest}Sub\\001ject: a\\r\\n\\r\\n" >bin_control_in_name.sip
	printf "$line$via$from${rest}Subject: \\001\\033[2J\\177\\r\\n\\r\\n" >bin_control_in_value.sip
	printf "${line}${via}From: \"\\\\\\007\\\\\\177\" <sip:+12155550112@pbx.example.com>;tag=1\\r\\n$rest\\r\\n" \
		>bin_quoted_controls.sip
	printf "$line${via}From: \\377\\376 <sip:+12155550112@pbx.example.com>;tag=1\\r\\n$rest\\r\\n" \
		>bin_invalid_utf8.sip
	printf "$line${via}From: <sip:a\\002@pbx.example.com>;tag=1\\r\\n$rest\\r\\n" >bin_control_in_uri.sip
	printf '\026\003\001\002\000\001\000\001\374\003\003\n\r\n\r\n' >bin_tls_hello.sip

	{ printf "$line$via$from$rest"; repeat 300 'X-Row-%d: 1\r\n'; printf '\r\n'; } >big_300_rows.sip
	{ printf "$line$via$from$rest"; repeat 251 'X-Row-%d: 1\r\n'; printf '\r\n'; } >big_256_rows.sip
	{ printf "$line$via$from$rest"; repeat 252 'X-Row-%d: 1\r\n'; printf '\r\n'; } >big_257_rows.sip
	{ printf "$line"; repeat 33 'Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK%d\r\n'; printf "$from$rest\\r\\n"; } \
		>big_33_vias.sip
	{ printf "$line"; repeat 32 'v: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK%d\r\n'; printf "$from$rest\\r\\n"; } \
		>big_32_vias.sip
	{ printf "$line$via$from${rest}Subject: x"; repeat 2000 '\r\n %d'; printf '\r\n\r\n'; } >big_2000_folds.sip
	{ printf "$line$via"; printf 'From: "'; repeat 3000 '\\"'; printf '" <sip:a@b>;tag=1\r\n'; printf "$rest\\r\\n"; } \
		>big_escapes.sip
	{ printf "$line$via"; printf 'From: <sip:a@b>'; repeat 2000 ';p%d'; printf '\r\n'; printf "$rest\\r\\n"; } \
		>big_params.sip
	{ printf 'INVITE sip:+'; repeat 3000 '5'; printf '@carrier.example.com SIP/2.0\r\n'; printf "$via$from$rest\\r\\n"; } \
		>big_request_uri.sip
}
