#!/bin/sh
# Starts Apache of studio, in its container.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
set -eu
umask 077

# Who asks for a name that no site has is shown a certificate that says nothing: Apache can't
# refuse the handshake. It is made at each start, in memory, so that its key is in no image.
mkdir --parents /tmp/stand-in
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 3650 \
    -subj /CN=invalid \
    -keyout /tmp/stand-in/privkey.pem -out /tmp/stand-in/fullchain.pem 2>/dev/null

# Apache is process 1, and gets every signal.
exec httpd -D FOREGROUND
