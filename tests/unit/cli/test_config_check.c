/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal config check: everything that is wrong with certificates and keys, at once, with its position. */
#include "command.h"

#include "base/cleanup.h"

static const struct {
	const char *name, *cert, *key, *attestation;
	int want;
	const char *says[3];
	const char *anchors, *verification; /* NULL: none; NULL: off */
} cases[] = {
	{ "good", "chain.pem", "key.pem", "B", CLI_OK, { "c.yaml: ok: 1 trunk, 0 warnings" } },
	{ "no certificate", "none.pem", "key.pem", "B", CLI_REFUSED,
	  { "c.yaml:3:15: certificates.cert_path: none.pem (in /", "refused: 1 error" } },
	{ "no key", "chain.pem", "none.pem", "B", CLI_REFUSED,
	  { "c.yaml:3:15: certificates.key_path: none.pem", "No such file", "refused: 1 error" } },
	{ "neither", "none.pem", "nokey.pem", "B", CLI_REFUSED, { "none.pem", "nokey.pem", "refused: 2 errors" } },
	{ "key that is none", "chain.pem", "leaf.pem", "B", CLI_REFUSED, { "leaf.pem", "refused: 1 error" } },
	{ "key of another", "chain.pem", "other.pem", "B", CLI_REFUSED,
	  { "other.pem", "does not match the certificate", "refused: 1 error" } },
	{ "a warning", "chain.pem", "key.pem", "A", CLI_OK,
	  { "c.yaml:6:18: warning: trunks[0].attestation: A for any number", "ok: 1 trunk, 1 warning\n" } },
	{ "inbound calls, by default", "chain.pem", "key.pem", "B", CLI_OK, { "ok: 1 trunk, 0 warnings" },
	  "anchors.pem", "{}" },
	{ "inbound calls, no anchors", "chain.pem", "key.pem", "B", CLI_OK,
	  { "certificates.trust_anchors", "not verified", "ok: 1 trunk, 1 warning" }, NULL, "{}" },
	{ "inbound calls wanted, no anchors", "chain.pem", "key.pem", "B", CLI_REFUSED,
	  { "certificates.trust_anchors", "refused: 1 error" }, NULL, "{ enabled: true }" },
	{ "anchors not there", "chain.pem", "key.pem", "B", CLI_REFUSED,
	  { "certificates.trust_anchors: none.pem", "refused: 1 error" }, "none.pem", "{}" },
};

static void test_cases(void **state)
{
	(void)state;
	if (geteuid()) /* keys belong to root */
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		FILE *f = fopen("c.yaml", "w");
		int r;

		assert_non_null(f);
		fprintf(f, "gateway: { interfaces: [{ name: a, side: core }, { name: b, side: carrier }] }\n"
			   "trunks_dir: /\n"
			   "certificates: { root: sti, cert_path: %s, key_path: %s, x5u: 'https://a.example/c.pem'%s%s }\n"
			   "trunks:\n"
			   "  - name: a\n"
			   "    attestation: %s\n"
			   "    verification: %s\n"
			   "    carrier: { peers: [192.0.2.1] }\n", cases[i].cert, cases[i].key,
			cases[i].anchors ? ", trust_anchors: " : "", cases[i].anchors ? cases[i].anchors : "",
			cases[i].attestation,
			cases[i].verification ? cases[i].verification : "{ enabled: false }");
		fclose(f);
		r = command_run(cmd_config_check, false, "c.yaml");
		if (r != cases[i].want)
			fail_msg("%s: exit %d\n%s%s", cases[i].name, r, command_out, command_err);
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].says) && cases[i].says[k]; k++)
			if (!strstr(command_out, cases[i].says[k]))
				fail_msg("%s: no \"%s\" in\n%s", cases[i].name, cases[i].says[k], command_out);
	}
}

static int setup(void **state)
{
	return command_setup(state) == 0 && command_run(cmd_cert_lab, false, "sti") == CLI_OK &&
	       command_run(cmd_cert_lab, false, "other") == CLI_OK &&
	       rename("other/key.pem", "sti/other.pem") == 0 && chmod("sti/leaf.pem", 0600) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, setup, command_teardown);
}
