// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/image.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "trunk/entry.h"
#include "trunk/heap.h"
#include "trunk/journal.h"

#define ALIGN 64u /* copies and tables start on cache lines */

struct image {
	struct policy_region *region;
	struct policy_copy *copy[2];
	struct table trunks, credentials;
	struct heap *heap;
	struct journal journal;
	uint64_t generation; /* the active one */
	uint64_t open;       /* the one being written; 0: none */
	bool is_settled;
	int error; /* of the open change */
};

static_assert(offsetof(struct policy_copy, generation) == 0, "head_follow() copies what follows");

static uint64_t align(uint64_t n)
{
	return (n + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

void image_free(struct image *im)
{
	if (!im)
		return;
	journal_done(&im->journal);
	table_done(&im->trunks);
	table_done(&im->credentials);
	heap_free(im->heap);
	free(im);
}

/* Heads only: tables are zero as they are, and sparse memory stays untouched. */
static void format(struct image *im, uint64_t size, uint64_t copy_size)
{
	struct policy_region *r = im->region;
	const struct table *t = &im->trunks, *c = &im->credentials;

	*r = (struct policy_region){ .magic = POLICY_MAGIC,
				     .version = POLICY_VERSION,
				     .size = size,
				     .copy_size = copy_size };
	for (unsigned i = 0; i < 2; i++) {
		r->copy_off[i] = align(sizeof(*r)) + i * copy_size;
		im->copy[i] = (struct policy_copy *)((char *)r + r->copy_off[i]);
		*im->copy[i] = (struct policy_copy){
			.len = heap_top(im->heap),
			.trunks = { t->off, t->max * t->size },
			.credentials = { c->off, c->max * c->size },
		};
	}
}

int image_new(struct policy_region *r, uint64_t size, uint32_t trunk_max, uint32_t credential_max,
	      struct image **ret)
{
	CLEANUP(image_freep) struct image *im = NULL;
	uint64_t head = align(sizeof(*r)), copy_size, credentials, heap;
	int e;

	if ((uintptr_t)r % 8 || !trunk_max || trunk_max > ENTRY_SLOTS_MAX || !credential_max ||
	    credential_max > ENTRY_SLOTS_MAX)
		return -EINVAL;
	credentials = align(align(sizeof(struct policy_copy)) +
			    (uint64_t)trunk_max * sizeof(struct policy_trunk));
	heap = align(credentials + (uint64_t)credential_max * sizeof(struct policy_credential));
	copy_size = size < head ? 0 : (size - head) / 2 & ~(uint64_t)(ALIGN - 1);
	if (copy_size > (UINT32_MAX & ~(ALIGN - 1))) /* references are 32-bit offsets */
		copy_size = UINT32_MAX & ~(ALIGN - 1);
	if (heap >= copy_size)
		return -ENOSPC;
	if (!(im = calloc(1, sizeof(*im))))
		return -ENOMEM;
	if ((e = heap_new((uint32_t)heap, (uint32_t)copy_size, &im->heap)) < 0 ||
	    (e = table_init(&im->trunks, trunk_max, sizeof(struct policy_trunk),
			    (uint32_t)align(sizeof(struct policy_copy)))) < 0 ||
	    (e = table_init(&im->credentials, credential_max, sizeof(struct policy_credential),
			    (uint32_t)credentials)) < 0)
		return e;
	im->region = r;
	im->journal.heap = im->heap;
	im->is_settled = true;
	format(im, size, copy_size);
	*ret = TAKE(im);
	return 0;
}

static struct policy_copy *open_copy(const struct image *im)
{
	return im->copy[im->open & 1];
}

static void head_follow(struct policy_copy *dst, const struct policy_copy *src)
{
	memcpy((char *)dst + sizeof(dst->generation), (const char *)src + sizeof(src->generation),
	       sizeof(*dst) - sizeof(dst->generation));
}

static void follow(struct image *im)
{
	struct policy_copy *src = im->copy[im->generation & 1];
	struct policy_copy *dst = im->copy[~im->generation & 1];

	entry_copy_close(dst);
	journal_follow(&im->journal, dst, src);
	head_follow(dst, src);
	im->is_settled = true;
}

void image_settle(struct image *im)
{
	if (!im->open && !im->is_settled)
		follow(im);
}

int image_begin(struct image *im, uint64_t generation)
{
	if (!generation)
		return -EINVAL;
	if (im->open || (im->generation && ((generation ^ im->generation) & 1) == 0))
		return -EBUSY;
	image_settle(im);
	im->open = generation;
	im->error = 0;
	assert(!open_copy(im)->generation); /* closed when it followed; nobody finds it now */
	return 0;
}

/* The first failure of a change is that of all that follows. */
static int give_up(struct image *im, int error)
{
	if (im->open && !im->error)
		im->error = error;
	return error;
}

/* May this line be written now? */
static int line_open(struct image *im, const struct table *t, uint32_t index)
{
	if (im->error)
		return im->error;
	if (!im->open || index >= t->max)
		return -EINVAL;
	return journal_reserve(&im->journal);
}

static int line_drop(struct image *im, struct table *t, uint32_t index)
{
	int r = line_open(im, t, index);

	if (r < 0)
		return give_up(im, r);
	if (!t->lines[index].is_used)
		return 0;
	journal_set(&im->journal, t, index, (struct line){ 0 });
	memset(table_element(t, open_copy(im), index), 0, t->size);
	return 0;
}

int image_trunk_drop(struct image *im, uint32_t slot)
{
	return line_drop(im, &im->trunks, slot);
}

int image_credential_drop(struct image *im, uint32_t index)
{
	return line_drop(im, &im->credentials, index);
}

/* A block for what @w counted, and the writer for it; none where that was nothing. */
static int blob_new(struct image *im, struct entry_writer *w, struct heap_block **ret)
{
	struct heap_block *b = NULL;
	int r = w->error;

	if (r < 0 || (w->used && (r = heap_block_new(im->heap, (uint32_t)w->used, &b)) < 0))
		return r;
	if (b)
		*w = (struct entry_writer){ .base = (char *)open_copy(im),
					    .used = b->off,
					    .cap = b->off + b->len };
	*ret = b;
	return 0;
}

/* The line is @bytes in the open copy and owns @is. */
static void line_write(struct image *im, struct table *t, uint32_t index, struct line is,
		       const void *bytes)
{
	journal_set(&im->journal, t, index, is);
	memcpy(table_element(t, open_copy(im), index), bytes, t->size);
}

static int trunk_put(struct image *im, const struct compile_trunk *ct, const struct entry_trunk *e)
{
	struct entry_writer w = { .cap = UINT32_MAX };
	struct policy_copy *c = open_copy(im);
	struct line is = { .is_used = true };
	struct policy_trunk p;
	int r = 0;

	if (ct->location)
		r = locations_get(&im->journal.locations, im->heap, c, ct->location, &is.location);
	if (r < 0)
		return r;
	entry_trunk_emit(&w, e, &p);
	if ((r = blob_new(im, &w, &is.blob)) < 0)
		return r; /* a location without users goes with the abort */
	entry_trunk_emit(&w, e, &p);
	assert(!w.error);
	if (is.location) {
		p.location = (struct policy_ref){ is.location->block->off,
						  sizeof(struct pidf_template) };
		p.has_location = 1;
	}
	line_write(im, &im->trunks, ct->slot, is, &p);
	if (ct->slot >= c->trunk_cnt)
		c->trunk_cnt = ct->slot + 1;
	return 0;
}

int image_trunk_put(struct image *im, const struct compile_trunk *ct)
{
	struct entry_trunk e;
	int r = line_open(im, &im->trunks, ct->slot);

	if (r < 0)
		return give_up(im, r);
	if (ct->credential != POLICY_CREDENTIAL_NONE && ct->credential >= im->credentials.max)
		return give_up(im, -EINVAL);
	if ((r = entry_trunk_init(&e, ct)) < 0)
		return give_up(im, r);
	r = trunk_put(im, ct, &e);
	entry_trunk_done(&e);
	return r < 0 ? give_up(im, r) : 0;
}

int image_credential_put(struct image *im, uint32_t index, const struct compile_credential *cc)
{
	struct entry_writer w = { .cap = UINT32_MAX };
	struct policy_credential p = { 0 };
	struct line is = { .is_used = true };
	struct policy_copy *c = open_copy(im);
	int r = line_open(im, &im->credentials, index);

	if (r < 0)
		return give_up(im, r);
	entry_credential_emit(&w, cc, &p);
	if ((r = blob_new(im, &w, &is.blob)) < 0)
		return give_up(im, r);
	entry_credential_emit(&w, cc, &p);
	assert(!w.error);
	line_write(im, &im->credentials, index, is, &p);
	if (index >= c->credential_cnt)
		c->credential_cnt = index + 1;
	return 0;
}

int image_gateway_put(struct image *im, const struct gateway *g)
{
	int r;

	if (im->error)
		return im->error;
	if (!im->open)
		return -EINVAL;
	r = entry_gateway_emit(g, open_copy(im));
	return r < 0 ? give_up(im, r) : 0;
}

void image_commit(struct image *im)
{
	assert(im->open && !im->error);
	open_copy(im)->len = heap_top(im->heap);
	entry_copy_open(open_copy(im), im->open);
	im->generation = im->open;
	im->open = 0;
	im->is_settled = false;
}

void image_abort(struct image *im)
{
	struct policy_copy *dst, *src;

	if (!im->open)
		return;
	dst = open_copy(im);
	src = im->copy[~im->open & 1];
	journal_undo(&im->journal, dst, src);
	head_follow(dst, src);
	im->open = 0;
	im->error = 0;
}

bool image_is_settled(const struct image *im)
{
	return im->is_settled;
}

uint64_t image_generation(const struct image *im)
{
	return im->generation;
}

void image_usage(const struct image *im, struct image_usage *ret)
{
	*ret = (struct image_usage){ .total = heap_size(im->heap),
				     .used = heap_used(im->heap),
				     .waiting = im->journal.waiting_len +
						im->journal.locations.waiting_len,
				     .trunks = im->trunks.used_cnt,
				     .locations = locations_cnt(&im->journal.locations) };
}
