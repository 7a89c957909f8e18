#!/usr/bin/env bash
# Runs the tests on other Node versions, installed as npm packages.   usage: node-versions.sh [22 24 …]
set -euo pipefail
cd "$(dirname "$0")/.."
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(22 24)
platform=$(node -p 'process.platform + "-" + process.arch')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
for version in "${versions[@]}"; do
  mkdir -p "$dir/$version"
  (cd "$dir/$version" && echo '{"private":true}' > package.json && npm install --silent --no-audit --no-fund "node-$platform@$version")
  node="$dir/$version/node_modules/node-$platform/bin/node"
  echo "== Node $("$node" --version)"
  PATH="$(dirname "$node"):$PATH" "$node" node_modules/vitest/vitest.mjs run || status=1
done
exit $status
