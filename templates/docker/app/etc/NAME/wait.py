{{ about | header }}
"""Ends when every service beside the application takes connections; with 1 when one does not."""

import socket
import sys
import time

SERVICES = [
{% for service in compose.services %}
    ({{ service.name | py }}, {{ service.port }}),
{% endfor %}
]
SECONDS = {{ container.health_start_period.value }}

deadline = time.monotonic() + SECONDS
for address in SERVICES:
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
            break
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"{address[0]} did not answer within {SECONDS} s: {error}")
            time.sleep(0.2)
