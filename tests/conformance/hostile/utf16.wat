;; utf16: texts of a UTF-16 guest that are wrong. The memory has one page.
(module
  (import "loop:conformance/values@0.1.0" "swallow" (func $swallow (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (data (i32.const 1024) "\3c\d8\0d\df")          ;; a pair: U+1F30D
  (data (i32.const 1032) "\3c\d8A\00")            ;; high, then a letter
  (data (i32.const 1040) "\0d\df")                ;; low alone
  (data (i32.const 1048) "\0d\df\3c\d8")          ;; low before high
  (data (i32.const 1056) "\3c\d8\3c\d8\0d\df")    ;; high before a pair
  (data (i32.const 1072) "\0d\df\0d\df")          ;; low, and low again
  (data (i32.const 1064) "A\00\ff\db")            ;; high, the last unit
  (func (export "pair") (result i32)
    (call $swallow (i32.const 1024) (i32.const 2)) (i32.const 1))
  (func (export "half-a-pair") (result i32)
    (call $swallow (i32.const 1024) (i32.const 1)) (i32.const 1))
  (func (export "high-then-letter") (result i32)
    (call $swallow (i32.const 1032) (i32.const 2)) (i32.const 1))
  (func (export "low-alone") (result i32)
    (call $swallow (i32.const 1040) (i32.const 1)) (i32.const 1))
  (func (export "low-before-high") (result i32)
    (call $swallow (i32.const 1048) (i32.const 2)) (i32.const 1))
  (func (export "low-twice") (result i32)
    (call $swallow (i32.const 1072) (i32.const 2)) (i32.const 1))
  (func (export "high-before-pair") (result i32)
    (call $swallow (i32.const 1056) (i32.const 3)) (i32.const 1))
  (func (export "high-at-the-end") (result i32)
    (call $swallow (i32.const 1064) (i32.const 2)) (i32.const 1))
  (func (export "misaligned") (result i32)
    (call $swallow (i32.const 1025) (i32.const 1)) (i32.const 1))
  (func (export "to-the-end") (result i32)
    (call $swallow (i32.const 65534) (i32.const 1)) (i32.const 1))
  (func (export "beyond") (result i32)
    (call $swallow (i32.const 65534) (i32.const 2)) (i32.const 1))
  ;; 0x80000000 units have 0 bytes in 32 bits
  (func (export "size-wraps") (result i32)
    (call $swallow (i32.const 1024) (i32.const 0x80000000)) (i32.const 1))
  (func (export "end-wraps") (result i32)
    (call $swallow (i32.const -2) (i32.const 2)) (i32.const 1))
)
