/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of the body: a location attached, kept, replaced, or left away.
 */
#include "cases.h"

static const struct engine_case cases[] = {
	{ "location: multipart, SDP kept", t_geo, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "Geolocation: <cid:loc.abababababababab@example.net>\r\n", "Geolocation-Routing: yes\r\n",
	  "Content-Type: multipart/mixed;boundary=\"sipseal-abababababababab\"\r\n",
	  "--sipseal-abababababababab\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--sipseal-abababababababab\r\n"
	  "Content-Type: application/pidf+xml\r\nContent-ID: <loc.abababababababab@example.net>\r\n"
	  "Content-Disposition: by-reference;handling=optional\r\n\r\n<pidf entity='+12155550112@example.net'>2026",
	  "</pidf>\r\n\r\n--sipseal-abababababababab--\r\n" } },
	{ "location: emergency only, plain call", t_geo_sos, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "Content-Length: 90" }, { "Geolocation", "pidf" } },
	{ "location: emergency only, emergency", t_geo_sos, EMERGENCY(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", NULL, { "Geolocation: <cid", "<pidf" } },
	{ "location: one is there, kept", t_geo, MSG(FROM, "Geolocation: <sip:loc@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "<sip:loc@x>", "Content-Length: 90" }, { "cid:", "pidf" } },
	{ "location: one is there, replaced", t_geo_replace, MSG(FROM, "Geolocation: <sip:loc@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "cid:", "<pidf" }, { "<sip:loc@x>" } },
	{ "location: no routing row", t_geo_noroute, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "Geolocation: <cid" }, { "Geolocation-Routing" } },
	{ "location: a routing row of theirs stays alone", t_geo, MSG(FROM, "Geolocation-Routing: no\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "Geolocation-Routing: no" }, { "Routing: yes" } },
	{ "location: auth-int", t_geo, MSG(FROM, "Proxy-Authorization: Digest username=\"a\", qop=auth-int, nc=1\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Identity: e" }, { "Geolocation", "pidf" } },
	{ "location: encoded body", t_geo, MSG(FROM, "Content-Encoding: gzip\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "Content-Length: 90" }, { "Geolocation", "pidf" } },
	{ "location: signed body", t_geo, HEAD(URI, FROM, TO) "c: multipart/signed;boundary=x\r\nl: 14\r\n\r\n--x\r\n\r\n--x--\r\n",
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "l: 14" }, { "Geolocation", "pidf" } },
	{ "location: no body", t_geo, HEAD(URI, FROM, TO) "Content-Length: 0\r\n\r\n", VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "\r\n\r\n--sipseal-abababababababab\r\nContent-Type: application/pidf+xml\r\n" } },
	{ "location: no Content-Length", t_geo, HEAD(URI, FROM, TO) "c: application/sdp\r\n\r\n" SDP, VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "Content-Length: ", "Content-Type: application/sdp\r\n\r\n" SDP } },
	{ "location: rows of the body move along", t_geo, HEAD(URI, FROM, TO) "Content-Disposition: session;handling=required\r\n"
	  "Content-Type : application/sdp\r\nl :\r\n 90\r\n\r\n" SDP, VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "--sipseal-abababababababab\r\nContent-Type: application/sdp\r\nContent-Disposition: session;"
	  "handling=required\r\n\r\n" SDP } },
	{ "location: multipart is extended", t_geo, HEAD(URI, FROM, TO) "Content-Type: multipart/mixed; boundary=\"b1\"\r\n"
	  "Content-Length: 64\r\n\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1--\r\nepilogue\r\n",
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "v=0\r\n\r\n--b1\r\nContent-Type: application/pidf+xml\r\n", "</pidf>\r\n\r\n--b1--\r\nepilogue\r\n",
	    "boundary=\"b1\"" }, { "sipseal-" } },
	{ "location: a part that is there is kept", t_geo, MIXED("--b1\r\n" PIDF_PART "\r\n--b1\r\n" SDP_PART "\r\n--b1--"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "<theirs/>\r\n--b1\r\n" },
	  { "Geolocation", "<pidf" } },
	{ "location: a part that is there is replaced", t_geo_replace,
	  MIXED("--b1\r\n" PIDF_PART "\r\n--b1\r\n" SDP_PART "\r\n--b1--"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "\r\n\r\n\r\n--b1\r\n" SDP_PART "\r\n--b1\r\nContent-Type: application/pidf+xml\r\n",
	  "</pidf>\r\n\r\n--b1--" }, { "theirs" } },
	{ "location: the only part is replaced", t_geo_replace, MIXED("--b1\r\n" PIDF_PART "\r\n--b1--\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "\r\n\r\n\r\n--b1\r\nContent-Type: application/pidf+xml\r\n"
	  "Content-ID: <loc.", "</pidf>\r\n\r\n--b1--\r\n" }, { "theirs" } },
	{ "location: an emergency call keeps its part", t_geo_replace,
	  HEAD("urn:service:sos", FROM, "<urn:service:sos>") "c: multipart/mixed;boundary=b1\r\n\r\n--b1\r\n" PIDF_PART
	  "\r\n--b1--", VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", NULL, { "theirs" }, { "Geolocation", "<pidf" } },
	{ "location: the body is one", t_geo, HEAD(URI, FROM, TO) "c: Application/PIDF+xml\r\n\r\n<theirs/>", VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "\r\n\r\n<theirs/>" }, { "Geolocation", "<pidf" } },
	{ "location: IPv6 as domain", t_geo_v6, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "<sip:+12155550112@[2001:db8::1]>", "Geolocation: <cid:loc.abababababababab@anonymous.invalid>\r\n",
	    "Content-ID: <loc.abababababababab@anonymous.invalid>\r\n",
	    "<pidf entity='+12155550112@anonymous.invalid'>" } },
	{ "location: a body in a transfer encoding", t_geo,
	  MSG(FROM, "content-transfer-encoding : Base64\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "Content-Length: 90" }, { "Geolocation", "pidf" } },
	{ "location: binary is no transfer encoding", t_geo, MSG(FROM, "Content-Transfer-Encoding: binary\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Geolocation: <cid", "<pidf" } },
	{ "location: a digest that does not cover the body", t_geo, MSG(FROM, "Proxy-Authorization: Digest qop=auth\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Geolocation: <cid", "<pidf" } },
	{ "location: a body of no type", t_geo, HEAD(URI, FROM, TO) "Content-Length: 4\r\n\r\nabcd", VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113", { "Content-Length: 4\r\n" }, { "Geolocation", "pidf" } },
	{ "location: broken multipart stays", t_geo, HEAD(URI, FROM, TO) "Content-Type: multipart/mixed;boundary=b1\r\n"
	  "Content-Length: 8\r\n\r\n--b1\r\n\r\n", VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "Content-Length: 8\r\n" }, { "Geolocation", "pidf" } },
};

static void test_cases(void **state)
{
	(void)state;
	cases_run(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests_name("engine_location", tests, NULL, NULL);
}
