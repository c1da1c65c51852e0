/* wasi:http@0.2.0: made from wit/ by tools/gen_js_types.py. */

/**
 * This interface defines a handler of incoming HTTP Requests. It should
 * be exported by components which can respond to HTTP Requests.
 */
declare module "wasi:http/incoming-handler" {
    import type { IncomingRequest, ResponseOutparam } from "wasi:http/types";
    export type { IncomingRequest };
    export type { ResponseOutparam };
    /**
     * This function is invoked with an incoming HTTP Request, and a resource
     * `response-outparam` which provides the capability to reply with an HTTP
     * Response. The response is sent by calling the `response-outparam.set`
     * method, which allows execution to continue after the response has been
     * sent. This enables both streaming to the response body, and performing other
     * work.
     *
     * The implementor of this function must write a response to the
     * `response-outparam` before returning, or else the caller will respond
     * with an error on its behalf.
     */
    export function handle(request: IncomingRequest, responseOut: ResponseOutparam): void;
    const all: { handle: typeof handle };
    export default all;
}
declare module "wasi:http/incoming-handler@0.2.0" {
    export * from "wasi:http/incoming-handler";
    export { default } from "wasi:http/incoming-handler";
}

/**
 * This interface defines a handler of outgoing HTTP Requests. It should be
 * imported by components which wish to make HTTP Requests.
 */
declare module "wasi:http/outgoing-handler" {
    import type { ErrorCode, FutureIncomingResponse, OutgoingRequest, RequestOptions } from "wasi:http/types";
    export type { OutgoingRequest };
    export type { RequestOptions };
    export type { FutureIncomingResponse };
    export type { ErrorCode };
    /**
     * This function is invoked with an outgoing HTTP Request, and it returns
     * a resource `future-incoming-response` which represents an HTTP Response
     * which may arrive in the future.
     *
     * The `options` argument accepts optional parameters for the HTTP
     * protocol's transport layer.
     *
     * This function may return an error if the `outgoing-request` is invalid
     * or not allowed to be made. Otherwise, protocol errors are reported
     * through the `future-incoming-response`.
     *
     * @throws {ErrorCode}
     */
    export function handle(request: OutgoingRequest, options: RequestOptions | null): FutureIncomingResponse;
    const all: { handle: typeof handle };
    export default all;
}
declare module "wasi:http/outgoing-handler@0.2.0" {
    export * from "wasi:http/outgoing-handler";
    export { default } from "wasi:http/outgoing-handler";
}

/**
 * This interface defines all of the types and methods for implementing
 * HTTP Requests and Responses, both incoming and outgoing, as well as
 * their headers, trailers, and bodies.
 */
declare module "wasi:http/types" {
    import type { Duration } from "wasi:clocks/monotonic-clock";
    import type { Error as IoError } from "wasi:io/error";
    import type { Pollable } from "wasi:io/poll";
    import type { InputStream, OutputStream } from "wasi:io/streams";
    export type { Duration };
    export type { InputStream };
    export type { OutputStream };
    export type { IoError };
    export type { Pollable };
    /** This type corresponds to HTTP standard Methods. */
    export type Method =
        | { tag: "get" }
        | { tag: "head" }
        | { tag: "post" }
        | { tag: "put" }
        | { tag: "delete" }
        | { tag: "connect" }
        | { tag: "options" }
        | { tag: "trace" }
        | { tag: "patch" }
        | { tag: "other"; val: string };
    /** This type corresponds to HTTP standard Related Schemes. */
    export type Scheme =
        | { tag: "HTTP" }
        | { tag: "HTTPS" }
        | { tag: "other"; val: string };
    /** Defines the case payload type for `DNS-error` above: */
    export interface DnsErrorPayload {
        rcode?: string | null;
        infoCode?: number | null;
    }
    /** Defines the case payload type for `TLS-alert-received` above: */
    export interface TlsAlertReceivedPayload {
        alertId?: number | null;
        alertMessage?: string | null;
    }
    /** Defines the case payload type for `HTTP-response-{header,trailer}-size` above: */
    export interface FieldSizePayload {
        fieldName?: string | null;
        fieldSize?: number | null;
    }
    /**
     * These cases are inspired by the IANA HTTP Proxy Error Types:
     *   https://www.iana.org/assignments/http-proxy-status/http-proxy-status.xhtml#table-http-proxy-error-types
     */
    export type ErrorCode =
        | { tag: "DNS-timeout" }
        | { tag: "DNS-error"; val: DnsErrorPayload }
        | { tag: "destination-not-found" }
        | { tag: "destination-unavailable" }
        | { tag: "destination-IP-prohibited" }
        | { tag: "destination-IP-unroutable" }
        | { tag: "connection-refused" }
        | { tag: "connection-terminated" }
        | { tag: "connection-timeout" }
        | { tag: "connection-read-timeout" }
        | { tag: "connection-write-timeout" }
        | { tag: "connection-limit-reached" }
        | { tag: "TLS-protocol-error" }
        | { tag: "TLS-certificate-error" }
        | { tag: "TLS-alert-received"; val: TlsAlertReceivedPayload }
        | { tag: "HTTP-request-denied" }
        | { tag: "HTTP-request-length-required" }
        | { tag: "HTTP-request-body-size"; val: number | null }
        | { tag: "HTTP-request-method-invalid" }
        | { tag: "HTTP-request-URI-invalid" }
        | { tag: "HTTP-request-URI-too-long" }
        | { tag: "HTTP-request-header-section-size"; val: number | null }
        | { tag: "HTTP-request-header-size"; val: FieldSizePayload | null }
        | { tag: "HTTP-request-trailer-section-size"; val: number | null }
        | { tag: "HTTP-request-trailer-size"; val: FieldSizePayload }
        | { tag: "HTTP-response-incomplete" }
        | { tag: "HTTP-response-header-section-size"; val: number | null }
        | { tag: "HTTP-response-header-size"; val: FieldSizePayload }
        | { tag: "HTTP-response-body-size"; val: number | null }
        | { tag: "HTTP-response-trailer-section-size"; val: number | null }
        | { tag: "HTTP-response-trailer-size"; val: FieldSizePayload }
        | { tag: "HTTP-response-transfer-coding"; val: string | null }
        | { tag: "HTTP-response-content-coding"; val: string | null }
        | { tag: "HTTP-response-timeout" }
        | { tag: "HTTP-upgrade-failed" }
        | { tag: "HTTP-protocol-error" }
        | { tag: "loop-detected" }
        | { tag: "configuration-error" }
        /**
         * This is a catch-all error for anything that doesn't fit cleanly into a
         * more specific case. It also includes an optional string for an
         * unstructured description of the error. Users should not depend on the
         * string for diagnosing errors, as it's not required to be consistent
         * between implementations.
         */
        | { tag: "internal-error"; val: string | null };
    /**
     * This type enumerates the different kinds of errors that may occur when
     * setting or appending to a `fields` resource.
     */
    export type HeaderError =
        /**
         * This error indicates that a `field-key` or `field-value` was
         * syntactically invalid when used with an operation that sets headers in a
         * `fields`.
         */
        | { tag: "invalid-syntax" }
        /**
         * This error indicates that a forbidden `field-key` was used when trying
         * to set a header in a `fields`.
         */
        | { tag: "forbidden" }
        /**
         * This error indicates that the operation on the `fields` was not
         * permitted because the fields are immutable.
         */
        | { tag: "immutable" };
    /** Field keys are always strings. */
    export type FieldKey = string;
    /**
     * Field values should always be ASCII strings. However, in
     * reality, HTTP implementations often have to interpret malformed values,
     * so they are provided as a list of bytes.
     */
    export type FieldValue = Uint8Array;
    /**
     * This following block defines the `fields` resource which corresponds to
     * HTTP standard Fields. Fields are a common representation used for both
     * Headers and Trailers.
     *
     * A `fields` may be mutable or immutable. A `fields` created using the
     * constructor, `from-list`, or `clone` will be mutable, but a `fields`
     * resource given by other means (including, but not limited to,
     * `incoming-request.headers`, `outgoing-request.headers`) might be be
     * immutable. In an immutable fields, the `set`, `append`, and `delete`
     * operations will fail with `header-error.immutable`.
     */
    export class Fields {
        /**
         * Construct an empty HTTP Fields.
         *
         * The resulting `fields` is mutable.
         */
        constructor();
        /**
         * Construct an HTTP Fields.
         *
         * The resulting `fields` is mutable.
         *
         * The list represents each key-value pair in the Fields. Keys
         * which have multiple values are represented by multiple entries in this
         * list with the same key.
         *
         * The tuple is a pair of the field key, represented as a string, and
         * Value, represented as a list of bytes. In a valid Fields, all keys
         * and values are valid UTF-8 strings. However, values are not always
         * well-formed, so they are represented as a raw list of bytes.
         *
         * An error result will be returned if any header or value was
         * syntactically invalid, or if a header was forbidden.
         */
        static fromList(entries: Array<[FieldKey, FieldValue]>): Fields;
        /**
         * Get all of the values corresponding to a key. If the key is not present
         * in this `fields`, an empty list is returned. However, if the key is
         * present but empty, this is represented by a list with one or more
         * empty field-values present.
         */
        get(name: FieldKey): FieldValue[];
        /**
         * Returns `true` when the key is present in this `fields`. If the key is
         * syntactically invalid, `false` is returned.
         */
        has(name: FieldKey): boolean;
        /**
         * Set all of the values for a key. Clears any existing values for that
         * key, if they have been set.
         *
         * Fails with `header-error.immutable` if the `fields` are immutable.
         */
        set(name: FieldKey, value: FieldValue[]): void;
        /**
         * Delete all values for a key. Does nothing if no values for the key
         * exist.
         *
         * Fails with `header-error.immutable` if the `fields` are immutable.
         */
        delete(name: FieldKey): void;
        /**
         * Append a value for a key. Does not change or delete any existing
         * values for that key.
         *
         * Fails with `header-error.immutable` if the `fields` are immutable.
         */
        append(name: FieldKey, value: FieldValue): void;
        /**
         * Retrieve the full set of keys and values in the Fields. Like the
         * constructor, the list represents each key-value pair.
         *
         * The outer list represents each key-value pair in the Fields. Keys
         * which have multiple values are represented by multiple entries in this
         * list with the same key.
         */
        entries(): Array<[FieldKey, FieldValue]>;
        /**
         * Make a deep copy of the Fields. Equivelant in behavior to calling the
         * `fields` constructor on the return value of `entries`. The resulting
         * `fields` is mutable.
         */
        clone(): Fields;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /** Headers is an alias for Fields. */
    export type Headers = Fields;
    /** Trailers is an alias for Fields. */
    export type Trailers = Fields;
    /** Represents an incoming HTTP Request. */
    export class IncomingRequest {
        private constructor();
        /** Returns the method of the incoming request. */
        method(): Method;
        /** Returns the path with query parameters from the request, as a string. */
        pathWithQuery(): string | null;
        /** Returns the protocol scheme from the request. */
        scheme(): Scheme | null;
        /** Returns the authority from the request, if it was present. */
        authority(): string | null;
        /**
         * Get the `headers` associated with the request.
         *
         * The returned `headers` resource is immutable: `set`, `append`, and
         * `delete` operations will fail with `header-error.immutable`.
         *
         * The `headers` returned are a child resource: it must be dropped before
         * the parent `incoming-request` is dropped. Dropping this
         * `incoming-request` before all children are dropped will trap.
         */
        headers(): Headers;
        /**
         * Gives the `incoming-body` associated with this request. Will only
         * return success at most once, and subsequent calls will return error.
         */
        consume(): IncomingBody;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /** Represents an outgoing HTTP Request. */
    export class OutgoingRequest {
        /**
         * Construct a new `outgoing-request` with a default `method` of `GET`, and
         * `none` values for `path-with-query`, `scheme`, and `authority`.
         *
         * * `headers` is the HTTP Headers for the Request.
         *
         * It is possible to construct, or manipulate with the accessor functions
         * below, an `outgoing-request` with an invalid combination of `scheme`
         * and `authority`, or `headers` which are not permitted to be sent.
         * It is the obligation of the `outgoing-handler.handle` implementation
         * to reject invalid constructions of `outgoing-request`.
         */
        constructor(headers: Headers);
        /**
         * Returns the resource corresponding to the outgoing Body for this
         * Request.
         *
         * Returns success on the first call: the `outgoing-body` resource for
         * this `outgoing-request` can be retrieved at most once. Subsequent
         * calls will return error.
         */
        body(): OutgoingBody;
        /** Get the Method for the Request. */
        method(): Method;
        /**
         * Set the Method for the Request. Fails if the string present in a
         * `method.other` argument is not a syntactically valid method.
         */
        setMethod(method: Method): void;
        /**
         * Get the combination of the HTTP Path and Query for the Request.
         * When `none`, this represents an empty Path and empty Query.
         */
        pathWithQuery(): string | null;
        /**
         * Set the combination of the HTTP Path and Query for the Request.
         * When `none`, this represents an empty Path and empty Query. Fails is the
         * string given is not a syntactically valid path and query uri component.
         */
        setPathWithQuery(pathWithQuery: string | null): void;
        /**
         * Get the HTTP Related Scheme for the Request. When `none`, the
         * implementation may choose an appropriate default scheme.
         */
        scheme(): Scheme | null;
        /**
         * Set the HTTP Related Scheme for the Request. When `none`, the
         * implementation may choose an appropriate default scheme. Fails if the
         * string given is not a syntactically valid uri scheme.
         */
        setScheme(scheme: Scheme | null): void;
        /**
         * Get the HTTP Authority for the Request. A value of `none` may be used
         * with Related Schemes which do not require an Authority. The HTTP and
         * HTTPS schemes always require an authority.
         */
        authority(): string | null;
        /**
         * Set the HTTP Authority for the Request. A value of `none` may be used
         * with Related Schemes which do not require an Authority. The HTTP and
         * HTTPS schemes always require an authority. Fails if the string given is
         * not a syntactically valid uri authority.
         */
        setAuthority(authority: string | null): void;
        /**
         * Get the headers associated with the Request.
         *
         * The returned `headers` resource is immutable: `set`, `append`, and
         * `delete` operations will fail with `header-error.immutable`.
         *
         * This headers resource is a child: it must be dropped before the parent
         * `outgoing-request` is dropped, or its ownership is transfered to
         * another component by e.g. `outgoing-handler.handle`.
         */
        headers(): Headers;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Parameters for making an HTTP Request. Each of these parameters is
     * currently an optional timeout applicable to the transport layer of the
     * HTTP protocol.
     *
     * These timeouts are separate from any the user may use to bound a
     * blocking call to `wasi:io/poll.poll`.
     */
    export class RequestOptions {
        /** Construct a default `request-options` value. */
        constructor();
        /** The timeout for the initial connect to the HTTP Server. */
        connectTimeout(): Duration | null;
        /**
         * Set the timeout for the initial connect to the HTTP Server. An error
         * return value indicates that this timeout is not supported.
         */
        setConnectTimeout(duration: Duration | null): void;
        /** The timeout for receiving the first byte of the Response body. */
        firstByteTimeout(): Duration | null;
        /**
         * Set the timeout for receiving the first byte of the Response body. An
         * error return value indicates that this timeout is not supported.
         */
        setFirstByteTimeout(duration: Duration | null): void;
        /**
         * The timeout for receiving subsequent chunks of bytes in the Response
         * body stream.
         */
        betweenBytesTimeout(): Duration | null;
        /**
         * Set the timeout for receiving subsequent chunks of bytes in the Response
         * body stream. An error return value indicates that this timeout is not
         * supported.
         */
        setBetweenBytesTimeout(duration: Duration | null): void;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Represents the ability to send an HTTP Response.
     *
     * This resource is used by the `wasi:http/incoming-handler` interface to
     * allow a Response to be sent corresponding to the Request provided as the
     * other argument to `incoming-handler.handle`.
     */
    export class ResponseOutparam {
        private constructor();
        /**
         * Set the value of the `response-outparam` to either send a response,
         * or indicate an error.
         *
         * This method consumes the `response-outparam` to ensure that it is
         * called at most once. If it is never called, the implementation
         * will respond with an error.
         *
         * The user may provide an `error` to `response` to allow the
         * implementation determine how to respond with an HTTP error response.
         */
        static set(param: ResponseOutparam, response: { tag: "ok"; val: OutgoingResponse } | { tag: "err"; val: ErrorCode }): void;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /** This type corresponds to the HTTP standard Status Code. */
    export type StatusCode = number;
    /** Represents an incoming HTTP Response. */
    export class IncomingResponse {
        private constructor();
        /** Returns the status code from the incoming response. */
        status(): StatusCode;
        /**
         * Returns the headers from the incoming response.
         *
         * The returned `headers` resource is immutable: `set`, `append`, and
         * `delete` operations will fail with `header-error.immutable`.
         *
         * This headers resource is a child: it must be dropped before the parent
         * `incoming-response` is dropped.
         */
        headers(): Headers;
        /**
         * Returns the incoming body. May be called at most once. Returns error
         * if called additional times.
         */
        consume(): IncomingBody;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Represents an incoming HTTP Request or Response's Body.
     *
     * A body has both its contents - a stream of bytes - and a (possibly
     * empty) set of trailers, indicating that the full contents of the
     * body have been received. This resource represents the contents as
     * an `input-stream` and the delivery of trailers as a `future-trailers`,
     * and ensures that the user of this interface may only be consuming either
     * the body contents or waiting on trailers at any given time.
     */
    export class IncomingBody {
        private constructor();
        /**
         * Returns the contents of the body, as a stream of bytes.
         *
         * Returns success on first call: the stream representing the contents
         * can be retrieved at most once. Subsequent calls will return error.
         *
         * The returned `input-stream` resource is a child: it must be dropped
         * before the parent `incoming-body` is dropped, or consumed by
         * `incoming-body.finish`.
         *
         * This invariant ensures that the implementation can determine whether
         * the user is consuming the contents of the body, waiting on the
         * `future-trailers` to be ready, or neither. This allows for network
         * backpressure is to be applied when the user is consuming the body,
         * and for that backpressure to not inhibit delivery of the trailers if
         * the user does not read the entire body.
         */
        stream(): InputStream;
        /**
         * Takes ownership of `incoming-body`, and returns a `future-trailers`.
         * This function will trap if the `input-stream` child is still alive.
         */
        static finish(this_: IncomingBody): FutureTrailers;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Represents a future which may eventaully return trailers, or an error.
     *
     * In the case that the incoming HTTP Request or Response did not have any
     * trailers, this future will resolve to the empty set of trailers once the
     * complete Request or Response body has been received.
     */
    export class FutureTrailers {
        private constructor();
        /**
         * Returns a pollable which becomes ready when either the trailers have
         * been received, or an error has occured. When this pollable is ready,
         * the `get` method will return `some`.
         */
        subscribe(): Pollable;
        /**
         * Returns the contents of the trailers, or an error which occured,
         * once the future is ready.
         *
         * The outer `option` represents future readiness. Users can wait on this
         * `option` to become `some` using the `subscribe` method.
         *
         * The outer `result` is used to retrieve the trailers or error at most
         * once. It will be success on the first call in which the outer option
         * is `some`, and error on subsequent calls.
         *
         * The inner `result` represents that either the HTTP Request or Response
         * body, as well as any trailers, were received successfully, or that an
         * error occured receiving them. The optional `trailers` indicates whether
         * or not trailers were present in the body.
         *
         * When some `trailers` are returned by this method, the `trailers`
         * resource is immutable, and a child. Use of the `set`, `append`, or
         * `delete` methods will return an error, and the resource must be
         * dropped before the parent `future-trailers` is dropped.
         */
        get(): { tag: "ok"; val: { tag: "ok"; val: Trailers | null } | { tag: "err"; val: ErrorCode } } | { tag: "err" } | null;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /** Represents an outgoing HTTP Response. */
    export class OutgoingResponse {
        /**
         * Construct an `outgoing-response`, with a default `status-code` of `200`.
         * If a different `status-code` is needed, it must be set via the
         * `set-status-code` method.
         *
         * * `headers` is the HTTP Headers for the Response.
         */
        constructor(headers: Headers);
        /** Get the HTTP Status Code for the Response. */
        statusCode(): StatusCode;
        /**
         * Set the HTTP Status Code for the Response. Fails if the status-code
         * given is not a valid http status code.
         */
        setStatusCode(statusCode: StatusCode): void;
        /**
         * Get the headers associated with the Request.
         *
         * The returned `headers` resource is immutable: `set`, `append`, and
         * `delete` operations will fail with `header-error.immutable`.
         *
         * This headers resource is a child: it must be dropped before the parent
         * `outgoing-request` is dropped, or its ownership is transfered to
         * another component by e.g. `outgoing-handler.handle`.
         */
        headers(): Headers;
        /**
         * Returns the resource corresponding to the outgoing Body for this Response.
         *
         * Returns success on the first call: the `outgoing-body` resource for
         * this `outgoing-response` can be retrieved at most once. Subsequent
         * calls will return error.
         */
        body(): OutgoingBody;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Represents an outgoing HTTP Request or Response's Body.
     *
     * A body has both its contents - a stream of bytes - and a (possibly
     * empty) set of trailers, inducating the full contents of the body
     * have been sent. This resource represents the contents as an
     * `output-stream` child resource, and the completion of the body (with
     * optional trailers) with a static function that consumes the
     * `outgoing-body` resource, and ensures that the user of this interface
     * may not write to the body contents after the body has been finished.
     *
     * If the user code drops this resource, as opposed to calling the static
     * method `finish`, the implementation should treat the body as incomplete,
     * and that an error has occured. The implementation should propogate this
     * error to the HTTP protocol by whatever means it has available,
     * including: corrupting the body on the wire, aborting the associated
     * Request, or sending a late status code for the Response.
     */
    export class OutgoingBody {
        private constructor();
        /**
         * Returns a stream for writing the body contents.
         *
         * The returned `output-stream` is a child resource: it must be dropped
         * before the parent `outgoing-body` resource is dropped (or finished),
         * otherwise the `outgoing-body` drop or `finish` will trap.
         *
         * Returns success on the first call: the `output-stream` resource for
         * this `outgoing-body` may be retrieved at most once. Subsequent calls
         * will return error.
         */
        write(): OutputStream;
        /**
         * Finalize an outgoing body, optionally providing trailers. This must be
         * called to signal that the response is complete. If the `outgoing-body`
         * is dropped without calling `outgoing-body.finalize`, the implementation
         * should treat the body as corrupted.
         *
         * Fails if the body's `outgoing-request` or `outgoing-response` was
         * constructed with a Content-Length header, and the contents written
         * to the body (via `write`) does not match the value given in the
         * Content-Length.
         */
        static finish(this_: OutgoingBody, trailers: Trailers | null): void;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Represents a future which may eventaully return an incoming HTTP
     * Response, or an error.
     *
     * This resource is returned by the `wasi:http/outgoing-handler` interface to
     * provide the HTTP Response corresponding to the sent Request.
     */
    export class FutureIncomingResponse {
        private constructor();
        /**
         * Returns a pollable which becomes ready when either the Response has
         * been received, or an error has occured. When this pollable is ready,
         * the `get` method will return `some`.
         */
        subscribe(): Pollable;
        /**
         * Returns the incoming HTTP Response, or an error, once one is ready.
         *
         * The outer `option` represents future readiness. Users can wait on this
         * `option` to become `some` using the `subscribe` method.
         *
         * The outer `result` is used to retrieve the response or error at most
         * once. It will be success on the first call in which the outer option
         * is `some`, and error on subsequent calls.
         *
         * The inner `result` represents that either the incoming HTTP Response
         * status and headers have recieved successfully, or that an error
         * occured. Errors may also occur while consuming the response body,
         * but those will be reported by the `incoming-body` and its
         * `output-stream` child.
         */
        get(): { tag: "ok"; val: { tag: "ok"; val: IncomingResponse } | { tag: "err"; val: ErrorCode } } | { tag: "err" } | null;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Attempts to extract a http-related `error` from the wasi:io `error`
     * provided.
     *
     * Stream operations which return
     * `wasi:io/stream/stream-error::last-operation-failed` have a payload of
     * type `wasi:io/error/error` with more information about the operation
     * that failed. This payload can be passed through to this function to see
     * if there's http-related information about the error to return.
     *
     * Note that this function is fallible because not all io-errors are
     * http-related errors.
     */
    export function httpErrorCode(err: IoError): ErrorCode | null;
    const all: { httpErrorCode: typeof httpErrorCode };
    export default all;
}
declare module "wasi:http/types@0.2.0" {
    export * from "wasi:http/types";
    export { default } from "wasi:http/types";
}
