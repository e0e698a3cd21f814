"""Every source that a rule rests on, named once."""

from __future__ import annotations

from deploygen.plan.setting import Source
from deploygen.published import mozilla

GUNICORN_DESIGN = Source(
    "gunicorn docs, Design: how many workers", "https://docs.gunicorn.org/en/stable/design.html"
)
GUNICORN_SETTINGS = Source(
    "gunicorn docs, Settings", "https://docs.gunicorn.org/en/stable/settings.html"
)
GUNICORN_DEPLOY = Source(
    "gunicorn docs, Deploying", "https://docs.gunicorn.org/en/stable/deploy.html"
)
GUNICORN_FAQ = Source(
    "gunicorn docs, FAQ: blocking os.fchmod", "https://docs.gunicorn.org/en/stable/faq.html"
)
GUNICORN_NEWS = Source("gunicorn changelog", "https://docs.gunicorn.org/en/stable/news.html")
GOETZ = Source(
    "Goetz et al., Java Concurrency in Practice, 8.2: sizing thread pools",
    "https://jcip.net",
)
LITTLE = Source(
    "Little 1961, A proof for the queuing formula L = lambda W",
    "https://doi.org/10.1287/opre.9.3.383",
)
ERLANG = Source(
    "Erlang C: waiting in an M/M/c queue",
    "https://en.wikipedia.org/wiki/Erlang_(unit)#Erlang_C_formula",
)
NGINX_CORE = Source("nginx docs, core module", "https://nginx.org/en/docs/ngx_core_module.html")
NGINX_HTTP = Source(
    "nginx docs, http core module", "https://nginx.org/en/docs/http/ngx_http_core_module.html"
)
NGINX_PROXY = Source(
    "nginx docs, proxy module", "https://nginx.org/en/docs/http/ngx_http_proxy_module.html"
)
NGINX_UPSTREAM = Source(
    "nginx docs, upstream module",
    "https://nginx.org/en/docs/http/ngx_http_upstream_module.html",
)
APACHE_EVENT = Source("Apache docs, event MPM", "https://httpd.apache.org/docs/2.4/mod/event.html")
APACHE_MPM = Source(
    "Apache docs, MPM directives", "https://httpd.apache.org/docs/2.4/mod/mpm_common.html"
)
APACHE_CORE = Source(
    "Apache docs, core features", "https://httpd.apache.org/docs/2.4/mod/core.html"
)
APACHE_PROXY = Source(
    "Apache docs, mod_proxy", "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html"
)
APACHE_BUFFER = Source(
    "Apache docs, mod_buffer", "https://httpd.apache.org/docs/2.4/mod/mod_buffer.html"
)
APACHE_REQTIMEOUT = Source(
    "Apache docs, mod_reqtimeout", "https://httpd.apache.org/docs/2.4/mod/mod_reqtimeout.html"
)
APACHE_HTTP2 = Source(
    "Apache docs, mod_http2", "https://httpd.apache.org/docs/2.4/mod/mod_http2.html"
)
MOZILLA_TLS = Source(f"Mozilla's TLS guideline {mozilla.VERSION}", "https://ssl-config.mozilla.org")
NGINX_LIMIT_REQ = Source(
    "nginx docs, limit_req module", "https://nginx.org/en/docs/http/ngx_http_limit_req_module.html"
)
NGINX_LIMIT_CONN = Source(
    "nginx docs, limit_conn module",
    "https://nginx.org/en/docs/http/ngx_http_limit_conn_module.html",
)
RETRY_AFTER = Source(
    "RFC 9110, 10.2.3: Retry-After", "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3"
)
LISTEN = Source("listen(2)", "https://man7.org/linux/man-pages/man2/listen.2.html")
SYSTEMD_SERVICE = Source(
    "systemd.service(5)", "https://www.freedesktop.org/software/systemd/man/systemd.service.html"
)
SYSTEMD_EXEC = Source(
    "systemd.exec(5)", "https://www.freedesktop.org/software/systemd/man/systemd.exec.html"
)
SYSTEMD_RESOURCES = Source(
    "systemd.resource-control(5)",
    "https://www.freedesktop.org/software/systemd/man/systemd.resource-control.html",
)
PYTHON_FREE_THREADING = Source(
    "Python docs, free-threaded builds",
    "https://docs.python.org/3/howto/free-threading-python.html",
)
COMPOSE = Source(
    "Compose file reference, services",
    "https://docs.docker.com/reference/compose-file/services/",
)
POSTGRESQL_CONNECTIONS = Source(
    "PostgreSQL docs, connections",
    "https://www.postgresql.org/docs/current/runtime-config-connection.html",
)
POSTGRESQL_RESOURCES = Source(
    "PostgreSQL docs, resource consumption",
    "https://www.postgresql.org/docs/current/runtime-config-resource.html",
)
REDIS_EVICTION = Source(
    "Redis docs, key eviction", "https://redis.io/docs/latest/develop/reference/eviction/"
)
DOCKERFILE = Source("Dockerfile reference", "https://docs.docker.com/reference/dockerfile/")
MEMORY = Source("deploygen docs, tuning: memory", "docs/tuning.md#memory")
DATABASE = Source("deploygen docs, tuning: database", "docs/tuning.md#database")
QUEUE = Source("deploygen docs, tuning: the queue", "docs/tuning.md#the-queue")
FIGURES = Source("deploygen docs, figures: tuning", "docs/figures.md#tuning")
TIMEOUTS = Source("deploygen docs, tuning: timeouts", "docs/tuning.md#timeouts")
DESCRIPTION = Source("deploygen.yml", "docs/reference/deploygen-yml.md")
