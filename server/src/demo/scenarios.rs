//! The longer stories of the demo, as far as their parts exist: each several people, several months.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use domain::change::ElementEdit;
use domain::{
    Act, Activity, Body, CaseStatus, Confidentiality, Consent, ConsentAnswer, ConsentException, ConsentForm,
    DocumentKind, Fact, Found, Giver, Home, IdentityDocument, Phone, Receiver, ReferralKind, Sex, ShareItem, Side,
    Source, Tile, Told, Urgency,
};

use super::cases::{ALL, DESK, PROVINCE_DESK, facts};
use super::people::{BAN_LUNG, BAN_MAY, CO_PHENG, KHUOI_SLAO_NS, NA_SAM, NA_THONG, PAC_LUONG, facility, worker};
use super::story::{Case, Story, days};

pub fn tell(story: &mut Story) -> Result<()> {
    found_without_a_name(story).context("found without a name")?;
    returned(story).context("returned")?;
    across_the_border(story).context("across the border")?;
    twice_asked(story).context("twice asked")?;
    siblings(story).context("siblings")?;
    sewing(story).context("sewing")?;
    from_the_next_province(story).context("from the next province")?;
    violence_at_home(story).context("violence at home")?;
    a_trip(story).context("a trip")
}

fn emergency_consent() -> Fact {
    Fact::Consent(Consent::new(ConsentAnswer::NotRequired(ConsentException::Emergency)))
}

fn unknown(sex: Sex, age: u8, tile: Tile, what: &str) -> Vec<Fact> {
    vec![
        Fact::FullName(None),
        Fact::Sex(sex),
        Fact::ApproximateAge(age),
        Fact::Tile(tile),
        Fact::Urgency(Urgency::Emergency),
        Fact::WhatHappened(what.to_owned()),
        emergency_consent(),
    ]
}

/// A woman without a name, found in spring, received at once; her papers followed.
fn found_without_a_name(story: &mut Story) -> Result<()> {
    let mut known = unknown(
        Sex::Female,
        70,
        Tile::Wanderer,
        "Bà ngồi ở chợ phiên từ trưa, không nhớ tên, chân sưng, nói tiếng Nùng.",
    );
    let found = story.at(days(205, 17, 5));
    known.push(Fact::Found(Found { place: "Chợ phiên Bản Mây".to_owned(), at: Some(story.recorded(found)) }));
    known.push(Fact::Marks("Vòng bạc ở tay trái, áo chàm vá vai.".to_owned()));
    let mut case = story.open("lan", found, "", NA_THONG, known)?;
    let told = Told {
        whom: "Công an xã Bản Mây".to_owned(),
        phone: Phone::parse("0900000011")?,
        at: story.recorded(found),
        office_at: None,
    };
    story.on("lan", found, &case, Body::Told(told))?;
    let receiver = Receiver::Facility(facility("DF01")?);
    let reason = "Không có nơi ở đêm nay, trời lạnh, cần chăm sóc ngay.";
    let kind = ReferralKind::AdmissionEmergency;
    let mut asked = story.ask("lan", found, &case, kind, "emergency_care", receiver, reason, &[])?;
    story.on("hanh", story.at(days(204, 7, 0)), &case, Body::Looked)?;
    story.act("hanh", story.at(days(204, 7, 0)), &case, &mut asked, DESK, Act::Look)?;
    let receive = Act::Receive { note: "Đón lúc 9 giờ sáng, sức khỏe ổn.".to_owned(), follow_up: None };
    story.act("thanh", story.at(days(204, 9, 0)), &case, &mut asked, Side::Receiver, receive)?;
    story.act("hanh", story.at(days(195, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    story.status("hanh", story.at(days(195, 10, 0)), &mut case, CaseStatus::Active)?;
    story.visit(
        "lan",
        story.at(days(150, 9, 6)),
        &case,
        "Bà và cán bộ cơ sở",
        "Bà nhớ tên thôn cũ là Nà Lọc, đã báo công an.",
        Some((-9, "Hỏi tin tìm người thân")),
    )
}

/// A returned trafficking victim with a child of four: restricted, her village's collaborator sees nothing.
fn returned(story: &mut Story) -> Result<()> {
    let mut known = facts(
        "Lý Mùi Ghển",
        Sex::Female,
        2007,
        Tile::Harm,
        Urgency::Emergency,
        "Được trao trả qua cửa khẩu cùng con gái 4 tuổi, bị đưa đi từ năm 14 tuổi.",
    )?;
    known.extend([
        Fact::Alias("H-07".to_owned()),
        Fact::Confidentiality(Confidentiality::Restricted),
        Fact::Source(Source::BorderHandover),
        Fact::Health("Gầy, mất ngủ; con ho, đã khám.".to_owned()),
        Fact::Household("Một con gái 4 tuổi đi cùng.".to_owned()),
        emergency_consent(),
    ]);
    let opened = story.at(days(12, 8, 0));
    let case = story.open("hanh", opened, "W6KX9H", NA_THONG, known)?;
    let exclude = ElementEdit { saw: vec![], element: worker("lan")?, now: true };
    story.on("hanh", opened, &case, Body::ExcludedEdited(exclude))?;
    let presumed = story.group("hanh", opened, &case, "trafficking_presumed", &[], true)?;
    let receiver = Receiver::Facility(facility("DF01")?);
    let reason = "Hai mẹ con cần nơi ở an toàn ngay trong ngày.";
    let kind = ReferralKind::AdmissionEmergency;
    let mut asked = story.ask("hanh", opened, &case, kind, "emergency_care", receiver, reason, &[])?;
    story.act("kien", story.at(days(12, 9, 0)), &case, &mut asked, DESK, Act::Look)?;
    let receive = Act::Receive { note: "Hai mẹ con ở nhà D, phòng riêng.".to_owned(), follow_up: None };
    story.act("thanh", story.at(days(12, 14, 0)), &case, &mut asked, Side::Receiver, receive)?;
    // The police confirmed.
    story.group("kien", story.at(days(3, 10, 0)), &case, "trafficking_presumed", &[presumed], false)?;
    story.group("kien", story.at(days(3, 10, 0)), &case, "trafficking", &[], true)?;
    Ok(())
}

/// A woman from Laos, seven months pregnant with twins, without papers; repatriated with two newborns.
fn across_the_border(story: &mut Story) -> Result<()> {
    let mut known = facts(
        "Keomany Phommachanh",
        Sex::Female,
        1996,
        Tile::Wanderer,
        Urgency::Emergency,
        "Chị đi bộ qua đường mòn, mất hộ chiếu, mang thai đôi tháng thứ bảy, đau bụng.",
    )?;
    known.extend([
        Fact::Nationality("Lào".to_owned()),
        Fact::Language("tiếng Lào".to_owned()),
        Fact::NeedsInterpreter(true),
        Fact::Document(IdentityDocument::parse(DocumentKind::None, "")?),
        Fact::Health("Thai đôi, bảy tháng. Huyết áp cao.".to_owned()),
        Fact::Home(Home { text: "Huyện Viêng Xay, Lào".to_owned(), place: None }),
        Fact::Source(Source::Police),
        emergency_consent(),
    ]);
    let opened = story.at(days(168, 20, 3));
    let mut case = story.open("tuyen", opened, "", KHUOI_SLAO_NS, known)?;
    let receiver = Receiver::Facility(facility("DF01")?);
    let reason = "Cần nơi ở và theo dõi thai, cần phiên dịch.";
    let mut asked =
        story.ask("tuyen", opened, &case, ReferralKind::AdmissionEmergency, "emergency_care", receiver, reason, &[])?;
    story.act("toan", story.at(days(167, 7, 0)), &case, &mut asked, DESK, Act::Look)?;
    let receive = Act::Receive {
        note: "Đã mời phiên dịch tiếng Lào của đồn biên phòng.".to_owned(), follow_up: None
    };
    story.act("thanh", story.at(days(167, 10, 0)), &case, &mut asked, Side::Receiver, receive)?;
    story.act("toan", story.at(days(160, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    story.group("toan", story.at(days(160, 10, 0)), &case, "foreigner", &[], true)?;
    story.status("toan", story.at(days(150, 9, 0)), &mut case, CaseStatus::Active)?;
    let done = Act::Complete {
        outcome: "Sinh đôi một trai một gái, mẹ con khỏe; trao trả qua cửa khẩu cùng hai cháu.".to_owned(),
    };
    story.act("thanh", story.at(days(84, 15, 0)), &case, &mut asked, Side::Receiver, done)?;
    story.status("toan", story.at(days(80, 9, 0)), &mut case, CaseStatus::Closed)
}

/// A pregnant woman with mental illness: the first facility refused with a reason, the second referral came back with a
/// question that waits for an answer.
fn twice_asked(story: &mut Story) -> Result<()> {
    let mut known = facts(
        "Phùng Mùi Nái",
        Sex::Female,
        1999,
        Tile::Disability,
        Urgency::Urgent,
        "Chị hay bỏ đi, mang thai tháng thứ sáu, gia đình không chăm sóc nữa.",
    )?;
    known.push(Fact::Health("Rối loạn tâm thần, mang thai tháng thứ sáu.".to_owned()));
    known.push(Fact::Phone(Phone::parse("0900000301")?));
    let mut case = story.open("lan", story.at(days(41, 10, 6)), "V4NY3G", NA_THONG, known)?;
    story.on("hanh", story.at(days(39, 8, 0)), &case, Body::Looked)?;
    story.group("hanh", story.at(days(39, 9, 0)), &case, "mental_illness", &[], true)?;
    story.status("hanh", story.at(days(38, 9, 0)), &mut case, CaseStatus::Assessed)?;
    story.visit(
        "lan",
        story.at(days(33, 15, 8)),
        &case,
        "Anh trai chị ấy",
        "Anh trai nói nhà không giữ được chị, chị ngủ ngoài bếp.",
        None,
    )?;
    let items = [ShareItem::Identity, ShareItem::AgeSex, ShareItem::Health, ShareItem::WhatHappened];
    let first = Receiver::Facility(facility("DF02")?);
    let reason = "Xin tham vấn và chăm sóc tại nhà trong khi chờ sinh.";
    let mut asked = story.ask(
        "lan",
        story.at(days(32, 9, 5)),
        &case,
        ReferralKind::HomeCare,
        "home_care",
        first,
        reason,
        &items,
    )?;
    story.act("hanh", story.at(days(30, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    let refuse = Act::Refuse {
        reason: "Gia đình không có người ở cùng, chăm sóc tại nhà không an toàn cho mẹ và con.".to_owned(),
        alternative: Some(Receiver::Facility(facility("DF01")?)),
    };
    story.act("huong", story.at(days(26, 15, 0)), &case, &mut asked, Side::Receiver, refuse)?;
    let second = Receiver::Facility(facility("DF01")?);
    let reason = "Gia đình không chăm sóc được, nơi trước đã từ chối có lý do.";
    let kind = ReferralKind::AdmissionSpecial;
    let mut asked =
        story.ask("lan", story.at(days(9, 11, 6)), &case, kind, "long_term_care", second, reason, &items)?;
    let question = "Gia đình còn giấy ra viện lần gần nhất không? Ai đang ở cùng chị ấy?".to_owned();
    let when = story.at(days(1, 16, 0));
    story.act("hanh", when, &case, &mut asked, DESK, Act::Return { question })
}

/// Three orphans with a grandmother; they are to stay together.
fn siblings(story: &mut Story) -> Result<()> {
    let mut grandmother = facts(
        "Hoàng Thị Mỷ",
        Sex::Female,
        1948,
        Tile::Elderly,
        Urgency::Normal,
        "Bà 78 tuổi nuôi ba cháu mồ côi bố, mẹ vắng nhà chưa có tin.",
    )?;
    grandmother.push(Fact::Household("Ba cháu ngoại 14, 7 và 3 tuổi. Hộ nghèo.".to_owned()));
    let mut case = story.open("lan", story.at(days(34, 15, 13)), "R4GN7C", NA_THONG, grandmother)?;
    story.on("hanh", story.at(days(32, 8, 0)), &case, Body::Looked)?;
    story.group("hanh", story.at(days(32, 8, 0)), &case, "elderly_alone_poor", &[], true)?;
    story.status("hanh", story.at(days(30, 8, 0)), &mut case, CaseStatus::Active)?;
    story.visit(
        "lan",
        story.at(days(16, 16, 2)),
        &case,
        "Bà và ba cháu",
        "Bà mệt, hay chóng mặt. Cháu lớn nấu cơm.",
        Some((-2, "Xem ba cháu đi học")),
    )?;
    let children = [
        (
            "Lương Thị Ngọc Ánh",
            Sex::Female,
            2012,
            "T3RW9H",
            "Cháu lớn nhất, học lớp 9, muốn học tiếp và ở cùng hai em.",
        ),
        ("Lương Văn Quý", Sex::Male, 2019, "T3RW9K", "Cháu học lớp 1, hay nghỉ học khi bà ốm."),
        ("Lương Thị Bảo Hân", Sex::Female, 2023, "T3RW9M", "Cháu nhỏ nhất, chưa đi lớp mầm non."),
    ];
    for (name, sex, year, code, what) in children {
        let mut known = facts(name, sex, year, Tile::Child, Urgency::Normal, what)?;
        known.push(Fact::Household("Ở với bà ngoại 78 tuổi và hai anh chị em. Giữ ba chị em ở cùng nhau.".to_owned()));
        known.push(Fact::HasCarer(true));
        let consent = Consent {
            given_by: Some(Giver::Representative),
            relation: "Bà ngoại".to_owned(),
            on: Some(story.day(34)),
            form: Some(ConsentForm::Spoken),
            ..Consent::new(ConsentAnswer::Agreed)
        };
        known.push(Fact::Consent(consent));
        let mut case = story.open("lan", story.at(days(34, 16, 12)), code, NA_THONG, known)?;
        story.group("hanh", story.at(days(32, 9, 0)), &case, "orphan", &[], true)?;
        story.status("hanh", story.at(days(29, 9, 0)), &mut case, CaseStatus::Assessed)?;
        if year == 2012 {
            story.task(
                "hanh",
                story.at(days(6, 9, 0)),
                &case,
                "Xin thôn xác nhận mẹ vắng nhà từ năm ngoái",
                3,
                NA_THONG,
            )?;
            story.visit(
                "lan",
                story.at(days(15, 9, 8)),
                &case,
                "Cháu Ánh và cô giáo",
                "Cháu học khá, lo không có tiền sang năm.",
                Some((-2, "Thăm lại ba chị em và bà")),
            )?;
            let desk = Receiver::Desk(BAN_MAY.parse()?);
            let reason = "Trợ cấp hằng tháng cho trẻ mồ côi, hồ sơ đã đủ.";
            let mut asked = story.ask(
                "lan",
                story.at(days(20, 9, 4)),
                &case,
                ReferralKind::Policy,
                "allowance",
                desk,
                reason,
                &ALL,
            )?;
            story.act("hanh", story.at(days(19, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
        }
        let receiver = Receiver::Facility(facility("DF06")?);
        let reason = "Bà yếu, không nuôi nổi ba cháu. Xin nhận cả ba chị em cùng một nhà.";
        story.ask(
            "lan",
            story.at(days(1, 16, 1)),
            &case,
            ReferralKind::AdmissionSpecial,
            "long_term_care",
            receiver,
            reason,
            &ALL,
        )?;
    }
    Ok(())
}

/// A deaf boy for sewing: the quota is full, he waits.
fn sewing(story: &mut Story) -> Result<()> {
    let known = facts(
        "Nguyễn Hoàng Phương Quỳnh Thảo Nguyên",
        Sex::Male,
        2011,
        Tile::Disability,
        Urgency::Normal,
        "Em nghe kém từ nhỏ, khéo tay, muốn học may hoặc mộc.",
    )?;
    let mut case = story.open("lan", story.at(days(76, 14, 4)), "D9FT3Y", NA_THONG, known)?;
    story.on("hanh", story.at(days(74, 9, 0)), &case, Body::Looked)?;
    story.group("hanh", story.at(days(74, 9, 0)), &case, "disability_severe", &[], true)?;
    story.status("hanh", story.at(days(70, 9, 0)), &mut case, CaseStatus::Planned)?;
    let receiver = Receiver::Facility(facility("DF07")?);
    let reason = "Em thích may, gia đình đồng ý cho ở nội trú.";
    let mut asked = story.ask(
        "lan",
        story.at(days(60, 10, 5)),
        &case,
        ReferralKind::Training,
        "training_sewing",
        receiver,
        reason,
        &ALL,
    )?;
    story.act("hanh", story.at(days(55, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    let wait = Act::Waitlist {
        note: "Hết chỉ tiêu năm nay. Đứng thứ 2 trong danh sách, có chỗ sẽ gọi.".to_owned()
    };
    story.act("chinh", story.at(days(50, 9, 0)), &case, &mut asked, Side::Receiver, wait)?;
    story.visit(
        "lan",
        story.at(days(20, 9, 3)),
        &case,
        "Em và mẹ",
        "Em tập may ở nhà bác, đã may được áo gối.",
        Some((0, "Hỏi việc học nghề may")),
    )
}

/// A woman of 82 from the next province: day care, then she died; her daughter took the consent back.
fn from_the_next_province(story: &mut Story) -> Result<()> {
    let mut known = facts(
        "Trịnh Thị Cẩm Tú",
        Sex::Female,
        1944,
        Tile::Elderly,
        Urgency::Normal,
        "Cụ ở với con gái lấy chồng về đây, muốn vào nơi chăm sóc có trả phí.",
    )?;
    known.push(Fact::Home(Home { text: "Tỉnh Cao Vân, xã Bình Lãng".to_owned(), place: None }));
    let mut case = story.open("loan", story.at(days(240, 9, 2)), "", BAN_LUNG, known)?;
    story.group("so", story.at(days(238, 9, 0)), &case, "voluntary_care", &[], true)?;
    let receiver = Receiver::Facility(facility("DF05")?);
    let reason = "Trước mắt xin chăm sóc ban ngày, gia đình trả phí.";
    let mut asked = story.ask(
        "loan",
        story.at(days(236, 10, 2)),
        &case,
        ReferralKind::DayCare,
        "day_care",
        receiver,
        reason,
        &ALL,
    )?;
    story.act("so", story.at(days(230, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    story.act("phuc", story.at(days(226, 9, 0)), &case, &mut asked, Side::Receiver, Act::Accept)?;
    let receive = Act::Receive { note: "Đón từ thứ Hai.".to_owned(), follow_up: None };
    story.act("phuc", story.at(days(222, 8, 0)), &case, &mut asked, Side::Receiver, receive)?;
    let done = Act::Complete { outcome: "Cụ mất tại nhà, đã chia buồn cùng gia đình.".to_owned() };
    story.act("phuc", story.at(days(120, 9, 0)), &case, &mut asked, Side::Receiver, done)?;
    let desk = Receiver::Desk(super::people::PHO_NGOAI.parse()?);
    let reason = "Xin hỗ trợ chi phí mai táng cho gia đình.";
    let mut funeral =
        story.ask("loan", story.at(days(118, 9, 1)), &case, ReferralKind::Policy, "funeral", desk, reason, &ALL)?;
    story.act("so", story.at(days(117, 9, 0)), &case, &mut funeral, DESK, Act::Approve { document: None })?;
    story.status("so", story.at(days(110, 9, 0)), &mut case, CaseStatus::Closed)?;
    let withdrawn = Consent {
        given_by: Some(Giver::Representative),
        relation: "Con gái".to_owned(),
        withdrawn: Some(story.day(100)),
        ..Consent::new(ConsentAnswer::Agreed)
    };
    story.edit("loan", story.at(days(100, 9, 1)), &mut case, Fact::Consent(withdrawn))
}

/// A girl of nine, violence at home, recorded at night by a phone whose clock is a day behind.
fn violence_at_home(story: &mut Story) -> Result<()> {
    let mut known = facts(
        "Bàn Thị Thùy Dương",
        Sex::Female,
        2017,
        Tile::Harm,
        Urgency::Emergency,
        "Cháu chạy sang nhà hàng xóm lúc đêm, tay bầm tím, sợ về nhà.",
    )?;
    known.extend([
        Fact::Alias("T-02".to_owned()),
        Fact::Confidentiality(Confidentiality::Restricted),
        Fact::Health("Bầm tím hai tay, không gãy xương.".to_owned()),
        emergency_consent(),
    ]);
    // The clock of this phone is a day behind: the office has it minutes after it was written.
    let written = story.just(24 * 60 + 95, 24 * 60 + 55);
    let case = story.open("diep", written, "X4HR7D", PAC_LUONG, known)?;
    let told = Told {
        whom: "Vi Thị Hạnh, xã Bản Mây".to_owned(),
        phone: Phone::parse("0900000013")?,
        at: story.recorded(story.just(42, 0)),
        office_at: None,
    };
    story.on("diep", written, &case, Body::Told(told))?;
    let receiver = Receiver::Facility(facility("DF11")?);
    let reason = "Cháu không thể về nhà đêm nay, đang ở nhà hàng xóm.";
    story.ask("diep", written, &case, ReferralKind::ChildProtection, "child_protection", receiver, reason, &[])?;
    Ok(())
}

/// Two days of the outreach team: visits, two new cases, a group session, work handed back to the villages.
fn a_trip(story: &mut Story) -> Result<()> {
    let old = facts(
        "Tô Thị Phương Anh",
        Sex::Female,
        1989,
        Tile::Poverty,
        Urgency::Normal,
        "Chị mới chuyển về, ở nhờ, hai con chưa nhập học.",
    )?;
    let case = story.open("diep", story.at(days(90, 9, 20)), "", CO_PHENG, old)?;
    story.on("hanh", story.at(days(86, 9, 0)), &case, Body::Looked)?;
    story.visit(
        "quan",
        story.at(days(10, 9, 9)),
        &case,
        "Chị Phương Anh",
        "Hai cháu đã đi học, còn thiếu sách. Chị muốn học may.",
        None,
    )?;
    story.task(
        "quan",
        story.at(days(10, 9, 9)),
        &case,
        "Xin sách giáo khoa cho hai cháu ở trường tiểu học",
        4,
        CO_PHENG,
    )?;
    story.visit(
        "mai",
        story.at(days(9, 15, 5)),
        &case,
        "Chị và trưởng thôn",
        "Trưởng thôn đồng ý cho mượn đất trồng rau.",
        Some((9, "Xem vườn rau và việc học của hai cháu")),
    )?;
    let new = [
        (CO_PHENG, "Lường Văn Đôi", Sex::Male, 1952, Tile::Elderly, "Ông mù một mắt, ở với cháu nội 12 tuổi."),
        (
            KHUOI_SLAO_NS,
            "Nông Thị Thanh Thúy",
            Sex::Female,
            1984,
            Tile::Illness,
            "Chị bị động kinh, hay ngã khi đi nương.",
        ),
    ];
    for (village, name, sex, year, tile, what) in new {
        let case = story.open(
            "mai",
            story.at(days(10, 14, 8)),
            "",
            village,
            facts(name, sex, year, tile, Urgency::Normal, what)?,
        )?;
        story.task("mai", story.at(days(10, 15, 8)), &case, "Thăm lại, hỏi giấy khám bệnh", 2, village)?;
    }
    let session = Activity::GroupSession {
        place: KHUOI_SLAO_NS.parse()?,
        on: story.day(9),
        people: 23,
        topic: "Chế độ cho người cao tuổi và cách xin giấy tờ".to_owned(),
    };
    story.elsewhere("quan", story.at(days(9, 9, 6)), NA_SAM, None, Body::ActivityRecorded(session))?;
    // Somebody who did not agree is counted and nothing else.
    let contact = Activity::AnonymousContact { place: CO_PHENG.parse()? };
    story.elsewhere("mai", story.at(days(10, 16, 7)), BAN_MAY, None, Body::ActivityRecorded(contact))?;
    Ok(())
}

/// What goes on with plain cases these days: queues, inboxes and answers that somebody finds in the morning.
pub fn go_on(story: &mut Story, plain: &BTreeMap<&'static str, Case>) -> Result<()> {
    let of = |name: &str| plain.get(name).cloned().with_context(|| format!("no case of {name}"));
    let at_df01 = || -> Result<Receiver> { Ok(Receiver::Facility(facility("DF01")?)) };

    // Answered yesterday: on the desk again.
    let case = of("Hoàng Văn Dính")?;
    let reason = "Anh bỏ thuốc, đêm hay đi lang thang, mẹ già không giữ được.";
    let when = story.at(days(13, 9, 4));
    let mut asked =
        story.ask("lan", when, &case, ReferralKind::AdmissionSpecial, "long_term_care", at_df01()?, reason, &ALL)?;
    let question = "Anh có đồng ý vào cơ sở không, ai đã hỏi anh ấy?".to_owned();
    story.act("hanh", story.at(days(11, 15, 0)), &case, &mut asked, DESK, Act::Return { question })?;
    let text = "Tôi và trưởng thôn hỏi chiều qua, anh đồng ý, mẹ anh cũng đồng ý.".to_owned();
    story.act("lan", story.at(days(1, 17, 2)), &case, &mut asked, Side::Writer, Act::Answer { text })?;

    // A day too late already.
    let case = of("Bàn Thị Mai")?;
    let receiver = Receiver::Facility(facility("DF02")?);
    let reason = "Chị cần người hướng dẫn sinh kế và gửi con khi đi làm.";
    let when = story.at(days(6, 9, 1));
    story.ask("diep", when, &case, ReferralKind::Link, "livelihood", receiver, reason, &ALL)?;

    // Written by the desk itself: it waits for the deputy.
    let case = of("Lý Thị Mẩy")?;
    let desk = Receiver::Desk(BAN_MAY.parse()?);
    let reason = "Đơn thân nghèo nuôi ba con, đủ hồ sơ xét trợ cấp.";
    let when = story.at(days(1, 10, 0));
    story.ask("hanh", when, &case, ReferralKind::Policy, "allowance", desk, reason, &ALL)?;

    // In the inbox of the first facility: to be answered, and a place held.
    for (name, desk_of, writer, accepted) in
        [("Vi Văn Thuận", "toan", "tuyen", false), ("Lương Văn Chảo", "hanh", "lan", true)]
    {
        let case = of(name)?;
        let reason = "Cần tập phục hồi chức năng theo đợt, gia đình đưa đón được.";
        let when = story.at(days(10, 9, 3));
        let kind = ReferralKind::Rehabilitation;
        let mut asked = story.ask(writer, when, &case, kind, "rehab_physical", at_df01()?, reason, &ALL)?;
        story.act(desk_of, story.at(days(5, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
        if accepted {
            story.act("thanh", story.at(days(2, 9, 0)), &case, &mut asked, Side::Receiver, Act::Accept)?;
        }
    }
    let case = of("Lý Seo Phà")?;
    let items = [ShareItem::AgeSex, ShareItem::Health, ShareItem::WhatHappened];
    let reason = "Anh yếu nửa người sau đợt sốt, nhà quá xa đường, xin vào theo dõi.";
    let when = story.at(days(20, 9, 20));
    let kind = ReferralKind::AdmissionSpecial;
    let mut asked = story.ask("nhung", when, &case, kind, "long_term_care", at_df01()?, reason, &items)?;
    story.act("toan", story.at(days(12, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    story.act("so", story.at(days(4, 9, 0)), &case, &mut asked, PROVINCE_DESK, Act::Forward)?;

    // An answer that arrived this morning.
    let case = of("Hà Thị Ngọc Diễm")?;
    let receiver = Receiver::Facility(facility("DF09")?);
    let reason = "Em muốn học nghề tóc, vừa học vừa làm.";
    let mut asked =
        story.ask("lan", story.at(days(7, 9, 3)), &case, ReferralKind::Job, "job", receiver, reason, &ALL)?;
    story.act("hanh", story.at(days(6, 9, 0)), &case, &mut asked, DESK, Act::Approve { document: None })?;
    let when = story.just(48, 0);
    story.act("viet", when, &case, &mut asked, Side::Receiver, Act::Accept)
}
