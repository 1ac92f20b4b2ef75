#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Datagrams in fragments through the lab, cut here to the byte, both ways.

  fragments.py --prefix LAB --control SOCKET --key KEY.pem --x5u URL --save DIR SCENARIO...
  fragments.py same CORE.pcap CARRIER.pcap ID,...    fragments with these identifications: one hop apart, else the same

Each scenario fails with what it saw instead, and leaves the Identity rows that came to the carrier in DIR/NAME.identity.
"""
import argparse
import os
import random
import socket
import struct
import sys

import incall
import pcap
from incall import want

CORE = {4: "10.66.1.2", 6: "fd66:1::2"}
CARRIER = {4: "10.66.2.2", 6: "fd66:2::2"}
IPV6_HDRINCL = 36
MTU = 1500


def checksum(data):
    return pcap.ones_sum(data) ^ 0xffff


def cut(src, sport, dst, dport, data, ident, size=MTU):
    """-> IP packets of at most @size bytes; a datagram that fits is cut in two all the same"""
    v6 = ":" in dst
    family = socket.AF_INET6 if v6 else socket.AF_INET
    a, b = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    udp = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    pseudo = a + b + struct.pack("!IHBB", len(udp), 0, 0, 17)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xffff) + udp[8:]
    step = min(size - (48 if v6 else 20), (len(udp) + 1) // 2 + 7) & ~7
    packets = []
    for off in range(0, len(udp), step):
        part, more = udp[off:off + step], off + step < len(udp)
        if v6:
            head = struct.pack("!IHBB", 6 << 28, 8 + len(part), 44, 64) + a + b + struct.pack("!BBHI", 17, 0, off | more, ident)
        else:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), ident, off // 8 | more << 13, 64, 17, 0) + a + b
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        packets.append(head + part)
    return packets


def ordered(packets, order, rng):
    if order == "back":
        return packets[::-1]
    if order == "mixed":  # and the network makes copies
        packets = packets + rng.sample(packets, (len(packets) + 1) // 2)
        rng.shuffle(packets)
    return packets


class Fragments:
    def __init__(self, args):
        self.lab, self.args, self.raws = incall.Lab(args.prefix, args.control), args, {}
        self.ident, self.rng, self.gap = 0x1000, random.Random(7), 0

    def raw(self, ns, version):
        if (ns, version) not in self.raws:
            fd = os.open("/run/netns/%s-%s" % (self.lab.prefix, ns), os.O_RDONLY)
            want(incall.libc.setns(fd, incall.CLONE_NEWNET) == 0, "setns")
            try:
                s = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
                if version == 6:
                    s.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            finally:
                want(incall.libc.setns(self.lab.own, incall.CLONE_NEWNET) == 0, "setns back")
                os.close(fd)
            self.raws[ns, version] = s
        return self.raws[ns, version]

    def send(self, ns, packets):
        for n, p in enumerate(packets):
            if self.args.cpus > 1:  # the queue by which it leaves is its processor's (XPS), and so that by which it comes
                os.sched_setaffinity(0, {n % self.args.cpus})
            version = p[0] >> 4
            dst = socket.inet_ntop(*((socket.AF_INET6, p[24:40]) if version == 6 else (socket.AF_INET, p[16:20])))
            self.raw(ns, version).sendto(p, (dst, 0))
            self.lab.receive(0.0005 if n % 8 == 7 else 0)  # rings of the gateway and buffers of receivers do not fill up

    # ---- messages ---------------------------------------------------------------------------------
    def message(self, name, size, outbound, version=4, **keys):
        """An INVITE of @size bytes, with a body that nobody reads."""
        k = {"src": CARRIER[version], "dst": CORE[version], **keys}
        if outbound:
            k = {"src": CORE[version], "dst": CARRIER[version], "from": "+18005550100", "to": "+12155551213", "port": "5070",
                 "ruri": "sip:+12155551213@%s" % incall.split_host(CARRIER[version]), "id": "none", **keys}
        head = incall.message(name, k, {"key": self.args.key, "x5u": self.args.x5u}).partition(b"\r\n\r\n")[0]
        head = head.rpartition(b"\r\n")[0]  # Content-Length
        room = size - len(head) - len(b"\r\nContent-Length: 00000\r\n\r\n")
        body = incall.SDP + b"".join(b"a=x-filler:%06d %s\r\n" % (i, b"z" * 44) for i in range(max(0, room) // 64))
        return b"%s\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body)

    def cut(self, outbound, data, version=4, size=MTU, src=None, dport=5060):
        self.ident += 1
        a, b = (CORE, CARRIER) if outbound else (CARRIER, CORE)
        self.lab.socket("carrier" if outbound else "core", b[version], dport)
        return cut(src or a[version], 5070 if outbound else 5060, b[version], dport, data, self.ident, size)

    def arrives(self, name, ns, count=1, seconds=3):
        want(self.lab.wait_for(lambda: len(self.lab.of(name, ns)) >= count, seconds), "%s: %d of %d arrived", name,
             len(self.lab.of(name, ns)), count)
        return [x[2] for x in self.lab.of(name, ns)]

    def check_signed(self, name, data, message):
        want(message.body == data.partition(b"\r\n\r\n")[2], "%s: another body", name)
        rows = message.values("identity")
        want(len(rows) == 1, "%s: %d Identity rows", name, len(rows))
        with open(os.path.join(self.args.save, name + ".identity"), "wb") as f:
            f.write(rows[0] + b"\n")

    def check_verified(self, name, data, message):
        want(message.body == data.partition(b"\r\n\r\n")[2], "%s: another body", name)
        result = message.value("x-stir-result").decode()
        want(result.startswith("STIR_VERIFIED"), "%s: %r", name, result)

    # ---- scenarios --------------------------------------------------------------------------------
    def each(self, outbound):
        n = 0
        for version in (4, 6):
            for size in (1600, 5000, 20000, 60000):
                for order in ("forth", "back", "mixed"):
                    name = "f%s-%d-%d-%s" % ("o" if outbound else "i", version, size, order)
                    data = self.message(name, size, outbound, version)
                    packets = self.cut(outbound, data, version, self.rng.choice((1500, 1280, 1000)) if size < 40000 else MTU)
                    self.send("core" if outbound else "carrier", ordered(packets, order, self.rng))
                    m = self.arrives(name, "carrier" if outbound else "core")[0]
                    (self.check_signed if outbound else self.check_verified)(name, data, m)
                    n += len(packets)
        print("datagrams=24 fragments=%d" % n)

    def outbound(self):
        self.each(True)

    def inbound(self):
        self.each(False)

    def interleaved(self):
        """Twelve at a time, both ways; their fragments come in turns."""
        for outbound in (True, False):
            names = ["x%d-%d" % (outbound, i) for i in range(12)]
            datas = {n: self.message(n, 6000 + 100 * i, outbound) for i, n in enumerate(names)}
            cuts = [self.cut(outbound, d) for d in datas.values()]
            for i in range(max(map(len, cuts))):
                self.send("core" if outbound else "carrier", [c[i] for c in cuts if i < len(c)])
            for n in names:
                m = self.arrives(n, "carrier" if outbound else "core")[0]
                (self.check_signed if outbound else self.check_verified)(n, datas[n], m)

    def copies(self):
        """Of the sender, with identifications and sizes of their own: the same bytes."""
        for outbound in (True, False):
            for version in (4, 6):
                name = "c%d-%d" % (outbound, version)
                data = self.message(name, 9000, outbound, version)
                for i in range(4):
                    self.send("core" if outbound else "carrier", self.cut(outbound, data, version, 1500 - 100 * i))
                    self.lab.linger(0.4)
                found = self.arrives(name, "carrier" if outbound else "core", 4)
                want(len({m.data for m in found}) == 1, "%s: copies differ", name)

    def as_came(self):
        """No INVITE, an INVITE in a dialog, another protocol: they leave as they came.  -> identifications"""
        idents, last = [], None
        for outbound in (True, False):
            ns = "core" if outbound else "carrier"
            for version in (4, 6):
                for i, keys in enumerate(({"method": "MESSAGE"}, {"totag": "t"})):
                    name = "a%d-%d-%d" % (outbound, version, i)
                    packets = self.cut(outbound, self.message(name, 7000, outbound, version, **keys), version)
                    self.send(ns, ordered(packets, ("forth", "back")[i], self.rng))
                    idents.append(self.ident)
                    last = self.arrives(name, "carrier" if outbound else "core")[0]
                    want(not last.value("x-stir-result") and (not outbound or not last.values("identity")), "%s: edited", name)
            tcp = []
            for p in self.cut(outbound, b"x" * 4000):
                p = p[:9] + b"\x06\0\0" + p[12:]
                tcp.append(p[:10] + struct.pack("!H", checksum(p[:20])) + p[12:])
            self.send(ns, tcp)
            idents.append(self.ident)
            # GRE over IPv6: only the first fragment could tell that it is no UDP, and it comes last
            self.send(ns, [p[:40] + b"\x2f" + p[41:] for p in self.cut(outbound, b"x" * 4000, 6)][::-1])
            idents.append(self.ident)
        self.lab.linger(0.3)
        print("idents=%s" % ",".join(map(str, idents)))

    def refused(self):
        """Fragments that overlap, contradict each other, are too small or wrong, or have no end: nothing of them leaves."""
        for version in (4, 6):
            for kind in ("overlap", "contradict", "end", "tiny", "alone"):
                if kind == "tiny" and version == 4:
                    continue
                name = "w%d-%s" % (version, kind)
                packets = self.cut(True, self.message(name, 6000, True, version), version, 1280)
                head = 48 if version == 6 else 20
                if kind == "overlap":     # the same bytes, from 8 before
                    other = self.shifted(packets[1], packets[0][-8:], -8, head)
                    packets.insert(1, other)
                elif kind == "contradict":
                    packets.insert(1, packets[1][:-8] + b"INVITE !")
                elif kind == "end":       # bytes behind the end
                    packets.append(self.shifted(packets[-1], b"", 2000, head))
                    packets = packets[-2:] + packets[:-2]
                elif kind == "tiny":      # the UDP header is in the second one
                    p = packets[0]
                    packets = [p[:4] + struct.pack("!H", 16) + p[6:40] + b"\x3c" + p[41:48] + p[48:56]]
                elif kind == "alone":
                    packets = packets[1:]
                self.send("core", packets)
        self.lab.linger(0.5)
        want(not self.lab.arrived, "arrived: %s", self.lab.arrived and self.lab.arrived[0][2].data[:200])
        name = "w-good"
        data = self.message(name, 6000, True)
        self.send("core", self.cut(True, data))
        self.check_signed(name, data, self.arrives(name, "carrier")[0])

    @staticmethod
    def shifted(p, before, by, head):
        """The fragment @p with @before in front of its data, @by bytes from where it was"""
        data = before + p[head:]
        if head == 48:
            off, = struct.unpack_from("!H", p, 42)
            return p[:4] + struct.pack("!H", 8 + len(data)) + p[6:42] + struct.pack("!H", off + by) + p[44:48] + data
        off, = struct.unpack_from("!H", p, 6)
        h = p[:2] + struct.pack("!H", 20 + len(data)) + p[4:6] + struct.pack("!H", off + by // 8) + p[8:10] + b"\0\0" + p[12:20]
        return h[:10] + struct.pack("!H", checksum(h)) + h[12:] + data

    def foreign(self):
        """To a SIP port that no trunk has: an INVITE is what unmatched_invite says, all else passes."""
        for name, keys, port in (("u-invite", {}, 5062), ("u-message", {"method": "MESSAGE"}, 5062)):
            self.send("core", self.cut(True, self.message(name, 5000, True, **keys), dport=port))
        self.arrives("u-message", "carrier")
        self.lab.linger(0.3)
        print("invite=%d" % len(self.lab.of("u-invite", "carrier")))

    def spread(self):
        """Calls of many addresses at once, both ways, and then copies of each: once signed, the same bytes."""
        calls = []
        for i in range(40):
            for outbound in (True, False):
                data = self.message("q%d-%d" % (outbound, i), 1500 + 700 * i, outbound)
                calls.append(("q%d-%d" % (outbound, i), data, outbound, "10.66.1.%d" % (100 + i) if outbound else None))
        for copy in (1, 2):
            for i, (name, data, outbound, src) in enumerate(calls):
                packets = ordered(self.cut(outbound, data, src=src), ("forth", "back", "mixed")[(i + copy) % 3], self.rng)
                self.send("core" if outbound else "carrier", packets)
            for name, data, outbound, _ in calls:
                found = self.arrives(name, "carrier" if outbound else "core", copy, 8)
                want(len({m.data for m in found}) == 1, "%s: copies differ", name)
                (self.check_signed if outbound else self.check_verified)(name, data, found[0])
        print("datagrams=%d" % len(calls))

    def order(self):
        """INVITEs of one flow, whole ones and those in fragments in turns of their own, leave as they came."""
        for kind, size in (("whole", 900), ("cut", 4000)):
            names = ["%s-%d" % (kind, i) for i in range(40)]
            for name in names:
                data = self.message(name, size, True)
                if kind == "whole":
                    self.lab.socket("carrier", CARRIER[4], 5060)
                    self.lab.socket("core", CORE[4], 5070).sendto(data, (CARRIER[4], 5060))
                else:
                    self.send("core", self.cut(True, data))
            for name in names:
                self.arrives(name, "carrier", seconds=5)
            came = [x[2].value("call-id").decode() for x in self.lab.arrived if x[1] == "carrier"]
            came = [x for x in came if x.startswith(kind)]
            want(came == names, "%s: order %s", kind, came)


def is_fragment(packet):
    """-> identification of a fragment, or None"""
    if packet[0] >> 4 == 4 and struct.unpack_from("!H", packet, 6)[0] & 0x3fff:
        return struct.unpack_from("!H", packet, 4)[0]
    if packet[0] >> 4 == 6 and packet[6] == 44:
        return struct.unpack_from("!I", packet, 44)[0]
    return None


def fragments_of(path, idents):
    found = {i: [] for i in idents}
    for _, frame in pcap.frames(path):
        packet = frame[14:]
        if struct.unpack_from("!H", frame, 12)[0] in (0x800, 0x86dd) and is_fragment(packet) in found:
            found[is_fragment(packet)].append(packet)
    return found


def one_hop(p):
    """@p as a router leaves it"""
    if p[0] >> 4 == 6:
        return p[:7] + bytes([p[7] - 1]) + p[8:]
    p = p[:8] + bytes([p[8] - 1, p[9], 0, 0]) + p[12:]
    return p[:10] + struct.pack("!H", checksum(p[:20])) + p[12:]


def same(before, after, idents):
    idents = [int(i) for i in ",".join(idents).split(",")]
    a, b = fragments_of(before, idents), fragments_of(after, idents)
    n = 0
    for i in idents:
        came, left = a[i], b[i]
        want(came and left, "fragments %d: %d and %d", i, len(came), len(left))
        if came[0][7 if came[0][0] >> 4 == 6 else 8] != 64:
            came, left = left, came  # it went the other way
        want([one_hop(p) for p in came] == left, "fragments %d: %d came, %d left, not the same", i, len(came), len(left))
        n += len(came)
    print("same=%d" % n)


def main():
    if sys.argv[1] == "same":
        same(sys.argv[2], sys.argv[3], sys.argv[4:])
        return
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--prefix", "--control", "--key", "--x5u", "--save"):
        p.add_argument(option, required=True)
    p.add_argument("--cpus", type=int, default=1, help="fragments are sent from so many processors in turns")
    p.add_argument("scenario", nargs="+")
    args = p.parse_args()
    f = Fragments(args)
    for name in args.scenario:
        getattr(f, name)()


if __name__ == "__main__":
    try:
        main()
    except incall.Wrong as e:
        print("FAIL: %s" % e)
        sys.exit(1)
