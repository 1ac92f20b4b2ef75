/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/origids.h"

static const char help[] =
	"Usage: sipseald -c FILE [--check] [--state-dir DIR] [--libexec DIR]\n"
	"       sipseald --attach IF:side [IF:side ...] [--bpffs DIR]\n"
	"       sipseald --detach [-c FILE | --bpffs DIR]\n"
	"\n"
	"The daemon of sipseal: loads the XDP gateway, starts the signer and the fetcher of\n"
	"certificates, serves `sipseal`.\n"
	"It stays in the foreground; stop it with SIGTERM.  The XDP program stays attached\n"
	"then (a restart takes it over); --detach removes it.\n"
	"\n"
	"  -c, --config FILE    configuration (sipseal.yaml)\n"
	"      --check          check the configuration, certificates and keys, then exit\n"
	"      --attach         quick start without a file: interfaces from the arguments,\n"
	"                       side is core or carrier, or both (of one NIC); trunks from\n"
	"                       /etc/sipseal/trunks.d\n"
	"      --detach         take XDP programs and pinned maps away\n"
	"      --bpffs DIR      mounted BPF file system (default: of the configuration)\n"
	"      --state-dir DIR  where origids are kept (default: " ORIGIDS_STATE_DIR ")\n"
	"      --libexec DIR    where sipseal-signer and sipseal-fetcher are (default: beside\n"
	"                       this program, or ../libexec/sipseal)\n"
	"  -h, --help           this text\n"
	"  -V, --version        version\n"
	"\n"
	"Example: sipseald --attach eth0:core eth1:carrier\n"
	"Exit status: 0 ok, 1 failed, 2 usage, 5 configuration refused.  Manual: sipseald(8)\n";

void options_help(void)
{
	fputs(help, stdout);
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr, "sipseald: %s%s\nTry 'sipseald --help'.\n", what, arg ? arg : "");
	return -EINVAL;
}

int attach_split(const char *arg, char ret_name[16], const char **ret_side,
		 const char **reterr_text)
{
	const char *colon = strrchr(arg, ':');
	size_t len = colon ? (size_t)(colon - arg) : 0;

	*reterr_text = "want INTERFACE:side with side core, carrier or both";
	if (!colon ||
	    (strcmp(colon + 1, "core") && strcmp(colon + 1, "carrier") && strcmp(colon + 1, "both")))
		return -EINVAL;
	*reterr_text = "interface names have 1 to 15 letters, digits and . _ - @ :";
	if (!len || len > 15 ||
	    strspn(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:") <
		    len)
		return -EINVAL;
	memcpy(ret_name, arg, len);
	ret_name[len] = '\0';
	*ret_side = colon + 1;
	return 0;
}

static int attach_add(struct options *o, const char *arg)
{
	const char *side, *text;
	char name[16];

	if (attach_split(arg, name, &side, &text) < 0) {
		fprintf(stderr, "sipseald: %s: %s\nTry 'sipseald --help'.\n", arg, text);
		return -EINVAL;
	}
	if (o->attach_cnt == SIPSEAL_PORTS_MAX)
		return usage("too many interfaces at ", arg);
	o->attach[o->attach_cnt++] = arg;
	return 0;
}

enum { OPT_CHECK = 256, OPT_ATTACH, OPT_DETACH, OPT_BPFFS, OPT_STATE_DIR, OPT_LIBEXEC };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "foreground", no_argument, NULL, 'f' },
	{ "attach", no_argument, NULL, OPT_ATTACH },
	{ "detach", no_argument, NULL, OPT_DETACH },
	{ "bpffs", required_argument, NULL, OPT_BPFFS },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "libexec", required_argument, NULL, OPT_LIBEXEC },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int contradictions(const struct options *o, bool want_attach)
{
	if (o->action == ACTION_HELP || o->action == ACTION_VERSION)
		return 0;
	if (want_attach && o->action == ACTION_DETACH)
		return usage("--attach and --detach exclude each other", NULL);
	if (want_attach && o->config)
		return usage("--attach is the start without a file; -c excludes it", NULL);
	if (want_attach && !o->attach_cnt)
		return usage("--attach needs interfaces, as in --attach eth0:core eth1:carrier",
			     NULL);
	if (!want_attach && o->attach_cnt)
		return usage("unexpected argument ", o->attach[0]);
	if (!want_attach && !o->config && o->action != ACTION_DETACH)
		return usage("need a configuration (-c FILE) or interfaces (--attach)", NULL);
	if (o->config && o->bpffs)
		return usage("--bpffs and -c exclude each other: the file says gateway.bpffs",
			     NULL);
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = { .state_dir = ORIGIDS_STATE_DIR };
	bool want_attach = false;
	int c;

	optind = 0; /* start anew, also when called twice */
	while ((c = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 'f':
			break; /* the only way we run */
		case 'h':
			o.action = ACTION_HELP;
			break;
		case 'V':
			o.action = ACTION_VERSION;
			break;
		case OPT_CHECK:
			o.action = ACTION_CHECK;
			break;
		case OPT_ATTACH:
			want_attach = true;
			break;
		case OPT_DETACH:
			o.action = ACTION_DETACH;
			break;
		case OPT_BPFFS:
			o.bpffs = optarg;
			break;
		case OPT_STATE_DIR:
			o.state_dir = optarg;
			break;
		case OPT_LIBEXEC:
			o.libexec = optarg;
			break;
		default:
			return usage("wrong option", NULL);
		}
	}
	for (int i = optind; i < argc; i++) {
		if (!want_attach && o.action != ACTION_HELP)
			return usage("unexpected argument ", argv[i]);
		if (want_attach && attach_add(&o, argv[i]) < 0)
			return -EINVAL;
	}
	if (contradictions(&o, want_attach) < 0)
		return -EINVAL;
	*ret = o;
	return 0;
}
