#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What no honest client sends to the control socket.

  rawhttp.py cases SOCKET        each case of the table below, and that a good request is served behind it
  rawhttp.py half SOCKET COUNT   COUNT connections with half a request, kept until killed; prints "ready"
  rawhttp.py slow SOCKET         a body that comes byte by byte, until killed; prints "ready"
"""
import json
import re
import socket
import sys
import time

BODY_MAX = 4 * 1024 * 1024
CLOSED = 0  # no answer, the connection ended


def connect(path, timeout=15):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)  # waits where the backlog is full; with a timeout it would not
    s.settimeout(timeout)
    return s


def send(s, data):
    """What an early answer leaves unread is not sent."""
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def receive(s):
    """(status, headers as text, body) of one answer; CLOSED without one."""
    data = b""
    try:
        while True:
            head, sep, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if sep and length and len(body) >= int(length.group(1)):
                break
            more = s.recv(65536)
            if not more:
                break
            data += more
    except ConnectionResetError:
        pass
    m = re.match(rb"HTTP/1\.[01] (\d{3}) ", data)
    if not m:
        return CLOSED, "", data
    head, _, body = data.partition(b"\r\n\r\n")
    return int(m.group(1)), head.decode("ascii", "replace"), body


def request(method, target, body=b"", headers=()):
    lines = [b"%s %s HTTP/1.1" % (method, target), b"Host: localhost", *headers]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def post(body, target=b"/v1/trunks"):
    return request(b"POST", target, body)


def chunked(size):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    return request(b"POST", b"/v1/trunks", None, [b"Transfer-Encoding: chunked"]) + chunk * (size // 65536) + b"0\r\n\r\n"


def trunk(name, more=b""):
    return b'{"name":' + name + b',"carrier":{"peers":["192.0.2.9:5060"]},"attestation":"A"' + more + b"}"


def url(target, method=b"GET"):
    return request(method, target)


# name, bytes, statuses that are right, code of the error ("" any)
CASES = [
    ("body of 4 MiB and a byte", post(b"{" + b" " * (BODY_MAX - 1) + b"}"), (413,), "too_large"),
    ("chunked body of 5 MiB", chunked(5 << 20), (413,), "too_large"),
    ("Content-Length beyond 64 bits", request(b"POST", b"/v1/trunks", None, [b"Content-Length: " + b"9" * 30]), (400, 413, CLOSED), ""),
    ("negative Content-Length", request(b"POST", b"/v1/trunks", None, [b"Content-Length: -5"]), (400, CLOSED), ""),
    ("two Content-Lengths", request(b"POST", b"/v1/trunks", b"{}", [b"Content-Length: 1"]), (400, 422, CLOSED), ""),
    ("headers of 64 KiB", request(b"GET", b"/v1/status", b"", [b"X-A: " + b"a" * 65536]), (413, 431, CLOSED), ""),
    ("5000 headers", request(b"GET", b"/v1/status", b"", [b"X-%d: a" % i for i in range(5000)]), (413, 431, CLOSED), ""),
    ("request line of 64 KiB", url(b"/v1/trunks/" + b"a" * 65536), (414, 431, CLOSED), ""),
    ("name of 4 KiB", url(b"/v1/trunks/" + b"a" * 4096), (404,), ""),
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", (400, CLOSED), ""),
    ("a SIP request", b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n\r\n", (400, 404, 405, 505, CLOSED), ""),
    ("PUT of all trunks", url(b"/v1/trunks", b"PUT"), (405,), "method_not_allowed"),
    ("DELETE of status", url(b"/v1/status", b"DELETE"), (405,), "method_not_allowed"),
    ("POST to one trunk", url(b"/v1/trunks/a", b"POST"), (405,), "method_not_allowed"),
    ("GET of reload", url(b"/v1/config/reload"), (405,), "method_not_allowed"),
    ("unknown method", url(b"/v1/status", b"BREW"), (405,), "method_not_allowed"),
    ("unknown path", url(b"/v1/nothing"), (404,), "not_found"),
    ("root", url(b"/"), (404,), "not_found"),
    ("metrics on the socket", url(b"/metrics"), (404,), "not_found"),
    ("a path that goes on", url(b"/v1/status/more"), (404,), "not_found"),
    ("no such trunk", url(b"/v1/trunks/none"), (404,), "no_such_trunk"),
    ("unknown parameter", url(b"/v1/trunks/none?colour=red"), (400,), "bad_query"),
    ("100 parameters", url(b"/v1/events?" + b"&".join(b"a%d=1" % i for i in range(100))), (400,), "bad_query"),
    ("dots", url(b"/v1/trunks/%2e%2e"), (404,), ""),
    ("dots and slash", url(b"/v1/trunks/%2e%2e%2fstatus"), (404,), ""),
    ("plain dots", url(b"/v1/trunks/../status"), (404,), ""),
    ("an absolute path", url(b"/v1/trunks//etc/passwd"), (404,), ""),
    ("NUL in a URL", url(b"/v1/trunks/a%00b"), (404,), ""),
    ("half an escape", url(b"/v1/trunks/a%2"), (404,), ""),
    ("newline in a URL", url(b"/v1/trunks/a%0aevent=forged", b"DELETE"), (404,), "no_such_trunk"),
    ("newline in a query", url(b"/v1/events?trunk=a%0aevent=forged"), (200, 404), ""),
    ("control characters in a URL", url(b"/v1/trunks/%1b%5b2J%0d%7f%ff", b"DELETE"), (404,), "no_such_trunk"),
    ("format characters in a URL", url(b"/v1/trunks/%25s%25n%25n", b"DELETE"), (404,), "no_such_trunk"),
    ("no body", post(b""), (422,), "invalid"),
    ("no JSON", post(b"name: yaml"), (400,), "bad_json"),
    ("half an object", post(b'{"name":"a"'), (400,), "bad_json"),
    ("two objects", post(b'{"name":"a"}{}'), (400,), "bad_json"),
    ("an array", post(b'["a"]'), (400,), "bad_json"),
    ("a text", post(b'"a"'), (400,), "bad_json"),
    ("a number", post(b"42"), (400,), "bad_json"),
    ("null", post(b"null"), (400,), "bad_json"),
    ("duplicate keys", post(b'{"name":"bad","name":"worse"}'), (400,), "bad_json"),
    ("duplicate keys, nested", post(trunk(b'"bad"', b',"pai":{"mode":"off","mode":"off"}')), (400,), "bad_json"),
    ("duplicate keys, one dotted", post(trunk(b'"bad"', b',"pai":{"mode":"off"},"pai.mode":"off"')), (400, 422), ""),
    ("1000 levels", post(trunk(b'"bad"', b',"extras":' + b'{"a":' * 1000 + b"1" + b"}" * 1000)), (400,), "bad_json"),
    ("a million brackets", post(b"[" * 10 ** 6), (400,), "bad_json"),
    ("dots instead of levels", post(trunk(b'"bad"', b',"' + b"a." * 1000 + b'a":1')), (400, 422), ""),
    ("a million values", post(trunk(b'"bad"', b',"numbers":[' + b"1," * 10 ** 6 + b"1]")), (400,), "bad_json"),
    ("a NUL byte", post(b'{"name":"b\0ad"}'), (400,), "bad_json"),
    ("an escaped NUL", post(trunk(b'"b\\u0000ad"')), (400, 422), ""),
    ("a NUL in a key", post(trunk(b'"bad"', b',"a\\u0000b":1')), (400, 422), ""),
    ("broken UTF-8", post(trunk(b'"b\xc3\x28d"')), (400,), "bad_json"),
    ("overlong UTF-8", post(trunk(b'"b\xc0\xafd"')), (400,), "bad_json"),
    ("half a surrogate", post(trunk(b'"b\\ud800d"')), (400,), "bad_json"),
    ("a name of the wrong type", post(trunk(b"[1]")), (422,), "invalid"),
    ("a number beyond 64 bits", post(trunk(b'"bad"', b',"max_cps":' + b"9" * 400)), (400, 422), ""),
    ("a fraction", post(trunk(b'"bad"', b',"max_cps":1.5')), (422,), "invalid"),
    ("name with newline", post(trunk(b'"a\\nsipseald: notice: event=forged"')), (422,), "invalid"),
    ("name with path", post(trunk(b'"../bad"')), (422,), "invalid"),
    ("name with slash", post(trunk(b'"/etc/bad"')), (422,), "invalid"),
    ("name of dots", post(trunk(b'".."')), (422,), "invalid"),
    ("hidden name", post(trunk(b'".bad"')), (422,), "invalid"),
    ("name of 64 characters", post(trunk(b'"' + b"a" * 64 + b'"')), (422,), "invalid"),
    ("empty name", post(trunk(b'""')), (422,), "invalid"),
    ("key with newline", post(trunk(b'"bad"', b',"a\\nevent=forged":1')), (422,), "invalid"),
    ("value with newline", post(trunk(b'"bad"', b',"mode":"a\\nevent=forged"')), (422,), "invalid"),
    ("reload with unknown keys", post(b'{"dry":true}', b"/v1/config/reload"), (422,), "invalid"),
    ("reload of a text", post(b'{"dry_run":"yes"}', b"/v1/config/reload"), (422,), "invalid"),
    ("certificates of a path", post(b'{"trunk":"../../etc"}', b"/v1/certificates/reload"), (404,), "no_such_trunk"),
]


def wrong_with(name, answer, statuses, code):
    status, head, body = answer
    if status not in statuses:
        return "status %d, allowed %s: %r" % (status, statuses, body[:300])
    if code:
        try:
            error = json.loads(body)["error"]
        except (ValueError, KeyError):
            return "no JSON error: %r" % body[:300]
        if error["code"] != code:
            return "code %s, expected %s" % (error["code"], code)
        if len(error["message"]) < 5:
            return "no message"
    if status == 405 and not re.search(r"(?i)\r\nallow: [A-Z, ]+(\r\n|$)", head):
        return "405 without Allow"
    if code == "bad_json" and not json.loads(body)["error"]["errors"][0]["line"]:
        return "no line"
    return None


def exchange(path, data, want_end=False):
    with connect(path) as s:
        send(s, data)
        if want_end:
            s.shutdown(socket.SHUT_WR)
        return receive(s)


def cases(path):
    bad = 0
    for name, data, statuses, code in CASES:
        start = time.monotonic()
        # where the end of the request cannot be told, it is the end of the connection
        wrong = wrong_with(name, exchange(path, data, CLOSED in statuses), statuses, code)
        took = time.monotonic() - start
        if not wrong and took > 5:
            wrong = "took %.1f s" % took
        if wrong:
            print("FAIL: %s: %s" % (name, wrong))
            bad += 1
        if exchange(path, url(b"/v1/regulatory"))[0] != 200:
            sys.exit("FAIL: behind '%s' a good request is not served" % name)
    for body in (b"", b'{"name":', trunk(b'"bad"')[:-1]):  # the client goes in the middle of it
        with connect(path) as s:
            send(s, request(b"POST", b"/v1/trunks", None, [b"Content-Length: 5000"]) + body)
            s.shutdown(socket.SHUT_WR)
            status = receive(s)[0]
            if status not in (CLOSED, 400):
                print("FAIL: a truncated body: status %d" % status)
                bad += 1
    if bad:
        sys.exit("FAIL: %d of %d" % (bad, len(CASES)))
    print("%d cases" % len(CASES))


def half(path, count):
    starts = (b"", b"G", b"GET /v1/sta", b"POST /v1/trunks HTTP/1.1\r\nContent-Le",
              request(b"POST", b"/v1/trunks", None, [b"Content-Length: 100000"]) + b'{"name":')
    held = []
    for i in range(count):
        held.append(connect(path))
        send(held[-1], starts[i % len(starts)])
    print("ready", flush=True)
    time.sleep(60)


def slow(path):
    with connect(path) as s:
        send(s, request(b"POST", b"/v1/trunks", None, [b"Content-Length: 100000"]))
        print("ready", flush=True)
        start = time.monotonic()
        s.settimeout(0.2)
        while time.monotonic() - start < 60:
            send(s, b" ")
            try:
                if not s.recv(1000):
                    break
            except TimeoutError:
                pass
            except ConnectionResetError:
                break
        print("ended after %.0f s" % (time.monotonic() - start), flush=True)


if __name__ == "__main__":
    {"cases": cases, "half": lambda p: half(p, int(sys.argv[3])), "slow": slow}[sys.argv[1]](sys.argv[2])
