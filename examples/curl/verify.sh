#!/bin/sh
# Sends a code and checks it, with curl alone:
# COUNTERSIGN_URL=http://127.0.0.1:8080 COUNTERSIGN_KEY=ck_test_… ./verify.sh +8613800138000
set -eu

# Repeats what failed on the way: with one Idempotency-Key it is one act, however often it arrives.
post() {
  curl -sS --fail-with-body --max-time 10 --retry 2 --retry-connrefused "$COUNTERSIGN_URL$1" -d "$2" \
    -H "Authorization: Bearer $COUNTERSIGN_KEY" -H 'Content-Type: application/json' \
    -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
}

started=$(post /v1/verifications "{\"to\": \"$1\"}") || { echo "$started" >&2; exit 1; }
id=$(echo "$started" | grep -o 'ver_[0-9a-zA-Z_-]*' | head -n 1)

while :; do
  printf 'Code for %s: ' "$1" >&2
  read -r code
  outcome=$(post "/v1/verifications/$id/check" "{\"code\": \"$code\"}") || { echo "$outcome" >&2; exit 1; }
  case $outcome in
    *'"result":"verified"'*) echo "$outcome"; exit 0 ;;
    *'"reason":"wrong"'*) echo 'That code is wrong.' >&2 ;;
    *) echo "$outcome" >&2; exit 1 ;;
  esac
done
