;; stub-resource: imports two interfaces that nobody has; the second takes a
;; resource over from the first (`use shapes.{shape}`). With both optional it runs.
(component
  (import "acme:draw/shapes@1.0.0" (instance $shapes (export "shape" (type (sub resource)))))
  (alias export $shapes "shape" (type $shape))
  (import "acme:draw/canvas@1.0.0" (instance
    (alias outer 1 $shape (type $outer))
    (export "shape" (type $used (eq $outer)))
    (export "draw" (func (param "what" (borrow $used))))))
  (core module $m (func (export "run") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $api (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $api)))
