#!/bin/sh
{{ about | header }}
set -eu
{% if compose.services %}

# Not every engine waits for their health.
python {{ layout.etc }}/wait.py
{% endif %}
{% for command in containers.release_commands %}
{{ command | sh_command }}
{% endfor %}
{% if containers.static_source %}

# The image's static files, for the proxy; those of older releases stay, for pages that are open.
cp --recursive --preserve=timestamps --no-target-directory {{ containers.static_source }} {{ layout.static }}
{% endif %}
