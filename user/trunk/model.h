/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model - the gateway and its trunks as configured: plain data with its own memory, no parser, no
 * kernel.  Everything that YAML, JSON and the CLI convert to and from.
 *
 * Memory: strings and arrays belong to the struct that holds them; gateway_free() frees all.
 */
#ifndef SIPSEAL_TRUNK_MODEL_H
#define SIPSEAL_TRUNK_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/cleanup.h"
#include "location/civic.h"

#define TRUNK_NAME_MAX 63
/* At the same time, loaded or added: what is live must load again after a restart.  100,000 and some to spare; the
 * other slots (SIPSEAL_TRUNKS_MAX) are for those that rest. */
#define GATEWAY_TRUNKS_MAX 110000

enum gateway_mode   { GATEWAY_ROUTED, GATEWAY_WIRE, GATEWAY_HOST };
enum xdp_mode       { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC };
enum fast_path_mode { FAST_PATH_AUTO, FAST_PATH_FORWARD, FAST_PATH_KERNEL };
enum idle_mode      { IDLE_POLL, IDLE_SPIN };
enum trunk_mode     { TRUNK_ENFORCE, TRUNK_OBSERVE };
enum cert_profile   { PROFILE_SHAKEN, PROFILE_STIR };
enum attest_policy  { ATTEST_NONE = 0, ATTEST_REJECT = 1, ATTEST_A = 'A', ATTEST_B = 'B', ATTEST_C = 'C' };
enum unsignable     { UNSIGNABLE_PASS, UNSIGNABLE_REJECT };
enum existing_id    { EXISTING_CHECK, EXISTING_TRUST, EXISTING_IGNORE };
enum number_source  { SOURCE_END, SOURCE_PAI, SOURCE_PPI, SOURCE_RPID, SOURCE_FROM, SOURCE_TO, SOURCE_REQUEST_URI };
enum pai_mode       { PAI_SET, PAI_KEEP, PAI_OFF };
enum restricted     { RESTRICTED_REMOVE, RESTRICTED_KEEP };
enum privacy_mode   { PRIVACY_AUTO, PRIVACY_ID, PRIVACY_OFF };
enum geo_attach     { GEO_ALWAYS, GEO_EMERGENCY };
enum geo_existing   { GEO_KEEP, GEO_REPLACE };
enum geo_routing    { GEO_ROUTING_EMERGENCY, GEO_ROUTING_NONE };
enum geo_pidf       { GEO_PIDF_RFC, GEO_PIDF_LEGACY };
enum crl_mode       { CRL_MODE_SOFT, CRL_MODE_HARD };
enum verify_action  { VERIFY_TAG, VERIFY_REJECT };
enum verify_verstat { VERSTAT_OFF, VERSTAT_PAI, VERSTAT_FROM };
enum verify_foreign { VERSTAT_KEEP, VERSTAT_STRIP };
enum verify_replay  { REPLAY_FAIL, REPLAY_IGNORE };
enum verify_label   { LABEL_A, LABEL_B, LABEL_C, LABEL_FAILED, LABEL_MISSING, LABEL_CNT };

#define NUMBER_SOURCES_MAX 4
#define VERIFY_WAIT_MAX_MS 2000      /* verification.wait_ms: the caller has sent three copies by then */
#define VERIFY_WAIT_MS     400       /* its default: below T1, 500 ms (RFC 3261 s17.1.1.1) */
#define VERIFY_HEADER      "X-STIR-Result" /* its default */
#define VERIFY_HEADER_MAX  64        /* bytes of result_header */
#define VERIFY_LABEL_MAX   32        /* bytes of a display_label: printable ASCII without '"' and '\\' */

/* Where a value stands in a file, for errors that a later check finds. */
struct model_pos {
	const char *file;        /* belongs to the trunk or gateway that has the value; NULL: default value */
	unsigned line, col;      /* 1-based */
};

/* An address or a prefix; IPv4 as ::ffff:a.b.c.d with bits counted in 128. */
struct peer {
	uint8_t addr[16];
	uint8_t bits;            /* 128: a host */
	bool is_v4;
	uint16_t port;           /* host order; 0: any of sip_ports (carrier peers only) */
	struct model_pos pos;
};

/* Numbers: exact, "prefix*" or "first-last"; digits only, '+' removed, checked. */
struct number_range {
	char first[16], last[16]; /* NUL-terminated; prefix: last is "" */
	bool is_prefix;
};

struct number_rule {
	char *prefix, *replace;
};

struct cert_config {
	char *cert_path, *key_path, *x5u;   /* NULL: from the gateway (only if the trunk gives none of the three) */
	struct model_pos pos;
};

/* verification: what becomes of INVITEs from the carrier. */
struct trunk_verification {
	bool is_enabled;                 /* in force: `enabled`, where it is not given: are there trust anchors? */
	bool is_given;                   /* `enabled` stands in the trunk or in `defaults` */
	enum verify_action on_failure, on_missing;
	char *result_header;             /* name; NULL: off */
	enum verify_verstat verstat;
	enum verify_foreign carrier_verstat;
	bool trust_pai;
	enum verify_replay replay;
	char *label[LABEL_CNT];          /* display_label; NULL: none */
	unsigned wait_ms;
};

struct trunk {
	char name[TRUNK_NAME_MAX + 1];
	struct model_pos pos;            /* pos.file is `file` */
	char *file;                      /* where it stands */
	char *defaults_file;             /* where the values stand that it inherited; NULL: none */
	bool is_managed;                 /* its file was made by the API: config/store.h */
	uint8_t digest[16];              /* of everything it was made from: its mapping, the defaults, its numbers_file */
	enum trunk_mode mode;
	struct peer *carrier_peers;
	size_t carrier_cnt;
	struct peer *core_peers;
	size_t core_cnt;
	struct cert_config cert;
	enum attest_policy attestation;
	enum attest_policy attestation_other;
	struct number_range *numbers;
	size_t number_cnt;
	char *numbers_file;              /* as configured, or NULL; what it holds is in numbers */
	bool has_numbers;                /* `numbers` or `numbers_file` given, even if empty */
	enum unsignable on_unsignable;
	enum existing_id existing_identity;
	enum { ORIGID_TRUNK, ORIGID_TEXT, ORIGID_CALL } origid_mode;
	char *origid;                    /* ORIGID_TEXT; for ORIGID_TRUNK filled in by whoever keeps them */
	char *country_code;              /* digits, or NULL */
	struct number_rule *rules;
	size_t rule_cnt;
	enum number_source orig_from[NUMBER_SOURCES_MAX], dest_from[NUMBER_SOURCES_MAX]; /* SOURCE_END ends early */
	enum pai_mode pai_mode;
	char *pai_domain;                /* NULL: host of the call's From */
	char *pai_default_number;        /* canonical digits, or NULL */
	enum restricted pai_restricted;
	bool add_privacy_none;
	enum privacy_mode privacy;
	unsigned freshness_s;
	unsigned max_cps;                /* 0: no limit of its own */
	struct trunk_verification verification;
	bool has_geolocation;
	struct civic_address civic;
	enum geo_attach geo_attach;
	enum geo_existing geo_existing;
	enum geo_routing geo_routing;
	enum geo_pidf geo_pidf;
};

struct interface {
	char name[16];
	uint8_t side;                    /* SIPSEAL_SIDE_* */
	struct model_pos pos;
};

struct gateway {
	enum gateway_mode mode;
	struct interface interfaces[SIPSEAL_PORTS_MAX];
	unsigned interface_cnt;
	enum xdp_mode xdp_mode;
	enum fast_path_mode fast_path;
	uint8_t on_signer_failure, unmatched_invite, other_transports;  /* SIPSEAL_PASS | SIPSEAL_DROP */
	bool withhold_options;           /* after 3 s of dropping, OPTIONS between trunk peers are dropped, too */
	unsigned heartbeat_ms;
	uint16_t sip_ports[SIPSEAL_SIP_PORTS_MAX];
	unsigned sip_port_cnt;
	char emergency[SIPSEAL_EMERGENCY_MAX][SIPSEAL_EMERGENCY_LEN + 1];
	unsigned emergency_cnt;
	unsigned workers;                /* 0: auto */
	unsigned umem_frames;            /* per worker, power of two */
	enum idle_mode idle;
	char *bpffs;
	char *control_socket;
	char *metrics;                   /* "addr:port", or NULL: off */
	char *events_file;               /* NULL: none */
	bool regulatory_enabled;
	char *cert_root;
	struct cert_config cert;         /* gateway-wide */
	enum cert_profile profile;
	char *trust_anchors;             /* below cert_root: a PEM file, or a directory of them; NULL: none */
	char *crl_path;                  /* below cert_root, or NULL */
	char *crl_url;                   /* https, or NULL */
	enum crl_mode crl_policy;        /* when it is missing or over */
	char *https_ca;                  /* file or directory; NULL: the system's */
	struct model_pos anchors_pos, crl_pos, https_ca_pos; /* crl_pos: of crl.path */
	unsigned fetch_timeout_ms;
	bool allow_private_addresses;
	char *cache_dir;                 /* NULL: nothing is kept on disk */
	struct trunk **trunks;
	size_t trunk_cnt;
	char *file;                      /* where it stands: model_pos points to it */
};

/** gateway_new() - with all defaults of the configuration.  Return: NULL without memory. */
struct gateway *gateway_new(void);
void gateway_free(struct gateway *g);
DEFINE_FREEP(struct gateway *, gateway_free)

/** trunk_new() - with all defaults.  Return: NULL without memory. */
struct trunk *trunk_new(void);

/** trunk_inherit() - a new trunk with the values of @base, which are noted as inherited from base->file.
 * Name, file, position and digest stay empty.  want_numbers false: without its numbers.
 * Return: NULL without memory. */
struct trunk *trunk_inherit(const struct trunk *base, bool want_numbers);
void trunk_free(struct trunk *t);
DEFINE_FREEP(struct trunk *, trunk_free)

const struct trunk *gateway_trunk(const struct gateway *g, const char *name);

/** peer_parse() - "203.0.113.10:5060", "[2001:db8::10]:5060", "198.51.100.0/28", "10.0.0.1", "2001:db8::/32".
 * Host bits outside a prefix and v4-mapped IPv6 are refused.
 * Return: 0, or -EINVAL with a static text that says what is wrong. */
int peer_parse(const char *s, bool want_port, struct peer *ret, const char **reterr_text);

/** peer_format() - the same form back; dst needs 64 bytes. */
void peer_format(const struct peer *p, char dst[64]);

/** number_range_parse() - "+18005550100", "+1212555*", "+13125550000-+13125559999".
 * Return: 0, or -EINVAL with a static text. */
int number_range_parse(const char *s, struct number_range *ret, const char **reterr_text);

#endif
