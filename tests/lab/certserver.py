#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A web server of certificates that can be bad in the ways that servers are, for the carrier of the lab.

  certserver.py --root DIR --log FILE --tls CERT KEY ADDR:PORT [--tls ...] [--mute ADDR:PORT...]

--tls   HTTPS with that certificate; --mute: takes connections and never says a word
Prints "ready".  The log has a line per request, `TIME PORT PATH`, and `TIME PORT -` per connection.

  /FILE                of DIR, 200; /any/WHATEVER gives chain.pem, /u/WHATEVER 404
  /slowMS/FILE         after so many milliseconds       /ageS/FILE    Cache-Control: max-age
  /html/FILE           as text/html                     /turnN/A/B    A to the first N requests, then B
  /statusN             an empty answer (302 leads to /chain.pem)
  /big                 10 MiB                           /hang         reads the request and never answers
  /drip                a byte a second                  /headers      header rows without end
  /close               closes instead of an answer      /short        ends before its Content-Length
"""
import argparse
import collections
import http.server
import os
import re
import socket
import ssl
import threading
import time

PEM = "application/pem-certificate-chain"


class Log:
    def __init__(self, path):
        self.file, self.lock, self.counts = open(path, "a", buffering=1), threading.Lock(), collections.Counter()

    def __call__(self, port, path):
        """-> how often that path was asked for, this time included"""
        with self.lock:
            self.file.write("%.3f %d %s\n" % (time.time(), port, path))
            self.counts[path] += 1
            return self.counts[path]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", kind=PEM, rows=(), length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in rows:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def file(self, name):
        try:
            with open(os.path.join(self.server.root, os.path.basename(name)), "rb") as f:
                return f.read()
        except OSError:
            return None

    def give(self, name, **more):
        body = self.file(name)
        self.answer(404) if body is None else self.answer(200, body, **more)

    def do_GET(self):
        count = self.server.log(self.server.server_port, self.path)
        m = re.fullmatch(r"/([a-z]+?)(\d*)((?:/[^/]+)*)", self.path)  # a FILE has a dot
        method = getattr(self, "do_" + m[1], None) if m else None
        if not method:
            return self.give(self.path)
        method(int(m[2] or 0), m[3].split("/")[1:], count)

    def do_any(self, number, rest, count):
        self.give("chain.pem")

    def do_u(self, number, rest, count):
        self.answer(404)

    def do_slow(self, number, rest, count):
        time.sleep(number / 1000)
        self.give(rest[-1])

    def do_age(self, number, rest, count):
        self.give(rest[-1], rows=[("Cache-Control", "max-age=%d" % number)])

    def do_html(self, number, rest, count):
        self.give(rest[-1], kind="text/html")

    def do_turn(self, number, rest, count):
        self.give(rest[0] if count <= number else rest[1])

    def do_status(self, number, rest, count):
        self.answer(number, rows=[("Location", "/chain.pem")] if number // 100 == 3 else ())

    def do_big(self, number, rest, count):
        self.answer(200, b"-----BEGIN CERTIFICATE-----\n" + b"A" * (10 << 20))

    def do_hang(self, number, rest, count):
        time.sleep(30)

    def do_drip(self, number, rest, count):
        self.answer(200, length=1000)
        for _ in range(30):
            self.wfile.write(b"-")
            self.wfile.flush()
            time.sleep(1)

    def do_headers(self, number, rest, count):
        self.send_response(200)
        for i in range(2000):
            self.send_header("X-%d" % i, "a" * 100)
        self.end_headers()

    def do_close(self, number, rest, count):
        self.close_connection = True

    def do_short(self, number, rest, count):
        body = self.file("chain.pem")
        self.answer(200, body[:len(body) // 2], length=len(body))
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, root, log, cert, key):
        self.root, self.log = root, log
        super().__init__(address, Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)

    def get_request(self):
        s, address = super().get_request()
        self.log(self.server_port, "-")
        # the handshake in the thread of the connection: one that hangs holds nobody else up
        return self.context.wrap_socket(s, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, address):
        pass  # a client that goes away is no error here


def mute(text):
    host, _, port = text.rpartition(":")
    s, held = socket.create_server((host, int(port)), backlog=256), []

    def run():
        while True:
            held.append(s.accept())
    threading.Thread(target=run, daemon=True).start()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--root", required=True)
    p.add_argument("--log", required=True)
    p.add_argument("--tls", nargs=3, action="append", default=[])
    p.add_argument("--mute", action="append", default=[])
    a = p.parse_args()
    log = Log(a.log)
    servers = []
    for cert, key, address in a.tls:
        host, _, port = address.rpartition(":")
        servers.append(Server((host, int(port)), a.root, log, cert, key))
    for address in a.mute:
        mute(address)
    for s in servers:
        threading.Thread(target=s.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
