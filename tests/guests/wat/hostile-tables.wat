;; hostile-tables: two tables that grow in turn, and a trap when there is no more. took() grows one up
;; to 100,000 elements, and answers how many it got.
(component
  (core module $m
    (table $one 1 funcref)
    (table $two 1 funcref)
    (func (export "run") (result i32)
      (loop $again
        (if (i32.eq (table.grow $one (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
        (if (i32.eq (table.grow $two (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
        (br $again))
      i32.const 0))
  (core module $n
    (table $one 0 funcref)
    (func (export "took") (result i32)
      (loop $again
        (if (i32.ne (table.grow $one (ref.null func) (i32.const 1000)) (i32.const -1))
          (then (br_if $again (i32.lt_u (table.size $one) (i32.const 100000))))))
      (table.size $one)))
  (core instance $other (instantiate $n))
  (func (export "took") (result u32) (canon lift (core func $other "took")))
  (core instance $main (instantiate $m))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
)
