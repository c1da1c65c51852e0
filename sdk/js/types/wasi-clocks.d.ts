/* wasi:clocks@0.2.0: made from wit/ by tools/gen_js_types.py. */

/**
 * WASI Monotonic Clock is a clock API intended to let users measure elapsed
 * time.
 *
 * It is intended to be portable at least between Unix-family platforms and
 * Windows.
 *
 * A monotonic clock is a clock which has an unspecified initial value, and
 * successive reads of the clock will produce non-decreasing values.
 *
 * It is intended for measuring elapsed time.
 */
declare module "wasi:clocks/monotonic-clock" {
    import type { Pollable } from "wasi:io/poll";
    export type { Pollable };
    /**
     * An instant in time, in nanoseconds. An instant is relative to an
     * unspecified initial value, and can only be compared to instances from
     * the same monotonic-clock.
     */
    export type Instant = number;
    /** A duration of time, in nanoseconds. */
    export type Duration = number;
    /**
     * Read the current value of the clock.
     *
     * The clock is monotonic, therefore calling this function repeatedly will
     * produce a sequence of non-decreasing values.
     */
    export function now(): Instant;
    /**
     * Query the resolution of the clock. Returns the duration of time
     * corresponding to a clock tick.
     */
    export function resolution(): Duration;
    /**
     * Create a `pollable` which will resolve once the specified instant
     * occured.
     */
    export function subscribeInstant(when: Instant): Pollable;
    /**
     * Create a `pollable` which will resolve once the given duration has
     * elapsed, starting at the time at which this function was called.
     * occured.
     */
    export function subscribeDuration(when: Duration): Pollable;
    const all: { now: typeof now, resolution: typeof resolution, subscribeInstant: typeof subscribeInstant, subscribeDuration: typeof subscribeDuration };
    export default all;
}
declare module "wasi:clocks/monotonic-clock@0.2.0" {
    export * from "wasi:clocks/monotonic-clock";
    export { default } from "wasi:clocks/monotonic-clock";
}

/**
 * WASI Wall Clock is a clock API intended to let users query the current
 * time. The name "wall" makes an analogy to a "clock on the wall", which
 * is not necessarily monotonic as it may be reset.
 *
 * It is intended to be portable at least between Unix-family platforms and
 * Windows.
 *
 * A wall clock is a clock which measures the date and time according to
 * some external reference.
 *
 * External references may be reset, so this clock is not necessarily
 * monotonic, making it unsuitable for measuring elapsed time.
 *
 * It is intended for reporting the current date and time for humans.
 */
declare module "wasi:clocks/wall-clock" {
    /** A time and date in seconds plus nanoseconds. */
    export interface Datetime {
        seconds: number;
        nanoseconds: number;
    }
    /**
     * Read the current value of the clock.
     *
     * This clock is not monotonic, therefore calling this function repeatedly
     * will not necessarily produce a sequence of non-decreasing values.
     *
     * The returned timestamps represent the number of seconds since
     * 1970-01-01T00:00:00Z, also known as [POSIX's Seconds Since the Epoch],
     * also known as [Unix Time].
     *
     * The nanoseconds field of the output is always less than 1000000000.
     *
     * [POSIX's Seconds Since the Epoch]: https://pubs.opengroup.org/onlinepubs/9699919799/xrat/V4_xbd_chap04.html#tag_21_04_16
     * [Unix Time]: https://en.wikipedia.org/wiki/Unix_time
     */
    export function now(): Datetime;
    /**
     * Query the resolution of the clock.
     *
     * The nanoseconds field of the output is always less than 1000000000.
     */
    export function resolution(): Datetime;
    const all: { now: typeof now, resolution: typeof resolution };
    export default all;
}
declare module "wasi:clocks/wall-clock@0.2.0" {
    export * from "wasi:clocks/wall-clock";
    export { default } from "wasi:clocks/wall-clock";
}
