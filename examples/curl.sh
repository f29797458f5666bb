#!/bin/sh
# Boards as they are, one unit made and changed safely. Needs curl and the service:
#   BASE=http://127.0.0.1:8080 TOKEN=$(cargo run -q -- token --role administrator) examples/curl.sh
set -eu
: "${BASE:=http://127.0.0.1:8080}" "${TOKEN:?an access token}"

ask() { curl --silent --show-error --fail-with-body -H "Authorization: Bearer $TOKEN" "$@"; }

echo "Boards, as a table:"
ask "$BASE/api/v1/boards?sort=title&format=csv"

echo "A new unit; the key makes it safe to send twice:"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
ask -D "$headers" -H "Content-Type: application/json" -H "Idempotency-Key: example-$$" \
    -d '{ "title": "Example unit", "unit_kind": "unit" }' "$BASE/api/v1/units"
echo
header() { sed -n "s/^$1: //p" "$headers" | tr -d '\r'; }
where=$(header location) etag=$(header etag)

echo "Changed, if nobody else has changed it since:"
ask -X PATCH -H "Content-Type: application/merge-patch+json" -H "If-Match: $etag" \
    -d '{ "description": "Made by examples/curl.sh" }' "$BASE$where?reason=an+example"
echo
echo "What changed, when and by whom:"
ask "$BASE$where/history"
echo
