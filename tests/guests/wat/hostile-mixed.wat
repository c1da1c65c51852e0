;; hostile-mixed: says that a bucket of one version of wasi:keyvalue is one of another version, whose
;; objects are others.
(component
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $old
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))))
  (alias export $old "bucket" (type $bucket))
  (import "wasi:keyvalue/store@0.2.0-draft2" (instance
    (alias outer 1 $bucket (type $outer))
    (export "bucket" (type $b (eq $outer)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "[method]bucket.exists" (func (param "self" (borrow $b)) (param "key" string)
      (result (result bool (error $error)))))))
  (core module $m (func (export "run") (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
