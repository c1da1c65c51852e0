;; forms: calls a provider in a loop, for `make bench ONLY=forms`: what a call costs where the
;; provider is another process.
;;
;; Memory: 0x400 the text, 0x10000 1 MiB of bytes, 0x110000 what the host puts there.
(component
  (import "bench:forms/echo@0.1.0" (instance $host
    (export "text" (func (param "s" string) (result string)))
    (export "bytes" (func (param "b" (list u8)) (result u32)))))

  (import "bench:forms/clock@0.1.0" (instance $clock (export "mark" (func))))

  (core module $store
    (memory (export "memory") 18)
    ;; One string at a time.
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32)
      (param $size i32) (result i32)
      (if (i32.gt_u (local.get $size) (i32.const 0x1000))
        (then (unreachable)))
      (i32.const 0x110000)))
  (core instance $store (instantiate $store))
  (core func $text (canon lower (func $host "text") (memory (core memory $store "memory"))
    (realloc (core func $store "realloc"))))
  (core func $mark (canon lower (func $clock "mark")))
  (core func $bytes (canon lower (func $host "bytes") (memory (core memory $store "memory"))))

  (core module $main
    (import "store" "memory" (memory 18))
    (import "host" "text" (func $text (param i32 i32 i32)))
    (import "host" "bytes" (func $bytes (param i32 i32) (result i32)))
    (import "host" "mark" (func $mark))
    (data (i32.const 0x400) "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/")

    ;; Sends the text n times; the sum of the lengths that came back and of the last bytes.
    (func (export "run-text") (param $n i32) (result i32)
      (local $sum i32) (local $at i32) (local $len i32)
      (loop $next
        (if (i32.eqz (i32.and (local.get $n) (i32.const 255))) (then (call $mark)))
        (call $text (i32.const 0x400) (i32.const 64) (i32.const 0x300))
        (local.set $at (i32.load (i32.const 0x300)))
        (local.set $len (i32.load (i32.const 0x304)))
        (local.set $sum (i32.add (local.get $sum) (i32.add (local.get $len)
          (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $len)) (i32.const 1))))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (call $mark)
      (local.get $sum))

    ;; Sends 1 MiB n times: 0, 1, 2... 250, 0, 1... The sum of the answers.
    (func (export "run-bytes") (param $n i32) (result i32)
      (local $sum i32) (local $i i32)
      (loop $fill
        (i32.store8 (i32.add (i32.const 0x10000) (local.get $i))
          (i32.rem_u (local.get $i) (i32.const 251)))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 0x100000))))
      (loop $next
        (if (i32.eqz (i32.and (local.get $n) (i32.const 7))) (then (call $mark)))
        (local.set $sum (i32.add (local.get $sum)
          (call $bytes (i32.const 0x10000) (i32.const 0x100000))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (call $mark)
      (local.get $sum)))
  (core instance $main (instantiate $main
    (with "store" (instance $store))
    (with "host" (instance (export "text" (func $text)) (export "bytes" (func $bytes))
      (export "mark" (func $mark))))))
  (func $run-text (param "n" u32) (result u32) (canon lift (core func $main "run-text")))
  (func $run-bytes (param "n" u32) (result u32) (canon lift (core func $main "run-bytes")))
  (instance $guest (export "run-text" (func $run-text)) (export "run-bytes" (func $run-bytes)))
  (export "bench:forms/guest@0.1.0" (instance $guest)))
