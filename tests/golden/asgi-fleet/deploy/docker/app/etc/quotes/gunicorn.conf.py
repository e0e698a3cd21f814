# gunicorn for quotes, in its container.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.

# The application: an object, or a factory that returns it.
wsgi_app = "app.main:app"

# --- Where it listens ---

# In a volume that the proxy shares: nobody else reaches it, and so its word on the client is
# believed. [gunicorn docs, Settings]
bind = "unix:/run/quotes/gunicorn.sock"

# In the container's own memory, where the proxy can't reach it. [gunicorn changelog]
control_socket = "/dev/shm/quotes.ctl"

# --- How many requests at once ---

# The application speaks ASGI, and gunicorn's own asgi worker is stable since 25.1. [gunicorn
# changelog]
worker_class = "asgi"

# One worker for each of 16 cores: a Python process computes on one core at a time. [gunicorn
# docs, Design: how many workers]
workers = 16

# Threads do not apply to the asgi worker. [gunicorn docs, Settings]
threads = 1

# 1000 requests at once in each worker, and its share of 3000 connections that stay open: the
# plan counts with them, but no worker for ASGI holds to this; the proxy's connections bound a
# flood. [gunicorn docs, Settings]
worker_connections = 1188

# --- Time-outs ---

# The slowest request takes 20 s; a asgi worker's heartbeat goes on while requests wait, and
# one that computes for 30 s without a pause is killed with all it holds. [deploygen docs,
# tuning: timeouts]
timeout = 30

# A release or a restart lets the slowest request (20 s) finish. [deploygen docs, tuning:
# timeouts]
graceful_timeout = 30

# Gunicorn's default; the proxy opens a connection for each request, and none outlives the
# container. [gunicorn docs, Settings]
keepalive = 2

# --- The queue ---

# 16008 at once of 50 ms (assumed) serve about 3201600 requests in the 10 s that the proxy
# waits longer than a request may take: bounded to 2048, gunicorn's default, and all of it is
# answered in time. [deploygen docs, tuning: the queue]
backlog = 2048

# --- Recycling ---

# No leaks declared: a worker that does not leak need not be replaced. [gunicorn docs,
# Settings]
max_requests = 0

# No worker is replaced. [gunicorn docs, Settings]
max_requests_jitter = 0

# Each worker imports the application itself: connections and threads opened at import are
# never shared, and a reload serves the new code. [gunicorn docs, Settings]
preload_app = False

# --- What a client may send ---

# As long as nginx and Apache let through (8k): a long URL is refused by the first of them.
# [nginx docs, http core module]
limit_request_line = 8190

# Gunicorn's default: browsers send about twenty. [gunicorn docs, Settings]
limit_request_fields = 100

# As long as nginx and Apache let through (8k), large cookies included. [nginx docs, http core
# module]
limit_request_field_size = 8190

# Only the proxy reaches the unix socket, and it overwrites what clients forge. [gunicorn
# docs, Settings]
forwarded_allow_ips = "127.0.0.1,::1"

# --- Files and logs ---

# Heartbeat files in memory: on a disk that stalls, a healthy worker would count as hung.
# [gunicorn docs, FAQ: blocking os.fchmod]
worker_tmp_dir = "/dev/shm"

# To standard output: docker compose logs has it. [gunicorn docs, Settings]
accesslog = "-"

# The client that the proxy saw, the seconds that the application took, and the id that finds
# the same request in the proxy's log. [gunicorn docs, Settings]
access_log_format = "%({x-forwarded-for}i)s \"%(r)s\" %(s)s %(b)s %(L)ss id=%({x-request-id}i)s pid=%(p)s"


def post_worker_init(worker):
    """Let backlog hold: asyncio listens anew in each worker, with a queue of 100."""
    listen = worker.loop.create_server
    worker.loop.create_server = lambda *given, **named: listen(
        *given, **{"backlog": worker.cfg.backlog, **named}
    )
