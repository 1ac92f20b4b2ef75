/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "config/credentials.h"
#include "daemon/expiry.h"
#include "daemon/report.h"

static bool is_usable(const struct live_credential *c, int64_t now)
{
	const struct cert_info *info = c->now.info;

	return info && credential_is_usable(info) && !c->is_refused && now >= info->not_before &&
	       now < info->not_after;
}

static json_t *faults(const struct cert_info *info)
{
	json_t *list = json_array();

	for (unsigned k = 0; info && k < info->fault_cnt && k < CERT_FAULTS_MAX; k++)
		json_array_append_new(list, report_text(info->faults[k].code));
	return list;
}

/* What the certificate says of itself. */
static void add_info(json_t *o, const struct cert_info *info, int64_t now)
{
	json_object_set_new(o, "not_before", info ? report_time(info->not_before) : json_null());
	json_object_set_new(o, "not_after", info ? report_time(info->not_after) : json_null());
	json_object_set_new(o, "expires_in_s",
			    info ? json_integer(info->not_after - now) : json_null());
	json_object_set_new(o, "expiry",
			    json_string(info ? expiry_level(expiry_of(info, now)) : "critical"));
	json_object_set_new(o, "spc", info ? report_text(cert_spc(info)) : json_null());
	json_object_set_new(o, "serial", info ? report_text(info->serial) : json_null());
	json_object_set_new(o, "subject", info ? report_text(info->subject) : json_null());
	json_object_set_new(o, "issuer", info ? report_text(info->issuer) : json_null());
}

json_t *report_credential(const struct sipseald *d, const struct live_credential *c)
{
	int64_t now = (int64_t)(clock_real_ms() / 1000);
	json_t *o = json_object();

	(void)d;
	if (!o)
		return NULL;
	json_object_set_new(o, "id", json_integer(c->index));
	json_object_set_new(o, "cert", report_text(c->config.cert_path));
	json_object_set_new(o, "key", report_text(c->config.key_path));
	json_object_set_new(o, "x5u", report_text(c->now.x5u));
	json_object_set_new(o, "usable", json_boolean(is_usable(c, now)));
	json_object_set_new(o, "faults", faults(c->now.info));
	add_info(o, c->now.info, now);
	json_object_set_new(o, "gateway", json_boolean(c->is_gateway));
	json_object_set_new(o, "trunks", json_integer(c->users - c->is_gateway));
	json_object_set_new(o, "loaded_at", report_time(c->loaded_at));
	return o;
}

json_t *report_certificates(const struct sipseald *d)
{
	json_t *list = json_array();
	const struct live_credential *c = live_credential_first(d->live);

	for (; list && c; c = live_credential_next(c))
		json_array_append_new(list, report_credential(d, c));
	return json_pack("{s:o}", "certificates", list);
}
