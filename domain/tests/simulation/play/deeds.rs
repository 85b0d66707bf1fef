//! What people do with what their screens show: open, visit, edit, choose, name, exclude, ask, decide, correct.

use domain::{
    laws::{act, agreed, ask, visit},
    *,
};

use super::{phone::Phone, phone::now, world::World};

const TEXT: &str = "Xin cho biết thêm.";

pub fn do_something(world: &World, phone: &Phone) {
    if world.chance.percent(8) && amend(world, phone) {
        return;
    }
    let view = phone.view();
    let grants = world.office.registry.grants(phone.pen.worker);
    let works_there = grants.iter().any(|grant| grant.facility.is_some());
    let facility = phone.pen.worker == world.village.thanh || (works_there && world.chance.percent(30));
    let written = if facility { at_the_facility(world, &view) } else { in_the_field(world, phone, &view, &grants) };
    let Some((subject, log, body)) = written else { return };
    let change = phone.pen.write(subject, &log.to_string(), body);
    phone.save(world, change);
}

/// Corrects something the office could not accept, or sends it again as it is.
fn amend(world: &World, phone: &Phone) -> bool {
    let outbox = phone.outbox();
    let held: Vec<&OutboxItem> = outbox.iter().filter(|i| matches!(i.state, OutboxState::Held { .. })).collect();
    let Some(item) = world.chance.pick(&held) else { return false };
    let old = &item.change;
    if world.chance.percent(40) {
        return now(phone.tab(world).release(old.id, None)).is_ok();
    }
    if world.chance.percent(25) {
        return give_up(world, phone, &outbox, old.id);
    }
    let body = match &old.body {
        Body::VisitRecorded(_) => visit("Đã sửa lại."),
        body => body.clone(),
    };
    let mut change = phone.pen.write(old.subject, &old.log.to_string(), body);
    change.replaces = Some(old.origin());
    let by = change.id;
    if !phone.save(world, change) {
        return false;
    }
    let released = now(phone.tab(world).release(old.id, Some(by))).is_ok();
    if released {
        phone.corrected.borrow_mut().insert(old.id);
    }
    released
}

/// Discards something held, and what rests on it: an act of its own, which the office is told of.
fn give_up(world: &World, phone: &Phone, outbox: &[OutboxItem], held: ChangeId) -> bool {
    let first = outbox.iter().find(|item| item.change.id == held);
    let mut notes = vec![];
    for item in first.into_iter().chain(sync::rests_on(outbox, held)) {
        let why = match &item.state {
            OutboxState::Held { why, .. } => why.clone(),
            OutboxState::Queued => Refusal::Dropped,
            OutboxState::Received { .. } => continue,
        };
        let old = &item.change;
        let body = Body::Dropped(Dropped::of(old, why, TEXT.to_owned()));
        notes.push(phone.pen.write(old.subject, &old.log.to_string(), body));
    }
    if now(phone.tab(world).give_up(&notes)).is_err() {
        return false;
    }
    let outbox = phone.outbox();
    for note in &notes {
        if let Some(item) = outbox.iter().find(|item| item.change.id == note.id)
            && let Body::Dropped(dropped) = &note.body
        {
            phone.saved.borrow_mut().push(item.change.clone());
            phone.given_up.borrow_mut().insert(dropped.change);
            world.count(|c| c.given_up += 1);
        }
    }
    true
}

type Written = (Subject, LogId, Body);

fn in_the_field(world: &World, phone: &Phone, view: &[(Subject, Parts)], grants: &[Grant]) -> Option<Written> {
    let chance = &world.chance;
    let cases: Vec<(&Subject, &Header, &Parts)> =
        view.iter().filter_map(|(subject, parts)| Some((subject, parts.header()?, parts))).collect();
    if chance.percent(if cases.len() < 4 { 30 } else { 6 }) || cases.is_empty() {
        open(world, phone, grants);
        return None;
    }
    let (subject, header, parts) = *chance.pick(&cases)?;
    let edit = |fact: Fact| Body::FactsEdited {
        edits: vec![FieldEdit { saw: header.facts.seen(fact.name()), fact, cleared: false }],
    };
    let place = |id: &str| id.parse::<PlaceId>().expect("a place");
    let body = match chance.below(34) {
        0..=2 => visit("Đã gặp, vẫn ổn."),
        3 => {
            // A date typed wrongly is held, and may be corrected.
            let Body::VisitRecorded(wrong) = visit("Hẹn nhầm.") else { return None };
            let next = Day::of(2020, 1, 1);
            Body::VisitRecorded(Visit { next, ..wrong })
        }
        4..=6 => edit(Fact::WhatHappened(format!("Ghi lần {}", chance.below(1_000)))),
        7 if chance.percent(50) => edit(Fact::HandledIn(place(chance.pick(&["a1", "a2", "b1", "a"])?))),
        7 => Body::CaseTransferred {
            saw: header.facts.handled_in.seen(),
            to: place(chance.pick(&["a1", "a2", "b1", "a"])?),
            reason: TEXT.to_owned(),
        },
        27 | 28 => {
            let (other, front) = (chance.pick(&cases)?.1.case, chance.below(4));
            if other == header.case {
                return None;
            }
            let saw = header.links.get(&other).map(Field::seen).unwrap_or_default();
            Body::CaseLinked { saw, other, front: [None, Some(header.case), Some(other), Some(other)][front] }
        }
        29 => {
            let to = *chance.pick(&world.named())?;
            let from = phone.pen.worker;
            let tasks: Vec<&TaskPart> = parts.tasks().collect();
            let names = [from, to];
            let of_names = names.iter().filter_map(|w| header.assignees.get(w)).flat_map(Field::seen);
            let saw = of_names.chain(tasks.iter().flat_map(|t| t.given.seen())).collect();
            let tasks = tasks.iter().map(|t| t.written.id).collect();
            Body::HandedOver { saw, from, to, leaves: chance.percent(50), tasks, note: String::new() }
        }
        30 if phone.version.get() >= PartKey::Photo(ChangeId(uuid::Uuid::nil())).since() => {
            world.count(|c| c.photos += 1);
            Body::PhotoAdded(Box::new(photo(phone)))
        }
        31 => {
            let photos: Vec<&PhotoPart> = parts.photos().collect();
            Body::PhotoRemoved { photo: chance.pick(&photos)?.written.id }
        }
        32 => Body::Told(Told {
            whom: "Tổng đài 111".to_owned(),
            phone: domain::Phone::parse("111").or_else(|_| domain::Phone::parse("0900000001")).ok()?,
            at: world.now().plus_ms(phone.skew_ms.get()),
            office_at: None,
        }),
        33 => {
            let element: GroupCode = "orphan".into();
            let saw = header.groups.get(&element).map(Field::seen).unwrap_or_default();
            Body::GroupEdited(ElementEdit { saw, element, now: chance.percent(60) })
        }
        8 => edit(Fact::Confidentiality(if chance.percent(60) {
            Confidentiality::Restricted
        } else {
            Confidentiality::Normal
        })),
        9 => edit(Fact::Urgency(if chance.percent(50) { Urgency::Emergency } else { Urgency::Normal })),
        10 => {
            let withdrawn = chance.percent(40).then(|| world.now().day());
            edit(Fact::Consent(Consent { withdrawn, ..Consent::new(ConsentAnswer::Agreed) }))
        }
        11 => {
            let other = *chance.pick(&world.named())?;
            let saw = header.assignees.get(&other).map(Field::seen).unwrap_or_default();
            Body::AssigneeEdited(ElementEdit { saw, element: other, now: chance.percent(60) })
        }
        12 => {
            // Nobody who works at a facility: its sheets do not know whom a case excludes there.
            let other = *chance.pick(&world.named())?;
            if other == world.village.pao {
                return None;
            }
            let saw = header.excluded_workers.get(&other).map(Field::seen).unwrap_or_default();
            Body::ExcludedEdited(ElementEdit { saw, element: other, now: chance.percent(40) })
        }
        13 => Body::TaskWritten(Task {
            what: "Đưa giấy hẹn khám".to_owned(),
            due: None,
            for_whom: TaskFor::Village(place("a1")),
        }),
        14 => {
            let tasks: Vec<&TaskPart> = parts.tasks().collect();
            Body::TaskDone { task: chance.pick(&tasks)?.written.id, note: String::new() }
        }
        15 => Body::Looked,
        16 | 18 | 19 => {
            let facility = Receiver::Facility(world.village.facility);
            match chance.below(8) {
                0 | 6 | 7 => ask(ReferralKind::AdmissionEmergency, facility, Sharing::emergency()),
                1 => ask(ReferralKind::AdmissionVoluntary, facility, agreed()),
                2 => ask(ReferralKind::AdmissionSpecial, facility, agreed()),
                3 => ask(ReferralKind::OutreachVisit, Receiver::Team(place("b1")), agreed()),
                4 => ask(ReferralKind::Legal, Receiver::Desk(place("b")), agreed()),
                _ => ask(ReferralKind::Health, facility, agreed()),
            }
        }
        17 => {
            // Choosing: an edit that saw all candidates.
            let conflicts = header.facts.conflicts();
            match chance.pick(&conflicts)? {
                FactName::WhatHappened => edit(Fact::WhatHappened(header.facts.what_happened.shown()?.clone())),
                FactName::HandledIn => edit(Fact::HandledIn(header.facts.handled_in.shown()?.clone())),
                FactName::Urgency => edit(Fact::Urgency(*header.facts.urgency.safest()?)),
                FactName::Confidentiality => edit(Fact::Confidentiality(*header.facts.confidentiality.safest()?)),
                FactName::Consent => edit(Fact::Consent(header.facts.consent.safest()?.clone())),
                _ => return None,
            }
        }
        _ => decision(world, phone, header, parts, grants)?,
    };
    Some((*subject, header.log.clone(), body))
}

fn photo(phone: &Phone) -> Photo {
    Photo {
        photo: PhotoId(phone.pen.write(Subject::Case(CaseId(uuid::Uuid::nil())), "place:a", Body::Looked).id.0),
        ..laws::photo(1)
    }
}

fn decision(world: &World, phone: &Phone, header: &Header, parts: &Parts, grants: &[Grant]) -> Option<Body> {
    let chance = &world.chance;
    let referrals: Vec<&Referral> = parts.referrals().collect();
    let referral = chance.pick(&referrals)?;
    let text = TEXT.to_owned();
    let is_desk = grants.iter().any(|g| g.role == Role::Supervisor);
    let at_province = phone.pen.worker == world.so;
    let level = if at_province { Level::Province } else { Level::Commune };
    let receives = matches!(&referral.ask.receiver, Receiver::Team(_) | Receiver::Desk(_));
    let (side, what) = match chance.below(8) {
        0 if receives => (Side::Receiver, Act::Accept),
        1 if receives => (Side::Receiver, Act::Receive { note: String::new(), follow_up: None }),
        0 if is_desk => (Side::Supervisor(level), Act::Look),
        1 if is_desk => (Side::Supervisor(level), Act::Return { question: text }),
        2 if is_desk => (Side::Supervisor(level), Act::Refuse { reason: text, alternative: None }),
        _ if at_province => (Side::Supervisor(level), Act::Forward),
        3.. if is_desk => (Side::Supervisor(level), Act::Approve { document: None }),
        0 | 1 if header.author == phone.pen.worker => (Side::Writer, Act::Cancel { reason: text }),
        _ => (Side::Writer, Act::Answer { text }),
    };
    Some(act(referral.id, referral.progress.version, side, what))
}

fn at_the_facility(world: &World, view: &[(Subject, Parts)]) -> Option<Written> {
    let chance = &world.chance;
    if chance.percent(10) {
        let (subject, facility) = view.iter().find_map(|(s, parts)| Some((s, parts.facility()?)))?;
        let free = FreePlaces { free: u32::try_from(chance.below(10)).ok()?, as_of: world.now() };
        let body = Body::PlacesCounted { saw: facility.free.seen(), free };
        return Some((*subject, facility.log.clone(), body));
    }
    let sheets: Vec<&Sheet> = view.iter().flat_map(|(_, p)| p.sheets()).collect();
    let sheet = chance.pick(&sheets)?;
    let text = "Hết chỗ.".to_owned();
    let what = match chance.below(8) {
        0 | 1 => Act::Waitlist { note: text },
        2 => Act::Accept,
        3 => Act::Refuse { reason: text, alternative: None },
        4 => Act::Complete { outcome: text },
        5 => Act::Leave { to: text, back_on: world.now().day() },
        6 => Act::ComeBack,
        _ => Act::Receive { note: String::new(), follow_up: None },
    };
    let body = act(sheet.referral, sheet.progress.version, Side::Receiver, what);
    Some((Subject::Case(sheet.case), sheet.log.clone(), body))
}

fn open(world: &World, phone: &Phone, grants: &[Grant]) {
    let chance = &world.chance;
    let area = grants.iter().find_map(|g| g.area.as_ref()).map_or("a1", PlaceId::as_str);
    let area: PlaceId = area.parse().expect("a place code");
    let village = match area.as_str() {
        "a1" | "a2" | "b1" => area,
        // By the tree of today; some have not heard of it and name what they know.
        _ => world.areas.village_in(&area).unwrap_or("a1").parse().expect("a place code"),
    };
    let log = phone.places(world).log_of(&village).unwrap_or(LogId::Place(village.clone()));
    if chance.percent(15) {
        let body = Body::ActivityRecorded(Activity::AnonymousContact { place: village });
        let change = phone.pen.write(Subject::Activity(ActivityId(uuid::Uuid::nil())), &log.to_string(), body);
        let subject = Subject::Activity(ActivityId(change.id.0));
        phone.save(world, Change { subject, ..change });
        return;
    }
    let mut facts = vec![];
    if chance.percent(20) {
        facts.push(Fact::Confidentiality(Confidentiality::Restricted));
    }
    if chance.percent(20) {
        facts.push(Fact::Urgency(Urgency::Emergency));
    }
    let opened = phone.pen.open(village.as_str(), Some("Hoàng Thị Mỷ"), facts);
    phone.save(world, Change { log, ..opened });
}
