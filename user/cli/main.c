/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/globals.h"

/* The one table of commands: help, usage errors and dispatch come from it. */
static const struct command {
	const char *object, *verb; /* verb NULL: the object alone */
	cli_fn *fn;
	const char *args, *help;
	const char *more; /* options and an example */
} commands[] = {
	{ "status", NULL, cmd_status, "",
	  "traffic, verdicts and certificates at a glance (the default)",
	  "Example: sipseal status -j\n" },
	{ "stats", NULL, cmd_stats, "", "every counter; -j also those that are zero",
	  "Example: sipseal stats -j | jq .sums\n" },
	{ "trunk", "list", cmd_trunk_list, "",
	  "trunks, their peers and what became of their INVITEs", "Example: sipseal trunk list\n" },
	{ "trunk", "show", cmd_trunk_show, "NAME",
	  "effective policy of a trunk, defaults filled in", "Example: sipseal trunk show acme\n" },
	{ "trunk", "add", cmd_trunk_add, "NAME KEY=VALUE... | [NAME] -f FILE [KEY=VALUE...]",
	  "add a trunk: live when the command returns, kept over a restart",
	  "Keys are those of sipseal.yaml(5), dotted where they are nested; lists are VALUE,VALUE.\n"
	  "  -f FILE  a trunk file, YAML or JSON (- is standard input); KEY=VALUE goes on top\n"
	  "Example: sipseal trunk add acme carrier.peers=203.0.113.10 attestation=A numbers=+12155550100\n" },
	{ "trunk", "set", cmd_trunk_set, "NAME KEY=VALUE... [--unset KEY]...", "change keys of a trunk",
	  "A list is replaced as a whole; --unset KEY gives a key its default again.\n"
	  "Example: sipseal trunk set acme mode=observe extras.geolocation.attach=emergency\n" },
	{ "trunk", "remove", cmd_trunk_remove, "NAME", "remove a trunk and its file",
	  "Only trunks that were added by `sipseal trunk add` or the API.\n"
	  "Example: sipseal trunk remove acme\n" },
	{ "trunk", "export", cmd_trunk_export, "NAME", "the trunk's own keys, as `trunk add -f` takes them",
	  "Example: sipseal trunk export acme > acme.yaml\n" },
	{ "config", "reload", cmd_config_reload, "[--dry-run]",
	  "read the configuration, trunk files and certificates again",
	  "  -n, --dry-run  only show what differs\n"
	  "All of it or nothing: one error anywhere, and everything stays as it was.\n"
	  "Example: sipseal config reload --dry-run\n" },
	{ "config", "check", cmd_config_check, "FILE",
	  "check a configuration; needs no root and no daemon",
	  "Prints every error as file:line:col: key: what is wrong, what is allowed.\n"
	  "Exit status 5 when it is refused.\n"
	  "Example: sipseal config check /etc/sipseal/sipseal.yaml\n" },
	{ "cert", "show", cmd_cert_show, "", "the certificates that are signed with, and when they expire",
	  "Example: sipseal cert show\n" },
	{ "cert", "reload", cmd_cert_reload, "[--trunk NAME]",
	  "read certificates and keys again and swap them in one generation",
	  "  --trunk NAME  only those of this trunk\n"
	  "A set that is not good in every respect is refused, and the old one goes on.\n"
	  "Example: sipseal cert reload\n" },
	{ "cert", "check", cmd_cert_check, "FILE [--at TIME] [--anchors PATH]",
	  "check a certificate chain (PEM: leaf, intermediates)",
	  "  --at TIME       judge as of this time (RFC 3339 or seconds since 1970)\n"
	  "  --anchors PATH  the chain must end in one of these (PEM file or directory)\n"
	  "Exit status 5 when it cannot be used for signing.\n"
	  "Example: sipseal cert check chain.pem --anchors anchors.pem\n" },
	{ "cert", "lab", cmd_cert_lab, "DIR", "make a CA, certificate and key for tests",
	  "Writes root.pem, intermediate.pem, leaf.pem, chain.pem, key.pem and anchors.pem.\n"
	  "Example: sipseal cert lab /tmp/sti\n" },
	{ "cert", "request", cmd_cert_request, "DIR --org NAME --spc SPC | --number NUMBERS",
	  "make a key and a request for an STI-CA",
	  "Writes key.pem (mode 0600, never overwritten) and request.pem (PKCS#10 with TNAuthList).\n"
	  "  --org NAME        organisation of the subject\n"
	  "  --spc SPC         service provider code; may stand more than once\n"
	  "  --number NUMBERS  +18005550100 or +18005550100-+18005550199; may stand more than once\n"
	  "  --name CN         common name (default: SHAKEN and the SPC)\n"
	  "  --country CC      two letters (default US)\n"
	  "  --key FILE        use this key instead of a new one\n"
	  "Example: sipseal cert request sti-2027 --org 'Example Telecom' --spc 709J\n" },
	{ "cert", "cache", cmd_cert_cache, "list [--host HOST] | show URL | flush [URL]",
	  "certificates of callers: what is known of them, and why not",
	  "  list   all of them, newest first; --host HOST: of this server alone\n"
	  "  show   one, with what is wrong with it\n"
	  "  flush  forget one, or all: the next call that shows it has it fetched\n"
	  "Example: sipseal cert cache list --host certificates.example\n" },
	{ "cert", "prefetch", cmd_cert_prefetch, "FILE|URL",
	  "have certificates of callers fetched before they call",
	  "FILE has a URL per line; # begins a comment, - is standard input.\n"
	  "Exit status 1 when one of them is not good.\n"
	  "Example: sipseal cert prefetch https://certificates.example/1.pem\n" },
	{ "events", NULL, cmd_events, "[--follow] [--trunk NAME]", "what became of each call",
	  "  -f, --follow   go on with those that come\n"
	  "  --trunk NAME   only this trunk's\n"
	  "Example: sipseal events --follow -j\n" },
	{ "capture", NULL, cmd_capture, "-w FILE.pcapng|- [--trunk NAME] [--count N] [--seconds N]",
	  "INVITEs as they came and as they left, for Wireshark",
	  "  -w FILE, --write FILE  overwritten; - is standard output\n"
	  "  --trunk NAME           only this trunk's\n"
	  "  --count N              end after N INVITEs\n"
	  "  --seconds N            end after N seconds\n"
	  "Ends by Ctrl-C, too.  A comment of each packet says what became of the INVITE, and why.\n"
	  "Example: sipseal capture -w - | tshark -n -r - -T fields -e frame.comment\n" },
	{ "call", "override", cmd_call_override,
	  "CALL-ID | --calling-number NUMBER  --geolocation KEY=VALUE,... | --app-args JSON",
	  "a location for one call, before its INVITE leaves",
	  "  --calling-number NUMBER   all calls from +18005550100, while it lasts\n"
	  "  --geolocation ADDRESS     'country=US,region=NY,city=New York,street=350 Fifth Avenue'\n"
	  "  --app-args JSON           the same as ExecuteDialplan takes it\n"
	  "  --lifetime SECONDS        how long it waits, or lasts (default 60)\n"
	  "Example: sipseal call override a84b4c76e66710 --geolocation 'country=US,region=NY,city=New York,\n"
	  "         street=350 Fifth Avenue,postal=10118'\n" },
	{ "regulatory", NULL, cmd_regulatory, "on|off", "sign, or let all traffic pass as it is",
	  "Off lasts until `sipseal regulatory on` or a restart, and is shown as an alarm.\n"
	  "Example: sipseal regulatory off\n" },
	{ "explain", NULL, cmd_explain, "[-c CONFIG] --from IP:PORT --to IP:PORT FILE.sip",
	  "what would happen to this message, and why; offline",
	  "  -c, --config FILE    configuration (default /etc/sipseal/sipseal.yaml)\n"
	  "      --from IP:PORT   source of the packet (the core side, or the carrier: inbound)\n"
	  "      --to IP:PORT     destination\n"
	  "      --at TIME        fix the clock (RFC 3339 or seconds since 1970)\n"
	  "      --key FILE       private key; without access to one the signature is a "
	  "placeholder\n"
	  "      --cert FILE      inbound: the caller's certificate chain (PEM or DER) instead of\n"
	  "                       the fetcher's cache\n"
	  "      --anchors PATH   inbound: instead of certificates.trust_anchors\n"
	  "      --output sip     exactly the bytes that would leave\n"
	  "FILE.sip may be - for standard input.\n"
	  "Example: sipseal explain --from 10.0.0.5:5060 --to 203.0.113.10:5060 invite.sip\n" },
};

static void title(const struct command *c, char dst[160])
{
	snprintf(dst, 160, "%s%s%s%s%s", c->object, c->verb ? " " : "", c->verb ? c->verb : "",
		 *c->args ? " " : "", c->args);
}

static void help_all(void)
{
	puts("Usage: sipseal [-j] [-s SOCKET] COMMAND\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char name[160];

		title(&commands[i], name);
		if (strlen(name) > 26)
			printf("  %s\n  %-26s  %s\n", name, "", commands[i].help);
		else
			printf("  %-26s  %s\n", name, commands[i].help);
	}
	puts("\n  -j, --json           one JSON document instead of text\n"
	     "  -s, --socket SOCKET  control socket of the daemon (also SIPSEAL_SOCKET;\n"
	     "                       default " CLI_SOCKET ")\n"
	     "  -h, --help           this text; behind a command: its options and an example\n"
	     "  -V, --version        version\n"
	     "\n"
	     "Exit status: 0 ok, 1 failed, 2 usage, 3 daemon not reachable, 4 not found,\n"
	     "5 refused by a check.  Manual: sipseal(1)");
}

static int unknown(char *const *argv)
{
	bool has_object = false;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		has_object = has_object || !strcmp(commands[i].object, argv[1]);
	if (!has_object) {
		cli_error("unknown %s '%s'\nTry 'sipseal --help'.",
			  argv[1][0] == '-' ? "option" : "command", argv[1]);
		return CLI_USAGE;
	}
	cli_error(argv[2] ? "'%s %s' is no command; there is:" : "'%s' needs one more word:%.0s",
		  argv[1], argv[2] ? argv[2] : "");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char name[160];

		if (strcmp(commands[i].object, argv[1]))
			continue;
		title(&commands[i], name);
		fprintf(stderr, "  sipseal %s\n", name);
	}
	return CLI_USAGE;
}

static const struct command *find(int argc, char *const *argv)
{
	if (argc < 2)
		return &commands[0];
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		if (!strcmp(c->object, argv[1]) &&
		    (!c->verb || (argc > 2 && !strcmp(c->verb, argv[2]))))
			return c;
	}
	return NULL;
}

static int run(struct cli *cli, const struct command *c, int argc, char **argv)
{
	int skip = argc < 2 ? 0 : c->verb ? 2 : 1;
	char name[160], usage[1024];
	int r;

	title(c, name);
	snprintf(usage, sizeof(usage), "Usage: sipseal [-j] [-s SOCKET] %s\n", name);
	cli->usage = usage;
	if (globals_want_help(argc, argv)) {
		printf("%s\n%s.\n%s", usage, c->help, c->more);
		return CLI_OK;
	}
	r = c->fn(cli, argc - skip, argv + skip);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	cli_error("standard output cannot be written");
	return r ? r : CLI_FAILED;
}

int main(int argc, char **argv)
{
	const struct command *c;
	struct cli cli = { 0 };

	log_set_name("sipseal");
	argc = globals_take(&cli, argc, argv);
	if (argc < 0)
		return CLI_USAGE;
	if (globals_want_version(argc, argv)) {
		printf("sipseal %s\n", SIPSEAL_VERSION);
		return CLI_OK;
	}
	c = argc > 1 && argv[1][0] == '-' ? NULL : find(argc, argv);
	if (!c && globals_want_help(argc, argv)) {
		help_all();
		return CLI_OK;
	}
	return c ? run(&cli, c, argc, argv) : unknown(argv);
}
