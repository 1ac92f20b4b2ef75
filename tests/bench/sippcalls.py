# SPDX-License-Identifier: BSD-2-Clause
"""Whole calls through a gateway, by sipp at both ends; the carrier's looks at what the gateway did to the INVITE."""
import csv
import os
import subprocess
import time

from benchlab import CPU_LOAD, on_cpu
from forwarding import Dropped
from peerlab import HERE, difference

RATE = 1000              # calls per second

# Called numbers; kamailio.cfg knows them, to sipseal they are all the same.
RELAYED, THE_JOB, THE_JOB_STATELESS = "+12155550101", "+12155550102", "+12155550103"

# What the carrier must see in every INVITE, whoever made it; else the call fails.
CHECK = """
    <action>
      <ereg regexp="shaken" search_in="hdr" header="Identity:" check_it="true" assign_to="1"/>
      <ereg regexp="sip:.12025550143@" search_in="hdr" header="P-Asserted-Identity:" check_it="true" assign_to="1"/>
      <ereg regexp="cid:" search_in="hdr" header="Geolocation:" check_it="true" assign_to="1"/>
      <ereg regexp="San Francisco" search_in="msg" check_it="true" assign_to="1"/>
    </action>
  """


def sipp(lab, ns, *args):
    p = lab.in_ns(ns, "sipp", "-nostdin", "-p", "5060", "-buff_size", "4000000", *args, stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL, preexec_fn=on_cpu(CPU_LOAD))
    lab.procs.append(p)
    return p


def end(lab, p):
    lab.procs.remove(p)
    lab.end(p)


def answering(lab, is_checked):
    """the carrier's end of the calls"""
    path = lab.tmp.name + "/uas.xml"
    with open(HERE + "/uas_call.xml") as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("@CHECK@", CHECK if is_checked else ""))
    uas = sipp(lab, "carrier", "-sf", path, "-i", "10.66.2.2")
    time.sleep(0.3)
    return uas


def call(lab, number, count, rate=RATE):
    """-> (calls that completed, messages that had to be repeated)"""
    stat = lab.tmp.name + "/uac.csv"
    seconds = count // rate
    uac = sipp(lab, "core", lab.target + ":5060", "-sf", HERE + "/uac_call.xml", "-s", number, "-i", "10.66.1.2", "-r",
               str(rate), "-m", str(count), "-l", str(5 * rate), "-recv_timeout", "5000", "-timeout",
               "%ds" % (seconds + 10), "-trace_stat", "-stf", stat, "-fd", "1")
    try:
        uac.wait(timeout=seconds + 20)
    finally:
        end(lab, uac)
    with open(stat) as f:
        last = list(csv.DictReader(f, delimiter=";"))[-1]
    os.unlink(stat)
    return int(last["SuccessfulCall(C)"]), int(last["Retransmissions(C)"])


def calls(lab, number, count, rate=RATE):
    """-> CPU microseconds per call: of the gateway's processes, of its kernel threads"""
    uas = answering(lab, number != RELAYED)
    try:
        before = lab.cpu()
        done, repeated = call(lab, number, count, rate)
        after = lab.cpu()
    finally:
        end(lab, uas)
    if done != count or repeated:
        raise Dropped("%d of %d calls completed, %d messages repeated" % (done, count, repeated))
    return difference(before, after, count)
