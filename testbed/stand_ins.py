"""What the images of services are made of, so that they do as the registry's: scripts, in sh.

They are stand-ins, made from Debian's packages: the names of programs, folders and variables, the
users' numbers and the way to start are those of the registry's images, as far as a rendered
compose file rests on them.
"""

from __future__ import annotations

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# httpd: everything below one folder; Debian's own default configuration is not read.
HTTPD_PACKAGES = "apache2-bin media-types ca-certificates".split()
HTTPD = """
prefix="$1/usr/local/apache2"
for folder in bin conf logs htdocs cgi-bin; do mkdir -p "$prefix/$folder"; done
echo 'It works!' > "$prefix/htdocs/index.html"
ln -s /usr/lib/apache2/modules "$prefix/modules"
ln -s /etc/mime.types "$prefix/conf/mime.types"
cat > "$prefix/bin/httpd" <<'END'
#!/bin/sh
exec /usr/sbin/apache2 -d /usr/local/apache2 -f conf/httpd.conf "$@"
END
cat > "$prefix/bin/httpd-foreground" <<'END'
#!/bin/sh
rm -f /usr/local/apache2/logs/httpd.pid
exec httpd -DFOREGROUND "$@"
END
chmod 0755 "$prefix/bin/httpd" "$prefix/bin/httpd-foreground"
"""
HTTPD_CHANGES = (
    "ENV HTTPD_PREFIX=/usr/local/apache2",
    f"ENV PATH=/usr/local/apache2/bin:{_PATH}",
    "WORKDIR /usr/local/apache2",
    "STOPSIGNAL SIGWINCH",
    'CMD ["httpd-foreground"]',
)

# postgres: the first start makes the user and the database, with a server that only its own
# container reaches; only then does the real one listen.
POSTGRES_PACKAGES = "postgresql-17 ca-certificates".split()
POSTGRES = """
chroot "$1" usermod --uid 999 postgres
chroot "$1" groupmod --gid 999 postgres
rm -rf "$1"/var/lib/postgresql "$1"/etc/postgresql/17 "$1"/var/log/postgresql/*
install -d -o 999 -g 999 -m 1777 "$1/var/lib/postgresql"
install -d -o 999 -g 999 -m 1777 "$1/var/lib/postgresql/data"
# As the registry's image has it: where a container is started again, Docker gives a tmpfs the
# mode of the folder that it covers.
rm -rf "$1"/run/*
install -d -o 999 -g 999 -m 3777 "$1/run/postgresql"
cat > "$1/usr/local/bin/docker-entrypoint.sh" <<'END'
#!/bin/sh
set -eu
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo 'Error: no password: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE' >&2
        exit 1
    fi
    user=${POSTGRES_USER:-postgres}
    name=${POSTGRES_DB:-$user}
    printf '%s\\n' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --username="$user" --pwfile=/tmp/password
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    pg_ctl -w -o "-c listen_addresses=''" start
    if [ "$name" != postgres ]; then
        psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$user" --dbname postgres \\
            --set name="$name" <<'SQL'
CREATE DATABASE :"name";
SQL
    fi
    pg_ctl -m fast -w stop
fi
exec "$@"
END
chmod 0755 "$1/usr/local/bin/docker-entrypoint.sh"
"""
POSTGRES_CHANGES = (
    f"ENV PATH={_PATH}:/usr/lib/postgresql/17/bin",
    "ENV LANG=C.UTF-8",
    "ENV PGDATA=/var/lib/postgresql/data",
    "VOLUME /var/lib/postgresql/data",
    "STOPSIGNAL SIGINT",
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'CMD ["postgres"]',
)

REDIS_PACKAGES = "redis-server ca-certificates".split()
REDIS = """
chroot "$1" usermod --uid 999 redis
chroot "$1" groupmod --gid 999 redis
install -d -o 999 -g 999 -m 0755 "$1/data"
"""
REDIS_CHANGES = ("VOLUME /data", "WORKDIR /data", 'CMD ["redis-server"]')
