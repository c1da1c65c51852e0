;; hostile-trap: traps at once. Imports nothing, as its like: what is left of it is the host's own.
(component
  (core module $m (func (export "run") (result i32) unreachable))
  (core instance $main (instantiate $m))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
