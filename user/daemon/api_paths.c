/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "config/assemble.h"

#define NUMBERS "numbers_file"
#define ALLOWED_HELP "a regular file inside certificates.root"
#define ALLOWED ", allowed: "
#define MAY_READ   4u
#define MAY_SEARCH 1u

static const char *const path_keys[] = { "cert_path", "key_path", NULL };

/* The value of certificates.KEY, given nested (@is_dotted false) or dotted; NULL: not there. */
static const json_t *certificate_path(const json_t *body, const char *key, bool is_dotted)
{
	char dotted[40];

	if (!is_dotted)
		return json_object_get(json_object_get(body, "certificates"), key);
	snprintf(dotted, sizeof(dotted), "certificates.%s", key);
	return json_object_get(body, dotted);
}

static bool has_dotdot(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += len + (path[len] == '/');
	}
	return false;
}

static const char *fault_of_path(const char *path, bool may_be_absolute)
{
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "holds control characters";
	if (strlen(path) >= PATH_MAX)
		return "is too long";
	if (*path == '/' && !may_be_absolute)
		return "is absolute";
	return has_dotdot(path) ? "goes up by `..`" : NULL;
}

/* The configuration would take 5 and true for the names of files, too; null takes the key away. */
static void check_one(const char *key, const json_t *value, bool may_be_absolute, struct fault *f)
{
	const char *path = json_string_value(value);
	const char *wrong = path ? fault_of_path(path, may_be_absolute) : "is no text";

	if (!value || json_is_null(value))
		return;
	if (wrong)
		config_report_add(&f->report, true, NULL, key, "%s" ALLOWED "%s", wrong, ALLOWED_HELP);
}

int api_paths_check(const json_t *body, struct fault *f)
{
	size_t errors = f->report.error_cnt;

	for (const char *const *k = path_keys; *k; k++) {
		char key[40];

		snprintf(key, sizeof(key), "certificates.%s", *k);
		check_one(key, certificate_path(body, *k, false), false, f);
		check_one(key, certificate_path(body, *k, true), false, f);
	}
	check_one(NUMBERS, json_object_get(body, NUMBERS), true, f);
	if (f->report.error_cnt == errors)
		return 0;
	return fault_set(f, "invalid", "a path that the API does not take");
}

static bool is_master(const struct control_client *who)
{
	return who->uid == 0 || who->uid == geteuid();
}

static bool has_group(const struct control_client *who, gid_t gid)
{
	for (unsigned i = 0; i < who->group_cnt; i++)
		if (who->groups[i] == gid)
			return true;
	return who->gid == gid;
}

/* As the kernel decides for somebody without capabilities: the first class that fits, and only that. */
static bool may(const struct control_client *who, const struct stat *st, mode_t want)
{
	unsigned shift = st->st_uid == who->uid ? 6 : has_group(who, st->st_gid) ? 3 : 0;

	return is_master(who) || (st->st_mode >> shift & want) == want;
}

/* Return: 0; -EACCES; other errno of the walk. */
static int may_search(int root_fd, const char *dir, const struct control_client *who)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	CLEANUP(closep) int fd = -1;
	struct stat st;

	do /* EAGAIN: a rename elsewhere raced with the walk (openat2(2)) */
		fd = (int)syscall(SYS_openat2, root_fd, dir, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* who may write it could put a link to another's key there later */
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EACCES;
	return may(who, &st, MAY_SEARCH) ? 0 : -EACCES;
}

/* The file itself is opened by others, as root: a link in its place must not lead elsewhere. */
static bool is_link(int root_fd, const char *path)
{
	struct stat st;

	return fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* Could @who reach @path below @root?  Directory by directory, so that nobody learns what is behind a closed one.
 * Return: 0 also where something on the way is not there: who opens it will say so; -EACCES. */
static int reach(const char *root, const char *path, const struct control_client *who)
{
	CLEANUP(closep) int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(freep) char *dir = strdup(path);
	int r;

	if (is_master(who))
		return 0;
	if (root_fd < 0 || !dir)
		return -EACCES;
	r = may_search(root_fd, ".", who);
	for (char *slash = dir; r == 0 && (slash = strchr(slash, '/')); slash++) {
		if (slash == dir)
			return -EACCES; /* absolute */
		*slash = '\0';
		r = may_search(root_fd, dir, who);
		*slash = '/';
	}
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 || is_link(root_fd, path) ? -EACCES : 0;
}

static int refuse(struct fault *f, const char *key)
{
	config_report_add(&f->report, true, NULL, key,
			  "is not yours to use" ALLOWED "a file that you could reach yourself, by directories that "
			  "are open to you and without links");
	return fault_set(f, "forbidden", "%s is not yours to use: ask root", key);
}

static int confine_certificates(const char *root, const struct control_client *who, const json_t *body, struct fault *f)
{
	for (unsigned i = 0; i < 4; i++) {
		const char *path = json_string_value(certificate_path(body, path_keys[i / 2], i & 1));
		char key[40];

		snprintf(key, sizeof(key), "certificates.%s", path_keys[i / 2]);
		if (path && reach(root, path, who) < 0)
			return refuse(f, key);
	}
	return 0;
}

static int numbers_invalid(struct fault *f, const char *wrong)
{
	config_report_add(&f->report, true, NULL, NUMBERS, "%s" ALLOWED ALLOWED_HELP, wrong);
	return fault_set(f, "invalid", NUMBERS " %s", wrong);
}

/* What stands behind "<root>/", or a relative path as it is; NULL: outside. */
static const char *below(const char *root, const char *path)
{
	size_t len = strlen(root);

	while (len && root[len - 1] == '/')
		len--;
	if (*path != '/')
		return path;
	if (strncmp(path, root, len) != 0 || path[len] != '/')
		return NULL;
	path += len;
	return path + strspn(path, "/");
}

static int confine_numbers(const char *root, const struct control_client *who, json_t *body, struct fault *f)
{
	const char *given = json_string_value(json_object_get(body, NUMBERS)), *path;
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (!given || !*given)
		return 0;
	path = below(root, given);
	if (!path || !*path)
		return numbers_invalid(f, "is outside certificates.root");
	if (reach(root, path, who) < 0)
		return refuse(f, NUMBERS);
	fd = confined_open(root, path, false);
	if (fd < 0)
		return numbers_invalid(f, fd == -EXDEV	  ? "is outside certificates.root"
					  : fd == -ENOENT ? "is not there"
							  : "is no regular file that opens");
	if (fstat(fd, &st) < 0 || !may(who, &st, MAY_READ))
		return refuse(f, NUMBERS);
	if (path != given && json_object_set_new(body, NUMBERS, json_string(path)) < 0)
		return fault_set(f, "internal", "out of memory");
	return 0;
}

int api_paths_confine(const char *root, const struct control_client *who, json_t *body, struct fault *f)
{
	int r = api_paths_check(body, f);

	if (r == 0)
		r = confine_certificates(root, who, body, f);
	return r == 0 ? confine_numbers(root, who, body, f) : r;
}

int api_paths_own(const char *root, const struct control_client *who, const struct cert_config *c, struct fault *f)
{
	if (!c->key_path || reach(root, c->key_path, who) == 0)
		return 0;
	return fault_set(f, "forbidden", "the trunk has a key of its own that is not yours to use: ask root");
}

static bool is_of_numbers(const char *key)
{
	size_t len = key ? strlen(key) : 0;

	return len >= strlen(NUMBERS) && strcmp(key + len - strlen(NUMBERS), NUMBERS) == 0;
}

/* "..., allowed: ..." quotes the line before, and says what we want behind. */
static char *quiet_text(const char *text)
{
	const char *allowed = NULL, *p = text;
	char *ret;

	while (p && (p = strstr(p, ALLOWED)))
		allowed = p++;
	return asprintf(&ret, "is not as it should be%s", allowed ? allowed : "") < 0 ? NULL : ret;
}

void api_paths_quiet(struct fault *f)
{
	for (size_t i = 0; i < f->report.cnt; i++) {
		struct config_message *m = &f->report.m[i];
		char *text = m->text;

		/* whatever quotes does it by "" */
		if (!is_of_numbers(m->key) || !text || !strchr(text, '"'))
			continue;
		m->text = quiet_text(text);
		free(text);
	}
}
