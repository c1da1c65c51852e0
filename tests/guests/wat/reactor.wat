;; reactor: exports an interface of its own only; there is nothing to run.
(component
  (core module $code
    (func $answer (export "answer") (result i32) (i32.const 42)))
  (core instance $code (instantiate $code))
  (func $answer (result u32) (canon lift (core func $code "answer")))
  (instance $questions (export "answer" (func $answer)))
  (export "demo:reactor/questions@0.1.0" (instance $questions))
)
