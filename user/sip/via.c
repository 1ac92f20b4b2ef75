/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/via.h"

#include <errno.h>

#include "sip/chars.h"
#include "sip/uri.h"

static bool take_char(struct slice *s, char c)
{
	*s = sip_skip_lws(*s);
	if (!s->len || s->p[0] != c)
		return false;
	*s = sip_skip_lws(slice_cut(*s, 1));
	return true;
}

static bool take_token(struct slice *s)
{
	size_t n = sip_span(*s, SIP_C_TOKEN);

	*s = slice_cut(*s, n);
	return n > 0;
}

/* sent-protocol LWS sent-by; blanks may stand around '/' and ':' (RFC 3261 s25.1) */
static int take_sent_by(struct slice *s, struct slice *ret_host)
{
	struct slice v = *s, host;
	size_t n;

	if (!take_token(&v) || !take_char(&v, '/') || !take_token(&v) || !take_char(&v, '/') ||
	    !take_token(&v) || !v.len || !sip_is(v.p[0], SIP_C_LWS))
		return -EBADMSG;
	v = sip_skip_lws(v);
	n = v.len && v.p[0] == '[' ? slice_find(v, ']') + 1 : sip_span(v, SIP_C_HOST);
	if (n == 0 || n > v.len)
		return -EBADMSG;
	host = slice_of(v.p, n);
	v = slice_cut(v, n);
	if (take_char(&v, ':')) {
		n = sip_span(v, SIP_C_DIGIT);
		if (!n)
			return -EBADMSG;
		v = slice_cut(v, n);
	}
	*ret_host = host;
	*s = sip_skip_lws(v);
	return 0;
}

int sip_via_parse(struct slice value, struct sip_via *ret)
{
	struct sip_via via = { .rport = SLICE_NONE, .branch = SLICE_NONE };
	struct slice rest, name, v;
	int r;

	if (take_sent_by(&value, &via.host) < 0 || sip_params_take(&value, &via.params) < 0)
		return -EBADMSG;
	rest = via.params;
	while ((r = sip_param_next(&rest, &name, &v)) == 1) {
		if (slice_ieq(name, SLICE("received")))
			via.has_received = true;
		if (slice_ieq(name, SLICE("rport")) && !v.p)
			via.rport = name;
		if (slice_ieq(name, SLICE("branch")) && !via.branch.p)
			via.branch = v;
	}
	if (r < 0)
		return r;
	*ret = via;
	return 0;
}
