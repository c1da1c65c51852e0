#[path = "../../gen/hello.rs"]
mod bindings;

struct Component;

fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

impl bindings::exports::wasi::cli::run::Guest for Component {
    fn run() -> Result<(), ()> {
        println!("{}", greeting(&std::env::args().nth(1).unwrap_or("world".into())));
        Ok(())
    }
}

impl bindings::exports::acme::hello::greet::Guest for Component {
    fn greet(name: String) -> String {
        greeting(&name)
    }
}

bindings::export!(Component with_types_in bindings);
