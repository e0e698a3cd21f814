"""Which files of a project may deploy it, told by their paths alone."""

from __future__ import annotations

import re

from deploygen.detect.evidence import Kind

# An example to copy is as good as the file: often it is the only one that is committed.
_COPIES = re.compile(
    r"[._-](?:example|sample|dist|template|tmpl|tpl|j2|orig|default|in)(?=\.|$)", re.IGNORECASE
)
_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"(^|/)procfile([._-]\w+)?$", Kind.PLATFORM),
        (r"(^|/)(fly|railway|render|nixpacks|app)([._-]\w+)*\.(toml|json|ya?ml)$", Kind.PLATFORM),
        (r"(^|/)(heroku|zappa_settings|\.platform\.app|apprunner|scalingo)\.(ya?ml|json)$",
         Kind.PLATFORM),
        (r"(^|/)(\.do|\.platform|\.ebextensions)/.*\.(ya?ml|config)$", Kind.PLATFORM),
        (r"(^|/)(dockerfile|containerfile)([._-][\w.-]+)?$|\.(dockerfile|containerfile)$",
         Kind.IMAGE),
        (r"(^|/)[\w.-]*compose[\w.-]*\.ya?ml$", Kind.COMPOSE),
        (r"^\.github/workflows/.*\.ya?ml$|(^|/)\.gitlab-ci[\w.-]*\.ya?ml$", Kind.CI),
        (r"(^|/)(\.circleci/config|\.travis|azure-pipelines|\.drone|\.woodpecker"
         r"|bitbucket-pipelines|appveyor|cloudbuild)[\w.-]*\.ya?ml$", Kind.CI),
        (r"(^|/)[\w@.-]+\.service$", Kind.SERVICE),
        (r"(^|/)(makefile|gnumakefile|justfile|[\w-]+\.mk)$", Kind.MAKE),
        (r"(^|/)gunicorn[\w.-]*\.py$|(^|/)[\w-]*gunicorn[_.-]?conf(ig)?[\w.-]*\.py$"
         r"|(^|/)gunicorn[\w-]*\.conf$", Kind.SERVER_CONFIG),
        (r"(^|/)\.?env([._-][\w.-]+)?$|\.env$|(^|/)\.envs/|(^|/)env\.(example|sample)$",
         Kind.ENVIRONMENT),
        (r"(^|/)[\w.-]+\.(sh|bash)$", Kind.SCRIPT),
        (r"(^|/)[\w.-]+\.(conf|ini)$", Kind.SERVICE),
        (r"(^|/)[\w.-]+\.ya?ml$", Kind.CLUSTER),
        (r"(^|/)[\w-]+$", Kind.SCRIPT),
    )
)  # fmt: skip


# Files of these kinds are the bulk of a large tree, and none of them deploys anything.
_NEVER = frozenset(
    """js jsx ts tsx mjs cjs css scss sass less svg png jpg jpeg gif webp ico avif woff woff2 ttf
    eot otf html htm map md rst txt po mo pot vue svelte pdf csv tsv xml lock pyc pyi sql go java rs
    c h cpp hpp rb php snap ipynb gz zip mp3 mp4 webm wasm parquet db sqlite3 cfg
    bat ps1 log""".split()
)


def kind_of(path: str) -> Kind | None:
    """The kind of deployment file that a path suggests; its content may still disagree."""
    folder, slash, name = path.rpartition("/")
    ending = name.rpartition(".")[2].lower()
    if ending in _NEVER or (ending == "py" and "gunicorn" not in name.lower()):
        return None
    plain = folder + slash + _COPIES.sub("", name)
    return next((kind for pattern, kind in _KINDS if pattern.search(plain)), None)
