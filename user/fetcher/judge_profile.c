/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules on single certificates: those of stir/cert_parts.h, as far as they matter in a
 * stranger's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fetcher/judge_internal.h"

#define AD_STIR_TNLIST "1.3.6.1.5.5.7.48.14" /* id-ad-stirTNList, RFC 8226 s10.1 */

DEFINE_FREEP(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_FREEP(AUTHORITY_INFO_ACCESS *, AUTHORITY_INFO_ACCESS_free)

/* A fault that we would not publish, but that takes nothing from the word of the one who signed. */
static bool is_tolerated(const struct cert_fault *f)
{
	return !f->is_error || strcmp(f->code, "serial") == 0;
}

static bool is_about_time(const struct cert_fault *f)
{
	return strcmp(f->code, "expired") == 0 || strcmp(f->code, "not_yet_valid") == 0;
}

static int faults_take(struct exam *e)
{
	const struct cert_info *i = &e->info;

	for (unsigned k = 0; k < i->fault_cnt; k++)
		if (!is_tolerated(&i->faults[k]))
			return exam_refuse(e,
					   is_about_time(&i->faults[k]) ? SR_CERTIFICATE_EXPIRED
									: SR_CERTIFICATE_BAD,
					   "%s", i->faults[k].text);
	for (unsigned k = 0; k < i->fault_cnt; k++)
		if (strcmp(i->faults[k].code, "expires_soon") != 0) /* its owner's business */
			exam_note(e, "%s", i->faults[k].text);
	return 0;
}

static int check_one(struct exam *e, X509 *x, enum cert_role role, const char *name)
{
	const struct cert_check_opts opts = { .at = e->now_s,
					      .want_tnauthlist = e->judge->cfg.want_tnauthlist };

	e->info.fault_cnt = e->info.error_cnt = 0;
	cert_profile_check(x, role, name, &opts, &e->info);
	return faults_take(e);
}

static bool is_list_elsewhere(const X509 *x)
{
	CLEANUP(AUTHORITY_INFO_ACCESS_freep)
	AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *method = OBJ_txt2obj(AD_STIR_TNLIST, 1);

	for (int k = 0; aia && method && k < sk_ACCESS_DESCRIPTION_num(aia); k++)
		if (OBJ_cmp(sk_ACCESS_DESCRIPTION_value(aia, k)->method, method) == 0)
			return true;
	return false;
}

int exam_leaf(struct exam *e)
{
	X509 *leaf = sk_X509_value(e->body, 0);
	struct der list;

	/* a second fetch per certificate, of whatever size, at an address of the signer's choice:
	 * not in SHAKEN */
	if (cert_extension(leaf, TNAUTHLIST_OID, &list) == 0 && is_list_elsewhere(leaf))
		return exam_refuse(
			e, SR_CERTIFICATE_BAD,
			"leaf: names its TNAuthList only by reference, which is not supported");
	return check_one(e, leaf, CERT_LEAF, "leaf");
}

int exam_intermediates(struct exam *e, x509_stack *chain, int end)
{
	for (int k = 1; k < end; k++) {
		X509 *x = sk_X509_value(chain, k);
		bool is_own = X509_get_extension_flags(x) & EXFLAG_SI;
		char name[24];
		int r;

		cert_name(is_own ? CERT_ROOT : CERT_INTERMEDIATE, (unsigned)k, name);
		r = check_one(e, x, is_own ? CERT_ROOT : CERT_INTERMEDIATE, name);
		if (r < 0)
			return r;
	}
	return 0;
}
