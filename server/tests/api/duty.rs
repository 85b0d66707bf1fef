//! An emergency that nobody has looked at goes to whoever is on duty: a real endpoint on this machine is called as a push
//! service and as an SMS gateway, and what it hears is verified by other code than the office's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::laws::{MORNING, Pen};
use domain::{
    Address, Body, Change, Confidentiality, ElementEdit, Fact, Grant, Part, PersonName, Phone, Registry, Role,
    Timestamp, TrailWhat, Urgency, Verdict, Worker, WorkerId,
};
use serde_json::{Value, json};
use server::duty::{Duty, Settings, Sms};
use server::observe::Counts;
use server::outgoing::{Named, Outgoing};
use server::registry::employ;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Caller, Office, PASSWORD, pages_of};

/// What an endpoint was sent.
#[derive(Clone, Debug)]
pub struct Heard {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// An endpoint on this machine: writes down what it hears and answers as it is told, else `201 Created`.
pub struct Ear {
    pub address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Ear {
    pub async fn open() -> Self {
        Self::open_at("127.0.0.1:0").await
    }

    async fn open_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let ear = Self {
            address: listener.local_addr().unwrap().to_string(),
            heard: Arc::default(),
            answers: Arc::default(),
        };
        let (heard, answers) = (Arc::clone(&ear.heard), Arc::clone(&ear.answers));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(listen(stream, Arc::clone(&heard), Arc::clone(&answers)));
            }
        });
        ear
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What comes next is answered so: a status line, or `hang` for no answer at all.
    pub fn answer(&self, answers: &[&'static str]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The paths that were called since the last time, without their slash.
    fn called(&self) -> Vec<String> {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        heard.iter().map(|h| h.line.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned()).collect()
    }
}

async fn listen(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut chunk = [0; 4096];
        let Ok(read @ 1..) = stream.read(&mut chunk).await else { return };
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        bytes.drain(..end + 4);
        break (head, length.unwrap_or(0));
    };
    while bytes.len() < length {
        let mut chunk = [0; 4096];
        let Ok(read @ 1..) = stream.read(&mut chunk).await else { return };
        bytes.extend_from_slice(&chunk[..read]);
    }
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
    heard.lock().unwrap().push(Heard { line, headers, body: String::from_utf8(bytes).unwrap() });
    let answer = answers.lock().unwrap().pop_front().unwrap_or("201 Created");
    if answer == "hang" {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn minute(n: i64) -> Timestamp {
    MORNING.plus_ms(n * 60_000)
}

fn settings() -> Settings {
    Settings { wait_ms: 600_000, contact: Some("mailto:office@caunoi.example".to_owned()), sms: None }
}

fn with_sms(url: &str) -> Settings {
    Settings { sms: Some(Sms { url: url.to_owned(), secret: Some("khoa".to_owned()) }), ..settings() }
}

fn duty_of(office: &Office, settings: Settings) -> Duty {
    Duty::new(office.staff.clone(), Arc::new(Counts::default()), Outgoing::new(true), settings).unwrap()
}

/// Somebody new, who is signed in.
async fn hire(office: &Office, n: u8, user: &str, role: Role, area: &str, phone: Option<&str>) -> Caller {
    let worker = Worker {
        id: WorkerId(uuid::Uuid::from_u128(0x0700_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))),
        name: PersonName::parse("Dương Văn Kiên").unwrap(),
        address: Address::Unsaid,
        phone: phone.map(|p| Phone::parse(p).unwrap()),
        grants: vec![Grant::area(role, area.parse().unwrap())],
    };
    employ(&office.staff, &worker, Timestamp(1)).await.unwrap();
    assert!(server::login::add(&office.staff, worker.id, user, PASSWORD, 1).await.unwrap());
    let mut caller = Caller { cookie: String::new(), worker: worker.id, ..office.sign_in("lan").await };
    let answer = caller.call("/api/log_in", &json!({ "user_name": user, "password": PASSWORD })).await;
    caller.cookie = answer.cookie.unwrap();
    caller
}

async fn notify(caller: &Caller, endpoint: &str) {
    let answer = caller.call("/api/notify_on", &json!({ "worker": caller.worker, "endpoint": endpoint })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

async fn set_list(office: &Office, place: &str, list: &[WorkerId]) {
    let mut connection = office.staff.pool.acquire().await.unwrap();
    let (seal, place) = (&office.staff.seal, place.parse().unwrap());
    server::duty::list::put(&mut connection, seal, &place, list, MORNING).await.unwrap();
}

async fn send(office: &Office, pen: &Pen, change: &Change, at: Timestamp) {
    let said = office.registry().push(&pen.session(), pen.batch(&[change]), at).await.unwrap();
    assert!(matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
}

/// An emergency of Lan's, received at 08:00.
async fn emergency(office: &Office, more: Vec<Fact>) -> (Pen, Change) {
    let pen = Pen::new(office.village.lan, 1);
    let case = emergency_by(office, &pen, more).await;
    (pen, case)
}

async fn emergency_by(office: &Office, pen: &Pen, more: Vec<Fact>) -> Change {
    let facts = [vec![Fact::Urgency(Urgency::Emergency)], more].concat();
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), facts);
    send(office, pen, &case, MORNING).await;
    case
}

/// What the case's history says of duty, as its writer's phone reads it.
async fn history(lan: &Caller, pen: &Pen, case: &Change) -> Vec<(WorkerId, bool)> {
    let (_, page) = pages_of(&lan.pull(pen).await, case.subject).remove(0);
    let trail =
        page.parts.into_iter().find_map(|row| if let Part::Trail(trail) = row.part { Some(trail) } else { None });
    let told = trail.unwrap().entries.into_iter().filter_map(|entry| match entry.what {
        TrailWhat::Alerted { whom, reached } => Some((whom, reached)),
        _ => None,
    });
    told.collect()
}

/// base64url without padding (RFC 4648, 5), by hand.
fn from_base64url(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        held = held << 6 | u32::try_from(LETTERS.iter().position(|l| *l == letter).unwrap()).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    bytes
}

#[tokio::test]
async fn whoever_is_on_duty_is_called_by_a_push_without_content_when_nobody_has_looked() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    notify(&hanh, &ear.url("hanh")).await;
    let (pen, case) = emergency(&office, vec![]).await;
    let duty = duty_of(&office, settings());
    duty.tick(minute(9)).await.unwrap();
    assert_eq!(ear.heard().len(), 0);
    duty.tick(minute(10)).await.unwrap();
    let heard = ear.heard();
    assert_eq!((heard.len(), heard[0].line.as_str()), (1, "POST /hanh HTTP/1.1"));
    let header = |name: &str| heard[0].headers.get(name).cloned().unwrap_or_default();
    assert_eq!(
        (heard[0].body.as_str(), header("content-length").as_str()),
        ("", "0"),
        "the push service learns nothing"
    );
    assert_eq!((header("urgency"), header("ttl"), header("topic")), ("high".into(), "14400".into(), "can-xem".into()));
    assert_eq!(
        heard[0].headers.keys().collect::<Vec<_>>(),
        ["authorization", "content-length", "host", "topic", "ttl", "urgency"]
    );

    // RFC 8292, by ring and a decoder of the test's own.
    let said = header("authorization");
    let (token, key) = said.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    let told = hanh.call("/api/notify_key", &json!({ "worker": hanh.worker })).await;
    assert_eq!(told.json(), json!(key), "the key that browsers were told to listen to");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, from_base64url(key));
    key.verify(signed.as_bytes(), &from_base64url(signature)).unwrap();
    let part =
        |n: usize| -> Value { serde_json::from_slice(&from_base64url(signed.split('.').nth(n).unwrap())).unwrap() };
    assert_eq!(part(0), json!({ "typ": "JWT", "alg": "ES256" }));
    assert_eq!(part(1)["aud"], json!(format!("http://{}", ear.address)));
    assert_eq!(part(1)["sub"], json!("mailto:office@caunoi.example"));
    let exp = part(1)["exp"].as_i64().unwrap() - minute(10).0 / 1000;
    assert!((1..=86_400).contains(&exp), "{exp}");

    // Whoever sent it reads who was told; the next minutes bring no second call.
    assert_eq!(history(&lan, &pen, &case).await, vec![(office.village.hanh, true)]);
    duty.tick(minute(10)).await.unwrap();
    duty.tick(minute(19)).await.unwrap();
    assert_eq!(ear.heard().len(), 1);
    let audited = "select count(*) from audit where what = 'duty_told' and log = 'place:a'";
    assert_eq!(sqlx::query_scalar::<_, i64>(audited).fetch_one(&office.staff.pool).await.unwrap(), 1);
    assert!(
        !office.stored().await.windows(ear.address.len()).any(|w| w == ear.address.as_bytes()),
        "addresses are sealed"
    );
    office.assert_sound().await;
}

#[tokio::test]
async fn the_next_person_is_called_after_the_first_and_at_the_end_the_department() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let hanh = office.sign_in("hanh").await;
    let kien = hire(&office, 1, "kien", Role::Supervisor, "a", None).await;
    let so = hire(&office, 2, "so", Role::Supervisor, "p", None).await;
    for (caller, name) in [(&hanh, "hanh"), (&kien, "kien"), (&so, "so")] {
        notify(caller, &ear.url(name)).await;
    }
    set_list(&office, "a", &[kien.worker, hanh.worker]).await;
    emergency(&office, vec![]).await;
    let duty = duty_of(&office, settings());
    for (at, who) in [(10, "kien"), (20, "hanh"), (30, "so"), (40, "kien"), (50, "hanh")] {
        duty.tick(minute(at - 1)).await.unwrap();
        assert_eq!(ear.called(), Vec::<String>::new(), "minute {}", at - 1);
        duty.tick(minute(at)).await.unwrap();
        assert_eq!(ear.called(), [who], "minute {at}");
    }
    office.assert_sound().await;
}

#[tokio::test]
async fn a_look_stops_the_calls_those_that_wait_too() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    let kien = hire(&office, 1, "kien", Role::Supervisor, "a", None).await;
    notify(&hanh, &ear.url("hanh")).await;
    notify(&kien, &ear.url("kien")).await;
    let (pen, case) = emergency(&office, vec![]).await;
    let duty = duty_of(&office, settings());
    ear.answer(&["503 Busy"]);
    duty.tick(minute(10)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"]);
    let looks = Pen::new(kien.worker, 7);
    send(&office, &looks, &looks.write(case.subject, "place:a", Body::Looked), minute(10)).await;
    assert_eq!(office.count("emergency").await, 0);
    for at in 11..60 {
        duty.tick(minute(at)).await.unwrap();
    }
    assert_eq!(ear.called(), Vec::<String>::new());
    assert_eq!(history(&lan, &pen, &case).await, vec![], "nobody was reached before somebody looked by themselves");
    // What becomes an emergency later is another one.
    let worse = Body::FactsEdited {
        edits: vec![domain::FieldEdit { saw: vec![case.id], fact: Fact::Urgency(Urgency::Emergency), cleared: false }],
    };
    send(&office, &pen, &pen.write(case.subject, "place:a", worse), minute(60)).await;
    duty.tick(minute(70)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"]);
    office.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_call_once() {
    let (one, ear) = (Office::open().await, Ear::open().await);
    let two = one.second().await;
    let hanh = one.sign_in("hanh").await;
    notify(&hanh, &ear.url("hanh")).await;
    let pen = Pen::new(one.village.lan, 1);
    for _ in 0..8 {
        emergency_by(&one, &pen, vec![]).await;
    }
    let (first, second) = (duty_of(&one, settings()), duty_of(&two, settings()));
    let (a, b) = tokio::join!(first.tick(minute(10)), second.tick(minute(10)));
    a.unwrap();
    b.unwrap();
    assert_eq!(ear.called().len(), 8, "each emergency once");
    // Two that both believe to lead: the rows decide.
    for _ in 0..8 {
        emergency_by(&one, &pen, vec![]).await;
    }
    let lose_lease = || async {
        sqlx::query("update lease set held_until = 0").execute(&one.staff.pool).await.unwrap();
    };
    lose_lease().await;
    let later = async {
        lose_lease().await;
        // Before what the first has claimed counts as not answered.
        second.tick(minute(12).plus_ms(10_000)).await
    };
    let (a, b) = tokio::join!(first.tick(minute(12)), later);
    a.unwrap();
    b.unwrap();
    assert_eq!(ear.called().len(), 8);
    let steps = one.count("duty_step").await;
    assert_eq!((steps, one.count("duty_send").await), (16, 16));
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_in_the_midst_of_a_call_leaves_it_to_the_next() {
    let (one, ear) = (Office::open().await, Ear::open().await);
    let two = one.second().await;
    let (lan, hanh) = (one.sign_in("lan").await, one.sign_in("hanh").await);
    notify(&hanh, &ear.url("hanh")).await;
    let (pen, case) = emergency(&one, vec![]).await;
    ear.answer(&["hang"]);
    let first = Arc::new(duty_of(&one, settings()));
    let calling = tokio::spawn({
        let first = Arc::clone(&first);
        async move { first.tick(minute(10)).await }
    });
    while ear.heard().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    assert_eq!(ear.called(), ["hanh"]);
    let second = duty_of(&two, settings());
    let after = |ms: i64| minute(10).plus_ms(ms);
    second.tick(after(14_000)).await.unwrap();
    assert_eq!(ear.called(), Vec::<String>::new(), "the lease of the first still stands");
    second.tick(after(20_000)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"], "at least once: what was not answered is called again");
    assert_eq!(history(&lan, &pen, &case).await, vec![(hanh.worker, true)], "and told once");
    assert_eq!(one.count("duty_step").await, 1);
    first.tick(after(21_000)).await.unwrap();
    assert_eq!(ear.called(), Vec::<String>::new());
    second.stop().await.unwrap();
    first.tick(minute(20)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"], "who stops in order hands over at once");
    one.assert_sound().await;
}

#[tokio::test]
async fn of_a_restricted_emergency_only_those_who_may_see_it_are_ever_called() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let hanh = office.sign_in("hanh").await;
    let kien = hire(&office, 1, "kien", Role::Supervisor, "a", None).await;
    let so = hire(&office, 2, "so", Role::Supervisor, "p", None).await;
    for (caller, name) in [(&hanh, "hanh"), (&kien, "kien"), (&so, "so")] {
        notify(caller, &ear.url(name)).await;
    }
    set_list(&office, "a", &[kien.worker, hanh.worker]).await;
    let (pen, case) = emergency(&office, vec![Fact::Confidentiality(Confidentiality::Restricted)]).await;
    let duty = duty_of(&office, settings());
    for at in 10..200 {
        duty.tick(minute(at)).await.unwrap();
    }
    assert_eq!(ear.called(), ["hanh", "hanh", "hanh"], "three times, and nobody else");
    // The one who was called turns out to be the one to keep it from.
    let out = Body::ExcludedEdited(ElementEdit { saw: vec![], element: hanh.worker, now: true });
    let again = pen.open(
        "a1",
        None,
        vec![Fact::Urgency(Urgency::Emergency), Fact::Confidentiality(Confidentiality::Restricted)],
    );
    send(&office, &pen, &again, minute(300)).await;
    ear.answer(&["503 Busy"]);
    duty.tick(minute(310)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"]);
    send(&office, &pen, &pen.write(again.subject, "place:a", out), minute(310)).await;
    for at in 311..500 {
        duty.tick(minute(at)).await.unwrap();
    }
    assert!(!ear.called().contains(&"hanh".to_owned()), "an excluded person is not even called again");
    assert_ne!(case.subject, again.subject);
    office.assert_sound().await;
}

#[tokio::test]
async fn an_address_that_is_given_up_is_forgotten_and_the_next_person_called_at_once() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    let kien = hire(&office, 1, "kien", Role::Supervisor, "a", None).await;
    notify(&hanh, &ear.url("hanh")).await;
    notify(&kien, &ear.url("kien")).await;
    let (pen, case) = emergency(&office, vec![]).await;
    let duty = duty_of(&office, settings());
    ear.answer(&["410 Gone"]);
    duty.tick(minute(10)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"]);
    assert_eq!(office.count("push_subscription").await, 1);
    duty.tick(minute(10).plus_ms(5_000)).await.unwrap();
    assert_eq!(ear.called(), ["kien"]);
    assert_eq!(history(&lan, &pen, &case).await, vec![(hanh.worker, false), (kien.worker, true)]);
    // Round after round Hạnh cannot be reached: that is said once.
    for at in 11..60 {
        duty.tick(minute(at)).await.unwrap();
    }
    assert_eq!(ear.called(), ["kien", "kien"]);
    let said = history(&lan, &pen, &case).await;
    assert_eq!(said.iter().filter(|(who, _)| *who == hanh.worker).count(), 1, "{said:?}");
    office.assert_sound().await;
}

#[tokio::test]
async fn who_signs_out_is_called_no_longer_and_the_other_person_of_the_phone_still_is() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let hanh = office.sign_in("hanh").await;
    let kien = hire(&office, 1, "kien", Role::Supervisor, "a", None).await;
    // One browser has one address, whoever uses it.
    notify(&hanh, &ear.url("shared")).await;
    notify(&kien, &ear.url("shared")).await;
    assert_eq!(office.count("push_subscription").await, 2);
    assert_eq!(hanh.call("/api/log_out", &json!({ "worker": hanh.worker })).await.status, 200);
    assert_eq!(office.count("push_subscription").await, 1);
    emergency(&office, vec![]).await;
    let duty = duty_of(&office, settings());
    duty.tick(minute(10)).await.unwrap();
    duty.tick(minute(10).plus_ms(5_000)).await.unwrap();
    assert_eq!(ear.called(), ["shared"], "Kiên's");
    let off = kien.call("/api/notify_off", &json!({ "worker": kien.worker })).await;
    assert_eq!((off.status, office.count("push_subscription").await), (200, 0));
    for at in 11..100 {
        duty.tick(minute(at)).await.unwrap();
    }
    assert_eq!(ear.called(), Vec::<String>::new());
}

#[tokio::test]
async fn only_ones_own_session_takes_an_address_and_only_one_of_a_push_service() {
    let office = Office::open().await;
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    let on = |worker: WorkerId, endpoint: &str| json!({ "worker": worker, "endpoint": endpoint });
    let good = "https://push.example/1";
    assert_eq!(lan.call("/api/notify_on", &on(hanh.worker, good)).await.error(), (401, "signed_out".to_owned()));
    assert_eq!(lan.call("/api/notify_off", &json!({ "worker": hanh.worker })).await.status, 401);
    assert_eq!(lan.call("/api/notify_key", &json!({ "worker": hanh.worker })).await.status, 401);
    let long = format!("https://push.example/{}", "a".repeat(2_100));
    for bad in ["ftp://push.example/1", "https://a:b@push.example/1", "javascript:1", "", &long] {
        let said = lan.call("/api/notify_on", &on(lan.worker, bad)).await.error();
        assert_eq!(said, (400, "bad_request".to_owned()), "{bad}");
    }
    for n in 0..5 {
        notify(&lan, &format!("{good}{n}")).await;
    }
    assert_eq!(office.count("push_subscription").await, 1, "a session has one");
}

#[tokio::test]
async fn an_sms_gateway_that_was_down_gets_the_text_when_it_is_up_and_can_tell_a_repeated_call() {
    let office = Office::open().await;
    let duc = hire(&office, 1, "duc", Role::Supervisor, "b", Some("0912 345 678")).await;
    // A case of commune b, written by somebody who is no supervisor.
    let tan = hire(&office, 2, "tan", Role::Collaborator, "b1", None).await;
    let writes = Pen::new(tan.worker, 8);
    let case = writes.open("b1", Some("Hoàng Thị Mỷ"), vec![Fact::Urgency(Urgency::Emergency)]);
    send(&office, &writes, &case, MORNING).await;
    set_list(&office, "b", &[duc.worker]).await;
    // A port on which nobody listens.
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let duty = duty_of(&office, with_sms(&format!("http://{address}/sms?key=1")));
    duty.tick(minute(10)).await.unwrap();
    assert_eq!(history(&tan, &writes, &case).await, vec![], "not known yet");
    let ear = Ear::open_at(&address).await;
    ear.answer(&["500 Oops", "429 Slow\r\nretry-after: 60", "200 OK"]);
    let after = |seconds: i64| minute(10).plus_ms(seconds * 1_000);
    for (at, calls) in [(14, 0), (15, 1), (44, 1), (45, 2), (104, 2), (105, 3), (400, 3)] {
        duty.tick(after(at)).await.unwrap();
        assert_eq!(ear.heard().len(), calls, "after {at} s");
    }
    let heard = ear.heard();
    assert!(heard.iter().all(|h| h.line == "POST /sms?key=1 HTTP/1.1"), "{heard:?}");
    let body: Value = serde_json::from_str(&heard[2].body).unwrap();
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        body,
        json!({
            "id": id, "to": ["+84912345678"], "text": "Cầu Nối: có việc khẩn cần xem. Xin mở ứng dụng."
        })
    );
    for call in &heard {
        assert_eq!(call.body, heard[0].body, "a repeated call is the same call");
        assert_eq!(
            (call.headers["idempotency-key"].as_str(), call.headers["content-type"].as_str()),
            (id.as_str(), "application/json")
        );
        let (t, v1) = call.headers["x-cau-noi-signature"].strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"khoa");
        let v1: Vec<u8> = (0..v1.len() / 2).map(|n| u8::from_str_radix(&v1[2 * n..2 * n + 2], 16).unwrap()).collect();
        ring::hmac::verify(&key, format!("{t}.{}", call.body).as_bytes(), &v1).unwrap();
        assert!(!call.body.contains("Mỷ") && !call.body.contains(&case.subject.to_string()));
    }
    assert_eq!(history(&tan, &writes, &case).await, vec![(duc.worker, true)]);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_gateway_that_stays_down_until_the_next_ones_turn_leaves_it_to_them() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    let kien = hire(&office, 1, "kien", Role::Supervisor, "a", Some("0912 345 678")).await;
    notify(&hanh, &ear.url("hanh")).await;
    set_list(&office, "a", &[kien.worker, hanh.worker]).await;
    let (pen, case) = emergency(&office, vec![]).await;
    let duty = duty_of(&office, with_sms(&ear.url("sms")));
    ear.answer(&["503 Busy"; 8]);
    for seconds in 600..=1_200 {
        duty.tick(MORNING.plus_ms(seconds * 1_000)).await.unwrap();
        if ear.heard().last().is_some_and(|h| h.line.contains("/hanh")) {
            break;
        }
    }
    let called = ear.called();
    assert_eq!(called.last().map(String::as_str), Some("hanh"), "{called:?}");
    // After 0, 15, 45, 105, 225, 345, 465 and 585 seconds of the ten minutes.
    assert_eq!(called.iter().filter(|c| *c == "sms").count(), 8, "{called:?}");
    assert_eq!(history(&lan, &pen, &case).await, vec![(kien.worker, false), (hanh.worker, true)]);
}

#[tokio::test]
async fn a_push_service_is_called_by_tls_that_the_machine_trusts() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    // A CA of this test and a certificate of `localhost` under it, both made by hand and valid for a hundred years.
    let ca = CertificateDer::from_pem_slice(include_bytes!("tls/ca.pem")).unwrap();
    let own = CertificateDer::from_pem_slice(include_bytes!("tls/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                listen(stream, Arc::clone(&hears), Arc::default()).await;
            }
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca).unwrap();
    let url = format!("https://localhost:{port}/push");
    let trusting = Outgoing::trusting(roots.clone(), true);
    let answered = trusting.post(&url, Named::ByPhone, &[("ttl", "60".to_owned())], vec![]).await.unwrap();
    assert_eq!((answered.status, heard.lock().unwrap().len()), (201, 1));
    let wrong_name = format!("https://127.0.0.1:{port}/push");
    let strangers = Outgoing::trusting(rustls::RootCertStore::empty(), true);
    for (outgoing, url) in [(&strangers, &url), (&trusting, &wrong_name)] {
        let said = outgoing.post(url, Named::ByPhone, &[], vec![]).await.unwrap_err();
        assert!(format!("{said:#}").contains("no safe connection"), "{said:#}");
    }
    let strict = Outgoing::trusting(roots, false);
    let said = strict.post(&url, Named::ByPhone, &[], vec![]).await.unwrap_err();
    assert!(format!("{said:#}").contains("usual port"), "{said:#}");
    assert_eq!(heard.lock().unwrap().len(), 1, "nothing was said to whom is not trusted");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (here, there) = (Ear::open().await, Ear::open().await);
    let to: &'static str = Box::leak(format!("307 Over there\r\nlocation: {}", there.url("x")).into_boxed_str());
    here.answer(&[to]);
    let answered = Outgoing::new(true).post(&here.url("a"), Named::ByPhone, &[], vec![]).await.unwrap();
    assert_eq!((answered.status, there.heard().len()), (307, 0));
}

#[tokio::test]
async fn emergencies_that_stood_before_the_office_could_call_are_called_about() {
    let (office, ear) = (Office::open().await, Ear::open().await);
    let hanh = office.sign_in("hanh").await;
    notify(&hanh, &ear.url("hanh")).await;
    let (pen, case) = emergency(&office, vec![]).await;
    let forget = async || sqlx::query("delete from emergency").execute(&office.staff.pool).await.unwrap();
    // As the migration leaves it: the case is there, its emergency has no row.
    forget().await;
    let seen = pen.write(case.subject, "place:a", domain::laws::visit("Vẫn chưa có ai đến."));
    send(&office, &pen, &seen, minute(5)).await;
    assert_eq!(office.count("emergency").await, 1, "whatever is written on the case brings it back");
    forget().await;
    let duty = duty_of(&office, settings());
    duty.tick(minute(10)).await.unwrap();
    assert_eq!(ear.called(), ["hanh"], "and so does the start of the office");
    office.assert_sound().await;
}
