# SPDX-License-Identifier: BSD-2-Clause
"""Parts alone: the XDP program by test-run, the row with the signature in process."""
import subprocess

from benchlab import CPU_SIGNER, O, QUICK, REPEATS, Stolen, is_fair, json_lines, on_cpu
from figures import Figure

ROW = "Identity row, in process"
# what bench_classifier calls it -> our name
PACKETS = {
    "classifier_nonsip_ns": "XDP, non-SIP UDP packet",
    "classifier_options_ns": "XDP, OPTIONS",
    "classifier_tcp_ns": "XDP, TCP",
    "classifier_unmatched_ns": "XDP, of no trunk",
    "classifier_forward_ns": "XDP, OPTIONS forwarded",
    "classifier_invite_ns": "XDP, INVITE up to the socket",
}
TEST_RUN = "BPF_PROG_TEST_RUN, one frame again and again"


def packet(name):
    is_main = name == PACKETS["classifier_nonsip_ns"]
    return Figure(name, "ns", "empty program", 35 if is_main else None, 25 if is_main else None, shows="difference",
                  setting=TEST_RUN, main=is_main)


FIGURES = [packet(name) for name in PACKETS.values()] + [
    Figure(ROW, "us CPU", "raw P-256 signature", setting="hot caches, on the signer's processor"),
]


def output(program, *args):
    out = subprocess.run([O + "/bench/" + program] + list(args), capture_output=True, text=True, check=True,
                         preexec_fn=on_cpu(CPU_SIGNER)).stdout
    return {x["name"]: x for x in json_lines(out)}


def measure_classifier(res):
    with Stolen() as stolen:
        rows = output("bench_classifier")
    if set(rows) != set(PACKETS):
        raise SystemExit("bench_classifier tells of %s" % ", ".join(rows))
    text = "XDP, ns over an empty program: " + ", ".join(
        "%s %.1f" % (PACKETS[n].replace("XDP, ", ""), x["over_empty_ns"]) for n, x in rows.items())
    if is_fair(res, stolen, text):
        for name, x in rows.items():
            res.add(PACKETS[name], x["ours_ns"], x["empty_ns"])


def measure_row(res):
    with Stolen() as stolen:
        rows = output("bench_sign", *["--quick"] if QUICK else [])
    ours, raw = rows["identity_emit"]["us"], rows["raw"]["us"]
    if is_fair(res, stolen, "Identity row %.1f us, raw signature %.1f us" % (ours, raw)):
        res.add(ROW, ours, raw)


def measure(res):
    for _ in range(REPEATS):
        measure_classifier(res)
        measure_row(res)
