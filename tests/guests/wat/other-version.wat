;; Claims that version 2 of an interface works on the resource of version 1.
(component
  (import "test:held/one@1.0.0" (instance $old
    (export "bucket" (type $b (sub resource)))
    (export "open" (func (result (own $b))))))
  (alias export $old "bucket" (type $bucket))
  (import "test:held/one@2.0.0" (instance $new
    (alias outer 1 $bucket (type $outer))
    (export "bucket" (type $b (eq $outer)))
    (export "get" (func (param "b" (borrow $b)) (result u32)))))
  (core func $open (canon lower (func $old "open")))
  (core func $get (canon lower (func $new "get")))
  (core module $m
    (import "" "open" (func $open (result i32)))
    (import "" "get" (func $get (param i32) (result i32)))
    (func (export "go") (result i32) (call $get (call $open))))
  (core instance $c (instantiate $m (with "" (instance
    (export "open" (func $open)) (export "get" (func $get))))))
  (func (export "go") (result u32) (canon lift (core func $c "go"))))
