# gunicorn for long-name-of-a-shop, in its container.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.

# The application: an object, or a factory that returns it.
wsgi_app = "shop:create_app()"

# --- Where it listens ---

# In a volume that the proxy shares: nobody else reaches it, and so its word on the client is
# believed. [gunicorn docs, Settings]
bind = "unix:/run/long-name-of-a-shop/gunicorn.sock"

# In the container's own memory, where the proxy can't reach it. [gunicorn changelog]
control_socket = "/dev/shm/long-name-of-a-shop.ctl"

# --- How many requests at once ---

# A request computes 2 ms and waits 400 ms: 4 x (1 + 400 / 2) = 804 requests at once keep 4
# cpus busy; that is 201 threads a core, more than the 4 that share an interpreter lock well,
# and the application is greenlet-safe: green threads. [gunicorn docs, Design: how many
# workers]
worker_class = "gevent"

# One worker for each of 4 cores: a Python process computes on one core at a time. [gunicorn
# docs, Design: how many workers]
workers = 4

# Threads do not apply to the gevent worker. [gunicorn docs, Settings]
threads = 1

# Set in deploygen.yml (deploygen would say 1000). [deploygen.yml]
worker_connections = 500

# --- Time-outs ---

# The slowest request takes 90 s; a gevent worker's heartbeat goes on while requests wait, and
# one that computes for 135 s without a pause is killed with all it holds. [deploygen docs,
# tuning: timeouts]
timeout = 135

# A release or a restart lets the slowest request (90 s) finish. [deploygen docs, tuning:
# timeouts]
graceful_timeout = 135

# Gunicorn's default; the proxy opens a connection for each request, and none outlives the
# container. [gunicorn docs, Settings]
keepalive = 2

# --- The queue ---

# 4 cpus at 2 ms a request serve about 20000 requests in the 10 s that the proxy waits longer
# than a request may take: bounded to 2048, gunicorn's default, and all of it is answered in
# time. [deploygen docs, tuning: the queue]
backlog = 2048

# --- Recycling ---

# Memory leaks are declared: a fresh worker gives what leaked back. [gunicorn docs, Settings]
max_requests = 1000

# Up to 20% more than 1000: workers are replaced one after another, not all at the same
# moment. [gunicorn docs, Settings]
max_requests_jitter = 200

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

# --- Set in deploygen.yml ---

# Set in deploygen.yml. [deploygen.yml]
proc_name = "shop"
