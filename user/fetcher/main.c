/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipseal-fetcher - gets the certificates that Identity rows name: talks to strangers' HTTPS servers, sees no key and
 * no packet.  Started by sipseald with descriptor 3 connected to it; ends with it.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "fetcher/serve.h"

/* The signer has calls in hand; what comes from here is awaited for wait_ms at the most. */
#define NICE 10

/* What libraries would take from there. */
static void environment_set(void)
{
	static const char *const unwanted[] = {
		"SSLKEYLOGFILE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
		"no_proxy", "NO_PROXY", "HOSTALIASES", "LOCALDOMAIN", "CURL_HOME",
	};

	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		unsetenv(unwanted[i]);
	/* a look-up that nobody answers is over after seconds, not after half a minute (fetch.h) */
	setenv("RES_OPTIONS", "timeout:1 attempts:2", 1);
}

int main(int argc, char **argv)
{
	struct child c = {
		.program = "sipseal-fetcher",
		.event = "fetcher",
		.about = "Fetches and judges the certificates of callers for sipseal.  Started by sipseald, which\n"
			 "hands it shared memory, trust anchors and the cache directory over descriptor 3; it is of\n"
			 "no use alone.\n",
	};
	int r = child_begin(&c, argc, argv);

	if (r >= 0)
		return r;
	environment_set();
	setpriority(PRIO_PROCESS, 0, NICE); /* threads that look names up inherit it */
	if (child_confine(&c) < 0)
		return EXIT_FAILURE;
	r = serve(CHANNEL_FD);
	/* no exit handlers: a name look-up may go on in a thread, and there is nothing left to flush */
	_exit(r);
}
