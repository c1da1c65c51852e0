;; alloc-two: two core instances with a memory each, both growing by a MiB in
;; turn. A limit on memory is meant for their sum. Ends well at 256 MiB each,
;; with the error case of `run` when the host gives no more.
(component
  (core module $hoard
    (memory (export "memory") 1)
    ;; Grows by 16 pages and writes to the new ones; 0 when refused.
    (func $more (export "more") (result i32)
      (local $page i32) (local $end i32)
      (local.set $page (memory.grow (i32.const 16)))
      (if (i32.eq (local.get $page) (i32.const -1)) (then (return (i32.const 0))))
      (local.set $end (i32.add (local.get $page) (i32.const 16)))
      (loop $touch
        (i32.store8 (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
        (local.set $page (i32.add (local.get $page) (i32.const 1)))
        (br_if $touch (i32.lt_u (local.get $page) (local.get $end))))
      (i32.const 1))
  )
  (core module $main
    (import "one" "more" (func $one (result i32)))
    (import "two" "more" (func $two (result i32)))
    (func $run (export "run") (result i32)
      (local $mib i32)
      (loop $again
        (if (i32.eqz (call $one)) (then (return (i32.const 1))))
        (if (i32.eqz (call $two)) (then (return (i32.const 1))))
        (local.set $mib (i32.add (local.get $mib) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $mib) (i32.const 256))))
      (i32.const 0))
  )
  (core instance $one (instantiate $hoard))
  (core instance $two (instantiate $hoard))
  (core instance $main (instantiate $main
    (with "one" (instance $one))
    (with "two" (instance $two))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
