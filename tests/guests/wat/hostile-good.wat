;; hostile-good: ends well, after another one that did not.
(component
  (core module $m (memory 1) (func (export "run") (result i32) i32.const 0))
  (core instance $main (instantiate $m))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
