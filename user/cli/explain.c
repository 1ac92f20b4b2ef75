/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain - what would happen to this message, and why: the same match tables, policy and engine as
 * the gateway, offline, without root and without a daemon.
 */
#include "cli/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/time_arg.h"
#include "config/credentials.h"
#include "config/origids.h"

#define IP_PACKET_MAX 65535
#define CONFIG_DEFAULT "/etc/sipseal/sipseal.yaml"

/* 86 base64url characters that nobody can take for a signature */
static const char placeholder[] =
	"sipseal-placeholder-without-a-key-this-is-not-a-signature-placeholder-without-a-keyAAA";
_Static_assert(sizeof(placeholder) - 1 == B64URL_LEN(PASSPORT_SIG_LEN), "as long as a signature");

static int sign_placeholder(void *ctx, uint32_t credential, const uint8_t digest[PASSPORT_DIGEST_LEN],
			    uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)credential, (void)digest;
	return b64url_parse(slice_str(placeholder), ret_sig, PASSPORT_SIG_LEN) == PASSPORT_SIG_LEN ? 0 : -EIO;
}

static void random_bytes(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	if (getrandom(dst, len, 0) != (ssize_t)len)
		abort();
}

void explain_done(struct explain *x)
{
	explain_certs_free(x->certs);
	credential_signer_free(x->signer);
	credential_set_free(x->keys);
	assembled_free(x->assembled);
	gateway_free(x->gateway);
	free(x->policy);
	free(x->engine);
	free(x->message);
	free(x->out);
}

static void print_report(const struct config_report *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		CLEANUP(freep) char *line = config_message_format(&r->m[i]);

		if (line && r->m[i].is_error)
			fprintf(stderr, "%s\n", line);
	}
}

/* A certificate that cannot be read here (no access, another machine) must not hide what the gateway
 * would decide: it counts as valid, and the signature stays a placeholder. */
static void assume_certificates(struct explain *x)
{
	for (size_t i = 0; i < x->assembled->credential_cnt; i++) {
		struct compile_credential *c = &x->assembled->compiled_credentials[i];

		if (x->assembled->credentials[i].info)
			continue;
		*c = (struct compile_credential){ .x5u = c->x5u, .not_after = INT64_MAX, .is_usable = true };
	}
}

static int compile(struct explain *x)
{
	for (size_t cap = 1 << 20; cap <= (size_t)1 << 32; cap *= 4) {
		ssize_t n;

		free(x->policy);
		x->policy = aligned_alloc(4096, cap);
		if (!x->policy)
			return -ENOMEM;
		memset(x->policy, 0, sizeof(*x->policy));
		n = assembled_compile(x->gateway, x->assembled, 1, x->policy, cap);
		if (n != -ENOSPC)
			return n < 0 ? (int)n : 0;
	}
	return -ENOSPC;
}

/* The origids that the gateway keeps, where they may be read; else some of this run. */
static void fill_origids(struct gateway *g)
{
	char err[ORIGIDS_ERR_LEN];

	origids_fill(g, ORIGIDS_STATE_DIR, err);
	for (size_t i = 0; i < g->trunk_cnt; i++) {
		struct trunk *t = g->trunks[i];
		uint8_t r[8];

		if (t->origid_mode != ORIGID_TRUNK || t->origid)
			continue;
		random_bytes(NULL, r, sizeof(r));
		if (asprintf(&t->origid, "00000000-0000-4000-8000-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2],
			     r[3], r[4], r[5]) < 0)
			abort();
	}
}

static int load(struct explain *x, const char *config, int64_t at_s)
{
	struct assemble_opts opts = { .at = at_s, .want_keys = true, .may_miss_certs = true };
	struct config_report report = { 0 };
	int r = config_load(config, &x->gateway, &report);

	if (r == 0) {
		fill_origids(x->gateway);
		r = assemble(x->gateway, &opts, &x->assembled, &report);
	}
	print_report(&report);
	config_report_done(&report);
	if (r < 0)
		return r;
	assume_certificates(x);
	return compile(x);
}

/* The key for the trunk that matched: --key, or the configured one where it may be read. */
static int take_key(struct explain *x, const char *key_file)
{
	CLEANUP(freep) char *pem = NULL;
	size_t len = 0;
	uint32_t id = x->trunk->credential;
	int r;

	if (id == POLICY_CREDENTIAL_NONE)
		return 0;
	const struct assembled_credential *c = &x->assembled->credentials[id];

	x->is_cert_assumed = !c->info;
	r = key_file ? file_read(key_file, 65536, &pem, &len) : file_read_fd(c->key_fd, 65536, &pem, &len);
	if (r < 0) {
		if (key_file)
			cli_error("%s: %s", key_file, credentials_key_error(r));
		return key_file ? r : 0;
	}
	r = credential_set_new(&x->keys);
	if (r == 0)
		r = credential_add(x->keys, id, pem, len, c->info ? c->info->point : NULL);
	explicit_bzero(pem, len);
	if (r == 0)
		r = credential_signer_new(x->keys, &x->signer);
	if (r < 0)
		cli_error("%s: %s", key_file ? key_file : c->key_path, credentials_key_error(r));
	return r;
}

/* The bytes that leave: the edited datagram, the answer to the PBX, or nothing. */
static int emit(struct explain *x, const struct engine_env *env, const struct engine_input *in)
{
	size_t cap = SIP_MESSAGE_MAX + ENGINE_ARENA_MAX;
	ssize_t n = 0;

	x->out = malloc(cap);
	if (!x->out)
		return -ENOMEM;
	if (x->result.verdict == VERDICT_REJECT)
		n = engine_response_emit(x->engine, env, in, &x->result, x->out, cap);
	else if (x->result.verdict != VERDICT_DROP)
		n = engine_emit(x->engine, in, x->out, cap);
	x->out_len = n > 0 ? (size_t)n : 0;
	return n < 0 ? (int)n : 0;
}

struct args {
	const char *config, *key, *cert, *anchors, *file;
	int64_t now_ms;
	bool want_sip, has_from, has_to;
};

bool explain_is_inbound(const struct explain *x)
{
	return x->certs;
}

/* What the signer's own keys or the certificates of others are to the engine. */
static int take_credentials(struct explain *x, const struct args *a, struct engine_env *env)
{
	const struct explain_cert_args certs = { .cert = a->cert, .anchors = a->anchors, .now_s = a->now_ms / 1000 };
	int r;

	if (!strcmp(x->direction, "inbound")) {
		if ((r = explain_certs_new(x->gateway, &certs, &x->certs)) == 0)
			explain_certs_env(x->certs, env);
		return r;
	}
	if ((r = take_key(x, a->key)) < 0)
		return r;
	if (x->signer) {
		env->sign = credential_sign;
		env->sign_ctx = x->signer;
	}
	return 0;
}

static int decide(struct explain *x, const struct args *a)
{
	struct engine_env env = { .now_ms = a->now_ms, .sign = sign_placeholder, .random = random_bytes };
	struct engine_input in = { .datagram = { x->message, x->message_len }, .policy = x->policy,
				   .source_port = x->from.port, .is_last = true };
	int r;

	x->engine = calloc(1, sizeof(*x->engine));
	if (!x->engine)
		return -ENOMEM;
	random_bytes(NULL, env.tag_key, sizeof(env.tag_key));
	x->result = (struct engine_output){ .verdict = VERDICT_PASS, .reason = explain_steer(x) };
	if (x->result.reason == SR_UNMATCHED_INVITE_DROPPED)
		x->result.verdict = VERDICT_DROP;
	if (x->result.reason != SR_STEERED)
		return emit(x, &env, &in);
	r = take_credentials(x, a, &env);
	if (r < 0)
		return r;
	inet_ntop(x->from.is_v4 ? AF_INET : AF_INET6, x->from.addr + (x->from.is_v4 ? 12 : 0), in.source_ip,
		  sizeof(in.source_ip));
	in.trunk = x->slot;
	in.is_inbound = explain_is_inbound(x);
	in.max_len = IP_PACKET_MAX - explain_headers_len(x);
	engine_run(x->engine, &env, &in, &x->result);
	x->is_signed = x->signer && x->result.verdict == VERDICT_SIGN;
	return emit(x, &env, &in);
}

static int parse_address(const struct cli *cli, const char *option, const char *arg, struct peer *ret,
			 bool *ret_has)
{
	const char *err = "";

	if (peer_parse(arg, true, ret, &err) < 0 || !ret->port || ret->bits != 128)
		return cli_usage_error(cli, "%s %s: IP:PORT wanted", option, arg);
	*ret_has = true;
	return 0;
}

/* @word: as it stands in the command line. */
static int take_option(struct cli *cli, int opt, const char *word, struct args *a, struct explain *x)
{
	int64_t at_s;

	switch (opt) {
	case 'c':
		a->config = optarg;
		return 0;
	case 'k':
		a->key = optarg;
		return 0;
	case 'C':
		a->cert = optarg;
		return 0;
	case 'A':
		a->anchors = optarg;
		return 0;
	case 'j':
		cli->json = true;
		return 0;
	case 'f':
		return parse_address(cli, "--from", optarg, &x->from, &a->has_from);
	case 't':
		return parse_address(cli, "--to", optarg, &x->to, &a->has_to);
	case 'a':
		if (time_arg_parse(optarg, &at_s) < 0)
			return cli_usage_error(cli, "--at %s: RFC 3339 time or seconds since 1970 wanted", optarg);
		a->now_ms = at_s * 1000;
		return 0;
	case 'o':
		if (strcmp(optarg, "sip"))
			return cli_usage_error(cli, "--output %s: only `sip` is known", optarg);
		a->want_sip = true;
		return 0;
	}
	return cli_usage_error(cli, opt == ':' ? "%s needs a value" : "unknown option %s", word);
}

static int parse_args(struct cli *cli, int argc, char **argv, struct args *a, struct explain *x)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },	    { "at", required_argument, NULL, 'a' },
		{ "key", required_argument, NULL, 'k' },    { "output", required_argument, NULL, 'o' },
		{ "cert", required_argument, NULL, 'C' },   { "anchors", required_argument, NULL, 'A' },
		{ "json", no_argument, NULL, 'j' },	    { 0 },
	};
	int opt, r;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":c:j", options, NULL)) != -1)
		if ((r = take_option(cli, opt, argv[optind - 1], a, x)) != 0)
			return r;
	if (!a->has_from || !a->has_to || argc - optind != 1)
		return cli_usage_error(cli, "--from, --to and one message file are needed");
	if (a->want_sip && cli->json)
		return cli_usage_error(cli, "--output sip and --json exclude each other");
	a->file = argv[optind];
	return 0;
}

int cmd_explain(struct cli *cli, int argc, char **argv)
{
	CLEANUP(explain_done) struct explain x = { 0 };
	struct args a = { .config = CONFIG_DEFAULT, .now_ms = (int64_t)clock_real_ms() };
	int r = parse_args(cli, argc, argv, &a, &x);

	if (r)
		return r;
	r = file_read(a.file, SIP_MESSAGE_MAX, &x.message, &x.message_len);
	if (r < 0) {
		cli_error("%s: %s", a.file, r == -EFBIG ? "larger than a UDP datagram" : strerror(-r));
		return CLI_FAILED;
	}
	r = load(&x, a.config, a.now_ms / 1000);
	if (r == 0)
		r = decide(&x, &a);
	if (r < 0)
		return r == -EINVAL ? CLI_REFUSED : CLI_FAILED;
	if (a.want_sip)
		return fwrite(x.out, 1, x.out_len, stdout) == x.out_len ? CLI_OK : CLI_FAILED;
	return cli->json ? explain_print_json(&x) : explain_print_text(&x);
}
