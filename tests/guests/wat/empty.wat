;; empty: a component without imports and exports.
(component)
