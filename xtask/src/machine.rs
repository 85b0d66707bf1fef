//! What has to be installed on this machine: knows the parts and how to get them, and refuses to
//! know what they are used for.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Playwright's oldest supported release that is still maintained.
const NODE_MAJOR: u32 = 20;

/// What the field app needs: the wasm target, and a C compiler for whatever is linked on the way.
pub fn for_wasm() -> Result<()> {
    c_compiler()?;
    wasm_target()
}

/// What the browser tests, the benches and the screens need on top.
pub fn for_browser() -> Result<()> {
    let mut wanted = Vec::new();
    if !node_is_new_enough() {
        wanted.extend(["nodejs", "npm"]);
    } else if find("npm").is_none() {
        wanted.push("npm");
    }
    if chromium().is_none() {
        wanted.push("chromium");
    }
    if chromedriver().is_none() {
        wanted.push("chromium-driver");
    }
    if !speaks_vietnamese() {
        wanted.push("fonts-noto-core");
    }
    if !wanted.is_empty() {
        apt_install(&wanted)?;
    }
    if !node_is_new_enough() {
        bail!("Node {NODE_MAJOR} or newer is needed for the browser tests: install `nodejs`");
    }
    if find("npm").is_none() {
        bail!("npm is needed for the browser tests: install `npm`");
    }
    if chromium().is_none() {
        bail!("Chromium is needed for the browser tests: install `chromium`");
    }
    if chromedriver().is_none() {
        bail!("Chromium's driver is needed for the browser tests: install `chromium-driver`");
    }
    if !speaks_vietnamese() {
        bail!("A font with Vietnamese letters is needed for the screens: install `fonts-noto-core`");
    }
    Ok(())
}

/// What the tests of the office on PostgreSQL need; the folder of its programs.
pub fn for_postgres() -> Result<PathBuf> {
    if postgres().is_none() {
        apt_install(&["postgresql"])?;
    }
    postgres().context(
        "PostgreSQL is needed for the office's tests: install `postgresql`, or name a server that may be written to in TEST_DATABASE_URL",
    )
}

/// The program that makes and drops databases for the end-to-end tests: the one that came with the server, if there is one.
pub fn psql() -> Option<PathBuf> {
    postgres().map(|folder| folder.join("psql")).filter(|program| program.is_file()).or_else(|| find("psql"))
}

/// Debian keeps each version's programs in a folder of its own, out of the way.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    folders.sort();
    folders.pop().map(|(_, folder)| folder).or_else(|| Some(find("initdb")?.parent()?.to_owned()))
}

pub fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find)
}

pub fn chromedriver() -> Option<PathBuf> {
    find("chromedriver")
}

fn c_compiler() -> Result<()> {
    if ["cc", "gcc", "clang"].into_iter().any(|name| find(name).is_some()) {
        return Ok(());
    }
    bail!(
        "a C compiler is needed (SQLite is compiled from its source): install `gcc` and its libc headers, on Debian `build-essential`"
    )
}

fn wasm_target() -> Result<()> {
    if has_wasm_target()? {
        return Ok(());
    }
    let command = format!("rustup target add {WASM_TARGET}");
    println!("{command}");
    let added =
        Command::new("rustup").args(["target", "add", WASM_TARGET]).status().is_ok_and(|status| status.success());
    if added && has_wasm_target()? {
        return Ok(());
    }
    bail!("the compiler's wasm target is missing and could not be added; run:\n    {command}")
}

fn has_wasm_target() -> Result<bool> {
    let printed = Command::new("rustc").args(["--print", "sysroot"]).output().context("cannot run `rustc`")?;
    let sysroot = String::from_utf8_lossy(&printed.stdout);
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET).join("lib").is_dir())
}

fn node_is_new_enough() -> bool {
    let Ok(printed) = Command::new("node").arg("--version").output() else {
        return false;
    };
    String::from_utf8_lossy(&printed.stdout)
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major >= NODE_MAJOR)
}

fn speaks_vietnamese() -> bool {
    match Command::new("fc-list").args([":lang=vi", "family"]).output() {
        Ok(printed) => printed.stdout.iter().any(|byte| !byte.is_ascii_whitespace()),
        // Not a system that uses fontconfig: its own fonts are trusted.
        Err(_) => !Path::new("/etc/debian_version").exists(),
    }
}

/// Installs Debian packages when this is Debian and we may; says what to install otherwise.
fn apt_install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !Path::new("/etc/debian_version").exists() {
        bail!("missing on this machine, please install (Debian's names): {names}");
    }
    let command = format!("apt-get install --no-install-recommends {names}");
    if !is_root() {
        bail!("missing on this machine; run as root:\n    {command}");
    }
    println!("{command}");
    // A list of packages may be old or absent; a failure to refresh it is no reason to stop.
    apt_get(&["update", "-q"]).ok();
    let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt_get(&install).with_context(|| format!("could not install; run as root:\n    {command}"))
}

fn apt_get(args: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot run `apt-get`")?;
    if !status.success() {
        bail!("`apt-get {}` failed", args.join(" "));
    }
    Ok(())
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|printed| printed.stdout.trim_ascii() == b"0")
}

pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
