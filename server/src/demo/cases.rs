//! Forty plain cases over a year: who they are, what happened, and how far each has come.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use domain::{
    Act, CaseStatus, Fact, Level, PartialDate, PersonName, Receiver, ReferralKind, Sex, ShareItem, Side, Tile, Urgency,
};

use super::people::{
    BAN_LUNG, BAN_MAY, CO_PHENG, KEO_CO, KHOI_1, KHUOI_SLAO, KHUOI_SLAO_NS, NA_LAU, NA_SAM, NA_THONG, PAC_LUONG,
    PHO_NGOAI, facility,
};
use super::story::{Case, Story, days};

pub const ALL: [ShareItem; 6] = ShareItem::ALL;
pub const DESK: Side = Side::Supervisor(Level::Commune);
pub const PROVINCE_DESK: Side = Side::Supervisor(Level::Province);

/// How far a case has come.
#[derive(Clone, Copy)]
enum Path {
    New,
    NotAsked,
    /// Visited; the next visit in so many days, negative: overdue.
    Visited(i64),
    Active(i64),
    Monitoring(i64),
    Closed,
    /// A task for the village, due in so many days.
    Task(i64),
    /// Papers and allowances, at the commune's desk.
    Policy,
    PolicyWaits,
    /// Health, with the hospital's room.
    HealthDone,
    HealthWaits,
    Job,
    HomeCare,
    DayCare,
    /// A place for good: at the commune, at the province, at the receiver, received.
    AdmissionAtCommune,
    AdmissionForwarded,
    AdmissionReceived,
    /// Refused by the commune with a reason.
    Refused,
    Cancelled,
    /// The outreach team was asked to come.
    TeamAsked,
}

use Path::{
    Active, AdmissionAtCommune, AdmissionForwarded, AdmissionReceived, Cancelled, Closed, DayCare, HealthDone,
    HealthWaits, HomeCare, Job, Monitoring, New, NotAsked, Policy, PolicyWaits, Refused, Task, TeamAsked, Visited,
};

struct Row(
    /// Full name.
    &'static str,
    Sex,
    /// Year of birth.
    u16,
    /// Village.
    &'static str,
    Tile,
    /// Group, chosen by the desk; empty while it is not.
    &'static str,
    /// Days ago.
    i64,
    Urgency,
    Path,
    /// What happened.
    &'static str,
);

use Sex::{Female, Male};
use Tile::{Child, Disability, Elderly, Illness, Other, Poverty};
use Urgency::{Normal, Urgent};

const ROWS: [Row; 40] = [
    Row(
        "Nông Văn Sliểng",
        Male,
        1947,
        NA_THONG,
        Elderly,
        "elderly_alone_poor",
        352,
        Normal,
        Monitoring(2),
        "Cụ sống một mình, vợ mất năm ngoái, mắt kém, đi lại phải chống gậy. Hàng xóm nấu cơm giúp.",
    ),
    Row(
        "Hoàng Thị Slao",
        Female,
        1951,
        KHUOI_SLAO,
        Elderly,
        "elderly_social_pension",
        341,
        Normal,
        Policy,
        "Bà đủ 75 tuổi, chưa có trợ cấp hưu trí xã hội, giấy tờ ghi sai năm sinh.",
    ),
    Row(
        "Lý Thị Mẩy",
        Female,
        1988,
        NA_THONG,
        Poverty,
        "single_parent_poor",
        333,
        Normal,
        Active(9),
        "Chị một mình nuôi ba con nhỏ, hộ nghèo, làm thuê theo mùa.",
    ),
    Row(
        "Triệu Văn Sính",
        Male,
        1980,
        NA_THONG,
        Illness,
        "",
        4,
        Normal,
        NotAsked,
        "Anh ho kéo dài, gầy, bỏ việc ở xưởng gỗ về nhà đã hai tháng.",
    ),
    Row(
        "Đặng Mùi Pham",
        Female,
        1995,
        KHUOI_SLAO,
        Illness,
        "pregnant_hardship",
        61,
        Urgent,
        HealthDone,
        "Chị mang thai tháng thứ tám, nhà cách trạm y tế 14 km, chưa khám thai lần nào.",
    ),
    Row(
        "Nông Thị Hồng Thắm",
        Female,
        2013,
        NA_THONG,
        Child,
        "child_serious_illness",
        288,
        Normal,
        Active(-3),
        "Cháu bị tim bẩm sinh, hộ cận nghèo, cần đi khám lại ở tỉnh ba tháng một lần.",
    ),
    Row(
        "Lương Văn Chảo",
        Male,
        1969,
        NA_THONG,
        Disability,
        "disability_severe",
        270,
        Normal,
        Monitoring(12),
        "Chú liệt hai chân do tai nạn đường rừng, vợ chăm sóc, cần xe lăn.",
    ),
    Row(
        "Vy Thị Nguyệt",
        Female,
        1944,
        KHUOI_SLAO,
        Elderly,
        "elderly_alone",
        19,
        Normal,
        AdmissionAtCommune,
        "Cụ không còn con cháu, nhà dột, trưởng thôn và họ hàng xin cho cụ vào nơi chăm sóc.",
    ),
    Row(
        "Hoàng Văn Dính",
        Male,
        2001,
        KHUOI_SLAO,
        Disability,
        "mental_illness",
        205,
        Normal,
        Active(-1),
        "Anh hay bỏ nhà đi, mẹ già không trông được, đã khám nhưng không uống thuốc đều.",
    ),
    Row(
        "Nông Minh Khuê",
        Male,
        2019,
        NA_THONG,
        Child,
        "child_under3_poor",
        120,
        Normal,
        Closed,
        "Cháu suy dinh dưỡng, mẹ đi làm xa, ở với bà nội.",
    ),
    Row(
        "Lục Thị Xuân",
        Female,
        1976,
        NA_THONG,
        Poverty,
        "disaster",
        97,
        Urgent,
        Policy,
        "Nhà bị lở đất tốc mái trong trận mưa đầu tháng, cả nhà năm người ở nhờ.",
    ),
    Row(
        "Hà Thị Ngọc Diễm",
        Female,
        2009,
        KHUOI_SLAO,
        Child,
        "child_working",
        83,
        Normal,
        Visited(6),
        "Em bỏ học lớp 10 đi làm quán ăn ở thị trấn, muốn học nghề tóc.",
    ),
    Row(
        "Chu Văn Páo",
        Male,
        1958,
        PAC_LUONG,
        Elderly,
        "elderly_alone_poor",
        310,
        Normal,
        Monitoring(-6),
        "Ông sống một mình ở lán nương, đau khớp, không có thẻ bảo hiểm y tế.",
    ),
    Row(
        "Hứa Thị Sáy",
        Female,
        1963,
        PAC_LUONG,
        Disability,
        "disability_mild",
        254,
        Normal,
        Closed,
        "Cô nghe kém, cần máy trợ thính, con trai xin giúp làm hồ sơ.",
    ),
    Row(
        "Bàn Thị Mai",
        Female,
        1999,
        CO_PHENG,
        Poverty,
        "single_parent_poor",
        178,
        Normal,
        Active(4),
        "Chị sinh con một mình, bố mẹ đẻ nghèo, chưa làm giấy khai sinh cho con.",
    ),
    Row(
        "Hứa Quang Huy",
        Male,
        2016,
        PAC_LUONG,
        Child,
        "orphan",
        140,
        Normal,
        Policy,
        "Cháu mồ côi bố, mẹ đi lấy chồng xa, ở với ông bà ngoại.",
    ),
    Row(
        "Lộc Thị Biên",
        Female,
        1949,
        CO_PHENG,
        Elderly,
        "elderly_alone",
        46,
        Normal,
        HomeCare,
        "Cụ ở một mình ban ngày, con đi làm xưởng, hay quên bếp lửa.",
    ),
    Row(
        "Đinh Văn Khẩn",
        Male,
        1991,
        PAC_LUONG,
        Illness,
        "",
        12,
        Normal,
        Task(1),
        "Anh vừa ra viện sau tai nạn xe máy, mất việc, vợ mới sinh.",
    ),
    Row(
        "Nguyễn Thị Bích Liên",
        Female,
        1972,
        CO_PHENG,
        Other,
        "",
        29,
        Normal,
        TeamAsked,
        "Cô muốn được hướng dẫn thủ tục nhận con nuôi là cháu họ, giấy tờ thất lạc.",
    ),
    Row(
        "Sầm Văn Lẩu",
        Male,
        1985,
        PAC_LUONG,
        Illness,
        "hospital_hardship",
        8,
        Urgent,
        HealthWaits,
        "Anh chạy thận ở tỉnh mỗi tuần ba lần, không còn tiền đi xe.",
    ),
    Row(
        "Hoàng Thị Kim Oanh",
        Female,
        1954,
        KHUOI_SLAO_NS,
        Elderly,
        "elderly_community_care",
        326,
        Normal,
        Monitoring(15),
        "Bà được cháu họ nhận chăm sóc, cần xét hỗ trợ người nhận chăm sóc.",
    ),
    Row(
        "Nông Đức Toại",
        Male,
        2007,
        KHUOI_SLAO_NS,
        Other,
        "",
        232,
        Normal,
        Job,
        "Em học xong lớp 12, muốn tìm việc gần nhà để chăm mẹ ốm.",
    ),
    Row(
        "Lăng Thị Thơm",
        Female,
        1938,
        KEO_CO,
        Elderly,
        "elderly_alone_poor",
        214,
        Normal,
        AdmissionReceived,
        "Cụ không con, ở nhà tình thương đã hỏng, cụ đồng ý vào cơ sở ở Bản Mây.",
    ),
    Row(
        "Vi Văn Thuận",
        Male,
        1997,
        KEO_CO,
        Disability,
        "disability_special",
        199,
        Normal,
        Active(3),
        "Anh bại não, mẹ 60 tuổi chăm một mình, cần phục hồi chức năng tại nhà.",
    ),
    Row(
        "Đàm Văn Chiến",
        Male,
        1966,
        KHUOI_SLAO_NS,
        Poverty,
        "near_poor_household",
        162,
        Normal,
        Closed,
        "Gia đình có người ốm nặng, nợ tiền viện, xin giúp vay vốn chăn nuôi.",
    ),
    Row(
        "Hoàng Bảo Trâm Anh",
        Female,
        2021,
        KEO_CO,
        Child,
        "abandoned_child",
        54,
        Urgent,
        Active(-2),
        "Cháu được hàng xóm trông sau khi mẹ bỏ đi, chưa có giấy khai sinh.",
    ),
    Row(
        "Nông Thị Viềng",
        Female,
        1946,
        KHUOI_SLAO_NS,
        Elderly,
        "elderly_alone",
        23,
        Normal,
        AdmissionForwarded,
        "Cụ ngã gãy tay, các con ở miền Nam, xin vào cơ sở chăm sóc người cao tuổi.",
    ),
    Row(
        "Lý Seo Phà",
        Male,
        1979,
        NA_LAU,
        Poverty,
        "poor_household",
        296,
        Normal,
        Visited(20),
        "Nhà xa đường, hai con bỏ học vụ gặt, thiếu gạo tháng giáp hạt.",
    ),
    Row(
        "Vàng Thị Chở",
        Female,
        2011,
        NA_LAU,
        Child,
        "child_working",
        111,
        Normal,
        Visited(-4),
        "Em ở nhà trông ba em nhỏ, nghỉ học từ đầu năm học.",
    ),
    Row(
        "Thào A Sính",
        Male,
        1990,
        NA_LAU,
        Disability,
        "mental_illness",
        74,
        Normal,
        HealthDone,
        "Anh nghe thấy tiếng nói lạ, không ngủ, gia đình mời thầy cúng, nay đồng ý đi khám.",
    ),
    Row(
        "Lò Thị Nhinh",
        Female,
        1968,
        NA_LAU,
        Illness,
        "hospital_hardship",
        37,
        Normal,
        PolicyWaits,
        "Cô mổ u vú, hộ cận nghèo, xin cấp thẻ bảo hiểm y tế.",
    ),
    Row(
        "Nguyễn Thị Kim Phượng",
        Female,
        1943,
        BAN_LUNG,
        Elderly,
        "elderly_alone",
        247,
        Normal,
        DayCare,
        "Cụ ở với con trai làm ca, ban ngày không ai trông, thích có người trò chuyện.",
    ),
    Row(
        "Trần Đình Lộc",
        Male,
        1961,
        KHOI_1,
        Poverty,
        "",
        188,
        Normal,
        Cancelled,
        "Ông bán vé số, thuê trọ, muốn xin vốn sửa xe.",
    ),
    Row(
        "Phạm Gia Hân",
        Female,
        2014,
        KHOI_1,
        Child,
        "orphan",
        171,
        Normal,
        Active(7),
        "Cháu ở với bà nội, bố mẹ mất vì tai nạn, cần hỗ trợ học phí.",
    ),
    Row(
        "Lê Văn Thịnh",
        Male,
        1982,
        BAN_LUNG,
        Disability,
        "disability_severe",
        133,
        Normal,
        Refused,
        "Anh cụt một tay, xin học nghề sửa điện thoại.",
    ),
    Row(
        "Hoàng Thị Thu Trang",
        Female,
        1993,
        KHOI_1,
        Illness,
        "pregnant_hardship",
        66,
        Normal,
        Visited(5),
        "Chị mang thai tháng thứ năm, bạn trai bỏ đi, gia đình chưa biết.",
    ),
    Row(
        "Đỗ Thị Lan Phương",
        Female,
        1957,
        BAN_LUNG,
        Elderly,
        "elderly_social_pension",
        58,
        Normal,
        Policy,
        "Bà chưa nhận trợ cấp vì chuyển hộ khẩu, giấy xác nhận nơi cũ chưa có.",
    ),
    Row(
        "Mông Văn Hải",
        Male,
        2004,
        KHOI_1,
        Other,
        "",
        33,
        Normal,
        Job,
        "Em nghỉ đại học giữa chừng, cần việc làm và tư vấn tâm lý.",
    ),
    Row(
        "Nông Thị Diệu Linh",
        Female,
        2017,
        NA_THONG,
        Child,
        "",
        2,
        Normal,
        New,
        "Cháu hay đến lớp muộn, áo mỏng, cô giáo nói cháu ở nhà một mình từ chiều.",
    ),
    Row(
        "Vương Thị Hoa",
        Female,
        1940,
        BAN_LUNG,
        Elderly,
        "",
        1,
        Normal,
        New,
        "Cụ mới chuyển về ở với cháu, chưa có giấy tờ tạm trú.",
    ),
];

/// Collaborator and desk of a village.
fn around(village: &str) -> (&'static str, &'static str, &'static str) {
    match village {
        NA_THONG | KHUOI_SLAO => ("lan", "hanh", BAN_MAY),
        PAC_LUONG | CO_PHENG => ("diep", "hanh", BAN_MAY),
        KHUOI_SLAO_NS | KEO_CO => ("tuyen", "toan", NA_SAM),
        NA_LAU => ("nhung", "toan", NA_SAM),
        // The ward has no desk of its own in the demo: the area above decides.
        _ => ("loan", "so", PHO_NGOAI),
    }
}

/// The facts by which most cases are known.
pub fn facts(name: &str, sex: Sex, year: u16, tile: Tile, urgency: Urgency, what: &str) -> Result<Vec<Fact>> {
    Ok(vec![
        Fact::FullName(Some(PersonName::parse(name)?)),
        Fact::Sex(sex),
        Fact::Birth(PartialDate::parse(Some(year), None, None, false)?),
        Fact::Tile(tile),
        Fact::Urgency(urgency),
        Fact::WhatHappened(what.to_owned()),
    ])
}

/// The plain cases by name, for what goes on with them.
pub fn tell(story: &mut Story) -> Result<BTreeMap<&'static str, Case>> {
    (0_i64..).zip(&ROWS).map(|(i, row)| Ok((row.0, one(story, i, row).with_context(|| row.0)?))).collect()
}

fn one(story: &mut Story, i: i64, row: &Row) -> Result<Case> {
    let Row(name, sex, year, village, tile, group, ago, urgency, path, what) = *row;
    let (writer, desk, commune) = around(village);
    let mut facts = facts(name, sex, year, tile, urgency, what)?;
    if matches!(path, NotAsked) {
        facts.push(Fact::Consent(domain::Consent::new(domain::ConsentAnswer::NotAsked)));
    }
    let opened = story.at(days(ago, 9 + i % 8, 2 + i * 5 % 30));
    let mut case = story.open(writer, opened, "", village, facts)?;
    if matches!(path, New | NotAsked) {
        return Ok(case);
    }
    // The desk looks, names the group and the status; half-way between the first note and today at the latest.
    let soon = (ago - 3).max(ago / 2);
    story.on(desk, story.at(days(soon, 8, 0)), &case, domain::Body::Looked)?;
    if !group.is_empty() {
        story.group(desk, story.at(days(soon, 9, 0)), &case, group, &[], true)?;
    }
    story.status(desk, story.at(days(soon, 10, 0)), &mut case, CaseStatus::Screening)?;
    let visited = story.at(days(soon * 3 / 4, 15, 3 + i % 20));
    follow(story, &mut case, path, (writer, desk, village, commune), ago, visited)?;
    if matches!(path, Policy | HealthDone | Job | DayCare | AdmissionReceived) {
        story.status(desk, story.at(days(ago / 7, 10, 0)), &mut case, CaseStatus::Active)?;
    }
    Ok(case)
}

type Around = (&'static str, &'static str, &'static str, &'static str);

const SEEN: [&str; 5] = [
    "Sức khỏe ổn, nhà đã dọn gọn. Còn lo tiền thuốc và việc đi lại.",
    "Gặp cả nhà, đã nói rõ các bước tiếp theo. Gia đình đồng ý phối hợp.",
    "Bếp còn gạo, nước đủ dùng. Đêm lạnh, đã xin thêm chăn của thôn.",
    "Người nhà kể còn khó ngủ, ăn được. Đã nhắc uống thuốc đúng giờ.",
    "Đã xem giấy tờ, còn thiếu bản sao có chứng thực. Hẹn mang sang xã.",
];

fn follow(
    story: &mut Story,
    case: &mut Case,
    path: Path,
    (writer, desk, village, commune): Around,
    ago: i64,
    visited: super::story::When,
) -> Result<()> {
    let seen = SEEN[usize::try_from(ago).unwrap_or(0) % SEEN.len()];
    let last = |story: &Story| story.at(days((ago / 6).clamp(1, 5 + ago % 23), 8 + ago % 9, 4));
    match path {
        New | NotAsked => {}
        Visited(next) => {
            story.visit(writer, visited, case, "Gia đình", seen, Some((next, "Xem lại sức khỏe và việc học")))?
        }
        Active(next) | Monitoring(next) => {
            story.visit(writer, visited, case, "Người được trợ giúp và hàng xóm", seen, None)?;
            story.status(desk, story.at(days(ago / 3, 9, 0)), case, CaseStatus::Assessed)?;
            story.status(desk, story.at(days(ago / 3, 10, 0)), case, CaseStatus::Planned)?;
            story.status(desk, story.at(days(ago / 4, 9, 0)), case, CaseStatus::Active)?;
            if matches!(path, Monitoring(_)) {
                story.status(desk, story.at(days(ago / 5, 9, 0)), case, CaseStatus::Monitoring)?;
            }
            let at = last(story);
            story.visit(writer, at, case, "Người được trợ giúp", SEEN[1], Some((next, "Thăm lại, xem đã đỡ chưa")))?;
        }
        Closed => {
            story.visit(writer, visited, case, "Gia đình", seen, None)?;
            story.status(desk, story.at(days(ago / 3, 9, 0)), case, CaseStatus::Active)?;
            story.visit(
                writer,
                story.at(days(ago / 4, 14, 5)),
                case,
                "Gia đình",
                "Việc đã xong, gia đình tự lo được.",
                None,
            )?;
            story.status(desk, story.at(days(ago / 5, 11, 0)), case, CaseStatus::Closed)?;
        }
        Task(due) => {
            story.visit(writer, visited, case, "Vợ anh ấy", seen, None)?;
            story.task(desk, last(story), case, "Xin giấy ra viện và xác nhận thu nhập của thôn", due, village)?;
        }
        Policy | PolicyWaits => {
            let receiver = Receiver::Desk(commune.parse()?);
            let reason = "Đủ điều kiện theo giấy tờ đã xem, xin xét trợ cấp hằng tháng.";
            let kind = ReferralKind::Policy;
            if matches!(path, PolicyWaits) {
                let at = story.at(days(1, 14, 1));
                story.ask(writer, at, case, kind, "health_insurance", receiver, reason, &ALL)?;
                return Ok(());
            }
            let mut asked = story.ask(writer, visited, case, kind, "allowance", receiver, reason, &ALL)?;
            story.act(desk, story.at(days(ago / 3, 9, 0)), case, &mut asked, DESK, Act::Approve { document: None })?;
            story.act(desk, story.at(days(ago / 4, 9, 0)), case, &mut asked, Side::Receiver, Act::Accept)?;
        }
        HealthDone | HealthWaits => {
            let receiver = Receiver::Facility(facility("DF08")?);
            let reason = "Cần khám và điều trị ở bệnh viện tỉnh, gia đình chưa biết thủ tục.";
            let kind = ReferralKind::Health;
            if matches!(path, HealthWaits) {
                // Received yesterday: the desk has one working day.
                let at = story.at(days(1, 15, 1));
                story.ask(writer, at, case, kind, "health_care", receiver, reason, &ALL)?;
                return Ok(());
            }
            let mut asked = story.ask(writer, visited, case, kind, "health_care", receiver, reason, &ALL)?;
            story.act(desk, story.at(days(ago / 3, 8, 0)), case, &mut asked, DESK, Act::Approve { document: None })?;
            story.act("dung", story.at(days(ago / 4, 9, 0)), case, &mut asked, Side::Receiver, Act::Accept)?;
            let receive = Act::Receive { note: "Đã khám và nhập viện theo dõi.".to_owned(), follow_up: None };
            story.act("dung", story.at(days(ago / 5, 9, 0)), case, &mut asked, Side::Receiver, receive)?;
            let done = Act::Complete {
                outcome: "Ra viện, sức khỏe ổn, tái khám sau một tháng tại trạm y tế xã.".to_owned(),
            };
            story.act("dung", story.at(days(ago / 6, 9, 0)), case, &mut asked, Side::Receiver, done)?;
        }
        Job => {
            let receiver = Receiver::Facility(facility("DF09")?);
            let reason = "Cần việc làm phù hợp gần nhà.";
            let mut asked = story.ask(writer, visited, case, ReferralKind::Job, "job", receiver, reason, &ALL)?;
            story.act(desk, story.at(days(ago / 3, 8, 0)), case, &mut asked, DESK, Act::Approve { document: None })?;
            story.act("viet", story.at(days(ago / 4, 8, 0)), case, &mut asked, Side::Receiver, Act::Accept)?;
        }
        HomeCare | DayCare => {
            let (kind, service, to, intake) = if matches!(path, HomeCare) {
                (ReferralKind::HomeCare, "home_care", "DF02", "huong")
            } else {
                (ReferralKind::DayCare, "day_care", "DF05", "phuc")
            };
            let receiver = Receiver::Facility(facility(to)?);
            let reason = "Ban ngày không có người trông, cụ muốn được chăm sóc thêm.";
            let mut asked = story.ask(writer, visited, case, kind, service, receiver, reason, &ALL)?;
            story.act(desk, story.at(days(ago / 3, 8, 0)), case, &mut asked, DESK, Act::Approve { document: None })?;
            if matches!(path, DayCare) {
                story.act(intake, story.at(days(ago / 4, 8, 0)), case, &mut asked, Side::Receiver, Act::Accept)?;
                let receive = Act::Receive {
                    note: "Đón mỗi sáng từ thứ Hai đến thứ Sáu.".to_owned(), follow_up: None
                };
                story.act(intake, story.at(days(ago / 5, 8, 0)), case, &mut asked, Side::Receiver, receive)?;
            }
        }
        AdmissionAtCommune | AdmissionForwarded | AdmissionReceived => {
            let receiver = Receiver::Facility(facility("DF04")?);
            let reason = "Cụ không còn người chăm sóc, đồng ý vào cơ sở gần nhà.";
            let (kind, service) = (ReferralKind::AdmissionSpecial, "long_term_care");
            if matches!(path, AdmissionAtCommune) {
                let at = story.at(days(8, 10, 2));
                story.ask(writer, at, case, kind, service, receiver, reason, &ALL)?;
                return Ok(());
            }
            let mut asked = story.ask(writer, visited, case, kind, service, receiver, reason, &ALL)?;
            let document = domain::DecisionDocument {
                number: "118/QĐ-UBND".to_owned(),
                on: Some(story.day(ago / 3)),
                signer: "Chủ tịch Ủy ban nhân dân".to_owned(),
            };
            let approve = Act::Approve { document: Some(document) };
            story.act(desk, story.at(days(ago / 3, 8, 0)), case, &mut asked, DESK, approve)?;
            story.act("so", story.at(days(ago / 4, 8, 0)), case, &mut asked, PROVINCE_DESK, Act::Forward)?;
            if matches!(path, AdmissionReceived) {
                story.act("tam", story.at(days(ago / 5, 8, 0)), case, &mut asked, Side::Receiver, Act::Accept)?;
                let receive = Act::Receive {
                    note: "Cụ ở nhà A, phòng 4, cùng hai cụ người Nùng.".to_owned(),
                    follow_up: Some(story.day(-7)),
                };
                story.act("tam", story.at(days(ago / 6, 8, 0)), case, &mut asked, Side::Receiver, receive)?;
            }
        }
        Refused => {
            let receiver = Receiver::Facility(facility("DF07")?);
            let reason = "Muốn học nghề để tự nuôi mình.";
            let mut asked =
                story.ask(writer, visited, case, ReferralKind::Training, "training_other", receiver, reason, &ALL)?;
            let refuse = Act::Refuse {
                reason: "Cơ sở này chỉ nhận trẻ em. Xin chuyển sang Trung tâm Dịch vụ việc làm, có lớp cho người lớn."
                    .to_owned(),
                alternative: Some(Receiver::Facility(facility("DF09")?)),
            };
            story.act(desk, story.at(days(ago / 3, 8, 0)), case, &mut asked, DESK, refuse)?;
        }
        Cancelled => {
            let receiver = Receiver::Facility(facility("DF02")?);
            let reason = "Xin tư vấn và hỗ trợ sinh kế.";
            let mut asked =
                story.ask(writer, visited, case, ReferralKind::Advice, "counselling", receiver, reason, &ALL)?;
            let cancel = Act::Cancel { reason: "Ông đã có việc, không cần nữa.".to_owned() };
            story.act(writer, story.at(days(ago / 3, 8, 1)), case, &mut asked, Side::Writer, cancel)?;
            story.status(desk, story.at(days(ago / 4, 8, 0)), case, CaseStatus::NotEligible)?;
        }
        TeamAsked => {
            let receiver = Receiver::Team(commune.parse()?);
            let reason = "Cần người hiểu thủ tục hộ tịch đến tận nhà.";
            let at = story.at(days(2, 9, 3));
            story.ask(writer, at, case, ReferralKind::OutreachVisit, "outreach_visit", receiver, reason, &ALL)?;
        }
    }
    Ok(())
}
