/*
 * tests/bench/react_peer.js: the work of fx_bench.c in React: react-reconciler with a renderer that
 * renders nothing, synchronous, as in production. The same lines, the same answers.
 *
 *     node react_peer.js FOLDER      FOLDER: with node_modules/react-reconciler
 */
"use strict";
process.env.NODE_ENV = "production";
const path = require("path");
const from = (name) => require(path.join(path.resolve(process.argv[2]), "node_modules", name));
const React = from("react");
const Reconciler = from("react-reconciler");
const { DiscreteEventPriority } = from("react-reconciler/constants");

const SECTION = 1000;
const nothing = () => {};
const none = () => null;
const no = () => false;
const yes = () => true;

const reconciler = Reconciler({
  supportsMutation: true,
  supportsPersistence: false,
  supportsHydration: false,
  isPrimaryRenderer: true,
  noTimeout: -1,
  scheduleTimeout: setTimeout,
  cancelTimeout: clearTimeout,
  createInstance: () => ({}),
  createTextInstance: () => ({}),
  appendInitialChild: nothing,
  appendChild: nothing,
  appendChildToContainer: nothing,
  insertBefore: nothing,
  insertInContainerBefore: nothing,
  removeChild: nothing,
  removeChildFromContainer: nothing,
  clearContainer: nothing,
  commitUpdate: nothing,
  commitTextUpdate: nothing,
  commitMount: nothing,
  resetTextContent: nothing,
  hideInstance: nothing,
  unhideInstance: nothing,
  hideTextInstance: nothing,
  unhideTextInstance: nothing,
  finalizeInitialChildren: no,
  shouldSetTextContent: no,
  getRootHostContext: none,
  getChildHostContext: none,
  getPublicInstance: (i) => i,
  prepareForCommit: none,
  resetAfterCommit: nothing,
  preparePortalMount: nothing,
  detachDeletedInstance: nothing,
  getInstanceFromNode: none,
  beforeActiveInstanceBlur: nothing,
  afterActiveInstanceBlur: nothing,
  prepareScopeUpdate: nothing,
  getInstanceFromScope: none,
  setCurrentUpdatePriority: nothing,
  getCurrentUpdatePriority: () => DiscreteEventPriority,
  resolveUpdatePriority: () => DiscreteEventPriority,
  trackSchedulerEvent: nothing,
  resolveEventType: none,
  resolveEventTimeStamp: () => -1.1,
  shouldAttemptEagerTransition: no,
  requestPostPaintCallback: nothing,
  maySuspendCommit: no,
  preloadInstance: yes,
  startSuspendingCommit: nothing,
  suspendInstance: nothing,
  waitForCommitToBeReady: none,
  NotPendingTransition: null,
  HostTransitionContext: React.createContext(null),
  resetFormInstance: nothing,
  bindToConsole: (method, args) => () => console[method](...args),
});

let root = null, shape = "", setters = [], order = [];

const Plain = () => null;
const Leaf = ({ at }) => {
  const [, set] = React.useState(0);
  setters[at] = set;
  return null;
};
const Section = ({ first, count }) => {
  const rows = [];
  for (let i = 0; i < count; i++) rows.push(React.createElement(Leaf, { at: first + i, key: i }));
  return rows;
};
const Sections = ({ n }) => {
  const rows = [];
  for (let i = 0; i < n; i += SECTION)
    rows.push(React.createElement(Section, { first: i, count: Math.min(SECTION, n), key: i }));
  return rows;
};
const Flat = ({ rows }) => rows.map((id) => React.createElement(Plain, { key: id }));

const now = () => Number(process.hrtime.bigint());

function show(element) {
  const from = now();
  reconciler.updateContainerSync(element, root, null, null);
  reconciler.flushSyncWork();
  return now() - from;
}

function begin(name, n) {
  if (root) show(null);
  root = reconciler.createContainer({}, 0, null, false, null, "", console.error, console.error, console.error, null);
  shape = name + n;
  setters = [];
  order = Array.from({ length: n }, (_, i) => i);
}

function leaf(n, times) {
  if (shape !== "leaf" + n) {
    begin("leaf", n);
    show(React.createElement(Sections, { n }));
    if (setters.length !== Math.max(n, 1)) throw new Error("leaves are missing");
    leaf(n, 200);
  }
  const from = now();
  for (let i = 0; i < times; i++) {
    setters[Math.floor(Math.random() * n)]((v) => v + 1);
    reconciler.flushSyncWork();
  }
  return (now() - from) / times;
}

function rows(what, n, k) {
  if (what === "mount") {
    begin("flat", n);
    return show(React.createElement(Flat, { rows: order }));
  }
  if (shape !== "flat" + n) rows("mount", n, 0);
  order = order.slice();
  if (what === "reverse") order.reverse();
  for (let i = 0; what === "moves" && i < k; i++) {
    const [x] = order.splice(Math.floor(Math.random() * n), 1);
    order.splice(Math.floor(Math.random() * n), 0, x);
  }
  return show(React.createElement(Flat, { rows: order }));
}

let pending = "";
process.stdin.on("data", (text) => {
  const lines = (pending + text).split("\n");
  pending = lines.pop();
  for (const line of lines) {
    const [what, n, k] = line.split(" ");
    const ns = what === "leaf" ? leaf(Number(n), Number(k)) : rows(what, Number(n), Number(k));
    process.stdout.write(`${ns.toFixed(1)}\n`);
  }
});
