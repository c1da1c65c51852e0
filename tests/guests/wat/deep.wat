;; Calls itself without end, and imports nothing: it needs no fiber.
(component
  (core module $m
    (func $deep (export "deep") (param i32) (result i32)
      (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1))))
  (core instance $c (instantiate $m))
  (func (export "deep") (param "n" u32) (result u32) (canon lift (core func $c "deep"))))
