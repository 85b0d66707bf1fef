//! Writes the lines of the story into the corpus of each target, where libFuzzer begins.

use std::{fs, io, path::Path};

#[path = "../harness.rs"]
mod harness;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let changes = ["envelope", "check_and_apply", "office", "answer"].map(|target| (target, harness::lines()));
    for (target, lines) in changes.into_iter().chain([("letters", harness::letter_lines())]) {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (at, line) in lines.iter().enumerate() {
            fs::write(folder.join(format!("line-{at}")), line)?;
        }
        fs::write(folder.join("story"), lines.join("\n"))?;
    }
    Ok(())
}
