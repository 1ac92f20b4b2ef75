/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/unprivileged.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int user_drop(uid_t uid, gid_t gid)
{
	if (geteuid() != 0 && getuid() != 0)
		return 0;
	if (uid == (uid_t)-1 || gid == (gid_t)-1)
		return -EPERM;
	if (uid == 0 || gid == 0)
		return -EINVAL;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* Capabilities that an unprivileged user may still hold (ambient ones from a unit file). */
static int capabilities_drop(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &h, d) < 0)
		return -errno;
	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (d[i].effective | d[i].permitted | d[i].inheritable)
			return -EACCES;
	return 0;
}

int unprivileged_become(uid_t uid, gid_t gid)
{
	const struct rlimit none = { 0, 0 };
	int r;

	if ((r = user_drop(uid, gid)) < 0 || (r = capabilities_drop()) < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* after the change of user, which resets it: no core, no ptrace, no /proc/<pid>/mem */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return 0;
}
