#!/bin/sh
# Builds the example components: OUTDIR/<language>-<name>.wasm.
#
#   tools/build_examples.sh OUTDIR [--lang c|rust|js] [NAME...]
#
# Only what changed is built again; one line per artifact. Without --lang, the
# languages whose toolchain is not set up are left out with a line that says
# how to set it up; a language that was asked for fails instead. C needs clang
# alone, so that the first run of a fresh clone is fast.
set -eu
usage="usage: tools/build_examples.sh OUTDIR [--lang c|rust|js] [NAME...]"
[ $# -ge 1 ] || { echo "$usage" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
case $out in "$root"/*) out=${out#"$root"/} ;; esac
cache=${LOOP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/loop}
languages= names=
while [ $# -gt 0 ]; do
    case $1 in
        --lang) [ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }; languages="$languages $2"; shift 2 ;;
        -*) echo "$usage" >&2; exit 2 ;;
        *) names="$names $1"; shift ;;
    esac
done
asked=$languages
languages=${languages:-c rust js}
everywhere="hello notes fetch visits"
objects=$out/.objects
. tools/guest_c.sh

example_c() {
    target=$out/c-$1.wasm
    stale "$target" "examples/c/$1" sdk/c tools/guest_c.sh tools/build_examples.sh || return 0
    c_sdk "$objects"
    c_object "examples/c/$1/$1.c" "$objects/c-$1.o" -g
    c_storage=
    [ "$1" != visits ] || c_storage "$objects"
    linked="$objects/sdk-run.o $c_sdk $c_storage"
    if [ "$1" = count ]; then # an application, no command
        c_application "$objects"
        linked=$c_application
    fi
    # shellcheck disable=SC2086
    c_component "$target" "$objects/c-$1.o" $linked
    report "$target"
}

# All Rust examples are one workspace: cargo knows what changed, in seconds.
example_rust() {
    target=$out/rust-$1.wasm
    stale "$target" "examples/rust/$1" examples/rust/Cargo.toml examples/rust/Cargo.lock \
        sdk/rust tools/build_examples.sh || return 0
    if [ ! -e "$cache/rust-guest/env" ]; then
        missing Rust tools/setup/rust-guest.sh
        return 1
    fi
    . "$cache/rust-guest/env"
    cargo_home=${CARGO_HOME:-$HOME/.cargo}
    flags="--remap-path-prefix=$cargo_home/registry/src=/registry --remap-path-prefix=$root=."
    built=$cache/rust-guest/examples
    (cd examples/rust && PATH=$RUST_GUEST_LLD:$PATH RUSTC=${RUST_GUEST_RUSTC:-rustc} \
        CARGO_TARGET_WASM32_WASIP2_LINKER=$RUST_GUEST_LINKER RUSTFLAGS=$flags \
        cargo build --quiet --locked --release --target wasm32-wasip2 --target-dir "$built" \
        --package "$1")
    cp "$built/wasm32-wasip2/release/$1.wasm" "$target"
    report "$target"
}

example_js() {
    target=$out/js-$1.wasm
    stale "$target" "examples/js/$1" sdk/js wit/core wit/command wit/storage tools/guest_js.mjs \
        tools/build_examples.sh || return 0
    qjs=$cache/js-guest/node_modules/.bin/componentize-qjs
    if [ ! -x "$qjs" ]; then
        missing JavaScript tools/setup/js-guest.sh
        return 1
    fi
    world=command
    [ "$1" != fetch ] || world=http-command
    [ "$1" != visits ] || world=storage-command
    mkdir -p "$out"
    node tools/guest_js.mjs "$qjs" "$world" "examples/js/$1/$1.js" "$target.new"
    mv "$target.new" "$target"
    report "$target"
}

# A language without its toolchain: an error where it was asked for.
missing() {
    [ -n "$asked" ] && c_fail "the toolchain for $1 guests is not set up" "$2"
    echo "  $1: left out, its toolchain is not set up: $2"
}

for language in $languages; do
    case $language in
        c | rust | js) ;;
        *) echo "$usage" >&2; exit 2 ;;
    esac
    wanted=$names
    [ -n "$wanted" ] || wanted=$everywhere
    if [ -z "$names" ]; then # what one language has alone
        case $language in
            c) wanted="$wanted count" ;;
            rust) wanted="$wanted programs" ;;
        esac
    fi
    for name in $wanted; do
        [ -d "examples/$language/$name" ] ||
            c_fail "there is no example '$name' in $language" "ls examples/$language"
    done
    for name in $wanted; do
        "example_$language" "$name" || break
    done
done
