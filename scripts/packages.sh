#!/bin/sh
# Installs the Debian packages that the tests use, where root or sudo can; else names the command.
# The packages' services are not started: an nginx of this machine's own is nobody's wish.
set -eu

missing=
need() { # need PROGRAM PACKAGE
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}
module() { # module FILE PACKAGE
    [ -e "$1" ] || missing="$missing $2"
}
need nginx nginx-light
module /usr/lib/nginx/modules/ngx_http_brotli_static_module.so libnginx-mod-http-brotli-static
need apache2 apache2
module /usr/lib/apache2/modules/mod_xsendfile.so libapache2-mod-xsendfile
need systemd-analyze systemd
need openssl openssl
need sysctl procps
need certbot certbot
need pebble pebble
need slowhttptest slowhttptest
# Hosts of the tests are containers, and images are built and run with podman and with docker.
need mmdebstrap mmdebstrap
need podman 'podman runc crun netavark aardvark-dns iptables uidmap catatonit'
if [ -z "${DOCKER_HOST:-}" ]; then
    need dockerd docker.io
    need ip iproute2
    need iptables iptables
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Not installed:$missing. Tests that need them are skipped, loudly; in CI they fail." >&2
    exit 0
fi

policy=/usr/sbin/policy-rc.d
install='
    set -eu
    if [ ! -e '$policy' ]; then
        printf "#!/bin/sh\nexit 101\n" > '$policy'
        chmod 755 '$policy'
        trap "rm -f '$policy'" EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    case " '$missing' " in
        # Since Debian 13 the client is a package of its own.
        *" docker.io "*) client=$(apt-cache search --names-only "^docker-cli\$" | cut -d" " -f1) ;;
    esac
    apt-get install -y -qq --no-install-recommends '$missing' ${client:-} >/dev/null
'
if ! scripts/as_root.sh sh -c "$install"; then
    echo "Not installed:$missing. As root:" >&2
    echo "    apt-get install$missing" >&2
    echo "Tests that need them are skipped, loudly; in CI they fail." >&2
fi
