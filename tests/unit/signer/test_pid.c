/* SPDX-License-Identifier: BSD-2-Clause */
/* pid: getpid() asks the kernel until pid_fix(), and no more behind it: a process that forks after it shows that. */
#include "guard.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signer/pid.h"

static int status_of_child(pid_t expected)
{
	int status = -1;
	pid_t child = fork();

	if (!child)
		_exit(getpid() == (expected ? expected : (pid_t)syscall(SYS_getpid)) ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_fix(void **state)
{
	pid_t self = (pid_t)syscall(SYS_getpid);

	(void)state;
	assert_int_equal(getpid(), self);
	assert_int_equal(status_of_child(0), 0);
	pid_fix();
	assert_int_equal(getpid(), self);
	assert_int_equal(status_of_child(self), 0); /* not that of the child */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fix) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
