//! hello [NAME]: greets, says what the host gives it, writes one log entry.

use loop_sdk::{capabilities, log};

fn main() {
    let name = std::env::args().nth(1).unwrap_or("world".into());
    println!("Hello, {name}!");

    let available: Vec<String> = capabilities::list()
        .into_iter()
        .filter(|c| c.available && c.name.starts_with("loop:"))
        .map(|c| format!("{} ({})", c.name, c.provider))
        .collect();
    match &available[..] {
        [] => println!("loop gives: nothing of its own"),
        some => println!("loop gives: {}", some.join(", ")),
    }
    log!(Info, "hello", "greeted", name: name, capabilities: available.len() as i64);
}
