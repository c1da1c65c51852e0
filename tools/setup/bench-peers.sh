#!/bin/sh
# What `make bench ONLY=calls` and `forms` compare with, beside Wasmtime's C API, which is
# in the engine: Wasmtime's own typed functions (tests/bench/rust-peer; four minutes on two
# cores, once), Extism's C SDK and HashiCorp's go-plugin (tests/bench/goplugin; two minutes,
# once), into <cache>/bench-peers. One that cannot be had is left out, and so are its rows.
#
#   tools/setup/bench-peers.sh [--check]
. "$(dirname "$0")/common.sh"
root=$(cd "$setup/../.." && pwd)
peers=$cache/bench-peers
status=0

case ${1-} in
    --check | '') ;;
    *) fail "unknown option '$1'" "bench-peers.sh [--check]" ;;
esac

missing() {
    say "$1"
    status=1
}

# Cargo knows what changed; again takes a second.
rust_peer() {
    have cargo || { missing "the Rust peer needs cargo: install Rust with rustup"; return; }
    [ -x "$peers/target/release/rust-peer" ] ||
        say "building tests/bench/rust-peer with Wasmtime in it, some four minutes"
    if (cd "$root/tests/bench/rust-peer" && cargo build --quiet --release --locked \
        --target-dir "$peers/target" >"$peers/rust-peer.log" 2>&1); then
        say "the Rust peer in $peers/target/release/rust-peer"
    else
        tail -5 "$peers/rust-peer.log" >&2
        missing "the Rust peer did not build; see $peers/rust-peer.log"
    fi
}

extism_library() {
    for file in "$venv"/lib/python3*/site-packages/extism_sys/libextism_sys.so; do
        [ -e "$file" ] && dirname "$file" && return
    done
}

# The library alone; what its package needs for Python is left out.
extism_peer() {
    if ! py_installed extism_sys requirements-extism.txt; then
        py_install extism-sys requirements-extism.txt --no-deps ||
            { missing "extism-sys cannot be had here"; return; }
    fi
    source=$root/tests/bench/extism_peer.c
    library=$(extism_library)
    # In one step, for whoever runs it meanwhile.
    "${CC:-cc}" -std=gnu17 -O2 "$source" "-L$library" "-Wl,-rpath,$library" -lextism_sys \
        -o "$peers/extism_peer.new" || { missing "the Extism peer did not build"; return; }
    mv "$peers/extism_peer.new" "$peers/extism_peer"
    say "the Extism peer in $peers/extism_peer"
}

# What `make bench ONLY=fx` compares with.
react_peer() {
    npm_installed react || { have node && have npm && (npm_install react); } ||
        { missing "react-reconciler cannot be had here"; return; }
    say "react-reconciler in $cache/react-guest"
}

# Modules come through the Go proxy, each with the digest of go.sum.
go_peer() {
    have go || { missing "the go-plugin peer needs Go 1.26"; return; }
    if (cd "$root/tests/bench/goplugin" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
        go build -o "$peers/goplugin.new" . >"$peers/goplugin.log" 2>&1); then
        mv "$peers/goplugin.new" "$peers/goplugin"
        say "the go-plugin peer in $peers/goplugin"
    else
        tail -5 "$peers/goplugin.log" >&2
        missing "the go-plugin peer did not build; see $peers/goplugin.log"
    fi
}

if [ -n "${1-}" ]; then
    for peer in target/release/rust-peer extism_peer goplugin; do
        if [ -x "$peers/$peer" ]; then
            say "$peers/$peer"
        else
            missing "$peer is missing: tools/setup/bench-peers.sh (only for make bench)"
        fi
    done
    npm_installed react || missing "react-reconciler is missing: tools/setup/bench-peers.sh (only for make bench)"
    exit $status
fi
mkdir -p "$peers"
rust_peer
extism_peer
go_peer
react_peer
exit $status
