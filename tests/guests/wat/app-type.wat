;; app-type: exports loop:core/app with a `start` of another type: its timer has
;; no number. A host that believed the name would follow an empty payload.
(component
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 64) "\00\00\00\00\01")
    (func (export "start") (param i32 i32) (result i32) i32.const 64)
    (func (export "event") (param i32 i32) (result i32) i32.const 64)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $i (instantiate $m))
  (type $next' (variant (case "wait") (case "timer") (case "frame") (case "exit" u8)))
  (export $next "next" (type $next'))
  (type $answer (result $next (error string)))
  (func $start (param "args" (list string)) (result $answer)
    (canon lift (core func $i "start") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (component $app
    (import "import-next" (type $next-i (eq $next')))
    (type $answer-i (result $next-i (error string)))
    (import "import-start" (func $start-i (param "args" (list string)) (result $answer-i)))
    (export $next-e "next" (type $next-i))
    (export "start" (func $start-i) (func (param "args" (list string)) (result (result $next-e (error string))))))
  (instance $app-i (instantiate $app
    (with "import-next" (type $next)) (with "import-start" (func $start))))
  (export "loop:core/app@0.1.0" (instance $app-i)))
