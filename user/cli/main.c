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
	{ "config", "check", cmd_config_check, "FILE",
	  "check a configuration; needs no root and no daemon",
	  "Prints every error as file:line:col: key: what is wrong, what is allowed.\n"
	  "Exit status 5 when it is refused.\n"
	  "Example: sipseal config check /etc/sipseal/sipseal.yaml\n" },
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
	{ "explain", NULL, cmd_explain, "[-c CONFIG] --from IP:PORT --to IP:PORT FILE.sip",
	  "what would happen to this message, and why; offline",
	  "  -c, --config FILE    configuration (default /etc/sipseal/sipseal.yaml)\n"
	  "      --from IP:PORT   source of the packet (the core side)\n"
	  "      --to IP:PORT     destination (the carrier)\n"
	  "      --at TIME        fix the clock (RFC 3339 or seconds since 1970)\n"
	  "      --key FILE       private key; without access to one the signature is a "
	  "placeholder\n"
	  "      --output sip     exactly the bytes that would leave\n"
	  "FILE.sip may be - for standard input.\n"
	  "Example: sipseal explain --from 10.0.0.5:5060 --to 203.0.113.10:5060 invite.sip\n" },
};

static void title(const struct command *c, char dst[80])
{
	snprintf(dst, 80, "%s%s%s%s%s", c->object, c->verb ? " " : "", c->verb ? c->verb : "",
		 *c->args ? " " : "", c->args);
}

static void help_all(void)
{
	puts("Usage: sipseal [-j] [-s SOCKET] COMMAND\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char name[80];

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
		char name[80];

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
	char name[80], usage[1024];
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
