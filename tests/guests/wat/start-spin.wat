;; start-spin: never finishes being instantiated.
(component
  (core module $code
    (func $init (loop $forever (br $forever)))
    (start $init)
    (func $run (export "run") (result i32) (i32.const 0)))
  (core instance $code (instantiate $code))
  (func $run (result (result)) (canon lift (core func $code "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
