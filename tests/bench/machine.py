# SPDX-License-Identifier: BSD-2-Clause
"""On what the bench ran."""
import os
import platform
import subprocess

from benchlab import TOP


def cpu_model():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def commit():
    """as git calls it; None outside of a clone"""
    r = subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
                       capture_output=True, text=True)
    return r.stdout.strip() or None


def describe():
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split()
    return {"cpu": cpu_model(), "processors": os.cpu_count(), "memory_gib": round(memory_gib(), 1),
            "kernel": platform.release(), "openssl": openssl[1] if len(openssl) > 1 else "?", "commit": commit()}


def line(m):
    return "%(processors)d x %(cpu)s, %(memory_gib).0f GiB, Linux %(kernel)s, OpenSSL %(openssl)s" % m
