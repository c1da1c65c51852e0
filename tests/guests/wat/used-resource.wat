;; Makes three objects of a resource that one interface defines and another one uses
;; under a new name, beside a resource of its own with the old name; drops each.
(component
  (import "test:held/one" (instance $one
    (export "bucket" (type (sub resource)))))
  (alias export $one "bucket" (type $bucket))
  (import "test:held/two" (instance $two
    (alias outer 1 $bucket (type $outer))
    (export "from-one" (type $used (eq $outer)))
    (export "bucket" (type (sub resource)))
    (export "make" (func (result (own $used))))))
  (core func $make (canon lower (func $two "make")))
  (core func $drop (canon resource.drop $bucket))
  (core module $m
    (import "" "make" (func $make (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "go") (result i32)
      (local $n i32)
      (loop $again
        (call $drop (call $make))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 3))))
      (drop (call $make)) ;; kept to the end
      (local.get $n)))
  (core instance $c (instantiate $m (with "" (instance
    (export "make" (func $make)) (export "drop" (func $drop))))))
  (func (export "go") (result u32) (canon lift (core func $c "go"))))
