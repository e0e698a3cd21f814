"""Dockerfile, compose.yaml, and what the containers' file systems get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from deploygen.plan import ContainerPlan, Plan
from deploygen.plan.apache import chapters
from deploygen.plan.apache_modules import BUILT_IN, needed
from deploygen.plan.compose import compose
from deploygen.plan.container_gunicorn import TCP
from deploygen.plan.container_proxy import HTTP, HTTPD, HTTPS
from deploygen.plan.containers import PROXY_UID_STEP, SECRETS
from deploygen.plan.gunicorn import listens_anew
from deploygen.plan.image import HELPER, collects
from deploygen.plan.sections import sections
from deploygen.plan.services import services
from deploygen.plan.site import Site
from deploygen.spec import Spec
from deploygen.targets.spec import FileSpec, Target

# What a build runs with where the application wants a secret: no value is worth anything.
STAND_IN = "only-for-the-build-of-this-image-and-worth-nothing-at-all"
# Libraries parse these when settings are read.
STAND_IN_URLS = {"DATABASE": "sqlite:////tmp/build.sqlite3", "REDIS": "redis://localhost:6379/0"}
STAND_IN_URL = "https://localhost"


@dataclass(frozen=True)
class Row:
    """One file: its path below docker/, what it is, its template and when it is rendered."""

    path: str
    about: str
    template: str = ""
    when: Callable[[Plan, ContainerPlan], bool] = lambda _plan, _containers: True


def _proxied(_plan: Plan, containers: ContainerPlan) -> bool:
    return containers.proxy is not None


def _by(kind: str) -> Callable[[Plan, ContainerPlan], bool]:
    """Whether the proxy is this one."""
    return lambda _, containers: containers.proxy is not None and containers.proxy.kind == kind


def _limited(plan: Plan, containers: ContainerPlan) -> bool:
    return _proxied(plan, containers) and containers.site.limited


# As on a host: the name, what it is, and what the site must have for it to be there.
SNIPPETS: tuple[tuple[str, str, Callable[[Site], bool]], ...] = (
    ("doors", "What comes before the site of NAME: who is let in, who asks for its health",
        lambda _: True),
    ("dropped", "Headers that never reach the application NAME", lambda _: True),
    ("errors", "What nginx answers where the application of NAME does not", lambda _: True),
    ("files", "The files of NAME that nginx serves from disk", lambda site: site.from_disk),
    ("maps", "Names for the site of NAME: what is added, who is believed, what is logged",
        lambda _: True),
    ("proxy", "How nginx asks NAME's gunicorn", lambda _: True),
    ("streaming", "What nginx passes on as it comes, for NAME", lambda site: bool(site.streaming)),
    ("tls", "TLS for NAME, and for whoever asks for a name that no site has",
        lambda site: site.tls is not None),
    ("told", "What the application NAME is told of a request", lambda _: True),
)  # fmt: skip
PARTS: tuple[tuple[str, str, Callable[[Site], bool]], ...] = (
    ("zz-deploygen", "Apache in its container", lambda _: True),
    ("NAME-doors", "What comes before the site of NAME: who is let in, who asks for its health",
        lambda _: True),
    ("NAME-errors", "What Apache answers where NAME does not; its site includes this",
        lambda _: True),
    ("NAME-files", "The files of NAME that Apache serves from disk; its site includes this",
        lambda site: site.from_disk),
    ("NAME-proxy", "How Apache asks NAME's gunicorn; its site includes this", lambda _: True),
    ("NAME-told", "What the application NAME is told of a request", lambda _: True),
)  # fmt: skip


def _snippet(name: str, about: str, when: Callable[[Site], bool]) -> Row:
    path = f"etc/nginx/snippets/NAME-{name}.conf"
    return Row(
        f"proxy/{path}",
        about,
        f"nginx/{path}",
        lambda plan, containers: _by("nginx")(plan, containers) and when(containers.site),
    )


def _part(name: str, about: str, when: Callable[[Site], bool], end: str = "conf") -> Row:
    return Row(
        f"proxy{HTTPD}/conf-available/{name}.{end}",
        about,
        f"apache/etc/apache2/conf-available/{name}.{end}",
        lambda plan, containers: _by("apache")(plan, containers) and when(containers.site),
    )


def _lists(_plan: Plan, containers: ContainerPlan) -> bool:
    """Whether the build lists what a pyproject.toml asks for."""
    return any(
        HELPER in command for step in containers.image.dependencies for command in step.commands
    )


ROWS = (
    Row("Dockerfile", about="The images of NAME: the application, and its proxy"),
    Row("Dockerfile.dockerignore", about="What of the project no image of NAME ever gets"),
    Row("compose.yaml", about="NAME in containers: application, proxy, and what they need"),
    Row(".gitignore", about="What lies here on a host, and in no repository"),
    Row("app/etc/NAME/gunicorn.conf.py", about="gunicorn for NAME, in its container",
        template="gunicorn/etc/NAME/gunicorn.conf.py"),
    Row("app/etc/NAME/entry.py", about="The way into a container of NAME"),
    Row("app/etc/NAME/health.py", about="The health of NAME, asked in its container"),
    Row("app/etc/NAME/release.sh", about="A release of NAME, once, before it starts"),
    Row("app/etc/NAME/wait.py", about="A release of NAME waits for what it asks",
        when=lambda plan, _: any(services(plan.spec))),
    Row("tools/requirements.py", about="Of the build of NAME: what pyproject.toml asks for",
        when=_lists),
    Row("proxy/etc/nginx/nginx.conf", about="nginx in its container",
        template="nginx/etc/nginx/nginx.conf", when=_by("nginx")),
    Row("proxy/etc/nginx/sites-enabled/NAME.conf",
        about="The site of NAME: nginx in front of gunicorn",
        template="nginx/etc/nginx/sites-available/NAME.conf", when=_by("nginx")),
    *(_snippet(*row) for row in SNIPPETS),
    Row(f"proxy{HTTPD}/conf/httpd.conf", about="Apache in its container: modules, ports, logs",
        when=_by("apache")),
    *(_part(*row) for row in PARTS),
    _part("NAME-taken", "How Apache takes a response from NAME's gunicorn", lambda _: True, "lua"),
    Row(f"proxy{HTTPD}/sites-enabled/NAME.conf",
        about="The site of NAME: Apache in front of gunicorn",
        template="apache/etc/apache2/sites-available/NAME.conf", when=_by("apache")),
    Row("proxy/etc/NAME/start.sh", about="Starts Apache of NAME, in its container",
        when=lambda plan, containers: _by("apache")(plan, containers)
        and containers.site.tls is not None),
    Row("proxy/etc/NAME/pages/unavailable.html",
        about="What the proxy shows for 502, 503 and 504 of its own",
        template="pages/etc/NAME/pages/unavailable.html", when=_proxied),
    Row("proxy/etc/NAME/pages/too-many-requests.html", about="What the proxy shows for 429",
        template="pages/etc/NAME/pages/too-many-requests.html", when=_limited),
)  # fmt: skip


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """All files for containers; none where the plan has none."""
    containers = plan.containers
    if containers is None:
        return ()
    context = _context(plan, containers)
    name = plan.spec.name
    return tuple(
        FileSpec(
            template=row.template or f"docker/{row.path.lstrip('.')}",
            path=f"docker/{row.path.replace('NAME', name)}",
            mode=0o644,
            context={**context, "about": row.about.replace("NAME", name)},
        )
        for row in ROWS
        if row.when(plan, containers)
    )


def _context(plan: Plan, containers: ContainerPlan) -> Mapping[str, object]:
    spec, site = plan.spec, containers.site
    gunicorn, bounds = containers.components["gunicorn"], containers.bounds
    wired = compose(spec, containers)
    apache = containers.components.get("apache")
    overridable = (*(bound.setting for bound in bounds.variables), *(b.each for b in bounds.joint))
    return {
        "spec": spec,
        "app": spec.app,
        "layout": containers.layout,
        "site": site,
        "words": containers.words,
        "environment": containers.environment,
        "containers": containers,
        "proxy": containers.proxy,
        "image": containers.image,
        "bounds": bounds,
        **containers.components,
        **(chapters(apache) if apache else {}),
        "modules": needed(containers.site),
        "built_in": BUILT_IN,
        "listens": (HTTP, HTTPS) if site.tls else (HTTP,),
        "sections": sections(gunicorn),
        "listens_anew": listens_anew(gunicorn),
        "planned": tuple(gunicorn[name] for name in dict.fromkeys(overridable)),
        "folders": tuple(_folders(containers)),
        "proxy_uid": containers.uid + PROXY_UID_STEP,
        "build_environment": _build_environment(spec, containers),
        "unsent": tuple(_unsent(spec)),
        "health": spec.app.health or "/",
        "headers": {
            "Host": site.canonical,
            **({"X-Forwarded-Proto": "https"} if site.https else {}),
        },
        "port": TCP,
        "secrets_folder": SECRETS,
        "compose": wired,
    }


def _folders(containers: ContainerPlan) -> Iterator[str]:
    """Commands that make the folders which volumes are mounted on, the user's own."""
    owner = f"--owner={containers.uid} --group={containers.uid}"
    for volume in containers.volumes:
        yield f"install --directory {owner} --mode={volume.mode} {volume.path}"
    if containers.static_source:
        yield f"install --directory {owner} --mode=0755 {containers.layout.static}"


def _build_environment(spec: Spec, containers: ContainerPlan) -> Mapping[str, str]:
    """What the build's commands run with: the environment, and a stand-in for each secret."""
    return {**containers.environment, **{name: _stand_in(name) for name in spec.app.secrets}}


def _stand_in(secret: str) -> str:
    if not secret.endswith("URL"):
        return STAND_IN
    return next((url for word, url in STAND_IN_URLS.items() if word in secret), STAND_IN_URL)


def _unsent(spec: Spec) -> Iterator[str]:
    """Folders of the project that the image has from elsewhere: a volume, or its own build."""
    if spec.app.media and not spec.app.media.folder.startswith("/"):
        yield spec.app.media.folder
    collected = any(map(collects, spec.app.release_commands))
    if spec.app.static and collected and not spec.app.static.folder.startswith("/"):
        yield spec.app.static.folder


TARGET = Target(
    name="docker",
    summary="Dockerfile and compose.yaml, with what the containers' file systems get",
    files=files,
    fits=lambda plan: plan.containers is not None,
)
