#!/bin/sh
# componentize-qjs (QuickJS), which turns JavaScript into components, into
# <cache>/js-guest: the versions and digests of js/package-lock.json. (Not npm ci:
# that one insists on optional packages for platforms that were never published.)
#
#   tools/setup/js-guest.sh [--check]
. "$(dirname "$0")/common.sh"
home=$cache/js-guest
tool=$home/node_modules/.bin/componentize-qjs

# The lock file lies beside what it installed: another one means another version.
usable() {
    [ -x "$tool" ] && cmp -s "$setup/js/package-lock.json" "$home/package-lock.json"
}

version() {
    sed -n 's/.*"componentize-qjs": "\(.*\)".*/\1/p' "$setup/js/package.json"
}

case ${1-} in
    --check)
        if usable; then
            say "componentize-qjs $(version) in $tool"
            exit 0
        fi
        have node && have npm || say "node and npm are missing: apt-get install nodejs npm"
        say "componentize-qjs is missing: tools/setup/js-guest.sh"
        exit 1
        ;;
    '') ;;
    *) fail "unknown option '$1'" "js-guest.sh [--check]" ;;
esac
if usable; then
    say "componentize-qjs $(version) is there"
    exit 0
fi
have node && have npm || fail "JavaScript guests need node and npm" "apt-get install nodejs npm"
say "installing componentize-qjs $(version)"
# Beside its place, then moved: half an installation does not look like one.
rm -rf "$home.new"
mkdir -p "$home.new"
cp "$setup/js/package.json" "$setup/js/package-lock.json" "$setup/js/.npmrc" "$home.new/"
(cd "$home.new" && npm install --no-save --no-audit --no-fund >npm.log 2>&1) || {
    tail -5 "$home.new/npm.log" >&2
    fail "npm failed" "see $home.new/npm.log"
}
rm -rf "$home"
mv "$home.new" "$home"
usable || fail "componentize-qjs does not work" "rm -r $home, and again"
ready "componentize-qjs $(version) is ready"
