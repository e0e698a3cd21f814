"""The small pages of the proxy's own errors: one text for every kind of proxy."""

from __future__ import annotations

from deploygen.targets.spec import Row, Target, on_hosts

TARGET = Target(
    name="pages",
    summary="what visitors see when the application does not answer",
    files=on_hosts(
        "pages",
        Row(
            "etc/NAME/pages/unavailable.html",
            about="What the proxy shows for 502, 503 and 504 of its own",
        ),
        Row(
            "etc/NAME/pages/too-many-requests.html",
            about="What the proxy shows for 429",
            when=lambda group: group.site.limited,
        ),
    ),
    fits=lambda plan: plan.spec.proxy.kind != "none",
)
