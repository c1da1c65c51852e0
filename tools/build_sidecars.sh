#!/bin/sh
# Builds what is compiled among the sidecars: the Rust SDK's conformance program and
# templates/sidecar-rust. Node and Python run as they are.
#
#   tools/build_sidecars.sh OUTDIR
#
# OUTDIR/rust-conformance, OUTDIR/rust-weather. Needs cargo, and no network: the SDK has no
# dependencies.
set -eu
[ $# -eq 1 ] || { echo "usage: tools/build_sidecars.sh OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
command -v cargo >/dev/null 2>&1 || {
    echo "error: cargo is missing" >&2
    echo "hint: tools/setup/sidecars.sh --check" >&2
    exit 1
}

# built FOLDER PROGRAM NAME OPTION...
built() {
    folder=$1 program=$2 name=$3
    shift 3
    (cd "$folder" && cargo build --quiet --release --offline --locked --target-dir "$out/target" "$@")
    cmp -s "$out/target/release/$program" "$out/$name" && return
    # In one step, for whoever runs it meanwhile.
    cp "$out/target/release/$program" "$out/$name.new"
    mv "$out/$name.new" "$out/$name"
    echo "$name"
}

built "$root/sdk/rust/sidecar" examples/conformance rust-conformance --example conformance

# The template as `loop provider new acme:weather --form sidecar-rust` fills it in, without that command.
mkdir -p "$out/weather"
cp -rL "$root"/templates/sidecar-rust/Cargo.* "$root"/templates/sidecar-rust/src \
    "$root"/templates/sidecar-rust/loop-sidecar "$out/weather/"
sed -i -e 's/scaffold-name/weather/g' -e 's/scaffold-space/acme/g' "$out"/weather/Cargo.* "$out"/weather/src/*.rs
built "$out/weather" weather rust-weather
