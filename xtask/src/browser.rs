//! Real browsers: knows how Playwright and the wasm test runner are started, not what they test.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{machine, postgres};

pub const FOLDER: &str = "end2end";
const REPORT: &str = "target/end2end.json";
const WEBDRIVER: &str = "target/webdriver.json";

/// What the end-to-end tests, the benches and the screens are made with.
pub fn install() -> Result<()> {
    install_in(FOLDER)
}

/// The packages of a folder's `package-lock.json`, exactly; nothing is done when they are there already.
pub fn install_in(folder: &str) -> Result<()> {
    let folder = Path::new(folder);
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| lock.display().to_string())?;
    let stamp = folder.join("node_modules/.installed");
    let wanted = Sha256::digest(&lock).to_vec();
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .context("cannot run `npm`")?;
    if !status.success() {
        bail!("`npm ci` failed in {}", folder.display());
    }
    fs::write(stamp, wanted)?;
    Ok(())
}

/// The browser tests themselves are checked as strictly as the rest.
pub fn check_types() -> Result<()> {
    let status = Command::new("node")
        .args(["node_modules/typescript/bin/tsc", "--noEmit", "--project", "."])
        .current_dir(FOLDER)
        .stdin(Stdio::null())
        .status()
        .context("cannot run `node`")?;
    if !status.success() {
        bail!("the browser tests have wrong types");
    }
    Ok(())
}

/// Runs Playwright's command line with its output on this terminal.
pub fn playwright(args: &[&str]) -> Result<()> {
    let status = playwright_command(args)?.status().context("cannot run `node`")?;
    if !status.success() {
        bail!("`playwright test {}` failed", args.join(" "));
    }
    Ok(())
}

/// Runs the end-to-end tests and returns their JSON report with whether the run ended well. `server`: their offices keep
/// what they know in databases of this PostgreSQL server; `grep`: only tests with this in their title or tags.
pub fn end_to_end(server: Option<&postgres::Server>, grep: Option<&str>) -> Result<(Value, bool)> {
    fs::remove_file(REPORT).ok();
    let report = std::env::current_dir()?.join(REPORT);
    let mut args = vec!["--reporter=list,json"];
    args.extend(grep.iter().flat_map(|tag| ["--grep", tag]));
    let mut command = playwright_command(&args)?;
    if let Some(server) = server {
        command.env(postgres::URL, server.url());
        command.envs(machine::psql().map(|program| ("PSQL", program)));
    }
    let status = command.env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report).status().context("cannot run `node`")?;
    let report = fs::read(report).context("Playwright wrote no report")?;
    Ok((serde_json::from_slice(&report)?, status.success()))
}

fn playwright_command(args: &[&str]) -> Result<Command> {
    let chromium = machine::chromium().context("Chromium is missing: install `chromium`")?;
    let mut command = Command::new("node");
    command
        .args(["node_modules/@playwright/test/cli.js", "test"])
        .args(args)
        .current_dir(FOLDER)
        .env("CHROMIUM", chromium)
        // Whoever wants it says so.
        .env_remove(postgres::URL)
        .stdin(Stdio::null());
    Ok(command)
}

/// The tests of the phone's adapters, compiled to wasm; cargo starts this program for each.
pub fn wasm_test_command() -> Result<Command> {
    let driver = machine::chromedriver().context("Chromium's driver is missing: install `chromium-driver`")?;
    let chromium = machine::chromium().context("Chromium is missing: install `chromium`")?;
    let webdriver = std::env::current_dir()?.join(WEBDRIVER);
    let capabilities = json!({ "goog:chromeOptions": {
        "binary": chromium,
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync",
        ],
    }});
    fs::write(&webdriver, capabilities.to_string())?;
    let runner = format!("{} browser-test", std::env::current_exe()?.display());
    let mut command = Command::new("cargo");
    command
        .args(["test", "--package", "app", "--features", "csr", "--lib", "--tests"])
        .args(["--no-fail-fast", "--target", machine::WASM_TARGET, "--target-dir", "target/wasm"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", webdriver)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180")
        .env("CHROMEDRIVER", driver)
        .stdin(Stdio::null());
    Ok(command)
}

pub fn run_wasm_test(args: Vec<String>) -> Result<()> {
    let args = std::iter::once("wasm-bindgen-test-runner".to_owned()).chain(args);
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(args)
}
