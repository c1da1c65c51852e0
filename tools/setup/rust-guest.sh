#!/bin/sh
# A Rust toolchain for guests: target wasm32-wasip2 with the full std.
#
#   tools/setup/rust-guest.sh [--check] [--debian]
#
# 1. The user's own: the target is there, or rustup adds it (a minute at most).
# 2. Else (or with --debian) Debian's rustc-web, unpacked into <cache>/rust-guest
#    without installing it, and std compiled once for the target. Some two
#    minutes on two cores; no root.
#
# Which one it was stands in <cache>/rust-guest/env, sourced by the build
# scripts: RUST_GUEST_KIND, RUST_GUEST_RUSTC (empty: the one on PATH),
# RUST_GUEST_LINKER (wasm-component-ld) and RUST_GUEST_LLD (the folder with the
# wasm-ld that it calls).
. "$(dirname "$0")/common.sh"
target=wasm32-wasip2
home=$cache/rust-guest
check= debian=
for option in "$@"; do
    case $option in
        --check) check=1 ;;
        --debian) debian=1 ;;
        *) fail "unknown option '$option'" "rust-guest.sh [--check] [--debian]" ;;
    esac
done

# has_std RUSTC: can it compile for the target?
has_std() {
    libs=$("$1" --print target-libdir --target $target 2>/dev/null) || return 1
    for lib in "$libs"/libstd-*.rlib; do [ -e "$lib" ] && return 0; done
    return 1
}

# wasm-component-ld, from the user's rustc: it links either kind.
linker() {
    for file in "$(rustc --print sysroot)"/lib/rustlib/*/bin/wasm-component-ld; do
        [ -x "$file" ] && echo "$file" && return
    done
    command -v wasm-component-ld
}

lld() {
    for file in "$(rustc --print sysroot)"/lib/rustlib/*/bin/gcc-ld/wasm-ld \
        /usr/lib/llvm-*/bin/wasm-ld; do
        [ -x "$file" ] && dirname "$file" && return
    done
}

write_env() {
    mkdir -p "$home"
    {
        echo "# Written by tools/setup/rust-guest.sh."
        echo "RUST_GUEST_KIND='$1'"
        echo "RUST_GUEST_RUSTC='$2'"
        echo "RUST_GUEST_LINKER='$(linker)'"
        echo "RUST_GUEST_LLD='$(lld)'"
    } >"$home/env.new"
    mv "$home/env.new" "$home/env"
}

describe() {
    . "$home/env"
    say "$("${RUST_GUEST_RUSTC:-rustc}" --version) for $target, from $RUST_GUEST_KIND"
}

# The env file is there and what it names still works.
usable() {
    [ -e "$home/env" ] || return 1
    (. "$home/env" && [ -x "$RUST_GUEST_LINKER" ] && has_std "${RUST_GUEST_RUSTC:-rustc}" &&
        { [ -z "$debian" ] || [ "$RUST_GUEST_KIND" = debian ]; })
}

if [ -n "$check" ]; then
    if usable; then
        describe
        exit 0
    elif have rustc && has_std rustc; then
        say "$(rustc --version) has $target; to use it: tools/setup/rust-guest.sh"
    else
        say "no Rust for $target: tools/setup/rust-guest.sh"
    fi
    exit 1
fi
have cargo && have rustc || fail "Rust guests need cargo and rustc" "install Rust with rustup"
[ -n "$(linker)" ] || fail "wasm-component-ld is missing" "cargo install wasm-component-ld"
[ -n "$(lld)" ] || fail "wasm-ld is missing" "tools/setup/apt.sh"
if usable; then
    describe
    exit 0
fi

if [ -z "$debian" ]; then
    if ! has_std rustc && have rustup; then
        say "rustup target add $target"
        timeout 60 rustup --quiet target add $target >/dev/null 2>&1 ||
            say "rustup cannot add it here"
    fi
    if has_std rustc; then
        write_env rustup ''
        ready "$(rustc --version) is ready for $target"
        exit 0
    fi
fi

# From here on: Debian's packages.
have apt-get && have dpkg || fail "no Rust for $target" "rustup target add $target"
tree=$home/tree
work=$home/work
rm -rf "$tree" "$work"
mkdir -p "$tree" "$work/debs" "$work/stub/src"

# dependency PACKAGE PATTERN: the name of the one that matches
dependency() {
    apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2\)\$/\1/p" | head -1
}
find_packages() {
    std=$(dependency libstd-rust-web-dev 'libstd-rust-web-[0-9.]*')
    llvm=$(dependency "${std:-rustc-web}" 'libllvm[0-9]*')
    [ -n "$std" ] && [ -n "$llvm" ]
}
if ! find_packages; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    say "fetching Debian's package lists"
    $as_root apt-get update --quiet=2 >/dev/null 2>&1 || true
    find_packages || true
fi
[ -n "$std" ] && [ -n "$llvm" ] ||
    fail "no package rustc-web is known here" "apt-get update, or rustup target add $target"
packages="rustc-web $std libstd-rust-web-dev rust-web-src $llvm"

say "1/3 downloading $packages"
(cd "$work/debs" && apt-get download --quiet=2 $packages >apt.log 2>&1) ||
    fail "cannot download them" "apt-get update; see $work/debs/apt.log"
say "2/3 unpacking, after $(($(date +%s) - started)) s"
for deb in "$work"/debs/*.deb; do
    case $deb in
        # Of the sources only std's, not the compiler's.
        *rust-web-src*)
            library=$(dpkg-deb --fsys-tarfile "$deb" | tar -t |
                sed -n 's|^\(\./usr/src/rustc-[0-9.]*/library\)/$|\1|p' | head -1)
            dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tree" "$library"
            ;;
        *) dpkg-deb -x "$deb" "$tree" ;;
    esac
done
rm -rf "$work/debs"
host_lib=$(dirname "$(ls "$tree"/usr/lib/*/librustc_driver-*.so | head -1)")
cat >"$tree/rustc" <<X
#!/bin/sh
LD_LIBRARY_PATH='$host_lib' exec '$tree/usr/bin/rustc' "\$@"
X
chmod +x "$tree/rustc"

# wasi-libc, where rustc looks for a self-contained target. Not its start file:
# Debian's leaves it to the linker to run constructors, which then does so
# before *every* exported function, cabi_realloc among them.
libs=$tree/usr/lib/rustlib/$target/lib
mkdir -p "$libs/self-contained"
cc=${WASM_CC:-clang-19}
have "$cc" && [ -e /usr/lib/wasm32-wasi/libc.a ] ||
    fail "clang-19 or wasi-libc is missing" "tools/setup/apt.sh"
cp /usr/lib/wasm32-wasi/libc.a "$libs/self-contained/"
cat >"$work/start.c" <<'X'
void __wasm_call_ctors(void);
void __wasm_call_dtors(void);
int __main_void(void);
_Noreturn void __wasi_proc_exit(unsigned status);

__attribute__((export_name("_start"))) void _start(void)
{
    __wasm_call_ctors();
    int status = __main_void();
    __wasm_call_dtors();
    if (status != 0)
        __wasi_proc_exit((unsigned)status);
}
X
"$cc" --target=wasm32-wasi -Os -c "$work/start.c" -o "$libs/self-contained/crt1-command.o"
cp /usr/lib/wasm32-wasi/crt1-reactor.o "$libs/self-contained/"

say "3/3 compiling std for $target, after $(($(date +%s) - started)) s"
cat >"$work/stub/Cargo.toml" <<'X'
[package]
name = "stub"
version = "0.0.0"
edition = "2021"
[workspace]
[profile.release]
panic = "abort"
opt-level = "s"
X
echo '#![no_std]' >"$work/stub/src/lib.rs"
sources=$tree/${library#./}
flags="-Cembed-bitcode=yes --remap-path-prefix=$sources=/rustc/library"
flags="$flags --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/registry"
(cd "$work/stub" && RUSTFLAGS=$flags RUSTC="$tree/rustc" RUSTC_BOOTSTRAP=1 \
    __CARGO_TESTS_ONLY_SRC_ROOT="$sources" \
    cargo build --quiet --release -Z build-std=std,panic_abort --target $target \
    --target-dir "$work/target")
cp "$work/target/$target/release/deps/"*.rlib "$libs/"
rm -f "$libs"/libstub-*
rm -rf "$work" "$tree/usr/src" "$tree/usr/share"
write_env debian "$tree/rustc"
has_std "$tree/rustc" || fail "the toolchain does not work" "rm -r $home, and again"
ready "$("$tree/rustc" --version) is ready for $target"
