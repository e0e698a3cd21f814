#!/bin/sh
# A release of quotes, once, before it starts.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
set -eu
