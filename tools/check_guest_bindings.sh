#!/bin/sh
# The guest bindings that are checked in: are they what the WIT says?
#
#   tools/check_guest_bindings.sh           compare; differences end with status 1
#   tools/check_guest_bindings.sh --write   write them anew, after a change in wit/
#
# Needs cargo; the generator (loop-wit, engine/wit-tool) is compiled once, into the
# user's cache, in one to three minutes. Every row of `bindings` below is one file set.
set -eu
cd "$(dirname "$0")/.."
wasi=$(echo wit/deps/*)
loop="wit/core wit/command wit/ui wit/window"

case ${1-} in
    --write) write=1 ;;
    '') write=0 ;;
    *) echo "usage: $0 [--write]" >&2; exit 2 ;;
esac

# Rows: bind LANGUAGE WORLD=NAME FOLDER MAIN DEPENDENCY...
bindings() {
    bind c    http-command=loop   sdk/c/gen        wit/command wit/core $wasi
    bind c    imports=storage     sdk/c/gen        wit/storage wit/core $wasi
    bind c    reloadable=application sdk/c/gen        wit/core $wasi
    bind c    mountable=fibers    sdk/c/gen        wit/fx wit/core $wasi
    bind c    graphs              sdk/c/gen        wit/fx wit/core $wasi
    bind rust sdk=bindings        sdk/rust/src/gen sdk/rust/wit/sdk.wit wit/core wit/storage wit/process $wasi
    guests=tests/guests
    bind c    application=app     $guests/gen      wit/core $wasi
    bind c    sockets             $guests/gen      $guests/wit/sockets.wit $wasi
    bind c    inbound             $guests/gen      $guests/wit/sockets.wit $wasi
    bind c    counter             $guests/gen      $guests/wit/counter.wit wit/core $wasi
    bind c    counter-plain       $guests/gen      $guests/wit/counter.wit wit/core $wasi
    bind c    counter-narrow      $guests/gen      $guests/wit/changed/narrow.wit wit/core $wasi
    bind c    counter-other       $guests/gen      $guests/wit/changed/other.wit wit/core $wasi
    bind c    tree=fx_tree        $guests/gen      $guests/wit/fx.wit wit/fx wit/core $wasi
    bind c    leaf=fx_leaf        $guests/gen      $guests/wit/fx.wit wit/fx wit/core $wasi
    bind c    dataflow=fx_graph   $guests/gen      $guests/wit/fx.wit wit/fx wit/core $wasi
    bind c    calc                $guests/gen      $guests/wit/calc.wit
    bind c    odd                 $guests/gen      $guests/wit/guests.wit $guests/wit/deps/* $loop $wasi
    bind c    drafts              $guests/gen      $guests/wit/guests.wit $guests/wit/deps/* $loop $wasi
    bind c    misspelt            $guests/gen      $guests/wit/misspelt.wit
    bind c    node                $guests/gen      $guests/wit/slots.wit wit/core wit/pkg $wasi
    bind c    loads               $guests/gen      $guests/wit/slots.wit wit/core wit/pkg $wasi
    bind c    keeping             $guests/gen      $guests/wit/slots.wit wit/core wit/pkg $wasi
    bind c    weather             $guests/gen      $guests/wit/weather.wit $guests/wit/weather-api.wit
    bind c    packages            $guests/gen      $guests/wit/packages.wit wit/pkg wit/core $wasi
    bind c    shelf               $guests/gen      $guests/wit/packages.wit wit/pkg wit/core $wasi
    bind c    programs            $guests/gen      $guests/wit/programs.wit wit/process wit/core $wasi
    bind c    deputy              $guests/gen      $guests/wit/deputy.wit wit/pkg wit/process wit/storage wit/core $wasi
    conformance=tests/conformance
    bind c    host-side=caller    $conformance/gen $conformance/wit
    bind c    guest-side=callee   $conformance/gen $conformance/wit
}

generator=build/loop-wit
python3 tools/build_wit_tool.py $generator

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
changed=0
bind() {
    language=$1 world=$2 folder=$3
    shift 3
    rm -rf "$temp/out"
    "$generator" bindgen "$language" "$world" "$temp/out" "$@"
    for file in "$temp"/out/*; do
        checked=$folder/$(basename "$file")
        if cmp -s "$file" "$checked"; then
            continue
        elif [ $write = 1 ]; then
            mkdir -p "$folder"
            cp "$file" "$checked"
            echo "guest bindings: wrote $checked"
        else
            echo "guest bindings: $checked is not what the WIT says" >&2
            changed=1
        fi
    done
}
bindings
if [ $changed = 1 ]; then
    echo "hint: tools/check_guest_bindings.sh --write" >&2
    exit 1
fi
echo "guest bindings: up to date"
