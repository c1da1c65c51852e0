#!/bin/sh
# The C bindings that are checked in: are they what the WIT says?
#
#   tools/gen_bindings.sh [--loop FILE] [NAME...]           compare; differences: status 1
#   tools/gen_bindings.sh [--loop FILE] --write [NAME...]   write them anew, after a change in wit/
#
# Runs `loop bindgen c-host` (FILE, or build/loop) for every loop:* package, for the
# drafts of WASI that providers serve, and for the .wit files of single providers; with
# NAMEs (core, wasi_drafts, night_light) for those alone. A new package is a word in
# `packages`. Also looks for packages that are not among them, and for files that
# nothing here makes.
set -eu
cd "$(dirname "$0")/.."
# wit/command and wit/deps are the components' own.
packages="core fx pkg devserver window ui gfx storage process dom"
loop=build/loop
write=0
while [ $# -gt 0 ]; do
    case $1 in
        --loop) loop=${2:?--loop FILE}; shift ;;
        --write) write=1 ;;
        -*) echo "usage: $0 [--loop FILE] [--write] [NAME...]" >&2; exit 2 ;;
        *) only="${only-}$1 " ;;
    esac
    shift
done
[ -x "$loop" ] || { echo "error: $loop is not built" >&2; echo "hint: make" >&2; exit 1; }

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir "$temp/out"

changed=0
made=" "  # files
bound=" " # names
# place FILE CHECKED
place() {
    if cmp -s "$1" "$2"; then
        return
    elif [ $write = 1 ]; then
        mkdir -p "$(dirname "$2")"
        cp "$1" "$2"
        echo "bindings: wrote $2"
    else
        echo "bindings: $2 is not what the WIT says" >&2
        changed=1
    fi
}

# bind NAME HEADER SOURCE OPTION...
bind() {
    name=$1 header=$2 source=$3
    shift 3
    made="$made$header $source " bound="$bound$name "
    case " ${only-$name }" in *" $name "*) ;; *) return 0 ;; esac
    "$loop" bindgen c-host --deps wit --deps wit/deps --out-dir "$temp/out" "$@" >"$temp/log" || {
        cat "$temp/log" >&2
        exit 1
    }
    place "$temp/out/$name.h" "$header"
    place "$temp/out/$name.c" "$source"
}

for package in $packages; do
    bind "$package" "include/loop/wit/$package.h" "abi/gen/$package.c" \
        --prefix loop_ --declare LOOP_API --include "loop/wit/$package.h" "wit/$package"
done
folder=providers/gen
bind wasi_drafts $folder/wasi_drafts.h $folder/wasi_drafts.c \
    --include $folder/wasi_drafts.h $folder/wasi_drafts.wit
for wit in providers/*/*.wit; do # providers with an interface of their own
    folder=${wit%/*}/gen
    name=$(basename "$wit" .wit)
    [ "$wit" = "providers/gen/$name.wit" ] ||
        bind "$name" "$folder/$name.h" "$folder/$name.c" --include "$folder/$name.h" "$wit"
done

for name in ${only-}; do
    case $bound in *" $name "*) continue ;; esac
    echo "error: there are no bindings '$name'" >&2
    echo "hint: there are:${bound% }" >&2
    exit 1
done
for folder in wit/*/; do
    name=$(basename "$folder")
    case " command deps $packages " in *" $name "*) continue ;; esac
    echo "bindings: wit/$name is not in \`packages\` of tools/gen_bindings.sh" >&2
    missing=1
done
for file in include/loop/wit/*.h abi/gen/*.c providers/gen/*.[ch] providers/*/gen/*.[ch]; do
    case $made in *" $file "*) continue ;; esac
    [ -e "$file" ] || continue
    echo "bindings: nothing makes $file: remove it, or bring its WIT back" >&2
    missing=1
done

if [ $changed = 1 ]; then
    echo "hint: tools/gen_bindings.sh --write" >&2
    exit 1
fi
[ -z "${missing-}" ] || exit 1
echo "bindings: up to date"
