#!/bin/sh
# A release of studio, once, before it starts.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
set -eu

# Not every engine waits for their health.
python /etc/studio/wait.py
python manage.py migrate --noinput

# The image's static files, for the proxy; those of older releases stay, for pages that are open.
cp --recursive --preserve=timestamps --no-target-directory /srv/studio/app/staticfiles /srv/studio/static
