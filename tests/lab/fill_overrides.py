#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fill_overrides.py SOCKET FIRST COUNT LIFETIME: POST /v1/dialplan for the Call-IDs fill-FIRST ..., on one connection.

Prints `SET CODE`: how many were set, and the code of the first that was refused ("ok": none).
"""
import http.client
import json
import socket
import sys


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(self.path)


def main():
    path, (first, count, lifetime) = sys.argv[1], map(int, sys.argv[2:5])
    address = {"country": "US", "region": "NY", "city": "New York", "street": "350 Fifth Avenue"}
    done, connection = 0, None
    for i in range(first, first + count):
        if not connection or done % 100 == 0:    # a connection lasts 10 s at most
            connection = Connection(path)
        body = {"call_id": "fill-%d" % i, "action": "ANSWER", "lifetime_s": lifetime,
                "app_args": {"geolocation": {"civic_address": {**address, "unit": str(i)}}}}
        connection.request("POST", "/v1/dialplan", json.dumps(body))
        answer = connection.getresponse()
        what = json.loads(answer.read())
        if answer.status != 200:
            print(done, answer.status, what["error"]["code"])
            return
        done += 1
    print(done, "ok")


if __name__ == "__main__":
    main()
