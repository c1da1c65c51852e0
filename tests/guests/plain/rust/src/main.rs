//! plain STATUS [ARGUMENT...]: a command as Rust's own target makes one; see
//! plain.c.

use std::io::{BufRead, stdin};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: String = args.iter().skip(1).map(|a| format!(" {a}")).collect();
    println!("arguments:{words}");
    println!(
        "GREETING: {}",
        std::env::var("GREETING").unwrap_or("not set".into())
    );
    for line in stdin().lock().lines().map_while(Result::ok) {
        println!("stdin: {line}");
    }
    std::process::exit(args.first().and_then(|s| s.parse().ok()).unwrap_or(0));
}
