//! scaffold-name [NAME]: greets, and writes a log entry.
//!
//! Arguments, files and standard streams are those of std; `loop_sdk` has what else loop gives.

use loop_sdk::log;

fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

fn main() {
    let name = std::env::args().nth(1).unwrap_or("world".into());
    println!("{}", greeting(&name));
    log!(Info, "scaffold-name", "greeted", name: name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
    }
}
