/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity rows of ours before an implementation that shares no code with us: secsipidx. */
#include "chain.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "stir/credential.h"
#include "stir/passport.h"

#define PROGRAM "/usr/bin/secsipidx"
#define X5U	"https://cr.example.com/shaken/1234.pem"

struct foreign {
	char dir[64];
	struct chain chain;
	struct credential_set *set;
	struct credential_signer *signer;
	char header[PASSPORT_HEADER_B64_MAX];
	size_t header_len;
};

static const char *const files[] = { "leaf.pem", "intermediate.pem", "root.pem" };

/* "<dir>/<name>" in one of a few static buffers */
static char *path_of(const struct foreign *f, const char *name)
{
	static char buf[4][128];
	static unsigned next;
	char *p = buf[next++ % ARRAY_SIZE(buf)];

	snprintf(p, sizeof(buf[0]), "%s/%s", f->dir, name);
	return p;
}

static void cert_write(const struct foreign *f, const char *name, X509 *x)
{
	FILE *out = fopen(path_of(f, name), "w");

	assert_non_null(out);
	assert_int_equal(PEM_write_X509(out, x), 1);
	assert_int_equal(fclose(out), 0);
}

static int setup(void **state)
{
	struct foreign *f = calloc(1, sizeof(*f));
	BIO *bio = BIO_new(BIO_s_mem());
	char pem[1024];
	int len;

	assert_non_null(f);
	*state = f;
	snprintf(f->dir, sizeof(f->dir), "%s/sipseal-test-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(f->dir));
	f->chain = chain_new_at(time(NULL)); /* it judges by the clock */
	cert_write(f, files[0], f->chain.leaf.x);
	cert_write(f, files[1], f->chain.intermediate.x);
	cert_write(f, files[2], f->chain.root.x);
	PEM_write_bio_PrivateKey(bio, f->chain.leaf.key, NULL, NULL, 0, NULL, NULL);
	len = BIO_read(bio, pem, sizeof(pem));
	BIO_free(bio);
	assert_int_equal(credential_set_new(&f->set), 0);
	assert_int_equal(credential_add(f->set, 0, pem, (size_t)len, NULL), 0);
	assert_int_equal(credential_signer_new(f->set, &f->signer), 0);
	f->header_len = (size_t)passport_header_emit(SLICE(X5U), f->header, sizeof(f->header));
	return 0;
}

static int teardown(void **state)
{
	struct foreign *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(path_of(f, files[i]));
	rmdir(f->dir);
	credential_signer_free(f->signer);
	credential_set_free(f->set);
	chain_free(&f->chain);
	free(f);
	return 0;
}

static void identity_make(const struct foreign *f, int64_t iat, char *ret, size_t cap)
{
	struct passport_claims c = {
		.attest = 'A',
		.orig_tn = SLICE("12155550112"),
		.dest_tn = SLICE("12155550113"),
		.iat = iat,
		.origid = SLICE("123e4567-e89b-42d3-a456-426655440000"),
	};
	ssize_t n = identity_emit(slice_of(f->header, f->header_len), SLICE(X5U), &c,
				  credential_sign, f->signer, 0, ret, cap - 1);

	assert_true(n > 0);
	ret[n] = '\0';
}

/* Exit status of the verifier; the chain is checked up to the root through the intermediate:
 * 1 validity, 4 CA file, 8 intermediates. */
static int verify(const struct foreign *f, const char *identity)
{
	const char *argv[] = {
		PROGRAM, "-check", "-identity", identity, "-p", path_of(f, files[0]),
		"-expire", "300", "-cert-verify", "13", "-ca-file", path_of(f, files[2]),
		"-ca-inter", path_of(f, files[1]), NULL,
	};
	char *environment[] = { "GODEBUG=", NULL };
	posix_spawn_file_actions_t quiet;
	int status, r;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	r = posix_spawn(&pid, PROGRAM, &quiet, NULL, (char **)argv, environment);
	posix_spawn_file_actions_destroy(&quiet);
	assert_int_equal(r, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void require_program(void)
{
	if (access(PROGRAM, X_OK) == 0)
		return;
	print_message("skipped: " PROGRAM " is not installed (package secsipidx)\n");
	skip();
}

static void test_accepted(void **state)
{
	struct foreign *f = *state;
	char identity[1024];

	require_program();
	for (unsigned i = 0; i < 5; i++) {
		identity_make(f, time(NULL), identity, sizeof(identity));
		assert_int_equal(verify(f, identity), 0);
	}
}

/* The verifier does look: it refuses what was changed or is old. */
static void test_refused(void **state)
{
	struct foreign *f = *state;
	char identity[1024], *p;

	require_program();
	identity_make(f, time(NULL), identity, sizeof(identity));
	p = strchr(strchr(identity, '.') + 1, '.') + 10; /* within the signature */
	*p = *p == 'A' ? 'B' : 'A';
	assert_int_not_equal(verify(f, identity), 0);
	identity_make(f, time(NULL) - 3600, identity, sizeof(identity));
	assert_int_not_equal(verify(f, identity), 0);
}

static void test_chain_counts(void **state)
{
	struct foreign *f = *state;
	char identity[1024];
	struct chain other;

	require_program();
	other = chain_new_at(time(NULL));
	cert_write(f, files[2], other.root.x);
	chain_free(&other);
	identity_make(f, time(NULL), identity, sizeof(identity));
	assert_int_not_equal(verify(f, identity), 0);
	cert_write(f, files[2], f->chain.root.x);
	assert_int_equal(verify(f, identity), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_chain_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
