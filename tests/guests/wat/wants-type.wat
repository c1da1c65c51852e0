;; wants-type: imports loop:core/logging's `enabled` and `log` with types of its
;; own choosing. A host that believed them would read a number as an address.
(component
  (import "loop:core/logging@0.1.0" (instance
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "enabled" (func (param "level" $level) (result bool)))
    (export "log" (func (param "level" $level) (param "target" u64)
      (param "message" string) (param "fields" (list u8)))))))
