#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""hang.py PID N: stop one thread of a process by ptrace(2); the others run on.  0 is the main thread.

SIGSTOP is for whole processes.  Prints the thread and holds it until this program is killed; it runs on then.
"""
import ctypes
import os
import sys

WALL = 0x40000000
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def main():
    tid = sorted(map(int, os.listdir("/proc/%s/task" % sys.argv[1])))[int(sys.argv[2])]
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if libc.ptrace(request, tid, None, None) < 0:
            sys.exit("ptrace: %s" % os.strerror(ctypes.get_errno()))
    os.waitpid(tid, WALL)
    print("hangs: %d" % tid, flush=True)
    os.waitpid(tid, WALL)  # until it is killed; nobody else could bury it


main()
