#!/bin/sh
# Types, lint and format, then the tests: what CI runs. Arguments go to vitest.
set -e
tsc --noEmit
biome check --error-on-warnings
exec vitest run "$@"
