;; hostile-handles: makes resources of its own for ever; some() a thousand, and answers how many.
(component
  (type $r (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "run") (result i32)
      (loop $again (drop (call $new (i32.const 1))) (br $again))
      i32.const 0)
    (func (export "some") (result i32)
      (local $n i32)
      (loop $again
        (drop (call $new (i32.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
      (local.get $n)))
  (core instance $main (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func (export "some") (result u32) (canon lift (core func $main "some")))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
