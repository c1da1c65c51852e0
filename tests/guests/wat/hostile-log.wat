;; hostile-log: entries of loop:core/logging that no SDK would write. lone(), half(): bytes that are
;; no UTF-8 in the middle of a text, and a surrogate. outside(): a text that ends behind the memory.
;; wrapped(): one whose end is before its start. amplified(): ten thousand fields that are all the
;; same mebibyte. fields(): names and texts of fields that would look like more fields, and like
;; another entry. turned(): characters that turn, hide or join what stands around them. good():
;; "well", as any component would write it.
(component
  (import "loop:core/logging@0.1.0" (instance $logging
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (type $value' (variant (case "text" string) (case "integer" s64) (case "float" float64)
      (case "boolean" bool)))
    (export "field-value" (type $value (eq $value')))
    (type $field' (record (field "name" string) (field "value" $value)))
    (export "field" (type $field (eq $field')))
    (export "log" (func (param "level" $level) (param "target" string) (param "message" string)
      (param "fields" (list $field))))))

  (core module $store
    (memory (export "memory") 40)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $store (instantiate $store))
  (core func $log (canon lower (func $logging "log") (memory (core memory $store "memory"))
    (realloc (core func $store "realloc"))))

  (core module $m
    (import "store" "memory" (memory 40))
    (import "host" "log" (func $log (param i32 i32 i32 i32 i32 i32 i32)))
    (data (i32.const 0x100) "well")
    (data (i32.const 0x200) "all is \fffine")
    (data (i32.const 0x240) "all is \ed\a0\80fine")
    ;; 16 bytes: U+202E, U+200B, U+2066, U+FEFF, U+E0041, "."
    (data (i32.const 0x280) "\e2\80\ae\e2\80\8b\e2\81\a6\ef\bb\bf\f3\a0\81\81.")
    (data (i32.const 0x300) "user=root admin")
    (data (i32.const 0x340) "x\" level=\"error\0a12:00:00.000 error loop: the disk is full\1b[2J")
    (data (i32.const 0x3a0) "\"},\"component\":\"loop")

    (func $say (param $at i32) (param $len i32)
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (local.get $at) (local.get $len)
        (i32.const 0) (i32.const 0)))
    ;; Field N: its name, a text.
    (func $field (param $n i32) (param $name i32) (param $name_len i32) (param $text i32)
      (param $len i32)
      (local $at i32)
      (local.set $at (i32.add (i32.const 0x1000) (i32.mul (local.get $n) (i32.const 24))))
      (i32.store (local.get $at) (local.get $name))
      (i32.store offset=4 (local.get $at) (local.get $name_len))
      (i32.store8 offset=8 (local.get $at) (i32.const 0))
      (i32.store offset=16 (local.get $at) (local.get $text))
      (i32.store offset=20 (local.get $at) (local.get $len)))
    (func (export "good") (call $say (i32.const 0x100) (i32.const 4)))
    (func (export "lone") (call $say (i32.const 0x200) (i32.const 12)))
    (func (export "half") (call $say (i32.const 0x240) (i32.const 14)))
    (func (export "outside") (call $say (i32.const 0x27fff0) (i32.const 0x100)))
    (func (export "wrapped") (call $say (i32.const 0x100) (i32.const -1)))
    (func (export "turned") (call $say (i32.const 0x280) (i32.const 17)))
    (func (export "fields")
      (call $field (i32.const 0) (i32.const 0x300) (i32.const 15) (i32.const 0x340) (i32.const 60))
      (call $field (i32.const 1) (i32.const 0x3a0) (i32.const 20) (i32.const 0x3a0) (i32.const 20))
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 4)
        (i32.const 0x1000) (i32.const 2)))
    (func (export "amplified")
      (local $n i32)
      (memory.fill (i32.const 0x100000) (i32.const 0x78) (i32.const 0x100000))
      (loop $next
        (call $field (local.get $n) (i32.const 0x100) (i32.const 4) (i32.const 0x100000)
          (i32.const 0x100000))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $n) (i32.const 10000))))
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 4)
        (i32.const 0x1000) (local.get $n))))
  (core instance $main (instantiate $m (with "store" (instance $store))
    (with "host" (instance (export "log" (func $log))))))
  (func (export "good") (canon lift (core func $main "good")))
  (func (export "lone") (canon lift (core func $main "lone")))
  (func (export "half") (canon lift (core func $main "half")))
  (func (export "outside") (canon lift (core func $main "outside")))
  (func (export "wrapped") (canon lift (core func $main "wrapped")))
  (func (export "turned") (canon lift (core func $main "turned")))
  (func (export "fields") (canon lift (core func $main "fields")))
  (func (export "amplified") (canon lift (core func $main "amplified"))))
