#!/bin/sh
# Two more SDKs of the field, for tests of components that know nothing of
# loop: jco with componentize-js (StarlingMonkey) into <cache>/jco-guest (337
# MB), and componentize-py into <cache>/venv. And TypeScript, which checks the
# types of loop's SDK for JavaScript, into <cache>/tsc-guest (31 MB). Optional:
# what needs them is left out without them.
#
#   tools/setup/more-sdks.sh [--check]
. "$(dirname "$0")/common.sh"

case ${1-} in
    --check | '') ;;
    *) fail "unknown option '$1'" "more-sdks.sh [--check]" ;;
esac
status=0
if npm_installed jco; then
    say "jco in $cache/jco-guest/node_modules/.bin/jco"
elif [ -n "${1-}" ]; then
    say "jco is missing: tools/setup/more-sdks.sh"
    status=1
else
    say "installing jco and componentize-js, 337 MB"
    npm_install jco
    ready "jco is ready"
fi
if py_installed componentize_py requirements-python.txt; then
    say "componentize-py $(pinned requirements-python.txt) in $venv/bin/componentize-py"
elif [ -n "${1-}" ]; then
    say "componentize-py is missing: tools/setup/more-sdks.sh"
    status=1
else
    py_install componentize-py requirements-python.txt
    ready "componentize-py is ready"
fi
if npm_installed tsc; then
    say "tsc in $cache/tsc-guest/node_modules/.bin/tsc"
elif [ -n "${1-}" ]; then
    say "tsc is missing: tools/setup/more-sdks.sh"
    status=1
else
    say "installing TypeScript, 31 MB"
    npm_install tsc
    ready "tsc is ready"
fi
exit $status
