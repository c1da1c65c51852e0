;; hostile-memory: takes memory by the MiB, writes to each page, and traps when there is no more.
(component
  (core module $m
    (memory 1)
    (func (export "run") (result i32)
      (local $page i32) (local $end i32)
      (loop $again
        (local.set $page (memory.grow (i32.const 16)))
        (if (i32.eq (local.get $page) (i32.const -1)) (then unreachable))
        (local.set $end (i32.add (local.get $page) (i32.const 16)))
        (loop $touch
          (i32.store8 (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
          (local.set $page (i32.add (local.get $page) (i32.const 1)))
          (br_if $touch (i32.lt_u (local.get $page) (local.get $end))))
        (br $again))
      i32.const 0))
  (core instance $main (instantiate $m))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
