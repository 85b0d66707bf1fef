//! Who works in the demo, where, and who may see what, written down a second time by hand: the judge must not ask the
//! rules it judges.

/// Places and what lies above them.
const PLACES: [(&str, &str); 13] = [
    ("lh", ""),
    ("lh-ban-may", "lh"),
    ("lh-ban-may-na-thong", "lh-ban-may"),
    ("lh-ban-may-khuoi-slao", "lh-ban-may"),
    ("lh-ban-may-pac-luong", "lh-ban-may"),
    ("lh-ban-may-co-pheng", "lh-ban-may"),
    ("lh-na-sam-thuong", "lh"),
    ("lh-na-sam-khuoi-slao", "lh-na-sam-thuong"),
    ("lh-na-sam-keo-co", "lh-na-sam-thuong"),
    ("lh-na-sam-na-lau", "lh-na-sam-thuong"),
    ("lh-pho-ngoai", "lh"),
    ("lh-pho-ngoai-ban-lung", "lh-pho-ngoai"),
    ("lh-pho-ngoai-khoi-1", "lh-pho-ngoai"),
];

/// Who is named on a restricted case of a commune.
const OFFICERS: [(&str, &[&str]); 3] =
    [("lh-ban-may", &["hanh", "kien"]), ("lh-na-sam-thuong", &["toan"]), ("lh-pho-ngoai", &["so"])];

/// The facility of `thanh`.
pub const FACILITY: &str = "0190a000-0000-7000-8000-000200000001";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Collaborator,
    Outreach,
    Supervisor,
    Intake,
    Viewer,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Person {
    pub user_name: &'static str,
    pub work: Work,
    pub areas: &'static [&'static str],
    /// How many phones they carry here at once.
    pub phones: usize,
}

const fn person(user_name: &'static str, work: Work, areas: &'static [&'static str], phones: usize) -> Person {
    Person { user_name, work, areas, phones }
}

pub const PEOPLE: [Person; 14] = [
    person("lan", Work::Collaborator, &["lh-ban-may-na-thong", "lh-ban-may-khuoi-slao"], 2),
    person("diep", Work::Collaborator, &["lh-ban-may-pac-luong", "lh-ban-may-co-pheng"], 2),
    person("tuyen", Work::Collaborator, &["lh-na-sam-khuoi-slao", "lh-na-sam-keo-co"], 1),
    person("nhung", Work::Collaborator, &["lh-na-sam-na-lau"], 1),
    person("loan", Work::Collaborator, &["lh-pho-ngoai-ban-lung", "lh-pho-ngoai-khoi-1"], 1),
    person("quan", Work::Outreach, &["lh-ban-may", "lh-na-sam-thuong"], 2),
    person("mai", Work::Outreach, &["lh-ban-may", "lh-na-sam-thuong"], 1),
    person("hanh", Work::Supervisor, &["lh-ban-may"], 2),
    person("kien", Work::Supervisor, &["lh-ban-may"], 1),
    person("toan", Work::Supervisor, &["lh-na-sam-thuong"], 1),
    person("so", Work::Supervisor, &["lh"], 1),
    person("thanh", Work::Intake, &[], 2),
    person("ha", Work::Viewer, &["lh"], 1),
    person("hoa", Work::Intake, &[], 1),
];

impl Person {
    pub fn is_field_worker(&self) -> bool {
        matches!(self.work, Work::Collaborator | Work::Outreach | Work::Supervisor)
    }

    /// Whether a case handled in `place`, which nobody has restricted, is theirs to see.
    pub fn covers(&self, place: &str) -> bool {
        self.is_field_worker() && lies_in(place, self.areas)
    }
}

/// Whether `place` is one of `areas` or lies below one.
pub fn lies_in(place: &str, areas: &[&str]) -> bool {
    let mut at = place;
    while !at.is_empty() {
        if areas.contains(&at) {
            return true;
        }
        at = above(at);
    }
    false
}

fn above(place: &str) -> &'static str {
    PLACES.iter().find(|(id, _)| *id == place).map_or("", |(_, parent)| parent)
}

/// The commune in whose log a case that is opened in `village` lives for ever.
pub fn log_of(village: &str) -> String {
    format!("place:{}", above(village))
}

pub fn officers_of(place: &str) -> &'static [&'static str] {
    let commune = above(place);
    OFFICERS.iter().find(|(of, _)| *of == commune).map_or(&[], |(_, officers)| officers)
}

/// All villages.
pub fn villages() -> Vec<&'static str> {
    PLACES.iter().filter(|(_, parent)| !matches!(*parent, "" | "lh")).map(|(id, _)| *id).collect()
}
