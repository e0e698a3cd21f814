{{ about | header }}
"""Asks gunicorn for the site's health, as the proxy would; exits with 1 when it is not well."""

import http.client
import socket
import sys

PATH = {{ health | py }}
HEADERS = {{ headers | py }}


class Connection(http.client.HTTPConnection):
    """HTTP to gunicorn's own address, whatever the name of the site."""

    def connect(self):
{% if containers.socket %}
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect({{ containers.socket | py }})
{% else %}
        self.sock = socket.create_connection(("127.0.0.1", {{ port }}), self.timeout)
{% endif %}


try:
    connection = Connection({{ site.canonical | py }}, timeout={{ container.health_timeout.value }})
    connection.request("GET", PATH, headers=HEADERS)
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"{PATH}: {error}")
if status >= http.client.BAD_REQUEST:
    sys.exit(f"{PATH} answers {status}")
