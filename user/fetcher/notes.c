/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/notes.h"

#include <errno.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/siphash.h"

/* One for all tables of the process: uthash gives its hash no place for it. */
static struct siphash_key key;
static bool has_key;

#define HASH_FUNCTION(p, n, ret) ((ret) = (unsigned)siphash(key, slice_of((const char *)(p), (n))))

/* Out of memory is an error of the one who asks, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->is_lost = true)
#include <uthash.h>
#include <utlist.h>

enum { BAD, GOOD };

struct note {
	UT_hash_handle hh;
	struct note *prev, *next;
	struct note_is is;
	uint64_t seq;              /* grows with each notes_set() */
	bool is_good, is_lost;
	char *text;                /* NULL: none */
	size_t len;
	char url[];
};

struct notes {
	struct note *table;
	struct note *oldest[2];
	unsigned cnt[2];
	uint64_t last_seq;
};

static const unsigned cnt_max[2] = { [BAD] = VERDICT_BAD_MAX, [GOOD] = VERDICT_GOOD_MAX };

int notes_new(struct notes **ret)
{
	struct notes *n;

	if (!has_key && RAND_bytes((unsigned char *)&key, sizeof(key)) != 1)
		return -EIO;
	has_key = true;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	*ret = n;
	return 0;
}

static void note_free(struct note *t)
{
	free(t->text);
	free(t);
}

void notes_free(struct notes *n)
{
	struct note *t, *next;

	if (!n)
		return;
	HASH_ITER(hh, n->table, t, next) {
		HASH_DEL(n->table, t);
		note_free(t);
	}
	free(n);
}

static void list_remove(struct notes *n, struct note *t)
{
	DL_DELETE(n->oldest[t->is_good], t);
	n->cnt[t->is_good]--;
}

static void list_append(struct notes *n, struct note *t, bool is_good)
{
	t->is_good = is_good;
	t->seq = ++n->last_seq;
	DL_APPEND(n->oldest[is_good], t);
	n->cnt[is_good]++;
}

void notes_drop(struct notes *n, struct note *t)
{
	list_remove(n, t);
	HASH_DEL(n->table, t);
	note_free(t);
}

/* Room for one more.  Few are being fetched, so the first or one soon behind it goes. */
static void trim(struct notes *n, bool is_good)
{
	struct note *t = n->oldest[is_good];

	if (n->cnt[is_good] < cnt_max[is_good])
		return;
	while (t && t->is.is_running)
		t = t->next;
	if (t)
		notes_drop(n, t);
}

struct note *notes_get(const struct notes *n, struct slice url)
{
	struct note *t;

	HASH_FIND(hh, n->table, url.p, url.len, t);
	return t;
}

struct note *notes_make(struct notes *n, struct slice url)
{
	struct note *t = notes_get(n, url);

	if (t)
		return t;
	trim(n, false);
	t = calloc(1, sizeof(*t) + url.len + 1);
	if (!t)
		return NULL;
	memcpy(t->url, url.p, url.len);
	t->len = url.len;
	HASH_ADD_KEYPTR(hh, n->table, t->url, t->len, t);
	if (t->is_lost) {
		free(t);
		return NULL;
	}
	list_append(n, t, false);
	return t;
}

void notes_set(struct notes *n, struct note *t, bool is_good, const char *text)
{
	list_remove(n, t);
	trim(n, is_good);
	list_append(n, t, is_good);
	notes_say(t, text);
}

void notes_say(struct note *t, const char *text)
{
	free(t->text);
	t->text = *text ? strndup(text, NOTE_TEXT_MAX - 1) : NULL; /* without memory words are all that is lost */
}

struct note_is *note_of(struct note *t)
{
	return &t->is;
}

struct slice note_url(const struct note *t)
{
	return slice_of(t->url, t->len);
}

const char *note_text(const struct note *t)
{
	return t->text ? t->text : "";
}

/* The head's prev is the tail; nothing is before the head. */
static struct note *older(const struct notes *n, unsigned list, const struct note *t)
{
	return t == n->oldest[list] ? NULL : t->prev;
}

struct note *notes_next(const struct notes *n, struct notes_walk *w)
{
	unsigned list;
	struct note *t;

	if (!w->is_started)
		for (list = BAD; list <= GOOD; list++)
			w->at[list] = n->oldest[list] ? n->oldest[list]->prev : NULL;
	w->is_started = true;
	if (!w->at[BAD] && !w->at[GOOD])
		return NULL;
	list = !w->at[BAD] || (w->at[GOOD] && w->at[GOOD]->seq > w->at[BAD]->seq);
	t = w->at[list];
	w->at[list] = older(n, list, t);
	return t;
}

void notes_expire(struct notes *n, int64_t now_s, int64_t rest_s)
{
	struct notes_walk w = { 0 };
	struct note *t;

	while ((t = notes_next(n, &w)))
		if (!t->is.is_running && t->is.expires_at <= now_s && t->is.tried_at + rest_s <= now_s)
			notes_drop(n, t);
}
