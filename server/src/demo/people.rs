//! The demo's places and people: a fictional province, who works there, and whom to call.

use anyhow::{Context, Result};
use domain::{
    Address, Day, EmergencyNumber, FacilityId, Grant, PersonName, Phone, Place, PlaceId, PlaceKind, Role, WorkerId,
};
use uuid::Uuid;

pub const PROVINCE: &str = "lh";
pub const BAN_MAY: &str = "lh-ban-may";
pub const NA_THONG: &str = "lh-ban-may-na-thong";
pub const KHUOI_SLAO: &str = "lh-ban-may-khuoi-slao";
pub const PAC_LUONG: &str = "lh-ban-may-pac-luong";
pub const CO_PHENG: &str = "lh-ban-may-co-pheng";
pub const NA_SAM: &str = "lh-na-sam-thuong";
pub const KHUOI_SLAO_NS: &str = "lh-na-sam-khuoi-slao";
pub const KEO_CO: &str = "lh-na-sam-keo-co";
pub const NA_LAU: &str = "lh-na-sam-na-lau";
pub const PHO_NGOAI: &str = "lh-pho-ngoai";
pub const BAN_LUNG: &str = "lh-pho-ngoai-ban-lung";
pub const KHOI_1: &str = "lh-pho-ngoai-khoi-1";

const PLACES: [(&str, &str, PlaceKind, &str); 13] = [
    (PROVINCE, "Tỉnh Lạng Hoa", PlaceKind::Province, ""),
    (BAN_MAY, "Xã Bản Mây", PlaceKind::Commune, PROVINCE),
    (NA_THONG, "Nà Thông", PlaceKind::Village, BAN_MAY),
    (KHUOI_SLAO, "Khuổi Slao", PlaceKind::Village, BAN_MAY),
    (PAC_LUONG, "Pác Luống", PlaceKind::Village, BAN_MAY),
    (CO_PHENG, "Cò Phẻng", PlaceKind::Village, BAN_MAY),
    (NA_SAM, "Xã Nà Sầm Thượng", PlaceKind::Commune, PROVINCE),
    (KHUOI_SLAO_NS, "Khuổi Slao Thượng", PlaceKind::Village, NA_SAM),
    (KEO_CO, "Kéo Cọ", PlaceKind::Village, NA_SAM),
    (NA_LAU, "Nà Lầu", PlaceKind::Village, NA_SAM),
    (PHO_NGOAI, "Phường Phố Ngoại", PlaceKind::Ward, PROVINCE),
    (BAN_LUNG, "Bản Lùng", PlaceKind::Village, PHO_NGOAI),
    (KHOI_1, "Khối 1", PlaceKind::Village, PHO_NGOAI),
];

/// The names by which the tables of `server/data` call the communes.
const COMMUNES: [(&str, &str); 3] = [("Bản Mây", BAN_MAY), ("Nà Sầm Thượng", NA_SAM), ("Phố Ngoại", PHO_NGOAI)];

pub fn places() -> Result<Vec<Place>> {
    PLACES
        .iter()
        .map(|(id, name, kind, parent)| {
            Ok(Place {
                id: id.parse()?,
                name: (*name).to_owned(),
                kind: *kind,
                parent: if parent.is_empty() { None } else { Some(parent.parse()?) },
                valid_from: Day::of(2025, 7, 1).context("a day of the calendar")?,
                valid_to: None,
                successor: None,
                old_names: vec![],
                former_parents: vec![],
                latitude_e6: None,
                longitude_e6: None,
            })
        })
        .collect()
}

/// Somebody who works here. Devices are numbered: two people of one number share a phone.
#[derive(Debug)]
pub struct Person {
    pub user_name: &'static str,
    name: &'static str,
    address: Address,
    phone: &'static str,
    at: &'static [(Role, &'static str)],
    /// Code of the facility whose inbox is theirs.
    facility: &'static str,
    /// What `serve --demo` says of them; empty: they are not named there.
    pub said: &'static str,
}

const fn person(
    user_name: &'static str,
    name: &'static str,
    address: Address,
    phone: &'static str,
    at: &'static [(Role, &'static str)],
    said: &'static str,
) -> Person {
    Person { user_name, name, address, phone, at, facility: "", said }
}

const fn intake(
    user_name: &'static str,
    name: &'static str,
    address: Address,
    facility: &'static str,
    said: &'static str,
) -> Person {
    Person { user_name, name, address, phone: "", at: &[], facility, said }
}

use Address::{Anh, Chi};
use Role::{Admin, Collaborator, Outreach, Supervisor, Viewer};

pub const PEOPLE: [Person; 24] = [
    person(
        "lan",
        "Nông Thị Lan",
        Chi,
        "0900000001",
        &[(Collaborator, NA_THONG), (Collaborator, KHUOI_SLAO)],
        "cộng tác viên, Nà Thông và Khuổi Slao, xã Bản Mây",
    ),
    person(
        "diep",
        "Hứa Thị Bích Diệp",
        Chi,
        "0900000002",
        &[(Collaborator, PAC_LUONG), (Collaborator, CO_PHENG)],
        "cộng tác viên, Pác Luống và Cò Phẻng, dùng chung máy với chị Lan",
    ),
    person(
        "tuyen",
        "Hoàng Văn Tuyến",
        Anh,
        "0900000003",
        &[(Collaborator, KHUOI_SLAO_NS), (Collaborator, KEO_CO)],
        "cộng tác viên, xã Nà Sầm Thượng",
    ),
    person("nhung", "Đàm Thị Hồng Nhung", Chi, "0900000004", &[(Collaborator, NA_LAU)], ""),
    person(
        "loan",
        "Nguyễn Hoàng Thị Thúy Loan",
        Chi,
        "0900000005",
        &[(Collaborator, BAN_LUNG), (Collaborator, KHOI_1)],
        "cộng tác viên, phường Phố Ngoại",
    ),
    person(
        "quan",
        "Hà Minh Quân",
        Anh,
        "0900000006",
        &[(Outreach, BAN_MAY), (Outreach, NA_SAM)],
        "đội công tác xã hội lưu động",
    ),
    person(
        "mai",
        "Phạm Thị Tuyết Mai",
        Chi,
        "0900000007",
        &[(Outreach, BAN_MAY), (Outreach, NA_SAM)],
        "đội công tác xã hội lưu động",
    ),
    person(
        "hanh",
        "Vi Thị Hạnh",
        Chi,
        "0900000013",
        &[(Supervisor, BAN_MAY)],
        "người phê duyệt, xã Bản Mây; phụ trách hồ sơ hạn chế",
    ),
    person(
        "kien",
        "Dương Văn Kiên",
        Anh,
        "0900000016",
        &[(Supervisor, BAN_MAY)],
        "phó phụ trách hồ sơ hạn chế, xã Bản Mây",
    ),
    person("toan", "Lăng Văn Toàn", Anh, "0900000023", &[(Supervisor, NA_SAM)], "người phê duyệt, xã Nà Sầm Thượng"),
    person(
        "so",
        "Trần Thị Minh Nguyệt",
        Chi,
        "0900000051",
        &[(Supervisor, PROVINCE)],
        "người phê duyệt của Sở, cả tỉnh",
    ),
    intake("thanh", "Lương Văn Thành", Anh, "DF01", "nơi tiếp nhận: Cơ sở trợ giúp xã hội tổng hợp Lạng Hoa"),
    intake("huong", "Lê Thị Thu Hương", Chi, "DF02", ""),
    intake("bao", "Đỗ Quốc Bảo", Anh, "DF03", ""),
    intake("tam", "Triệu Thị Tâm", Chi, "DF04", ""),
    intake("phuc", "Phan Hồng Phúc", Anh, "DF05", ""),
    intake("hoa", "Vũ Thị Kim Hoa", Chi, "DF06", "nơi tiếp nhận: Làng trẻ em Lạng Hoa"),
    intake("chinh", "Nguyễn Đức Chính", Anh, "DF07", ""),
    intake("dung", "Bùi Thị Phương Dung", Chi, "DF08", ""),
    intake("viet", "Ngô Quốc Việt", Anh, "DF09", ""),
    intake("khoi", "Lâm Đăng Khôi", Anh, "DF10", ""),
    intake("yen", "Lò Thị Hải Yến", Chi, "DF11", ""),
    person("ha", "Đặng Thu Hà", Chi, "0900000061", &[(Viewer, PROVINCE)], "lãnh đạo, chỉ xem số"),
    person("admin", "Nguyễn Quốc Trung", Anh, "0900000071", &[(Admin, PROVINCE)], "quản trị"),
];

/// Officer and deputy for restricted cases; a commune without is served by the province.
pub const OFFICERS: [(&str, &[&str]); 3] = [(BAN_MAY, &["hanh", "kien"]), (NA_SAM, &["toan"]), (PROVINCE, &["so"])];

/// Who is told of an emergency that nobody has looked at, one after the other; then the department.
pub const ON_DUTY: [(&str, &[&str]); 2] = [(BAN_MAY, &["kien", "hanh"]), (PROVINCE, &["so"])];

impl Person {
    pub fn worker(&self) -> Result<domain::Worker> {
        let mut grants =
            self.at.iter().map(|(role, area)| Ok(Grant::area(*role, area.parse()?))).collect::<Result<Vec<_>>>()?;
        if !self.facility.is_empty() {
            grants.push(Grant::facility(facility(self.facility)?));
        }
        Ok(domain::Worker {
            id: worker(self.user_name)?,
            name: PersonName::parse(self.name)?,
            address: self.address,
            phone: if self.phone.is_empty() { None } else { Some(Phone::parse(self.phone)?) },
            grants,
        })
    }
}

/// The id of somebody by user name: the same in every demo.
pub fn worker(user_name: &str) -> Result<WorkerId> {
    let n = PEOPLE.iter().position(|p| p.user_name == user_name).with_context(|| format!("nobody is {user_name}"))?;
    Ok(WorkerId(id(1, n)?))
}

/// The id of a facility by its code `DF01` to `DF11`: the same in every demo.
pub fn facility(code: &str) -> Result<FacilityId> {
    let n: usize = code.trim_start_matches("DF").parse().with_context(|| format!("no facility is {code}"))?;
    Ok(FacilityId(id(2, n)?))
}

/// Who answers for a facility.
pub fn intake_of(code: &str) -> Result<&'static str> {
    PEOPLE
        .iter()
        .find(|p| p.facility == code)
        .map(|p| p.user_name)
        .with_context(|| format!("nobody answers for {code}"))
}

/// A number as an id in the form of UUIDv7.
pub fn id(kind: u8, n: usize) -> Result<Uuid> {
    let n = u16::try_from(n)?;
    Ok(Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0000 | u128::from(kind) << 32 | u128::from(n)))
}

pub fn commune(name: &str) -> Result<PlaceId> {
    let (_, id) = COMMUNES.iter().find(|(n, _)| *n == name).with_context(|| format!("no commune is {name}"))?;
    Ok(id.parse()?)
}

pub fn numbers() -> Result<Vec<EmergencyNumber>> {
    let mut reader = csv::Reader::from_reader(include_str!("../../data/emergency_numbers.csv").as_bytes());
    let mut numbers = Vec::new();
    for row in reader.deserialize::<(String, u32, String, String, String)>() {
        let (place, _, kind, name, phone) = row?;
        let commune = if place == "*" { None } else { Some(commune(&place)?) };
        let phone = Phone::parse_service(&phone).with_context(|| format!("the number of {name}"))?;
        numbers.push(EmergencyNumber { commune, kind, name, phone });
    }
    Ok(numbers)
}
