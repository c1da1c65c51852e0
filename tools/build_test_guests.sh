#!/bin/sh
# Builds the test guests: OUTDIR/<name>.wasm.
#
#   tools/build_test_guests.sh OUTDIR [NAME...]
#
# tests/guests/c/*.c and tests/guests/wat/*.wat, one guest a file, and
# tests/guests/plain: the same command in every language, made by that
# language's own SDK. Only what changed is built again, one line per artifact. C
# needs what tools/guest_c.sh says, WAT the wasm-tools of
# tools/setup/wasm-tools.sh; a plain guest whose SDK is not set up is left out,
# unless it was asked for by name.
set -eu
[ $# -ge 1 ] || { echo "usage: tools/build_test_guests.sh OUTDIR [NAME...]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
case $out in "$root"/*) out=${out#"$root"/} ;; esac
cache=${LOOP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/loop}
objects=$out/.objects
guests=tests/guests
mkdir -p "$objects"
. tools/guest_c.sh

# The bindings that a guest links, compiled once: gen NAME -> $linked
gen() {
    if stale "$objects/gen-$1.o" "$guests/gen/$1.c" "$guests/gen/$1.h"; then
        c_object "$guests/gen/$1.c" "$objects/gen-$1.o" -Wno-unused-parameter
    fi
    linked="$linked $objects/gen-$1.o $guests/gen/$1_component_type.o"
}

# Which bindings beyond the SDK's own (http-command's: `sdk`) a guest uses.
link_for() {
    linked=
    case $1 in
        app | app-says) gen app ;;
        fx-tree) gen fx_tree ;;
        fx-leaf) gen fx_leaf ;;
        fx-graph) gen fx_graph ;;
        calc) gen calc ;;
        counter-plain | counter-narrow | counter-other) gen "counter_${1#counter-}" ;;
        counter-*) gen counter ;;
        slots-node*) gen node ;;
        slots-keeping*) gen keeping ;;
        slots-loads) gen loads ;;
        ticker-*) c_application "$objects"; linked=$c_application ;;
        shop) # by the WIT of the page that shows its host
            sed -n '/^```wit file=shop.wit/,/^```$/{/^```/!p}' "$page" >"$objects/shop.wit"
            linked=-Wl,--component-type=$objects/shop.wit
            ;;
        side) linked=-Wl,--component-type=tests/sidecar/side.wit ;;
        packages) gen packages; linked="$linked $objects/sdk-run.o" ;;
        shelf) gen shelf ;;
        deputy) gen deputy ;;
        programs) gen programs; linked="$linked $objects/sdk-run.o" ;;
        connect) gen sockets; linked="$linked $objects/sdk-run.o" ;;
        inbound) gen inbound; linked="$linked $objects/sdk-run.o" ;;
        wants-func) gen misspelt; linked="$linked $objects/sdk-run.o" ;;
        weather) gen weather; sdk ;;
        config | keyvalue* | wasi-logging) gen drafts; sdk ;;
        store*) c_storage "$objects"; sdk; linked="$linked $c_storage" ;;
        swap-tally)
            c_storage "$objects"; c_application "$objects"
            linked="$c_application $c_storage -Wl,--component-type=tests/swap/control.wit"
            ;;
        swap-*)
            c_storage "$objects"; sdk; linked="$linked $c_storage -Wl,--component-type=tests/swap/control.wit"
            [ "$1" != swap-keyvalue ] || gen drafts
            ;;
        cancel-aware | exit-with-code | wants-*) gen odd; sdk ;;
        *) sdk ;;
    esac
}
sdk() {
    linked="$linked $objects/sdk-run.o $c_sdk"
}

guest_c() {
    target=$out/$1.wasm
    source=${2:-$guests/c/$1.c}
    page=
    [ "$1" != shop ] || page=knowledge/bindings.md
    # shellcheck disable=SC2086
    stale "$target" "$source" $page tests/sidecar/side.wit tests/swap/control.wit "$guests"/c/*.h "$guests/gen" sdk/c tools/guest_c.sh \
        tools/build_test_guests.sh || return 0
    c_sdk "$objects"
    link_for "$1"
    c_object "$source" "$objects/$1.o" -g -I"$guests"
    # shellcheck disable=SC2086
    c_component "$target" "$objects/$1.o" $linked
    report "$target"
}

guest_wat() {
    target=$out/$1.wasm
    source=$guests/wat/$1.wat
    stale "$target" "$source" || return 0
    tools=${WASM_TOOLS:-$cache/venv/bin/wasm-tools}
    [ -x "$tools" ] || c_fail "wasm-tools is missing" "tools/setup/wasm-tools.sh"
    "$tools" parse "$source" -o "$target.new"
    "$tools" validate --features all "$target.new"
    mv "$target.new" "$target"
    report "$target"
}

# skip NAME SCRIPT: its SDK is missing; an error if it was asked for
skip() {
    [ -z "$asked" ] || c_fail "cannot build $1, its SDK is not set up" "$2"
    echo "  $1: left out, its SDK is not set up: $2"
}

# wasi_wit FOLDER: the plain world with WASI, as tools want a folder of WIT
wasi_wit() {
    rm -rf "$1"
    mkdir -p "$1/deps"
    cp "$guests/plain/world.wit" "$1/"
    for package in cli clocks filesystem io random sockets; do
        cp -r "wit/deps/wasi-$package-0.2.0" "$1/deps/"
    done
}

plain() {
    target=$out/plain-$1.wasm
    case $1 in
        c) sources=$guests/plain/plain.c ;;
        rust) sources=$guests/plain/rust ;;
        js | jco) sources="$guests/plain/js $guests/plain/world.wit" ;;
        py) sources="$guests/plain/py $guests/plain/world.wit" ;;
    esac
    # shellcheck disable=SC2086
    stale "$target" $sources tools/build_test_guests.sh || return 0
    case $1 in
        c)
            # The usual way: main, crt1 and the command adapter.
            c_tools
            c_object "$guests/plain/plain.c" "$objects/plain.o" -g
            PATH=/usr/lib/llvm-19/bin:$PATH "$c_cc" --target=wasm32-wasi "-fuse-ld=$c_ld" \
                "$objects/plain.o" -o "$target"
            ;;
        rust)
            [ -e "$cache/rust-guest/env" ] || { skip plain-rust tools/setup/rust-guest.sh; return; }
            . "$cache/rust-guest/env"
            built=$cache/rust-guest/plain
            (cd "$guests/plain/rust" && PATH=$RUST_GUEST_LLD:$PATH \
                RUSTC=${RUST_GUEST_RUSTC:-rustc} \
                CARGO_TARGET_WASM32_WASIP2_LINKER=$RUST_GUEST_LINKER \
                cargo build --quiet --locked --release --target wasm32-wasip2 --target-dir "$built")
            cp "$built/wasm32-wasip2/release/plain.wasm" "$target"
            ;;
        js)
            tool=$cache/js-guest/node_modules/.bin/componentize-qjs
            [ -x "$tool" ] || { skip plain-js tools/setup/js-guest.sh; return; }
            wasi_wit "$objects/plain-wit"
            "$tool" --wit "$objects/plain-wit" --world plain --js "$guests/plain/js/plain.js" \
                --sync --output "$target" >"$objects/plain.log" 2>&1 || sdk_failed
            ;;
        jco)
            tool=$cache/jco-guest/node_modules/.bin/jco
            [ -x "$tool" ] || { skip plain-jco tools/setup/more-sdks.sh; return; }
            wasi_wit "$objects/plain-wit"
            echo "  plain-jco: componentize-js takes some ten seconds"
            "$tool" componentize "$guests/plain/js/plain.js" --wit "$objects/plain-wit" \
                --world-name plain --disable http fetch-event --out "$target" \
                >"$objects/plain.log" 2>&1 || sdk_failed
            ;;
        py)
            tool=$cache/venv/bin/componentize-py
            [ -x "$tool" ] || { skip plain-py tools/setup/more-sdks.sh; return; }
            wasi_wit "$objects/plain-wit"
            echo "  plain-py: componentize-py takes some ten seconds"
            # From a copy: it leaves its cache beside the source.
            cp "$guests/plain/py/plain.py" "$objects/plain-wit/"
            "$tool" --wit-path "$objects/plain-wit" --world plain \
                componentize --python-path "$objects/plain-wit" plain --output "$target" \
                >"$objects/plain.log" 2>&1 || sdk_failed
            ;;
    esac
    report "$target"
}

sdk_failed() {
    cat "$objects/plain.log" >&2
    c_fail "the SDK failed" "see above"
}

# `http-wait` is the example that fetches, with a server that never answers.
guest() {
    case $1 in
        http-wait) guest_c http-wait examples/c/fetch/fetch.c; return ;;
        plain-c | plain-rust | plain-js | plain-jco | plain-py) plain "${1#plain-}"; return ;;
    esac
    if [ -e "$guests/c/$1.c" ]; then
        guest_c "$1"
    elif [ -e "$guests/wat/$1.wat" ]; then
        guest_wat "$1"
    else
        c_fail "there is no test guest '$1'" "ls $guests/c $guests/wat"
    fi
}

asked=$*
if [ $# -gt 0 ]; then
    for name in "$@"; do guest "$name"; done
else
    for file in "$guests"/c/*.c "$guests"/wat/*.wat; do
        name=${file##*/}
        guest "${name%.*}"
    done
    guest http-wait
    for language in c rust js jco py; do plain $language; done
fi
