"""nginx.conf and the site."""

from __future__ import annotations

from deploygen.targets.spec import Row, Target, on_hosts

TARGET = Target(
    name="nginx",
    summary="nginx.conf and the site in front of gunicorn",
    files=on_hosts(
        "nginx",
        Row("etc/nginx/nginx.conf", about="nginx on each host of the group GROUP"),
        Row(
            "etc/nginx/sites-available/NAME.conf",
            about="The site of NAME: nginx in front of gunicorn",
        ),
    ),
    fits=lambda plan: plan.spec.proxy.kind == "nginx",
)
