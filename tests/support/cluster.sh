# A private PostgreSQL cluster that lives as long as the process at the other end of standard input, however that process ends.
set -eu
trap '' INT TERM HUP
bin=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/stride-postgres.XXXXXX")
# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir"
    if command -v setpriv >/dev/null; then
        as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
    else
        as() { su postgres -s /bin/sh -c '"$0" "$@"' -- "$@"; }
    fi
else
    as() { "$@"; }
fi
cd "$dir"
finish() {
    as "$bin/pg_ctl" stop -D "$dir/data" -m immediate -w >/dev/null 2>&1 || true
    cd /
    rm -rf "$dir"
}
trap finish EXIT
as "$bin/initdb" -D "$dir/data" -U stride --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
as "$bin/pg_ctl" start -w -D "$dir/data" -l "$dir/log" -o "-k $dir -c listen_addresses='' -c max_connections=400 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB" >/dev/null
echo "$dir"
exec >/dev/null
while read -r _; do :; done
