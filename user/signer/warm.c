/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/warm.h"

#include <errno.h>

#include "signer/keys.h"
#include "sip/message.h"

#define X5U "https://warm.invalid/cert.pem"

static const char invite[] =
	"INVITE sip:+12155550113@192.0.2.2 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKwarm\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:+12155550112@192.0.2.1>;tag=warm\r\n"
	"To: <sip:+12155550113@192.0.2.2>\r\n"
	"Call-ID: warm@192.0.2.1\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:192.0.2.1:5060>\r\n"
	"Content-Length: 0\r\n\r\n";

struct warm {
	struct credential_set *set;
	struct credential_signer *signer;
	uint64_t last_ns;                     /* when it, or a call, kept things warm */
	int64_t iat;
	size_t header_len;
	char header[PASSPORT_HEADER_B64_MAX];
	char row[1024];
	struct sip_message msg;
};

int warm_new(struct warm **ret)
{
	CLEANUP(warm_freep) struct warm *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	if ((r = credential_set_new(&w->set)) < 0 || (r = keys_add_throwaway(w->set)) < 0 ||
	    (r = credential_signer_new(w->set, &w->signer)) < 0)
		return r;
	w->header_len = (size_t)passport_header_emit(SLICE(X5U), w->header, sizeof(w->header));
	*ret = TAKE(w);
	return 0;
}

void warm_free(struct warm *w)
{
	if (!w)
		return;
	credential_signer_free(w->signer);
	credential_set_free(w->set);
	free(w);
}

static bool sign(struct warm *w)
{
	const struct passport_claims c = {
		.attest = 'A',
		.orig_tn = SLICE("12155550112"),
		.dest_tn = SLICE("12155550113"),
		.iat = ++w->iat, /* every call signs something else */
		.origid = SLICE("00000000-0000-4000-8000-000000000000"),
	};

	return identity_emit(slice_of(w->header, w->header_len), SLICE(X5U), &c, credential_sign, w->signer, 0,
			     w->row, sizeof(w->row)) > 0;
}

bool warm_turn(struct warm *w, uint64_t now_ns, bool is_busy)
{
	if (is_busy)
		w->last_ns = now_ns;
	if (now_ns - w->last_ns < WARM_NS)
		return false;
	w->last_ns = now_ns;
	return sip_message_parse(invite, sizeof(invite) - 1, &w->msg) == SR_NONE && sign(w);
}
