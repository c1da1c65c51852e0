//! scaffold-name URL: fetches a page; prints its status, then what it says.
//!
//! A request goes to servers that were granted alone (`grants.http` of loop.yaml); any other ends
//! with "HTTP-request-denied".

use loop_sdk::http::{ErrorCode, Fields, IncomingResponse, OutgoingRequest, Scheme};
use loop_sdk::outgoing_handler;
use loop_sdk::streams::StreamError;
use std::io::{self, Write};
use std::process::ExitCode;

/// A URL, taken apart.
struct Url<'a> {
    https: bool,
    authority: &'a str,
    path: String,
}

fn parse(url: &str) -> Option<Url<'_>> {
    let https = url.starts_with("https://");
    let rest = url.strip_prefix(if https { "https://" } else { "http://" })?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.split('#').next().unwrap_or("");
    let slash = if path.starts_with('/') { "" } else { "/" };
    (!authority.is_empty()).then(|| Url {
        https,
        authority,
        path: format!("{slash}{path}"),
    })
}

/// Sends a GET and waits for the start of the answer.
fn get(url: &Url) -> Result<IncomingResponse, ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    let scheme = if url.https {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request
        .set_authority(Some(url.authority))
        .map_err(invalid)?;
    request
        .set_path_with_query(Some(&url.path))
        .map_err(invalid)?;
    let future = outgoing_handler::handle(request, None)?;
    future.subscribe().block();
    match future.get() {
        Some(Ok(answer)) => answer,
        _ => Err(ErrorCode::HttpResponseIncomplete),
    }
}

fn print_body(response: &IncomingResponse) -> Result<(), String> {
    let body = response.consume().map_err(|()| "there is no body")?;
    let stream = body.stream().map_err(|()| "the body was taken")?;
    let mut out = io::stdout().lock();
    loop {
        match stream.blocking_read(65536) {
            Ok(bytes) => out.write_all(&bytes).map_err(|e| e.to_string())?,
            Err(StreamError::Closed) => return out.flush().map_err(|e| e.to_string()),
            Err(_) => return Err("the answer ended too early".into()),
        }
    }
}

fn fetch(address: &str) -> Result<(), String> {
    let url = parse(address).ok_or(format!("'{address}' is not an http or https URL"))?;
    let response =
        get(&url).map_err(|e| format!("cannot fetch {address}\n  because {}", name(&e)))?;
    println!("{} {address}", response.status());
    print_body(&response)
}

/// The error code's name as WIT writes it.
fn name(code: &ErrorCode) -> String {
    match code {
        ErrorCode::DnsTimeout => "DNS-timeout".into(),
        ErrorCode::DnsError(_) => "DNS-error".into(),
        ErrorCode::DestinationIpProhibited => "destination-IP-prohibited".into(),
        ErrorCode::HttpRequestDenied => "HTTP-request-denied".into(),
        ErrorCode::HttpRequestUriInvalid => "HTTP-request-URI-invalid".into(),
        ErrorCode::HttpResponseIncomplete => "HTTP-response-incomplete".into(),
        ErrorCode::HttpResponseTimeout => "HTTP-response-timeout".into(),
        ErrorCode::HttpProtocolError => "HTTP-protocol-error".into(),
        ErrorCode::InternalError(Some(text)) => format!("internal-error: {text}"),
        // The rest is plain words: ConnectionRefused is connection-refused.
        other => kebab(&format!("{other:?}")),
    }
}

fn kebab(debug: &str) -> String {
    let case = debug.rsplit("::").next().unwrap_or(debug);
    let mut name = String::new();
    for letter in case.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(url), None) = (args.next(), args.next()) else {
        eprintln!("usage: scaffold-name URL");
        return ExitCode::FAILURE;
    };
    match fetch(&url) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
