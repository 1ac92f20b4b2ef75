/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "config/anchors.h"
#include "config/assemble.h"
#include "config/credentials.h"
#include "daemon/fetching_internal.h"
#include "daemon/shm.h"

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fetching_anchors_open(const struct gateway *g, char reterr[FETCHING_ERR_LEN])
{
	CLEANUP(freep) char *pem = NULL;
	CLEANUP(closep) int fd = -1;
	char err[ANCHORS_ERR_LEN] = "";
	unsigned cnt = 0;
	size_t len = 0;
	int r = anchors_read(g->cert_root, g->trust_anchors, &pem, &len, &cnt, err);

	if (r < 0) {
		snprintf(reterr, FETCHING_ERR_LEN, "certificates.trust_anchors: %s", *err ? err : strerror(-r));
		return r;
	}
	fd = memfd_create("sipseal-anchors", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	r = fd < 0 ? -errno : write_all(fd, pem, len);
	if (r == 0)
		r = shm_seal(fd, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	if (r < 0) {
		snprintf(reterr, FETCHING_ERR_LEN, "memory for trust anchors: %s", strerror(-r));
		return r;
	}
	return TAKE_FD(fd);
}

int fetching_crl_open(const struct gateway *g, char reterr[FETCHING_ERR_LEN])
{
	int fd;

	reterr[0] = '\0';
	if (!g->crl_path)
		return -ENOENT;
	fd = confined_open(g->cert_root, g->crl_path, false);
	if (fd < 0)
		snprintf(reterr, FETCHING_ERR_LEN, "certificates.crl.path %.300s: %s", g->crl_path,
			 credentials_open_error(fd));
	return fd;
}

/* ---- the cache directory ---- */

static int cache_error(const char *path, const char *what, int error, char *reterr)
{
	snprintf(reterr, FETCHING_ERR_LEN, "fetch.cache_dir %.300s: %s%s%s: certificates are not kept on disk", path, what,
		 error ? ": " : "", error ? strerror(error) : "");
	return error ? -error : -EPERM;
}

static bool is_empty(int dir_fd)
{
	CLEANUP(closep) int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;
	bool ret = d;

	if (!d)
		return false;
	copy = -1; /* of d */
	while (ret && (e = readdir(d)))
		ret = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(d);
	return ret;
}

/* What stands there already must be the fetcher's; to hand over one that has files in it would be to hand over the
 * files (cache_dir: /etc).  @fd: O_PATH. */
static int cache_own(int fd, const char *path, uid_t uid, gid_t gid, char *reterr)
{
	char what[128];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cache_error(path, "cannot be looked at", errno, reterr);
	if (!S_ISDIR(st.st_mode))
		return cache_error(path, "is a link, or no directory", 0, reterr);
	if (st.st_uid == uid)
		return 0;
	if (st.st_uid != geteuid() || !is_empty(fd)) {
		snprintf(what, sizeof(what), "belongs to user %u, not to %u, who runs the fetcher: remove it or chown it",
			 (unsigned)st.st_uid, (unsigned)uid);
		return cache_error(path, what, 0, reterr);
	}
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return cache_error(path, "cannot be given to the fetcher's user", errno, reterr);
	return 0;
}

/* As its owner: we may lack the capabilities that let root read what is not root's. */
static int open_as(int fd, uid_t uid)
{
	int dir, r = 0;

	setfsuid(uid);
	dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fchmod(dir, 0700) < 0)
		r = -errno;
	setfsuid(geteuid());
	if (r < 0 && dir >= 0)
		close(dir);
	return r < 0 ? r : dir;
}

int fetching_cache_open(const struct gateway *g, uid_t uid, gid_t gid, char reterr[FETCHING_ERR_LEN])
{
	const char *path = g->cache_dir;
	CLEANUP(freep) char *dir = path ? strdup(path) : NULL;
	CLEANUP(freep) char *base = path ? strdup(path) : NULL;
	CLEANUP(closep) int parent = -1;
	CLEANUP(closep) int fd = -1;
	const char *name;
	int r;

	reterr[0] = '\0';
	if (!path)
		return -ENOENT;
	if (!dir || !base)
		return cache_error(path, "cannot be opened", ENOMEM, reterr);
	parent = open(dirname(dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return cache_error(path, "its parent directory cannot be opened", errno, reterr);
	name = basename(base);
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return cache_error(path, "cannot be made", errno, reterr);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cache_error(path, "cannot be opened", errno, reterr);
	if ((r = cache_own(fd, path, uid, gid, reterr)) < 0)
		return r;
	r = open_as(fd, uid);
	return r < 0 ? cache_error(path, "cannot be opened", -r, reterr) : r;
}
