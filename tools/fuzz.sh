#!/bin/sh
# Searches with each fuzz target, then with random signatures of components.
#
#   tools/fuzz.sh BUILDDIR [TARGET...]        FUZZ_SECONDS=60 a target
#   tools/fuzz.sh BUILDDIR signatures         FUZZ_SIGNATURES=10000 FUZZ_SEED=N
#
# With clang 19 and its fuzzer runtime (Debian: libclang-rt-19-dev), libFuzzer
# searches, and what it keeps lies in build-fuzz/corpus/TARGET for the next time.
# Without, the targets' own seeds are varied for as long, under gcc's sanitizers: far
# less is found that way. BUILDDIR has the engine; everything else is compiled
# into build-fuzz/. Ends with status 1 and the input's file when a target fails.
#
# signatures: echo guests of tests/conformance/generate.py, 500 signatures at a time,
# called natively and by trees of values, under the same sanitizers. What fails stays
# in build-fuzz/signatures.
set -eu
[ $# -ge 1 ] || { echo "usage: tools/fuzz.sh BUILDDIR [TARGET...]" >&2; exit 2; }
cd "$(dirname "$0")/.."
engine=$1/engine
shift
seconds=${FUZZ_SECONDS:-60}
out=build-fuzz
[ -e "$engine/lib/libloop_engine.a" ] || {
    echo "error: there is no engine in $engine" >&2
    echo "hint: make engine" >&2
    exit 1
}
mkdir -p "$out"

has_libfuzzer() {
    command -v clang-19 >/dev/null || return 1
    echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' |
        clang-19 -x c - -fsanitize=fuzzer,address -o "$out/probe" 2>/dev/null
}

# The sources of the library, as meson.build lists them: name of the list -> files
sources() {
    awk -v start="^$1_sources [+]?= files[(]" '$0 ~ start { on = 1 } on { print } on && /[)]/ { on = 0 }' meson.build |
        grep -o "'[^']*\.c'" | tr -d "'"
}

flags="-std=gnu17 -D_GNU_SOURCE -g -O1 -I. -Iinclude -isystem $engine/include -DLOOP_VERSION=\"fuzz\"
    -DLOOP_DATA_DIR=\"$PWD\" $(pkg-config --cflags libuv libfyaml libsodium jansson sqlite3 nettle)"
libraries="$engine/lib/libloop_engine.a $(pkg-config --libs libuv libfyaml libsodium jansson sqlite3 nettle) -lpthread -ldl -lm"

# fresh OBJECT SOURCE: newer than its source, every header and the flags
fresh() {
    [ "$1" -nt "$2" ] && [ "$1" -nt meson.build ] && [ "$1" -nt tools/fuzz.sh ] &&
        [ -z "$(find base engine bindgen abi host trust sidecar builder packages providers api include -name '*.h' -newer "$1")" ]
}

# compile COMPILER FLAG...: the library's objects, those that are not fresh; those of no source go
compile() {
    compiler=$1 objects=' '
    shift
    mkdir -p "$out/$compiler"
    for list in base engine gen bindgen abi host trust sidecar builder packages provider api; do
        for source in $(sources $list); do
            object=$out/$compiler/$(echo "$source" | tr / -).o
            objects="$objects$object "
            # shellcheck disable=SC2086
            fresh "$object" "$source" || "$compiler" $flags "$@" -c "$source" -o "$object"
        done
    done
    for object in "$out/$compiler"/*.o; do
        case $objects in *" $object "*) ;; *) rm -f "$object" ;; esac
    done
}

# Wasm traps are signals of the engine's own.
echoes() {
    ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:detect_stack_use_after_return=0 \
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$out/generated" "$1"
}

# signatures COMPILER FLAG...
signatures() {
    compiler=$1
    shift
    # shellcheck disable=SC2086
    "$compiler" $flags -DCONFORMANCE_TABLES=\"tests/conformance\" "$@" tests/conformance/generated.c \
        tests/conformance/echo.c tests/conformance/suite.c tests/conformance/wave.c \
        tests/conformance/wave_read.c "$out/$compiler"/*.o $libraries -o "$out/generated"
    seed=${FUZZ_SEED:-$(date +%s)} left=${FUZZ_SIGNATURES:-10000}
    echo "fuzz: $left signatures, from seed $seed"
    : >"$out/generated.log"
    while [ "$left" -gt 0 ]; do
        count=$((left < 500 ? left : 500))
        rm -rf "$out/signatures"
        python3 tests/conformance/generate.py --seed "$seed" --count $count "$out/signatures"
        echoes "$out/signatures" >"$out/generated.one" 2>&1 || {
            status=1
            tail -40 "$out/generated.one" >&2
            echo "error: seed $seed failed; its guests are in $out/signatures" >&2
            break
        }
        cat "$out/generated.one" >>"$out/generated.log"
        seed=$((seed + 1)) left=$((left - count))
    done
    [ $status = 1 ] || rm -rf "$out/signatures"
    awk '/ signatures, / { s += $1; c += $3; d += $5 }
         END { printf "%d signatures, %d calls, %d differences\n", s, c, d }' "$out/generated.log"
}

targets=$*
[ -n "$targets" ] || targets="$(cd tests/fuzz && ls fuzz_*.c | sed 's/\.c$//') signatures"
status=0

if has_libfuzzer; then
    sanitizers="address,undefined -fno-sanitize-recover=undefined"
    # shellcheck disable=SC2086
    compile clang-19 -fsanitize=fuzzer-no-link,$sanitizers
    for target in $targets; do
        # shellcheck disable=SC2086
        [ "$target" != signatures ] || { signatures clang-19 -fsanitize=$sanitizers; continue; }
        # shellcheck disable=SC2086
        clang-19 $flags -fsanitize=fuzzer,$sanitizers "tests/fuzz/$target.c" "$out"/clang-19/*.o $libraries \
            -o "$out/$target"
        mkdir -p "$out/corpus/$target"
        kept=tests/fuzz/corpus/$target # what an earlier search found
        [ ! -d "$kept" ] || cp "$kept"/* "$out/corpus/$target/"
        echo "fuzz: $target for $seconds s"
        "$out/$target" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
            -verbosity=0 -print_final_stats=1 -artifact_prefix="$out/$target-" \
            "$out/corpus/$target" >"$out/$target.log" 2>&1 || {
            status=1
            tail -40 "$out/$target.log" >&2
            echo "error: $target failed; see $out/$target.log" >&2
        }
        grep -E 'number_of_executed_units' "$out/$target.log" || true
    done
else
    echo "fuzz: clang 19 has no fuzzer runtime here (apt-get install libclang-rt-19-dev):" \
        "varying the seeds instead"
    compile cc -fsanitize=address,undefined -fno-sanitize-recover=all
    for target in $targets; do
        [ "$target" != signatures ] || {
            signatures cc -fsanitize=address,undefined -fno-sanitize-recover=all
            continue
        }
        # shellcheck disable=SC2086
        cc $flags -fsanitize=address,undefined -fno-sanitize-recover=all -DROUNDS=50000 \
            "tests/fuzz/$target.c" tests/fuzz/replay.c "$out"/cc/*.o $libraries -o "$out/$target"
        echo "fuzz: $target for $seconds s"
        # Every seed gets its share of changes; the time may be up before all are through.
        code=0
        timeout "$seconds" "$out/$target" >"$out/$target.log" 2>&1 || code=$?
        [ "$code" = 0 ] || [ "$code" = 124 ] || {
            status=1
            tail -40 "$out/$target.log" >&2
            echo "error: $target failed with status $code; see $out/$target.log" >&2
        }
    done
fi
exit $status
