"""Where everything lies on the host. See docs/decisions/0002-host-layout.md."""

from __future__ import annotations

from dataclasses import dataclass

from deploygen.spec import Spec

SLOTS = ("blue", "green")
# The user that nginx and Apache run as on Debian and Ubuntu.
PROXY_USER = "www-data"


@dataclass(frozen=True)
class NginxPlaces:
    """Where nginx itself has its files. ``user`` and ``temp`` are None for nginx's own."""

    user: str | None
    pid: str
    error_log: str
    access_log: str
    temp: str | None


@dataclass(frozen=True)
class ApachePlaces:
    """Where Apache has its logs and programs, and why what holds for all sites is read first.

    ``counter`` counts what each address asks for; ``counted`` is its socket.
    """

    error_log: str
    access_log: str
    filter: str
    read_why: str
    counter: str = ""
    counted: str = ""


@dataclass(frozen=True)
class Layout:
    """Absolute paths on the host. ``%i`` in a path stands for the slot, as in a systemd unit."""

    name: str
    etc: str
    home: str
    run: str
    state: str
    current: str
    upstream: str
    upstream_why: str
    slot: str
    slot_socket: str
    venv: str
    working_directory: str
    static: str | None
    media: str | None
    protected: str | None
    proxy_user: str
    config: str
    environment_file: str
    secrets_file: str
    tls: str
    stand_in: str
    acme_webroot: str
    certificate_script: str
    maintenance: str
    drained: str
    nginx: NginxPlaces
    apache: ApachePlaces
    pages: str


def layout(spec: Spec) -> Layout:
    """The layout for one project."""
    name, app = spec.name, spec.app
    home, run, etc = f"/srv/{name}", f"/run/{name}", f"/etc/{name}"
    slot, current = f"{home}/%i", f"{home}/current"
    return Layout(
        name=name,
        etc=etc,
        home=home,
        run=run,
        state=f"/var/lib/{name}",
        current=current,
        upstream=f"{home}/current.sock",
        upstream_why="The link moves to the other slot when a release goes live; the proxy is not "
        "reloaded.",
        slot=slot,
        slot_socket=f"{run}/%i.sock",
        venv=f"{slot}/.venv",
        working_directory=slot if app.app_dir == "." else f"{slot}/{app.app_dir}",
        # Static files belong to a release and change with it.
        static=_below(current, app.static.folder) if app.static else None,
        # Uploads outlive releases: the release's folder is a link to this one.
        media=(app.media.folder if app.media.folder.startswith("/") else f"{home}/media")
        if app.media
        else None,
        # What only the application may hand out: it outlives releases too.
        protected=_below(home, app.protected.folder) if app.protected else None,
        proxy_user=PROXY_USER,
        config=f"{etc}/gunicorn.conf.py",
        environment_file=f"{etc}/env",
        secrets_file=f"{etc}/secrets",
        # A link: to the stand-in at first, then to the certificate that certbot got.
        tls=f"{etc}/tls",
        stand_in=f"{etc}/stand-in",
        acme_webroot=f"{home}/acme",
        certificate_script=f"/usr/local/sbin/{name}-certificate",
        maintenance=f"{home}/maintenance",
        # On the front: a file for each application host that gets no requests. A boot forgets them.
        drained=f"{run}/drained",
        nginx=NginxPlaces(
            user=PROXY_USER,
            pid="/run/nginx.pid",
            error_log="/var/log/nginx/error.log",
            access_log="/var/log/nginx/access.log",
            temp=None,
        ),
        apache=ApachePlaces(
            error_log="${APACHE_LOG_DIR}/error.log",
            access_log="${APACHE_LOG_DIR}/access.log",
            filter=f"/etc/apache2/conf-available/{name}-taken.lua",
            read_why="Its name begins with zz: it is read after Debian's own files, and replaces "
            "what they say.",
            counter=f"/etc/apache2/conf-available/{name}-limits.py",
            # A folder of the user that Apache serves as.
            counted=f"/run/apache2/socks/{name}.sock",
        ),
        pages=f"{etc}/pages",
    )


def _below(root: str, folder: str) -> str:
    return folder if folder.startswith("/") else f"{root}/{folder}"
