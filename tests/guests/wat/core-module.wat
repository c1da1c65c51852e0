;; core-module: not a component at all.
(module $core
  (memory (export "memory") 1)
  (func $start (export "_start")))
