;; bench-extism: the guest of `bench` as a plugin for Extism, with the same rows
;; and bytes. A value that is no number is copied into a block of Extism's memory
;; and the host gets the block, as Extism's own kits for plugins do it: alloc,
;; eight bytes a store_u64, free. Rows are encoded first: x, y, the length of the
;; name (4 bytes each), the name.
;;
;; Every export takes {n: u32, size: u32} as its input and leaves a u64, the sum
;; of the answers.
;;
;; Memory: 0x400 the text, 0x1000 the rows (x, y, name, length: 4 bytes each),
;; 0x10000 their names, 0x20000 1 MiB of bytes, 0x120000 the encoded rows.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/user" "add" (func $add (param i64 i64) (result i64)))
  (import "extism:host/user" "text" (func $text (param i64) (result i64)))
  (import "extism:host/user" "bytes" (func $bytes (param i64) (result i64)))
  (import "extism:host/user" "rows" (func $rows (param i64) (result i64)))
  (memory (export "memory") 20)
  (global $n (mut i32) (i32.const 0))
  (global $size (mut i32) (i32.const 0))
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

  ;; Copies bytes into a new block.
  (func $block (param $at i32) (param $len i32) (result i64)
    (local $block i64) (local $to i64) (local $end i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $len))))
    (local.set $to (local.get $block))
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $words_done
      (loop $words
        (br_if $words_done (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 8)))
        (call $store_u64 (local.get $to) (i64.load (local.get $at)))
        (local.set $to (i64.add (local.get $to) (i64.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $words)))
    (block $done
      (loop $rest
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (call $store_u8 (local.get $to) (i32.load8_u (local.get $at)))
        (local.set $to (i64.add (local.get $to) (i64.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $rest)))
    (local.get $block))

  ;; Encodes the first $size rows; how many bytes they take.
  (func $encode (result i32)
    (local $row i32) (local $end i32) (local $to i32) (local $len i32)
    (local.set $row (i32.const 0x1000))
    (local.set $end (i32.add (local.get $row) (i32.mul (global.get $size) (i32.const 16))))
    (local.set $to (i32.const 0x120000))
    (loop $next
      (i64.store (local.get $to) (i64.load (local.get $row)))
      (local.set $len (i32.load offset=12 (local.get $row)))
      (i32.store offset=8 (local.get $to) (local.get $len))
      (memory.copy (i32.add (local.get $to) (i32.const 12)) (i32.load offset=8 (local.get $row))
        (local.get $len))
      (local.set $to (i32.add (i32.add (local.get $to) (i32.const 12)) (local.get $len)))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $row) (local.get $end))))
    (i32.sub (local.get $to) (i32.const 0x120000)))

  (func $begin
    (local $input i64)
    (local.set $input (call $input_load_u64 (i64.const 0)))
    (global.set $n (i32.wrap_i64 (local.get $input)))
    (global.set $size (i32.wrap_i64 (i64.shr_u (local.get $input) (i64.const 32)))))

  ;; Always 0, "no error".
  (func $finish (param $sum i64) (result i32)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 8)))
    (call $store_u64 (local.get $block) (local.get $sum))
    (call $output_set (local.get $block) (i64.const 8))
    (i32.const 0))

  (func (export "run-scalar") (result i32)
    (local $i i32) (local $sum i64)
    (call $begin)
    (loop $again
      (local.set $sum (i64.add (local.get $sum)
        (call $add (i64.extend_i32_u (local.get $i)) (i64.const 1))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (global.get $n))))
    (call $finish (local.get $sum)))
  (func (export "run-text") (result i32)
    (local $i i32) (local $sum i64) (local $block i64)
    (call $begin)
    (loop $again
      (local.set $block (call $block (i32.const 0x400) (global.get $size)))
      (local.set $sum (i64.add (local.get $sum) (call $text (local.get $block))))
      (call $free (local.get $block))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (global.get $n))))
    (call $finish (local.get $sum)))
  (func (export "run-bytes") (result i32)
    (local $i i32) (local $sum i64) (local $block i64)
    (call $begin)
    (loop $again
      (local.set $block (call $block (i32.const 0x20000) (global.get $size)))
      (local.set $sum (i64.add (local.get $sum) (call $bytes (local.get $block))))
      (call $free (local.get $block))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (global.get $n))))
    (call $finish (local.get $sum)))
  (func (export "run-rows") (result i32)
    (local $i i32) (local $sum i64) (local $block i64)
    (call $begin)
    (loop $again
      (local.set $block (call $block (i32.const 0x120000) (call $encode)))
      (local.set $sum (i64.add (local.get $sum) (call $rows (local.get $block))))
      (call $free (local.get $block))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (global.get $n))))
    (call $finish (local.get $sum)))
)
