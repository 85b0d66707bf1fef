//! Turns the reference tables of `data/` into constants, so that neither the phone nor the server parses them at run time.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=data");
    let mut out = String::new();
    table(&mut out, "group_tiles", "TILES", "TileRow", |row, cell| {
        Ok(format!(
            "TileRow {{ code: {:?}, name: Bilingual {{ vi: {:?}, en: {:?} }}, restricted: {} }}",
            cell(row, "code")?,
            cell(row, "name_vi")?,
            cell(row, "name_en")?,
            cell(row, "restricted_default")? == "yes"
        ))
    })?;
    table(&mut out, "beneficiary_groups", "GROUPS", "GroupRow", |row, cell| {
        Ok(format!(
            "GroupRow {{ code: {:?}, name: Bilingual {{ vi: {:?}, en: {:?} }}, tile: {:?}, restricted: {}, child_only: {} }}",
            cell(row, "code")?,
            cell(row, "name_vi")?,
            cell(row, "name_en")?,
            cell(row, "tile")?,
            cell(row, "restricted_default")? == "yes",
            cell(row, "child_only")? == "yes"
        ))
    })?;
    table(&mut out, "services", "SERVICES", "ServiceRow", |row, cell| {
        Ok(format!(
            "ServiceRow {{ code: {:?}, name: Bilingual {{ vi: {:?}, en: {:?} }}, referral_kind: {:?} }}",
            cell(row, "code")?,
            cell(row, "name_vi")?,
            cell(row, "name_en")?,
            cell(row, "referral_kind")?
        ))
    })?;
    table(&mut out, "closure_reasons", "CLOSURE_REASONS", "NamedRow", named)?;
    table(&mut out, "approval_steps", "APPROVAL_STEPS", "StepRow", |row, cell| {
        let limit = cell(row, "time_limit")?;
        let limit = if limit.is_empty() { "None".to_owned() } else { format!("Some({})", limit.parse::<u16>()?) };
        let (year, month, day) = day(&cell(row, "valid_from")?)?;
        Ok(format!(
            "StepRow {{ kind: {:?}, step: {}, level: {:?}, action: {:?}, time_limit: {limit}, unit: {:?}, valid_from: ({year}, {month}, {day}) }}",
            cell(row, "referral_kind")?,
            cell(row, "step")?.parse::<u8>()?,
            cell(row, "level")?,
            cell(row, "action")?,
            cell(row, "unit")?
        ))
    })?;
    table(&mut out, "holidays", "HOLIDAYS", "(i32, u32, u32)", |row, cell| {
        let (year, month, day) = day(&cell(row, "date")?)?;
        Ok(format!("({year}, {month}, {day})"))
    })?;
    table(&mut out, "ethnic_groups", "ETHNIC_GROUPS", "(u8, Bilingual)", |row, cell| {
        Ok(format!(
            "({}, Bilingual {{ vi: {:?}, en: {:?} }})",
            cell(row, "code")?.parse::<u8>()?,
            cell(row, "name_vi")?,
            cell(row, "name_en")?
        ))
    })?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("catalogue.rs"), out)?;
    Ok(())
}

type Cells<'a> = &'a dyn Fn(&csv::StringRecord, &str) -> Result<String, Box<dyn Error>>;

fn table(
    out: &mut String,
    file: &str,
    name: &str,
    row_type: &str,
    row: impl Fn(&csv::StringRecord, Cells<'_>) -> Result<String, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let path = format!("data/{file}.csv");
    let mut reader = csv::Reader::from_path(&path)?;
    let headers = reader.headers()?.clone();
    let cell = |record: &csv::StringRecord, column: &str| -> Result<String, Box<dyn Error>> {
        let at = headers.iter().position(|h| h == column).ok_or_else(|| format!("{path}: no column {column}"))?;
        Ok(record.get(at).ok_or_else(|| format!("{path}: short row"))?.trim().to_owned())
    };
    writeln!(out, "/// Rows of `{path}`.\npub const {name}: &[{row_type}] = &[")?;
    for record in reader.records() {
        writeln!(out, "    {},", row(&record?, &cell)?)?;
    }
    writeln!(out, "];")?;
    Ok(())
}

fn named(row: &csv::StringRecord, cell: Cells<'_>) -> Result<String, Box<dyn Error>> {
    Ok(format!(
        "NamedRow {{ code: {:?}, name: Bilingual {{ vi: {:?}, en: {:?} }} }}",
        cell(row, "code")?,
        cell(row, "name_vi")?,
        cell(row, "name_en")?
    ))
}

fn day(text: &str) -> Result<(i32, u32, u32), Box<dyn Error>> {
    let mut parts = text.split('-');
    let mut next = || parts.next().ok_or("a date is YYYY-MM-DD");
    Ok((next()?.parse()?, next()?.parse()?, next()?.parse()?))
}
