#!/usr/bin/env bash
# Backs up the database of a deployment, and restores a backup into an empty database. docs/src/guides/backup-and-restore.md
# says what to do around it, and what happens to messages.
#
#   DATABASE_URL=postgres://... docs/restore.sh backup FILE
#   DATABASE_URL=postgres://... docs/restore.sh restore FILE
#
# It needs pg_dump, pg_restore and psql, no older than the server: from the PATH, or the folder PG_BIN.
set -euo pipefail
export LC_ALL=C
# A backup has the signing keys and the payloads of messages.
umask 077

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
pg() { "${PG_BIN:+$PG_BIN/}$1" "${@:2}"; }

# The password goes by the environment: arguments are in the process list.
connect() {
    [ -n "${DATABASE_URL:-}" ] || fail "DATABASE_URL is not set"
    url=$DATABASE_URL
    if [[ $url =~ ^([a-z]+://[^:@/]*):([^@/]*)@(.*)$ ]]; then
        url="${BASH_REMATCH[1]}@${BASH_REMATCH[3]}"
        PGPASSWORD=$(printf '%b' "${BASH_REMATCH[2]//%/\\x}")
        export PGPASSWORD
    fi
    for program in pg_dump pg_restore psql; do
        pg "$program" --version >/dev/null || fail "$program is missing; install PostgreSQL's clients, or set PG_BIN to their folder"
    done
}

query() { pg psql --dbname="$url" --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --command="$1"; }

# Each table of a backup with the number of its rows: of its data every row is one line.
rows_of_backup() {
    pg pg_restore --data-only --file=- "$1" | awk '
        inside && $0 == "\\." { print table, count; inside = 0; next }
        inside { count++; next }
        $1 == "COPY" { table = $2; count = 0; inside = 1 }' | sort
}

migrations_of_backup() {
    pg pg_restore --data-only --table=__diesel_schema_migrations --file=- "$1" | awk '
        inside && $0 == "\\." { inside = 0 }
        inside { print $1 }
        $1 == "COPY" { inside = 1 }' | sort
}

# The same of the database, of the tables that standard input names.
rows_of_database() {
    local counts
    counts=$(awk '{ printf "%sselect '\''%s'\'' || '\'' '\'' || count(*) from %s", (NR > 1 ? " union all " : ""), $1, $1 }')
    query "$counts" | sort
}

backup() {
    [ ! -e "$1" ] || fail "$1 is there already"
    # One snapshot: what is published meanwhile is not in it.
    pg pg_dump --dbname="$url" --format=custom --file="$1.part"
    [ -n "$(migrations_of_backup "$1.part")" ] || fail "the database has no schema of sigpost; see $1.part"
    mv "$1.part" "$1"
    rows_of_backup "$1" | awk '{ rows += $2 } END { printf "backed up %d rows of %d tables", rows, NR }'
    say " to $1; keep it as secret as the database"
}

restore() {
    [ -f "$1" ] || fail "$1 is no file"
    local migrations rows is_empty tables
    migrations=$(migrations_of_backup "$1")
    [ -n "$migrations" ] || fail "$1 has no schema of sigpost"
    is_empty=$(query "select count(*) = 0 from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'")
    [ "$is_empty" = t ] || fail "the database of DATABASE_URL is not empty; create another one"

    # All or nothing.
    pg pg_restore --dbname="$url" --single-transaction --exit-on-error --no-owner --no-privileges "$1"
    # A backup has no statistics, without which lists would be slow until the server has made them. A bare
    # "analyze" warns about every table that belongs to the server.
    tables=$(query "select string_agg(oid::regclass::text, ', ') from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition")
    query "analyze $tables"

    [ "$(query 'select version from __diesel_schema_migrations' | sort)" = "$migrations" ] ||
        fail "the migrations differ from those of the backup; do not use this database"
    rows=$(rows_of_backup "$1")
    diff <(printf '%s\n' "$rows") <(printf '%s\n' "$rows" | rows_of_database) >&2 ||
        fail "the rows (above, > is restored) differ from those of the backup; is a process writing? do not use this database"
    printf '%s\n' "$rows" | awk '{ rows += $2 } END { printf "restored %d rows of %d tables", rows, NR }'
    say ", $(printf '%s\n' "$migrations" | wc -l) migrations; next: sigpost migrate, then start dispatchers"
    query "select 'open messages: ' || count(*) || '; of these, in flight and delivered again: '
        || count(lease_token) from pending_deliveries"
}

[ $# = 2 ] || fail "usage: DATABASE_URL=postgres://... $0 backup|restore FILE"
case $1 in
    backup | restore)
        connect
        "$1" "$2"
        ;;
    *) fail "usage: DATABASE_URL=postgres://... $0 backup|restore FILE" ;;
esac
