# How a C guest becomes a component; sourced by tools/build_*.sh, from the
# repository's root. Needs clang 19 with its wasm runtime, wasi-libc, and the
# wasm-component-ld that rustup's toolchains carry (it holds the adapter from
# wasi-libc's preview 1 to WASI 0.2). Two steps, no other tool:
#
#   c_object SOURCE OBJECT [FLAG...]
#   c_component OUTPUT FLAG-OR-OBJECT...
#
# The model is a reactor (see sdk/c/run.c). No -O at the link: clang would run
# binaryen's wasm-opt, which fails on components. The name section stays, and
# own sources are compiled with -g: a backtrace then names file and line. The
# shadow stack comes first in memory, so that its overflow traps.

c_fail() {
    echo "error: $1" >&2
    echo "hint: $2" >&2
    exit 1
}

# Finds the tools once, or says what to install.
c_tools() {
    [ -n "${c_cc-}" ] && return
    c_cc=${WASM_CC:-$(command -v clang-19 || true)}
    [ -n "$c_cc" ] || c_fail "clang-19 is missing" "tools/setup/apt.sh"
    [ -e /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a ] ||
        [ -n "${WASM_CC-}" ] || c_fail "clang's runtime for wasm32 is missing" "tools/setup/apt.sh"
    [ -e /usr/include/wasm32-wasi/stdio.h ] || [ -n "${WASM_CC-}" ] ||
        c_fail "wasi-libc is missing" "tools/setup/apt.sh"
    c_ld=${WASM_COMPONENT_LD:-$(command -v wasm-component-ld || true)}
    if [ -z "$c_ld" ] && command -v rustc >/dev/null; then
        for c_ld in "$(rustc --print sysroot)"/lib/rustlib/*/bin/wasm-component-ld; do break; done
    fi
    [ -x "$c_ld" ] || c_fail "wasm-component-ld is missing" \
        "a rustup toolchain carries it; else: cargo install wasm-component-ld"
    c_flags="--target=wasm32-wasi -Os -Wall -Wextra -Werror -Isdk/c -ffile-prefix-map=$PWD=."
}

c_object() {
    c_source=$1 c_out=$2
    shift 2
    c_tools
    # shellcheck disable=SC2086
    "$c_cc" $c_flags -c "$c_source" -o "$c_out" "$@"
}

c_component() {
    c_out=$1
    shift
    c_tools
    # Under its own name (the name section repeats it), then into place at once.
    c_new=$(dirname "$c_out")/.new
    mkdir -p "$c_new"
    PATH=/usr/lib/llvm-19/bin:$PATH "$c_cc" --target=wasm32-wasi -mexec-model=reactor \
        "-fuse-ld=$c_ld" -Wl,--stack-first "$@" -o "$c_new/${c_out##*/}"
    mv "$c_new/${c_out##*/}" "$c_out"
    rmdir "$c_new" 2>/dev/null || true
}

# Objects that every guest of the SDK links: $c_sdk, compiled once per folder.
c_sdk() {
    c_dir=$1
    mkdir -p "$c_dir"
    if stale "$c_dir/sdk-loop.o" sdk/c/gen/loop.c sdk/c/gen/loop.h; then
        c_object sdk/c/gen/loop.c "$c_dir/sdk-loop.o" -Wno-unused-parameter
    fi
    if stale "$c_dir/sdk-run.o" sdk/c/run.c sdk/c/gen/loop.h; then
        c_object sdk/c/run.c "$c_dir/sdk-run.o"
    fi
    c_sdk="$c_dir/sdk-loop.o sdk/c/gen/loop_component_type.o"
}

# What a guest links beside, that imports loop:storage: $c_storage.
c_storage() {
    if stale "$1/sdk-storage.o" sdk/c/gen/storage.c sdk/c/gen/storage.h; then
        c_object sdk/c/gen/storage.c "$1/sdk-storage.o" -Wno-unused-parameter
    fi
    c_storage="$1/sdk-storage.o sdk/c/gen/storage_component_type.o"
}

# What an application links that keeps its state when it is replaced: $c_application.
c_application() {
    if stale "$1/sdk-application.o" sdk/c/gen/application.c sdk/c/gen/application.h; then
        c_object sdk/c/gen/application.c "$1/sdk-application.o" -Wno-unused-parameter
    fi
    c_application="$1/sdk-application.o sdk/c/gen/application_component_type.o"
}

# stale OUTPUT INPUT...: is the output missing or older than an input (a file,
# or any file in a folder)?
stale() {
    stale_out=$1
    shift
    [ -e "$stale_out" ] || return 0
    [ -n "$(find "$@" -type f -newer "$stale_out" -print -quit)" ]
}

# "  build/examples/c-hello.wasm  174 KB"
report() {
    echo "  $1  $((($(wc -c <"$1") + 1023) / 1024)) KB"
}
