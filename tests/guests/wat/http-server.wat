;; http-server: exports wasi:http/incoming-handler and nothing else, as a
;; component made for a server does. Its handler traps.
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $outparam))
  (core module $server
    (func $handle (export "handle") (param i32 i32) unreachable))
  (core instance $server (instantiate $server))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $server "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler))
)
