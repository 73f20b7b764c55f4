#!/bin/sh
# Makes the secret files of compose.yaml in deploy/secrets, or in the folder given. Existing files are kept.
set -eu

folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# Compose mounts a secret file with the rights it has here, and the containers run under other user ids:
# the files are readable by all, the folder around them only by its owner.
chmod 700 "$folder"

random() {
  head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'
}

keep_or_write() {
  [ -s "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"
  chmod 444 "$folder/$1"
}

keep_or_write secret_key "$(random)"
keep_or_write postgres_password "$(random)"
keep_or_write database_password "$(random)"
password=$(cat "$folder/database_password")
keep_or_write database_url "postgresql+psycopg://salescope:$password@database:5432/salescope"
keep_or_write redis_conf "requirepass $(random)"
keep_or_write cache_url "redis://:$(sed -n 's/^requirepass //p' "$folder/redis_conf")@cache:6379/0"
