"""Real systemd hosts in containers, and base images, from Debian's packages: see README.md."""
