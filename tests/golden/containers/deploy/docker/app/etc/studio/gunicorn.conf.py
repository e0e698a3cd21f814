# gunicorn for studio, in its container.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.

# The application: an object, or a factory that returns it.
wsgi_app = "studio.wsgi:application"

# --- Where it listens ---

# In a volume that the proxy shares: nobody else reaches it, and so its word on the client is
# believed. [gunicorn docs, Settings]
bind = "unix:/run/studio/gunicorn.sock"

# In the container's own memory, where the proxy can't reach it. [gunicorn changelog]
control_socket = "/dev/shm/studio.ctl"

# --- How many requests at once ---

# Threads share a worker's memory, its main thread keeps the heartbeat going while a request
# computes, and a waiting request does not block the others. [gunicorn docs, Design: how many
# workers]
worker_class = "gthread"

# One worker for each of 2 cores: a Python process computes on one core at a time. [gunicorn
# docs, Design: how many workers]
workers = 2

# Nothing measured: 2 x 2 cpus + 1 = 5 requests at once; over 2 workers that is 3 threads
# each, which share the worker's memory. [gunicorn docs, Design: how many workers]
threads = 3

# 3 threads and 300 more that wait inside the worker: 6 at once of 50 ms (assumed) serve about
# 1200 requests in the 10 s that the proxy waits longer than a request may take, and half of
# those may wait in 2 workers, the rest in the backlog. [deploygen docs, tuning: the queue]
worker_connections = 303

# --- Time-outs ---

# The slowest request takes 20 s; a gthread worker's heartbeat goes on while its threads
# compute, so that only one that hangs as a whole is killed, after 30 s. [deploygen docs,
# tuning: timeouts]
timeout = 30

# A release or a restart lets the slowest request (20 s) finish. [deploygen docs, tuning:
# timeouts]
graceful_timeout = 30

# Gunicorn's default; the proxy opens a connection for each request, and none outlives the
# container. [gunicorn docs, Settings]
keepalive = 2

# --- The queue ---

# 6 at once of 50 ms (assumed) serve about 1200 requests in the 10 s that the proxy waits
# longer than a request may take, and 600 of them may wait inside the workers: what queues is
# still answered in time. [deploygen docs, tuning: the queue]
backlog = 600

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
