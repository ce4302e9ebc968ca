#!/bin/sh
# /usr/local/bin/guanxi: runs a command with the settings, the secrets and the rights of the service. Needs root.
exec systemd-run --quiet --collect --wait --pipe \
    --uid=guanxi --gid=guanxi \
    --property=UMask=0077 \
    --property=StateDirectory=guanxi \
    --property=WorkingDirectory=/var/lib/guanxi \
    --property=EnvironmentFile=/etc/guanxi/secrets.env \
    /opt/guanxi/.venv/bin/guanxi --config /etc/guanxi/config.toml "$@"
