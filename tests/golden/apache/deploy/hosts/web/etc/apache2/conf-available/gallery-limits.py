# Counts for Apache what each address asks of gallery.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
"""Counts for Apache what each address asks of gallery.

limits.py asked SOCKET   answers each line "ID ADDRESS" of Apache's with "over", or an empty line
limits.py ended SOCKET   tells the other which requests have ended: a line with an ID for each

The first is a RewriteMap, the second a log; the site's file has both.
"""

import collections
import contextlib
import os
import select
import socket
import sys
import time

# What proxy.limits.connections_per_address says: requests of one address that are under way,
# those whose bodies Apache still reads and open streams included. [deploygen.yml]
ADDRESS_REQUESTS = 50

# Requests per second, what proxy.limits.requests_per_second says. [deploygen.yml]
ADDRESS_RATE = 20

# 2 x 20, for a page and what its scripts ask for come together: so many may come at once on
# top of the rate, and none of them waits. [deploygen.yml]
ADDRESS_BURST = 40

# Remembered at once, as many as nginx would; about 48 MiB of Apache's memory, and who was
# idle longest is forgotten first. [nginx docs, limit_req module]
ADDRESSES = 80000

# Nobody says that a request has ended whose process died.
FORGOTTEN_S = 3600


class Client:
    """What one address has asked: how far it is ahead of its rate, and what is under way."""

    __slots__ = ("ahead", "since", "under_way")

    def __init__(self, now):
        self.ahead, self.since = -1, now
        self.under_way = {}


class Counter:
    """What all addresses have asked."""

    def __init__(self):
        self.clients = collections.OrderedDict()
        self.by_request = {}

    def admits(self, request, address, now):
        """Whether a request is within the limits. Only then it counts."""
        client = self.client(network(address), now)
        if ADDRESS_REQUESTS is not None:
            oldest = next(iter(client.under_way.items()), None)
            if oldest and now - oldest[1] > FORGOTTEN_S:
                self.ended(oldest[0])
            if len(client.under_way) >= ADDRESS_REQUESTS:
                return False
        if ADDRESS_RATE is not None:
            ahead = max(0, client.ahead + 1 - ADDRESS_RATE * (now - client.since))
            if ahead > ADDRESS_BURST:
                return False
            client.ahead, client.since = ahead, now
        if ADDRESS_REQUESTS is not None:
            client.under_way[request] = now
            self.by_request[request] = client
        return True

    def ended(self, request):
        """A request is over; one that was not counted is nothing."""
        if client := self.by_request.pop(request, None):
            del client.under_way[request]

    def client(self, key, now):
        if key not in self.clients:
            self.clients[key] = Client(now)
            if len(self.clients) > ADDRESSES:
                _, forgotten = self.clients.popitem(last=False)
                for request in list(forgotten.under_way):
                    self.ended(request)
        self.clients.move_to_end(key)
        return self.clients[key]


def network(address):
    """Who is counted: an address, or the network of 64 bits that one client has in IPv6."""
    with contextlib.suppress(OSError, ValueError):
        if b":" in address:
            return socket.inet_pton(socket.AF_INET6, address.decode())[:8]
    return address


def asked(path):
    counter = Counter()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(path)
    rest = b""
    while True:
        ready, _, _ = select.select([told, sys.stdin], [], [])
        # What has ended makes room for what is asked.
        if told in ready:
            for request in told.recv(65536).split():
                counter.ended(request)
            continue
        if not (data := os.read(0, 65536)):
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            request, _, address = line.partition(b" ")
            within = counter.admits(request, address, time.monotonic())
            os.write(1, b"\n" if within else b"over\n")


def ended(path):
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    rest = b""
    while data := os.read(0, 4096):
        whole, _, rest = (rest + data).rpartition(b"\n")
        with contextlib.suppress(OSError):  # nobody counts yet, or any more
            told.sendto(whole, path)


if __name__ == "__main__":
    {"asked": asked, "ended": ended}[sys.argv[1]](sys.argv[2])
