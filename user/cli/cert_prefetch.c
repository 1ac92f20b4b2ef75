/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert prefetch FILE|URL: have certificates fetched before a call shows them. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cache.h"
#include "cli/client.h"
#include "cli/files.h"
#include "cli/out.h"
#include "cli/show.h"

#define LIST_MAX   (8u << 20)
#define RUNNING    4      /* at the same time: no more are asked of one host */
#define WAIT_MS    20000  /* for one: fetch.timeout_ms is 10 s at most, and budgets of hosts make it stand in a queue */
#define INTERVAL_MS 100

struct job {
	const char *x5u;          /* NULL: free */
	uint64_t since_ms;
	bool is_asked;            /* else the fetcher was busy: again */
};

struct prefetch {
	const struct cli *cli;
	json_t *results;          /* of -j */
	struct job jobs[RUNNING];
	unsigned running;
	size_t failed;
	int exit;                 /* the daemon has gone: no more */
};

static bool is_running(const json_t *e)
{
	return !strcmp(out_str(e, "state"), "fetching") || json_is_true(json_object_get(e, "running"));
}

/* One line per URL, as it comes. */
static void print_result(const struct prefetch *p, const char *x5u, const json_t *e)
{
	const char *state = out_str(e, "state"), *detail = out_str(e, "detail"), *spc = out_str(e, "spc");
	bool is_good = !strcmp(state, "good");
	CLEANUP(freep) char *url = out_escape(x5u), *text = NULL, *safe = NULL;

	if (p->cli->json)
		return;
	if (asprintf(&text, "%s%s%s%s%s%s%s", is_good ? "" : ": ", is_good ? "" : out_str(e, "reason"),
		     is_good && strcmp(spc, "-") ? ", SPC " : "", is_good && strcmp(spc, "-") ? spc : "",
		     is_good ? ", until " : "", is_good ? out_str(e, "expires") : "",
		     strcmp(detail, "-") ? " " : "") < 0) {
		text = NULL;
		return;
	}
	safe = out_escape(text);
	printf("%s%-7s%s %s%s", out_colour(stdout, is_good ? OUT_GREEN : OUT_RED), is_good ? "good" : "failed",
	       out_colour(stdout, OUT_PLAIN), url ? url : "?", safe ? safe : "");
	if (strcmp(detail, "-")) {
		CLEANUP(freep) char *words = out_escape(detail);

		printf("(%s)", words ? words : "?");
	}
	putchar('\n');
	fflush(stdout);
}

/* @e: what is known of it now, taken; NULL: nothing. */
static void job_done(struct prefetch *p, struct job *j, json_t *e, const char *why)
{
	if (!e)
		e = json_pack("{s:s, s:s, s:s}", "x5u", j->x5u, "state", "failed", "reason", why);
	p->failed += strcmp(out_str(e, "state"), "good") != 0;
	print_result(p, j->x5u, e);
	json_array_append_new(p->results, e);
	j->x5u = NULL;
	p->running--;
}

/* What the daemon refuses has been printed; others go on. */
static void job_ask(struct prefetch *p, struct job *j)
{
	json_t *body = json_pack("{s:s}", "url", j->x5u), *answer = NULL;
	int r = body ? client_try(p->cli, "POST", CACHE_PATH, body, "fetcher_busy", &answer) : CLI_REFUSED;

	j->is_asked = answer;
	json_decref(answer);
	json_decref(body);
	if (r == CLI_NO_DAEMON)
		p->exit = r;
	else if (r)
		job_done(p, j, NULL, body ? "refused" : "no text");
}

static void job_look(struct prefetch *p, struct job *j, uint64_t now_ms)
{
	bool is_late = now_ms - j->since_ms > WAIT_MS;
	json_t *e = NULL;
	int r = CLI_NOT_FOUND;

	if (j->is_asked)
		e = cache_entry(p->cli, j->x5u, &r);
	if (r == CLI_NO_DAEMON || r == CLI_FAILED || r == CLI_REFUSED) {
		p->exit = r;
	} else if (is_late && (!e || is_running(e))) {
		json_decref(e);
		job_done(p, j, NULL, "not in time");
	} else if (!j->is_asked) {
		job_ask(p, j);
	} else if (!e || !is_running(e)) {
		job_done(p, j, e, "forgotten again");
	} else {
		json_decref(e);
	}
}

static void look(struct prefetch *p)
{
	const struct timespec pause = { 0, INTERVAL_MS * 1000000l };

	nanosleep(&pause, NULL);
	for (unsigned i = 0; i < RUNNING && !p->exit; i++)
		if (p->jobs[i].x5u)
			job_look(p, &p->jobs[i], clock_mono_ns() / 1000000);
}

static void start(struct prefetch *p, const char *x5u)
{
	struct job *j = p->jobs;

	while (j->x5u)
		j++;
	*j = (struct job){ .x5u = x5u, .since_ms = clock_mono_ns() / 1000000 };
	p->running++;
	job_ask(p, j);
}

static bool is_url(const char *s)
{
	return strstr(s, "://");
}

/* @text: cut into lines in place; blanks around a URL and lines that begin with # are nothing. */
static void start_lines(struct prefetch *p, char *text)
{
	char *save = NULL;

	for (char *s = strtok_r(text, "\r\n", &save); s && !p->exit; s = strtok_r(NULL, "\r\n", &save)) {
		s += strspn(s, " \t");
		s[strcspn(s, " \t")] = '\0';
		if (!*s || *s == '#')
			continue;
		while (p->running == RUNNING && !p->exit)
			look(p);
		if (!p->exit)
			start(p, s);
	}
	while (p->running && !p->exit)
		look(p);
}

int cmd_cert_prefetch(struct cli *cli, int argc, char **argv)
{
	struct prefetch p = { .cli = cli };
	CLEANUP(freep) char *text = NULL;
	size_t len, done;
	int r;

	if (argc != 2 || !argv[1][0])
		return cli_usage_error(cli, "one URL, or a file of them, is needed");
	r = is_url(argv[1]) ? 0 : file_read(argv[1], LIST_MAX, &text, &len);
	if (r < 0) {
		cli_error("%s: %s", argv[1], strerror(-r));
		return CLI_FAILED;
	}
	if (!text && !(text = strdup(argv[1])))
		return CLI_FAILED;
	p.results = json_array();
	start_lines(&p, text);
	done = json_array_size(p.results);
	if (cli->json) {
		json_t *o = json_pack("{s:o}", "entries", p.results);

		out_json(stdout, o);
		json_decref(o);
	} else {
		printf("%zu of %zu are good\n", done - p.failed, done);
		json_decref(p.results);
	}
	return p.exit ? p.exit : p.failed ? CLI_FAILED : CLI_OK;
}
