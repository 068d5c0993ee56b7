//! Parse, run, exit with a code.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(basement::cli::main())
}
