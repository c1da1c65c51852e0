;; spin-app: looks like an application for Spin: answers HTTP and imports an
;; interface of fermyon:spin.
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (import "fermyon:spin/rate-limit@2.0.0" (instance $limit
    (export "exceeded" (func (result bool)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $outparam))
  (core func $exceeded (canon lower (func $limit "exceeded")))
  (core module $server
    (import "limit" "exceeded" (func $exceeded (result i32)))
    (func $handle (export "handle") (param i32 i32)
      (drop (call $exceeded))))
  (core instance $server (instantiate $server
    (with "limit" (instance (export "exceeded" (func $exceeded))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $server "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler))
)
