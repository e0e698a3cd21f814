"""gunicorn's settings: the name and type of each, and since which release it exists.

A table, because the description is read where gunicorn is not installed. A contract test
compares it with the installed gunicorn, both ways. ``SINCE`` was read off the releases 20.1 to
27.0 themselves, by listing the settings of each.
"""

from __future__ import annotations

from enum import Enum

Version = tuple[int, ...]


# What every program that reads the numbers can hold.
INT_MAX = 2**31 - 1


class Kind(Enum):
    """What a value has to be."""

    INT = "a whole number from 0 to 2147483647"
    BOOL = "true or false"
    TEXT = "a text"
    LIST = "a list of texts"
    MAP = "a mapping"


_BY_KIND: dict[Kind, str] = {
    Kind.INT: """
        asgi_disconnect_grace_period backlog control_socket_mode dirty_graceful_timeout
        dirty_threads dirty_timeout dirty_workers graceful_timeout http2_initial_window_size
        http2_max_concurrent_streams http2_max_frame_size http2_max_header_list_size keepalive
        limit_request_field_size limit_request_fields limit_request_line max_requests
        max_requests_jitter threads timeout umask websocket_max_message_size worker_connections
        workers""",
    Kind.BOOL: """
        capture_output casefold_http_method control_socket_disable
        disable_redirect_access_to_syslog enable_backlog_metric enable_stdio_inheritance
        initgroups permit_obsolete_folding permit_unconventional_http_method
        permit_unconventional_http_version preload_app reuse_port sendfile strip_header_spaces
        syslog""",
    Kind.TEXT: """
        access_log_format accesslog asgi_lifespan asgi_loop control_socket dogstatsd_tags errorlog
        forwarded_allow_ips forwarder_headers header_map http2_cleartext http_parser
        http_protocols logconfig logconfig_json logger_class loglevel proc_name pythonpath
        root_path statsd_host statsd_prefix syslog_addr syslog_facility syslog_prefix
        tmp_upload_dir worker_class worker_tmp_dir""",
    Kind.LIST: "dirty_apps",
    Kind.MAP: "logconfig_dict secure_scheme_headers",
}

# What a description may override: the setting's name -> what its value has to be.
OVERRIDABLE: dict[str, Kind] = {
    name: kind for kind, names in _BY_KIND.items() for name in names.split()
}

# The oldest release that the plan knows how to configure.
OLDEST: Version = (20, 1)

# Settings that OLDEST does not have yet: an older gunicorn ignores them without a word.
SINCE: dict[str, Version] = {
    name: version
    for version, names in {
        (21, 2): "logconfig_json",
        (22, 0): """casefold_http_method header_map permit_unconventional_http_method
            permit_unconventional_http_version""",
        (23, 0): "forwarder_headers permit_obsolete_folding",
        (24, 0): "asgi_lifespan asgi_loop root_path",
        (24, 1): "enable_backlog_metric",
        (25, 0): """dirty_apps dirty_graceful_timeout dirty_threads dirty_timeout dirty_workers
            http2_initial_window_size http2_max_concurrent_streams http2_max_frame_size
            http2_max_header_list_size http_protocols""",
        (25, 0, 3): "asgi_disconnect_grace_period",
        (25, 1): "control_socket control_socket_disable control_socket_mode",
        (25, 2): "http_parser",
        (27, 0): "http2_cleartext websocket_max_message_size",
    }.items()
    for name in names.split()
}

_TLS = "the proxy ends TLS: say proxy.tls"
_HTTP = "the proxy speaks HTTP to gunicorn"
_DEVELOPMENT = "it is for development"

# What the layout or the unit decides; an override would break what is rendered beside it.
DECIDED_ELSEWHERE: dict[str, str] = {
    "bind": "the proxy and the unit agree on the socket below /run",
    "wsgi_app": "say app.entrypoint",
    "default_proc_name": "say app.entrypoint",
    "paste": "say app.entrypoint",
    "raw_paste_global_conf": "say app.entrypoint",
    "chdir": "say app.app_dir",
    "raw_env": "say app.environment",
    "user": "the unit runs as the user that is called like the project",
    "group": "the unit runs as the group that is called like the project",
    "daemon": "systemd supervises gunicorn in the foreground",
    "pidfile": "systemd knows the process; a stale file misleads",
    "config": "the unit names the rendered gunicorn.conf.py",
    "check_config": "run deploygen check",
    "print_config": "run deploygen explain",
    **dict.fromkeys(("reload", "reload_engine", "reload_extra_files", "spew"), _DEVELOPMENT),
    **dict.fromkeys(("protocol", "proxy_protocol", "proxy_allow_ips", "uwsgi_allow_ips"), _HTTP),
    **dict.fromkeys(
        (
            "certfile", "keyfile", "ca_certs", "cert_reqs", "ciphers", "ssl_version",
            "do_handshake_on_connect", "suppress_ragged_eofs",
        ),
        _TLS,
    ),
}  # fmt: skip
