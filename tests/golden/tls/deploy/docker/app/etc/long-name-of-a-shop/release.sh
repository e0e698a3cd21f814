#!/bin/sh
# A release of long-name-of-a-shop, once, before it starts.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
set -eu

# The image's static files, for the proxy; those of older releases stay, for pages that are open.
cp --recursive --preserve=timestamps --no-target-directory /srv/long-name-of-a-shop/app/src/shop/static /srv/long-name-of-a-shop/static
