#!/bin/sh
# componentize-qjs (QuickJS), which turns JavaScript into components, into
# <cache>/js-guest: 38 MB, a few seconds.
#
#   tools/setup/js-guest.sh [--check]
. "$(dirname "$0")/common.sh"
tool=$cache/js-guest/node_modules/.bin/componentize-qjs
version=$(sed -n 's/.*"componentize-qjs": "\(.*\)".*/\1/p' "$setup/js/package.json")

case ${1-} in
    --check | '') ;;
    *) fail "unknown option '$1'" "js-guest.sh [--check]" ;;
esac
if npm_installed js; then
    say "componentize-qjs $version in $tool"
elif [ -n "${1-}" ]; then
    have node && have npm || say "node and npm are missing: apt-get install nodejs npm"
    say "componentize-qjs is missing: tools/setup/js-guest.sh"
    exit 1
else
    say "installing componentize-qjs $version"
    npm_install js
    ready "componentize-qjs $version is ready"
fi
