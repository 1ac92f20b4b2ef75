/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * invite - an INVITE as a PBX sends it, for measuring: 800 bytes with SDP.
 */
#ifndef SIPSEAL_BENCH_INVITE_H
#define SIPSEAL_BENCH_INVITE_H

#define BENCH_CALLER "442000000000" /* where the calling number stands: replaced by others of this length */

static const char bench_invite[] =
	"INVITE sip:+12155550113@10.66.2.2:5060;user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.66.1.2:5060;branch=z9hG4bK19a-0000000000\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"Bench\" <sip:+" BENCH_CALLER "@10.66.1.2>;tag=19a0\r\n"
	"To: <sip:+12155550113@10.66.2.2>\r\n"
	"Call-ID: 19a-0000000000@10.66.1.2\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:bench@10.66.1.2:5060>\r\n"
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 212\r\n\r\n"
	"v=0\r\no=- 53655765 2353687637 IN IP4 10.66.1.2\r\ns=-\r\nc=IN IP4 10.66.1.2\r\nt=0 0\r\n"
	"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
	"a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n";

#endif
