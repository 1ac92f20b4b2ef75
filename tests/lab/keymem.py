#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""keymem.py PID KEY.pem...: how often the secret number of each key stands in the memory of a process.

Looked for: its 32 bytes in either order (OpenSSL keeps numbers from the low end), and the text of the PEM file.
Prints one count per key.

keymem.py --flags PID KEY.pem: the flags of the mappings that it stands in (VmFlags of proc(5)), a line for each.
"""
import base64
import subprocess
import sys

SCALAR_LEN = 32
OCTET_STRING_OF_32 = b"\x02\x01\x01\x04\x20"    # ECPrivateKey: version 1, privateKey


def forms(path):
    """What shows a key: the number in both orders, and a line of the file that holds the middle of it."""
    der = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True, capture_output=True).stdout
    at = der.index(OCTET_STRING_OF_32) + len(OCTET_STRING_OF_32)
    scalar = der[at:at + SCALAR_LEN]
    with open(path, encoding="ascii") as f:
        lines = [line.strip() for line in f if "-----" not in line]
    text = "".join(lines)
    whole = base64.b64decode(text)
    first = (whole.index(scalar) + 2) // 3 * 4      # only characters that are made of the number
    last = (whole.index(scalar) + SCALAR_LEN) // 3 * 4
    parts = [text[max(first, i):min(last, i + 64)] for i in range(0, len(text), 64)]
    return [scalar, scalar[::-1]] + [p.encode() for p in parts if len(p) >= 12]


def regions(pid):
    """Readable memory, piece by piece; what cannot be read (guard pages, device memory) is left out."""
    with open("/proc/%s/maps" % pid, encoding="utf-8") as maps, open("/proc/%s/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(start)
                yield start, mem.read(end - start)
            except OSError:
                continue


def flags(pid, start):
    """VmFlags of the mapping that begins at @start."""
    with open("/proc/%s/smaps" % pid, encoding="utf-8") as f:
        is_it = False
        for line in f:
            word = line.split()[0]
            if not word.endswith(":"):
                is_it = int(word.split("-")[0], 16) == start
            elif is_it and word == "VmFlags:":
                return " ".join(line.split()[1:])
    return "?"


def print_flags(pid, path):
    key = forms(path)
    for start, data in regions(pid):
        if any(form in data for form in key):
            print(flags(pid, start))


def main():
    if sys.argv[1] == "--flags":
        return print_flags(sys.argv[2], sys.argv[3])
    keys = [forms(path) for path in sys.argv[2:]]
    counts, size = [0] * len(keys), 0
    for _, data in regions(sys.argv[1]):
        size += len(data)
        for i, key in enumerate(keys):
            counts[i] += sum(data.count(form) for form in key)
    if size < 1 << 20:
        sys.exit("FAIL: only %d bytes of memory could be read" % size)
    print(*counts)
    return None


if __name__ == "__main__":
    main()
