#!/bin/sh
# tests/run.sh PROGRAM COMPONENT: the component in the program, and what its users can say. `make test` runs it.
set -eu
program=$1 component=$2

# is NAME STATUS WANTED COMMAND...: what a command prints on both streams, and how it ends
is() {
    name=$1 status=$2 wanted=$3
    shift 3
    ended=0
    got=$("$@" 2>&1) || ended=$?
    if [ "$ended" != "$status" ] || [ "$got" != "$wanted" ]; then
        printf 'FAILED  %s: ended with %s, and printed\n%s\n' "$name" "$ended" "$got"
        exit 1
    fi
    echo "ok      $name"
}

is "a component finds the board" 0 "guest.wasm: one
guest.wasm: two" "$program" "$component" one two
is "the profile says how much room there is" 0 "no room for 'd': there are 3
guest.wasm: a
guest.wasm: b
guest.wasm: c" "$program" "$component" a b c d
is "a notice needs a text" 0 "a notice needs a text" "$program" "$component" ""
is "an option that is none" 64 "error: there is no option --colour
hint: scaffold-name --help" "$program" --colour
is "no component" 64 "error: no component is named
hint: scaffold-name --help" "$program"
