;; bench: calls a host in a loop, and is called; tests/bench/wit/bench.wit says
;; what each function does. bench-extism is the same guest for Extism.
;;
;; Memory: 0x400 the text, 0x1000 the rows as the canonical ABI has them (16
;; bytes each), 0x10000 their names, 0x20000 1 MiB of bytes, 0x120000 what the
;; host puts there.
(component
  (import "bench:calls/host@0.1.0" (instance $host
    (type $declared (record (field "x" u32) (field "y" f32) (field "name" string)))
    (export "row" (type $row (eq $declared)))
    (export "add" (func (param "a" u32) (param "b" u32) (result u32)))
    (export "text" (func (param "s" string)))
    (export "bytes" (func (param "b" (list u8)) (result u32)))
    (export "rows" (func (param "r" (list $row)) (result u32)))))

  (core module $store
    (memory (export "memory") 20)
    (global $top (export "top") (mut i32) (i32.const 0x120000))
    ;; Room for one string at a time, aligned to 16; $main's length takes it back.
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32)
      (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $top))
      (if (i32.gt_u (local.get $size) (i32.sub (i32.const 0x140000) (local.get $at)))
        (then (unreachable)))
      (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15))
        (i32.const -16)))
      (local.get $at)))
  (core instance $store (instantiate $store))
  (core func $add (canon lower (func $host "add")))
  (core func $text (canon lower (func $host "text") (memory (core memory $store "memory"))))
  (core func $bytes (canon lower (func $host "bytes") (memory (core memory $store "memory"))))
  (core func $rows (canon lower (func $host "rows") (memory (core memory $store "memory"))))

  (core module $main
    (import "store" "memory" (memory 20))
    (import "store" "top" (global $top (mut i32)))
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (import "host" "text" (func $text (param i32 i32)))
    (import "host" "bytes" (func $bytes (param i32 i32) (result i32)))
    (import "host" "rows" (func $rows (param i32 i32) (result i32)))
    (data (i32.const 0x400) "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/")

    ;; Name i: 8 to 24 bytes, i in three digits, then letters. Every fifth ends
    ;; with a character of two bytes and one of three.
    (func $name (param $i i32) (param $at i32) (result i32)
      (local $len i32) (local $j i32) (local $end i32)
      (local.set $len (i32.add (i32.const 8)
        (i32.rem_u (i32.mul (local.get $i) (i32.const 7)) (i32.const 17))))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 0x30) (i32.div_u (local.get $i) (i32.const 100))))
      (i32.store8 offset=1 (local.get $at) (i32.add (i32.const 0x30)
        (i32.rem_u (i32.div_u (local.get $i) (i32.const 10)) (i32.const 10))))
      (i32.store8 offset=2 (local.get $at)
        (i32.add (i32.const 0x30) (i32.rem_u (local.get $i) (i32.const 10))))
      (local.set $j (i32.const 3))
      (loop $letters
        (i32.store8 (i32.add (local.get $at) (local.get $j)) (i32.add (i32.const 0x61)
          (i32.rem_u (i32.mul (local.get $i) (local.get $j)) (i32.const 26))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $letters (i32.lt_u (local.get $j) (local.get $len))))
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 5)))
        (then
          (local.set $end (i32.sub (i32.add (local.get $at) (local.get $len)) (i32.const 5)))
          (i32.store8 (local.get $end) (i32.const 0xc3))
          (i32.store8 offset=1 (local.get $end)
            (i32.add (i32.const 0xa0) (i32.rem_u (local.get $i) (i32.const 31))))
          (i32.store8 offset=2 (local.get $end) (i32.const 0xe3))
          (i32.store8 offset=3 (local.get $end) (i32.const 0x81))
          (i32.store8 offset=4 (local.get $end)
            (i32.add (i32.const 0x82) (i32.rem_u (local.get $i) (i32.const 60))))))
      (local.get $len))

    ;; Row i: {x: i * 40503, y: i / 4, name}.
    (func $fill_rows
      (local $i i32) (local $row i32) (local $name i32) (local $len i32)
      (local.set $row (i32.const 0x1000))
      (local.set $name (i32.const 0x10000))
      (loop $next
        (i32.store (local.get $row) (i32.mul (local.get $i) (i32.const 40503)))
        (f32.store offset=4 (local.get $row)
          (f32.mul (f32.convert_i32_u (local.get $i)) (f32.const 0.25)))
        (i32.store offset=8 (local.get $row) (local.get $name))
        (local.set $len (call $name (local.get $i) (local.get $name)))
        (i32.store offset=12 (local.get $row) (local.get $len))
        (local.set $name (i32.add (local.get $name) (local.get $len)))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (i32.const 1000)))))

    (func $fill_bytes
      (local $i i32)
      (loop $next
        (i32.store8 offset=0x20000 (local.get $i) (i32.rem_u (local.get $i) (i32.const 251)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (i32.const 0x100000)))))

    (func $start
      (call $fill_rows)
      (call $fill_bytes))
    (start $start)

    (func (export "run-scalar") (param $n i32) (result i32)
      (local $i i32) (local $sum i32)
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $add (local.get $i) (i32.const 1))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $sum))
    (func (export "run-text") (param $n i32) (param $len i32) (result i32)
      (local $i i32)
      (loop $again
        (call $text (i32.const 0x400) (local.get $len))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $i))
    (func (export "run-bytes") (param $n i32) (param $len i32) (result i32)
      (local $i i32) (local $sum i32)
      (loop $again
        (local.set $sum (i32.add (local.get $sum)
          (call $bytes (i32.const 0x20000) (local.get $len))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $sum))
    (func (export "run-rows") (param $n i32) (param $count i32) (result i32)
      (local $i i32) (local $sum i32)
      (loop $again
        (local.set $sum (i32.add (local.get $sum)
          (call $rows (i32.const 0x1000) (local.get $count))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $sum))

    (func (export "add") (param $a i32) (param $b i32) (result i32)
      (i32.add (local.get $a) (local.get $b)))
    (func (export "length") (param $at i32) (param $len i32) (result i32)
      (global.set $top (i32.const 0x120000))
      (local.get $len)))

  (core instance $main (instantiate $main
    (with "store" (instance $store))
    (with "host" (instance
      (export "add" (func $add))
      (export "text" (func $text))
      (export "bytes" (func $bytes))
      (export "rows" (func $rows))))))

  (func $run-scalar (param "n" u32) (result u32) (canon lift (core func $main "run-scalar")))
  (func $run-text (param "n" u32) (param "len" u32) (result u32)
    (canon lift (core func $main "run-text")))
  (func $run-bytes (param "n" u32) (param "len" u32) (result u32)
    (canon lift (core func $main "run-bytes")))
  (func $run-rows (param "n" u32) (param "count" u32) (result u32)
    (canon lift (core func $main "run-rows")))
  (func $lifted-add (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $main "add")))
  (func $length (param "s" string) (result u32)
    (canon lift (core func $main "length") (memory (core memory $store "memory"))
      (realloc (core func $store "realloc"))))
  (instance $guest
    (export "run-scalar" (func $run-scalar))
    (export "run-text" (func $run-text))
    (export "run-bytes" (func $run-bytes))
    (export "run-rows" (func $run-rows))
    (export "add" (func $lifted-add))
    (export "length" (func $length)))
  (export "bench:calls/guest@0.1.0" (instance $guest))
)
