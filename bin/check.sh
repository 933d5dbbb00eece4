#!/bin/sh
# Types, lint and format, then the tests: what CI runs. Arguments go to vitest.
set -e
tsc --noEmit
tsc --noEmit -p src/widget
tsc --noEmit -p test/widget
biome check --error-on-warnings
exec vitest run "$@"
