#!/usr/bin/env bash
# Rebuilds assets/vendor/ (plotly.js bundle, topojson, Bootstrap CSS) from npm packages.
# Needs node 20 or newer, npm and sha256sum. The versions are fixed, with hashes, in deploy/vendor/package-lock.json.
# Ends with an error when a result differs from the sha256 list in assets/vendor/README.md;
# after a wanted change of version or traces run it with --update, which rewrites that list.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
vendor=$root/assets/vendor
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cp "$root"/deploy/vendor/{package.json,package-lock.json,bundle.mjs} "$tmp"
cd "$tmp"
npm ci --ignore-scripts --no-audit --no-fund
node bundle.mjs out

cd out
find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum > ../sums
if [ "${1:-}" = --update ]; then
  { sed '/^[0-9a-f]\{64\}  /,$d' "$vendor/README.md"; cat ../sums; echo '```'; } > ../README.md
  cp ../README.md "$vendor/README.md"
else
  grep -E '^[0-9a-f]{64}  ' "$vendor/README.md" | diff - ../sums || {
    echo "assets/vendor/ left as it was: the result differs from the list in README.md (see --update)" >&2
    exit 1
  }
fi
mkdir -p "$vendor"
cp -R . "$vendor/"
# The best brotli form takes seconds to make: done here, once.
node -e 'const fs = require("fs"), zlib = require("zlib"), name = process.argv[1];
  fs.writeFileSync(name + ".br", zlib.brotliCompressSync(fs.readFileSync(name)));' "$vendor/plotly.min.js"
echo "assets/vendor/ is up to date"
