/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules on a single certificate: RFC 5280, RFC 8226 and ATIS-1000080.  An error is what makes
 * verifiers refuse the calls; a warning is what production certificates are seen to lack.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/obj_mac.h>
#include <openssl/x509v3.h>

#include "stir/cert_parts.h"

#define DAY_S		 86400
#define EXPIRES_SOON_S	 (30 * DAY_S)
#define SERIAL_BITS_MIN	 64 /* 1000080; one in 256 random ones is shorter: warned about from 56 */
#define SERIAL_OCTET_MAX 20 /* RFC 5280 s4.1.2.2 */

struct subject {
	X509 *x;
	enum cert_role role;
	const char *name;
	const struct cert_check_opts *opts;
	struct cert_info *info;
};

/* SHAKEN certificate policies v1.1, v1.3, v1.4 */
static const char *const policies[] = {
	"2.16.840.1.114569.1.1.1",
	"2.16.840.1.114569.1.1.3",
	"2.16.840.1.114569.1.1.4",
};

#define error(s, code, ...)   cert_fault_add((s)->info, true, code, __VA_ARGS__)
#define warning(s, code, ...) cert_fault_add((s)->info, false, code, __VA_ARGS__)

DEFINE_FREEP(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_FREEP(BIGNUM *, BN_free)
DEFINE_FREEP(CERTIFICATEPOLICIES *, CERTIFICATEPOLICIES_free)

static void check_serial(const struct subject *s)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(s->x);
	CLEANUP(BN_freep) BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);

	if (!bn || BN_is_negative(bn) || BN_is_zero(bn) || BN_num_bytes(bn) > SERIAL_OCTET_MAX)
		error(s, "serial", "%s: the serial number is not positive or too long", s->name);
	else if (BN_num_bits(bn) <= SERIAL_BITS_MIN - 8)
		warning(s, "serial_short", "%s: the serial number has %d bits, %d are wanted",
			s->name, BN_num_bits(bn), SERIAL_BITS_MIN);
}

static void check_key(const struct subject *s)
{
	const EVP_PKEY *key = X509_get0_pubkey(s->x);
	char group[64] = "";
	bool ok;

	if (!key) {
		error(s, "curve", "%s: the public key cannot be read", s->name);
		return;
	}
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	ok = EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
	     (strcmp(group, SN_X9_62_prime256v1) == 0 ||
	      (s->role != CERT_LEAF && strcmp(group, SN_secp384r1) == 0));
	if (!ok)
		error(s, "curve", "%s: the key is %s%s%s, not P-256", s->name,
		      EVP_PKEY_get0_type_name(key), group[0] ? " " : "", group);
}

static void check_signature_algorithm(const struct subject *s)
{
	int nid = X509_get_signature_nid(s->x);

	if (nid == NID_ecdsa_with_SHA256 || (nid == NID_ecdsa_with_SHA384 && s->role != CERT_LEAF))
		return;
	/* what signed the leaf is the CA's key: a P-384 CA may sign with SHA-384 (policy 1.4) */
	if (nid == NID_ecdsa_with_SHA384) {
		warning(s, "signature_sha384", "%s: signed with SHA-384, SHA-256 is usual",
			s->name);
		return;
	}
	error(s, "signature_algorithm", "%s: signed with %s, not ecdsa-with-SHA256", s->name,
	      nid == NID_undef ? "an unknown algorithm" : OBJ_nid2ln(nid));
}

static void check_validity(const struct subject *s)
{
	int64_t from, until, left, soon;

	if (cert_time(X509_get0_notBefore(s->x), &from) < 0 ||
	    cert_time(X509_get0_notAfter(s->x), &until) < 0 || from > until) {
		error(s, "validity", "%s: the validity cannot be read or ends before it begins",
		      s->name);
		return;
	}
	left = until - s->opts->at;
	/* certificates of six days are common: for them the last third is soon */
	soon = (until - from) / 3 < EXPIRES_SOON_S ? (until - from) / 3 : EXPIRES_SOON_S;
	if (s->opts->at < from)
		error(s, "not_yet_valid", "%s: valid only in %lld hours", s->name,
		      (long long)(from - s->opts->at + 3599) / 3600);
	else if (left < 0)
		error(s, "expired", "%s: expired %lld days ago", s->name, (long long)-left / DAY_S);
	else if (left < soon)
		warning(s, "expires_soon", "%s: expires in %lld days", s->name,
			(long long)left / DAY_S);
}

static void check_basic_constraints(const struct subject *s, uint32_t flags)
{
	int idx = X509_get_ext_by_NID(s->x, NID_basic_constraints, -1);

	if (s->role == CERT_LEAF && (flags & EXFLAG_CA))
		error(s, "is_ca", "%s: a CA certificate cannot sign calls", s->name);
	if (s->role != CERT_LEAF && !(flags & EXFLAG_CA))
		error(s, "ca_flag", "%s: is not a CA", s->name);
	if (idx < 0)
		warning(s, "no_basic_constraints", "%s: has no basicConstraints", s->name);
	else if (!X509_EXTENSION_get_critical(X509_get_ext(s->x, idx)))
		warning(s, "not_critical", "%s: basicConstraints is not critical", s->name);
}

static void check_key_usage(const struct subject *s, uint32_t flags)
{
	uint32_t usage = X509_get_key_usage(s->x);
	int idx = X509_get_ext_by_NID(s->x, NID_key_usage, -1);

	if (s->role == CERT_LEAF) {
		if (!(flags & EXFLAG_KUSAGE) || !(usage & KU_DIGITAL_SIGNATURE))
			error(s, "key_usage", "%s: keyUsage has no digitalSignature", s->name);
		else if (usage != KU_DIGITAL_SIGNATURE)
			warning(s, "key_usage_extra", "%s: keyUsage has more than digitalSignature",
				s->name);
	} else if (!(flags & EXFLAG_KUSAGE)) {
		warning(s, "no_key_usage", "%s: has no keyUsage", s->name);
	} else if (!(usage & KU_KEY_CERT_SIGN)) {
		error(s, "key_usage", "%s: keyUsage has no keyCertSign", s->name);
	}
	if (idx >= 0 && !X509_EXTENSION_get_critical(X509_get_ext(s->x, idx)))
		warning(s, "not_critical", "%s: keyUsage is not critical", s->name);
}

static void check_policies(const struct subject *s)
{
	CLEANUP(CERTIFICATEPOLICIES_freep)
	CERTIFICATEPOLICIES *list = X509_get_ext_d2i(s->x, NID_certificate_policies, NULL, NULL);

	if (!list) {
		warning(s, "no_policy", "%s: has no certificate policy", s->name);
		return;
	}
	for (int i = 0; i < sk_POLICYINFO_num(list); i++) {
		char oid[80];

		OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(list, i)->policyid, 1);
		for (size_t k = 0; k < ARRAY_SIZE(policies); k++)
			if (strcmp(oid, policies[k]) == 0)
				return;
	}
	warning(s, "policy_unknown", "%s: none of its policies is a SHAKEN policy", s->name);
}

/* Identifiers, policies, CRL: what the profile wants and many certificates lack. */
static void check_extensions(const struct subject *s, uint32_t flags)
{
	if (flags & EXFLAG_INVALID)
		error(s, "extension_broken", "%s: an extension is malformed or there twice",
		      s->name);
	if (flags & EXFLAG_CRITICAL)
		error(s, "critical_extension",
		      "%s: a critical extension that verifiers do not know", s->name);
	if (!X509_get0_subject_key_id(s->x))
		warning(s, "no_ski", "%s: has no subjectKeyIdentifier", s->name);
	if (s->role == CERT_ROOT)
		return;
	if (!X509_get0_authority_key_id(s->x))
		warning(s, "no_aki", "%s: has no authorityKeyIdentifier", s->name);
	check_policies(s);
	if (X509_get_ext_by_NID(s->x, NID_crl_distribution_points, -1) < 0)
		warning(s, "no_crl_dp", "%s: has no CRL distribution point", s->name);
}

int cert_extension(const X509 *x, const char *oid, struct der *ret)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	int idx = obj ? X509_get_ext_by_OBJ(x, obj, -1) : -1;
	const ASN1_OCTET_STRING *value;

	if (!obj)
		return -ENOMEM;
	if (idx < 0)
		return 0;
	if (X509_get_ext_by_OBJ(x, obj, idx) >= 0)
		return -EBADMSG;
	value = X509_EXTENSION_get_data(X509_get_ext(x, idx));
	*ret = (struct der){ ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value) };
	return 1;
}

static void check_spc(const struct subject *s)
{
	const struct tnauthlist *l = &s->info->tnauth;
	const char *spc = cert_spc(s->info);

	if (l->cnt != 1 || l->e[0].kind != TNAUTH_SPC)
		warning(s, "not_one_spc", "%s: SHAKEN wants exactly one SPC in the TNAuthList",
			s->name);
	for (const char *p = spc; *p; p++) {
		if (!isalnum((unsigned char)*p)) {
			warning(s, "spc_form", "%s: the SPC has more than letters and digits",
				s->name);
			return;
		}
		if (islower((unsigned char)*p)) {
			warning(s, "spc_case", "%s: the SPC %s has lower-case letters", s->name,
				spc);
			return;
		}
	}
}

static void check_tnauthlist(const struct subject *s)
{
	struct der der = { 0 };
	int found = cert_extension(s->x, TNAUTHLIST_OID, &der);

	if (s->role != CERT_LEAF) {
		if (found)
			warning(s, "tnauthlist_in_ca", "%s: a CA must not have a TNAuthList",
				s->name);
		return;
	}
	if (!found) {
		if (s->opts->want_tnauthlist)
			error(s, "no_tnauthlist", "%s: has no TNAuthList", s->name);
		return;
	}
	if (found < 0 || tnauthlist_parse(der.p, der.len, &s->info->tnauth) < 0) {
		error(s, "tnauthlist_broken", "%s: its TNAuthList is malformed", s->name);
		return;
	}
	if (s->opts->want_tnauthlist)
		check_spc(s);
}

static bool name_get(const X509_NAME *name, int nid, char *ret, size_t cap)
{
	return X509_NAME_get_text_by_NID((X509_NAME *)name, nid, ret, (int)cap) > 0;
}

static void check_subject(const struct subject *s)
{
	const X509_NAME *subject = X509_get_subject_name(s->x);
	char cn[256] = "", other[256], want[64];
	const char *spc = cert_spc(s->info), *at;

	if (!name_get(subject, NID_countryName, other, sizeof(other)) ||
	    !name_get(subject, NID_organizationName, other, sizeof(other)))
		warning(s, "subject", "%s: the subject has no country or no organization", s->name);
	if (s->role != CERT_LEAF || !s->opts->want_tnauthlist || !spc[0])
		return;
	name_get(subject, NID_commonName, cn, sizeof(cn));
	snprintf(want, sizeof(want), "SHAKEN %s", spc);
	at = strcasestr(cn, want);
	if (!at || isalnum((unsigned char)at[strlen(want)]))
		warning(s, "subject_cn", "%s: the common name has no \"%s\"", s->name, want);
}

void cert_profile_check(X509 *x, enum cert_role role, const char *name,
			const struct cert_check_opts *opts, struct cert_info *i)
{
	const struct subject s = { x, role, name, opts, i };
	uint32_t flags = X509_get_extension_flags(x);

	if (X509_get_version(x) != X509_VERSION_3)
		warning(&s, "version", "%s: is not an X.509 version 3 certificate", name);
	check_serial(&s);
	check_signature_algorithm(&s);
	check_key(&s);
	check_validity(&s);
	check_basic_constraints(&s, flags);
	check_key_usage(&s, flags);
	check_tnauthlist(&s);
	check_subject(&s);
	check_extensions(&s, flags);
}
