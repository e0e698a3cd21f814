# The health of studio, asked in its container.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
"""Asks gunicorn for the site's health, as the proxy would; exits with 1 when it is not well."""

import http.client
import socket
import sys

PATH = "/health/"
HEADERS = {"Host": "studio.example.org", "X-Forwarded-Proto": "https"}


class Connection(http.client.HTTPConnection):
    """HTTP to gunicorn's own address, whatever the name of the site."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect("/run/studio/gunicorn.sock")


try:
    connection = Connection("studio.example.org", timeout=10)
    connection.request("GET", PATH, headers=HEADERS)
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"{PATH}: {error}")
if status >= http.client.BAD_REQUEST:
    sys.exit(f"{PATH} answers {status}")
