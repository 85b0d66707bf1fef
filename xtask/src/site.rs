//! `target/site`, everything the office serves as files: knows how the field app becomes hashed,
//! compressed files and a service worker that names each of them; refuses to know what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::machine;

pub const SITE: &str = "target/site";
const BUILDING: &str = "target/site.building";
const BINDGEN: &str = "target/bindgen";
const WASM: &str = "target/wasm/wasm32-unknown-unknown/wasm-release/app.wasm";
const BARE_PHONE: &str = "target/bare-phone";
const BARE_PHONE_WASM: &str = "target/wasm/wasm32-unknown-unknown/wasm-release/examples/phone_bench.wasm";

/// `build.json` beside the files: what the office reads to know names and how long they last.
#[derive(Debug, Deserialize, Serialize)]
pub struct Site {
    /// Names this build; the service worker's cache, the document and `/sw.js` carry it.
    pub build: String,
    /// What went in. Equal inputs are not built again.
    inputs: String,
    pub boot: String,
    pub style: String,
    pub app_js: String,
    pub app_wasm: String,
    pub files: Vec<SiteFile>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SiteFile {
    /// From the root of the site, with the leading slash.
    pub path: String,
    /// Hex, of the uncompressed bytes.
    pub sha256: String,
    pub bytes: usize,
    pub brotli_bytes: Option<usize>,
    pub gzip_bytes: Option<usize>,
    /// The name holds the hash, so that the bytes under it never change.
    pub immutable: bool,
    /// The service worker keeps it for a start without network.
    pub precached: bool,
}

impl Site {
    pub fn describe(&self) {
        let brotli: usize = [&self.app_js, &self.app_wasm, &self.boot, &self.style]
            .iter()
            .filter_map(|path| self.files.iter().find(|file| file.path == **path))
            .map(|file| file.brotli_bytes.unwrap_or(file.bytes))
            .sum();
        println!("{SITE}: build {}, field app {} kB brotli", self.build, brotli.div_ceil(1000));
    }
}

pub fn build() -> Result<Site> {
    cargo_build(&["--lib"])?;
    let wasm = fs::read(WASM).with_context(|| format!("cannot read {WASM}"))?;
    let public = read_public()?;
    let style = fs::read("style/main.css").context("cannot read style/main.css")?;
    let inputs = hash_inputs(&wasm, &public, &style);
    if let Some(site) = earlier_build(&inputs) {
        return Ok(site);
    }

    let started = Instant::now();
    let glue = bindgen()?;
    fs::remove_dir_all(BUILDING).ok();
    fs::create_dir_all(BUILDING)?;
    let mut writer = Writer::default();

    let app_wasm = writer.hashed("app", "wasm", &glue.wasm, true)?;
    for (name, bytes) in &glue.snippets {
        // wasm-bindgen puts a hash into the folder's name.
        writer.file(&format!("/pkg/{name}"), bytes, true, true)?;
    }
    let app_js = writer.hashed("app", "js", &glue.js, true)?;
    let style = writer.hashed("main", "css", &style, true)?;
    let mut sw = None;
    let mut boot = None;
    for (name, bytes) in &public {
        match name.as_str() {
            "boot.js" => {
                let text = fill(bytes, &[("app.js", &app_js), ("app.wasm", &app_wasm)])?;
                boot = Some(writer.hashed("boot", "js", text.as_bytes(), true)?);
            }
            "sw.template.js" => sw = Some(bytes.clone()),
            _ => {
                let precached = matches!(name.as_str(), "manifest.webmanifest" | "logo.svg");
                writer.file(&format!("/{name}"), bytes, false, precached)?;
            }
        }
    }
    let boot = boot.context("public/boot.js is missing")?;

    let sw = sw.context("public/sw.template.js is missing")?;
    let build = writer.build(&sw);
    let precache = writer
        .files
        .iter()
        .filter(|file| file.precached)
        .map(|file| (file.path.clone(), file.sha256.clone()))
        .collect::<BTreeMap<_, _>>();
    let sw = fill(&sw, &[("build", &build), ("files", &serde_json::to_string_pretty(&precache)?)])?;
    writer.file("/sw.js", sw.as_bytes(), false, false)?;

    let site = Site { build, inputs, boot, style, app_js, app_wasm, files: writer.files };
    let mut json = serde_json::to_vec_pretty(&site)?;
    json.push(b'\n');
    fs::write(Path::new(BUILDING).join("build.json"), json)?;

    // A reader finds the old site or the new one, never a mixture.
    fs::remove_dir_all(SITE).ok();
    fs::rename(BUILDING, SITE)?;
    println!("built {SITE} in {:.1} s", started.elapsed().as_secs_f32());
    Ok(site)
}

/// `target/bare-phone`: the phone's adapters without screens, built as the app is, for a bench to drive.
pub fn build_bare_phone() -> Result<()> {
    cargo_build(&["--example", "phone_bench"])?;
    fs::remove_dir_all(BARE_PHONE).ok();
    run_bindgen(BARE_PHONE_WASM, BARE_PHONE, "phone")
}

fn cargo_build(what: &[&str]) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--package", "app", "--features", "csr"])
        .args(what)
        .args(["--target", machine::WASM_TARGET])
        .args(["--profile", "wasm-release", "--target-dir", "target/wasm"])
        .status()
        .context("cannot run `cargo`")?;
    if !status.success() {
        bail!("the field app does not compile");
    }
    Ok(())
}

fn earlier_build(inputs: &str) -> Option<Site> {
    let json = fs::read(Path::new(SITE).join("build.json")).ok()?;
    let site: Site = serde_json::from_slice(&json).ok()?;
    (site.inputs == inputs).then_some(site)
}

fn hash_inputs(wasm: &[u8], public: &BTreeMap<String, Vec<u8>>, style: &[u8]) -> String {
    let mut hash = Sha256::new();
    // How the site is built is an input too.
    hash.update(include_bytes!("site.rs"));
    for bytes in [wasm, style] {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    for (name, bytes) in public {
        hash.update(name);
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

fn read_public() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    read_folder(Path::new("public"), "", &mut files)?;
    Ok(files)
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

struct Glue {
    js: Vec<u8>,
    wasm: Vec<u8>,
    snippets: BTreeMap<String, Vec<u8>>,
}

/// No `wasm-opt` after it: measured on the whole app, `-Oz` takes a sixth from the wasm and adds a tenth to its brotli
/// form, which is what a phone pays for.
fn bindgen() -> Result<Glue> {
    fs::remove_dir_all(BINDGEN).ok();
    run_bindgen(WASM, BINDGEN, "app")?;
    let folder = Path::new(BINDGEN);
    let wasm = folder.join("app_bg.wasm");
    let mut snippets = BTreeMap::new();
    let snippet_folder = folder.join("snippets");
    if snippet_folder.is_dir() {
        read_folder(&snippet_folder, "snippets/", &mut snippets)?;
    }
    Ok(Glue { js: fs::read(folder.join("app.js"))?, wasm: fs::read(wasm)?, snippets })
}

fn run_bindgen(wasm: &str, folder: &str, name: &str) -> Result<()> {
    wasm_bindgen_cli::wasm_bindgen::run_cli_with_args([
        "wasm-bindgen",
        wasm,
        "--target",
        "web",
        "--out-dir",
        folder,
        "--out-name",
        name,
        "--no-typescript",
        "--omit-default-module-path",
        "--remove-name-section",
        "--remove-producers-section",
    ])
    .context("wasm-bindgen failed")
}

#[derive(Default)]
struct Writer {
    files: Vec<SiteFile>,
}

impl Writer {
    /// Writes under `/pkg/` with the hash in the name and returns the path.
    fn hashed(&mut self, stem: &str, kind: &str, bytes: &[u8], precached: bool) -> Result<String> {
        let hash = hex(&Sha256::digest(bytes));
        let path = format!("/pkg/{stem}.{}.{kind}", &hash[..16]);
        self.file(&path, bytes, true, precached)?;
        Ok(path)
    }

    fn file(&mut self, path: &str, bytes: &[u8], immutable: bool, precached: bool) -> Result<()> {
        let to = Path::new(BUILDING).join(path.trim_start_matches('/'));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, bytes)?;
        let (mut brotli_bytes, mut gzip_bytes) = (None, None);
        if !is_compressed(path) {
            brotli_bytes = Some(self.compressed(path, "br", bytes, brotli)?);
            gzip_bytes = Some(self.compressed(path, "gz", bytes, gzip)?);
        }
        self.files.push(SiteFile {
            path: path.to_owned(),
            sha256: hex(&Sha256::digest(bytes)),
            bytes: bytes.len(),
            brotli_bytes,
            gzip_bytes,
            immutable,
            precached,
        });
        Ok(())
    }

    fn compressed(
        &self,
        path: &str,
        kind: &str,
        bytes: &[u8],
        compress: fn(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<usize> {
        let name = format!("{}.{kind}", path.trim_start_matches('/'));
        let same_bytes = fs::read(Path::new(SITE).join(path.trim_start_matches('/'))).is_ok_and(|old| old == bytes);
        let packed = match fs::read(Path::new(SITE).join(&name)) {
            Ok(earlier) if same_bytes => earlier,
            _ => compress(bytes)?,
        };
        fs::write(Path::new(BUILDING).join(name), &packed)?;
        Ok(packed.len())
    }

    fn build(&self, sw: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(sw);
        for file in self.files.iter().filter(|file| file.precached) {
            hash.update(&file.path);
            hash.update(&file.sha256);
        }
        hex(&hash.finalize())[..16].to_owned()
    }
}

/// Replaces each `{{name}}`; a name left over would reach a phone, so it is an error.
fn fill(template: &[u8], values: &[(&str, &str)]) -> Result<String> {
    let mut text = String::from_utf8(template.to_vec()).context("a template is not UTF-8")?;
    for (name, value) in values {
        let hole = format!("{{{{{name}}}}}");
        if !text.contains(&hole) {
            bail!("a template has no {hole}");
        }
        text = text.replace(&hole, value);
    }
    if text.contains("{{") {
        bail!("a template has a {{{{name}}}} that nobody fills");
    }
    Ok(text)
}

fn is_compressed(path: &str) -> bool {
    path.ends_with(".png") || path.ends_with(".webp")
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 1 << 16, 11, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_gets_its_values() {
        let filled = fill(b"load('{{app.js}}')", &[("app.js", "/pkg/app.1.js")]).unwrap();
        assert_eq!(filled, "load('/pkg/app.1.js')");
    }

    #[test]
    fn a_template_with_a_hole_left_over_is_an_error() {
        assert!(fill(b"{{a}} {{b}}", &[("a", "1")]).is_err());
        assert!(fill(b"nothing", &[("a", "1")]).is_err());
    }

    #[test]
    fn brotli_is_read_back_as_it_was() {
        let bytes = b"Ban May ".repeat(500);
        let packed = brotli(&bytes).unwrap();
        assert!(packed.len() < 100);
        let mut read_back = Vec::new();
        brotli::BrotliDecompress(&mut packed.as_slice(), &mut read_back).unwrap();
        assert_eq!(read_back, bytes);
    }
}
