"""nginx.conf and the site."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.plan import GroupPlan, Plan
from deploygen.plan.nginx_site import nginx_site
from deploygen.targets.spec import Row, Target, on_hosts


def _words(plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    return {"words": nginx_site(group.site, group.facts.system, plan.spec.name)}


TARGET = Target(
    name="nginx",
    summary="nginx.conf and the site in front of gunicorn",
    files=on_hosts(
        "nginx",
        Row("etc/nginx/nginx.conf", about="nginx on each host of the group GROUP", context=_words),
        Row(
            "etc/nginx/sites-available/NAME.conf",
            about="The site of NAME: nginx in front of gunicorn",
            context=_words,
        ),
        Row(
            "etc/nginx/snippets/NAME-doors.conf",
            about="What comes before the site of NAME: who is let in, who asks for its health",
            context=_words,
        ),
        Row(
            "etc/nginx/snippets/NAME-dropped.conf",
            about="Headers that never reach the application NAME",
            context=_words,
        ),
        Row(
            "etc/nginx/snippets/NAME-errors.conf",
            about="What nginx answers where the application of NAME does not",
            context=_words,
        ),
        Row(
            "etc/nginx/snippets/NAME-files.conf",
            about="The files of NAME that nginx serves from disk",
            when=lambda group: group.site.from_disk,
            context=_words,
        ),
        Row(
            "etc/nginx/snippets/NAME-maps.conf",
            about="Names for the site of NAME: what is added, who is believed, what is logged",
            context=_words,
        ),
        Row("etc/nginx/snippets/NAME-proxy.conf", about="How nginx asks NAME's gunicorn"),
        Row(
            "etc/nginx/snippets/NAME-streaming.conf",
            about="What nginx passes on as it comes, for NAME",
            when=lambda group: bool(group.site.streaming),
            context=_words,
        ),
        Row(
            "etc/nginx/snippets/NAME-tls.conf",
            about="TLS for NAME, and for whoever asks for a name that no site has",
            when=lambda group: group.site.tls is not None,
        ),
        Row(
            "etc/nginx/snippets/NAME-told.conf",
            about="What the application NAME is told of a request",
            context=_words,
        ),
        Row(
            "etc/systemd/system/nginx.service.d/NAME.conf",
            about="What is added to nginx's own unit, on each host of the group GROUP",
        ),
    ),
    fits=lambda plan: plan.spec.proxy.kind == "nginx",
    needs=("pages",),
)
