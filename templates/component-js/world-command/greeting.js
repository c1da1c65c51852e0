/* What needs nothing of a host can be tested without one: greeting.test.js. */

/** @param {string} name */
export function greeting(name) {
    return `Hello, ${name}!`;
}
