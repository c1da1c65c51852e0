;; hostile-recursion: calls itself for ever; deep(N) N times. burn(N) counts to N; calls(N) calls a
;; function for each.
(component
  (core module $m
    (func $down (export "down") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
        (else (i32.const 0))))
    (func (export "burn") (param i32) (result i32)
      (local $n i32)
      (loop $again
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (local.get 0))))
      (local.get $n))
    (func $next (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (table 1 funcref)
    (elem (i32.const 0) $next)
    (func (export "calls") (param i32) (result i32)
      (local $n i32)
      (loop $again
        (local.set $n (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0)))
        (br_if $again (i32.lt_u (local.get $n) (local.get 0))))
      (local.get $n))
    (func (export "run") (result i32) (drop (call $down (i32.const -1))) i32.const 0))
  (core instance $main (instantiate $m))
  (func (export "deep") (param "times" u32) (result u32) (canon lift (core func $main "down")))
  (func (export "calls") (param "times" u32) (result u32) (canon lift (core func $main "calls")))
  (func (export "burn") (param "times" u32) (result u32) (canon lift (core func $main "burn")))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
