# SPDX-License-Identifier: BSD-2-Clause
"""Read a pcap file and give back UDP datagrams: Ethernet, VLAN, IPv4 and IPv6, fragments put together.

Small on purpose and independent of the code under test: an observer that shares no line with it.
"""
import ipaddress
import struct
from dataclasses import dataclass, field

VLAN_TYPES = (0x8100, 0x88a8)
UDP = 17
V6_FRAGMENT = 44
V6_EXTENSIONS = (0, 43, 60, 135)


@dataclass
class Datagram:
    time: float          # of the last fragment
    src: str
    sport: int
    dst: str
    dport: int
    payload: bytes
    checksum_ok: bool
    frames: list = field(default_factory=list)  # lengths of the frames that carried it

    @property
    def flow(self):
        return (self.src, self.sport, self.dst, self.dport)

    def __str__(self):
        return "%s:%d > %s:%d, %d bytes" % (self.src, self.sport, self.dst, self.dport, len(self.payload))


def frames(path):
    """(time, frame) of each packet of a classic pcap file with Ethernet frames."""
    with open(path, "rb") as f:
        data = f.read()
    magics = {b"\xd4\xc3\xb2\xa1": ("<", 1e6), b"\xa1\xb2\xc3\xd4": (">", 1e6),
              b"\x4d\x3c\xb2\xa1": ("<", 1e9), b"\xa1\xb2\x3c\x4d": (">", 1e9)}
    if data[:4] not in magics:
        raise ValueError("%s: not a pcap file" % path)
    order, unit = magics[data[:4]]
    if struct.unpack_from(order + "I", data, 20)[0] & 0xffff != 1:
        raise ValueError("%s: not Ethernet" % path)
    pos = 24
    while pos + 16 <= len(data):
        sec, frac, cap, length = struct.unpack_from(order + "IIII", data, pos)
        pos += 16
        if cap < length:
            raise ValueError("%s: captured with a snap length" % path)
        yield sec + frac / unit, data[pos:pos + cap]
        pos += cap


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def udp_checksum_ok(src, dst, segment):
    if segment[6:8] == b"\0\0":
        return len(src) == 4  # IPv4: not computed; IPv6: forbidden
    pseudo = src + dst + struct.pack("!IHBB", len(segment), 0, 0, UDP)
    return ones_sum(pseudo + segment) == 0xffff


class Reassembler:
    def __init__(self):
        self.parts = {}

    def add(self, key, offset, more, data, frame_len):
        """-> (data, frame lengths) when complete"""
        parts = self.parts.setdefault(key, {"data": {}, "frames": [], "end": None})
        if offset in parts["data"] and parts["data"][offset] != data:
            raise ValueError("fragments overlap with other bytes")
        parts["data"][offset] = data
        parts["frames"].append(frame_len)
        if not more:
            parts["end"] = offset + len(data)
        out, at = b"", 0
        while at in parts["data"]:
            out += parts["data"][at]
            if not parts["data"][at]:
                break
            at = len(out)
        if parts["end"] is None or len(out) != parts["end"]:
            return None
        del self.parts[key]
        return out, parts["frames"]


def ipv4(frame, at, asm):
    if len(frame) < at + 20 or frame[at] >> 4 != 4:
        return None
    ihl = (frame[at] & 15) * 4
    total, ident, flags = struct.unpack_from("!HHH", frame, at + 2)
    proto, src, dst = frame[at + 9], frame[at + 12:at + 16], frame[at + 16:at + 20]
    if ones_sum(frame[at:at + ihl]) != 0xffff:
        raise ValueError("bad IPv4 header checksum")
    data, used = frame[at + ihl:at + total], [len(frame)]
    if flags & 0x3fff:
        done = asm.add((src, dst, ident, proto), (flags & 0x1fff) * 8, bool(flags & 0x2000), data, len(frame))
        if not done:
            return None
        data, used = done
    return proto, src, dst, data, used


def ipv6(frame, at, asm):
    if len(frame) < at + 40 or frame[at] >> 4 != 6:
        return None
    length, proto = struct.unpack_from("!HB", frame, at + 4)
    src, dst = frame[at + 8:at + 24], frame[at + 24:at + 40]
    data, used = frame[at + 40:at + 40 + length], [len(frame)]
    while proto in V6_EXTENSIONS:
        proto, size = data[0], (data[1] + 1) * 8
        data = data[size:]
    if proto == V6_FRAGMENT:
        proto, _, offset, ident = struct.unpack_from("!BBHI", data)
        done = asm.add((src, dst, ident), offset & 0xfff8, bool(offset & 1), data[8:], len(frame))
        if not done:
            return None
        data, used = done
    return proto, src, dst, data, used


def datagrams(path):
    """All complete UDP datagrams of a file, in order."""
    out, asm = [], Reassembler()
    for time, frame in frames(path):
        at, kind = 14, struct.unpack_from("!H", frame, 12)[0]
        while kind in VLAN_TYPES:
            kind = struct.unpack_from("!H", frame, at + 2)[0]
            at += 4
        walk = {0x0800: ipv4, 0x86dd: ipv6}.get(kind)
        packet = walk(frame, at, asm) if walk else None
        if not packet or packet[0] != UDP or len(packet[3]) < 8:
            continue
        _, src, dst, segment, used = packet
        sport, dport, length = struct.unpack_from("!HHH", segment)
        segment = segment[:length]
        out.append(Datagram(time, str(ipaddress.ip_address(src)), sport, str(ipaddress.ip_address(dst)), dport,
                            segment[8:], udp_checksum_ok(src, dst, segment), used))
    return out
