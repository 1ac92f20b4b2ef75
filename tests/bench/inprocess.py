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
    rounds = {PACKETS[name]: list(zip(x["ours_ns"], x["empty_ns"])) for name, x in rows.items()}
    text = ", ".join("%s +%.0f ns" % (name.replace("XDP, ", ""), min(o - e for o, e in v))
                     for name, v in rounds.items())
    if is_fair(res, stolen, text):
        for name, v in rounds.items():
            for ours, empty in v:
                res.add(name, ours, empty)


def measure_row(res):
    with Stolen() as stolen:
        rows = output("bench_sign", *["--quick"] if QUICK else [])
    ours, raw = rows["identity_emit"]["us"], rows["raw"]["us"]
    if is_fair(res, stolen, "Identity row %.1f us, raw signature %.1f us" % (ours, raw)):
        res.add(ROW, ours, raw)


def measure(res):
    for i in range(REPEATS):
        measure_row(res)
        if i % 3 == 0:           # it has three rounds of its own
            measure_classifier(res)
