"""Apache's own settings and the site, as Debian and Ubuntu lay them out."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.plan import GroupPlan, Plan
from deploygen.plan.apache import chapters
from deploygen.plan.apache_modules import needed
from deploygen.plan.apache_site import apache_site
from deploygen.targets.spec import Row, Target, on_hosts


def _context(_plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    return {
        "words": apache_site(group.site, group.facts.system),
        "modules": needed(group.site),
        **chapters(group.components["apache"]),
    }


TARGET = Target(
    name="apache",
    summary="Apache's event MPM and the site in front of gunicorn",
    files=on_hosts(
        "apache",
        Row(
            "etc/apache2/conf-available/zz-deploygen.conf",
            about="Apache on each host of the group GROUP",
            context=_context,
        ),
        Row(
            "etc/apache2/conf-available/NAME-doors.conf",
            about="What comes before the site of NAME: who is let in, who asks for its health",
            context=_context,
        ),
        Row(
            "etc/apache2/conf-available/NAME-files.conf",
            about="The files of NAME that Apache serves from disk; its site includes this",
            when=lambda group: group.site.from_disk,
            context=_context,
        ),
        Row(
            "etc/apache2/conf-available/NAME-errors.conf",
            about="What Apache answers where NAME does not; its site includes this",
            context=_context,
        ),
        Row(
            "etc/apache2/conf-available/NAME-proxy.conf",
            about="How Apache asks NAME's gunicorn; its site includes this",
            context=_context,
        ),
        Row(
            "etc/apache2/conf-available/NAME-limits.conf",
            about="What one address may ask of NAME; its site includes this",
            when=lambda group: group.site.limited,
            context=_context,
        ),
        Row(
            "etc/apache2/conf-available/NAME-limits.py",
            about="Counts for Apache what each address asks of NAME",
            when=lambda group: group.site.limited,
        ),
        Row(
            "etc/apache2/conf-available/NAME-taken.lua",
            about="How Apache takes a response from NAME's gunicorn",
        ),
        Row(
            "etc/apache2/conf-available/NAME-told.conf",
            about="What the application NAME is told of a request",
            context=_context,
        ),
        Row(
            "etc/systemd/system/apache2.service.d/NAME.conf",
            about="What is added to Apache's own unit, on each host of the group GROUP",
        ),
        Row(
            "etc/apache2/sites-available/NAME.conf",
            about="The site of NAME: Apache in front of gunicorn",
            context=_context,
        ),
    ),
    fits=lambda plan: plan.spec.proxy.kind == "apache",
    needs=("pages",),
)
