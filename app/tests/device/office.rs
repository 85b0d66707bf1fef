//! An office behind `fetch`: the one in memory answers, in whatever mood the test puts the line.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use domain::{laws::MORNING, memory::MemoryRegistry, *};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise, Reflect, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::future_to_promise;

/// How the line answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Open,
    /// Nothing is there.
    Cut,
    /// Nothing answers, until the mood is another.
    Silent,
    /// The office takes the push and its answer is lost.
    LosesAnswers,
    /// Every session has ended.
    SignedOut,
    /// A gate of somebody else answers everything with a page.
    Gate,
    /// A proxy answers everything with a status of its own.
    Proxy(u16),
}

/// The office; `fetch` is its own again when it is dropped.
pub struct Town {
    desk: Rc<Desk>,
    fetch: JsValue,
    _answer: Closure<dyn FnMut(String, JsValue) -> Promise>,
}

struct Desk {
    registry: MemoryRegistry,
    workers: Vec<Worker>,
    sessions: RefCell<Vec<WorkerId>>,
    mood: Cell<Mood>,
    calls: RefCell<Vec<String>>,
    letters: RefCell<Vec<Letter>>,
    /// Letters that it does not take.
    takes_no: RefCell<Vec<ChangeId>>,
}

impl Town {
    pub fn open(village: &laws::Village) -> Self {
        let desk = Rc::new(Desk {
            registry: village.memory(),
            workers: village.workers.clone(),
            sessions: RefCell::default(),
            mood: Cell::new(Mood::Open),
            calls: RefCell::default(),
            letters: RefCell::default(),
            takes_no: RefCell::default(),
        });
        let window = web_sys::window().expect("a window");
        let fetch = Reflect::get(&window, &"fetch".into()).expect("fetch");
        let asked = desk.clone();
        let answer = Closure::new(move |path: String, request: JsValue| {
            let desk = asked.clone();
            let body = Reflect::get(&request, &"body".into()).expect("a body");
            let body = body.dyn_into::<Uint8Array>().expect("bytes").to_vec();
            future_to_promise(async move { desk.answer(&path, &body).await })
        });
        Reflect::set(&window, &"fetch".into(), answer.as_ref()).expect("set");
        Self { desk, fetch, _answer: answer }
    }
    pub fn set_mood(&self, mood: Mood) {
        self.desk.mood.set(mood);
    }
    /// The sessions that stand, as if somebody had just logged in by the plain form.
    pub fn sign_in(&self, worker: WorkerId) {
        self.desk.sessions.borrow_mut().insert(0, worker);
    }
    pub fn sessions(&self) -> Vec<WorkerId> {
        self.desk.sessions.borrow().clone()
    }
    /// What was brought without a session, in its order.
    pub fn letters(&self) -> Vec<ChangeId> {
        self.desk.letters.borrow().iter().map(|letter| letter.id).collect()
    }
    pub fn take_no_letter(&self, of: ChangeId) {
        self.desk.takes_no.borrow_mut().push(of);
    }
    pub fn calls(&self, path: &str) -> usize {
        self.desk.calls.borrow().iter().filter(|called| *called == path).count()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        let window = web_sys::window().expect("a window");
        Reflect::set(&window, &"fetch".into(), &self.fetch).expect("put back");
    }
}

impl Desk {
    async fn answer(&self, path: &str, body: &[u8]) -> Result<JsValue, JsValue> {
        self.calls.borrow_mut().push(path.to_owned());
        while self.mood.get() == Mood::Silent {
            TimeoutFuture::new(10).await;
        }
        match self.mood.get() {
            Mood::Cut => return Err(js_sys::TypeError::new("Failed to fetch").into()),
            Mood::Gate => return Ok(response("<html>Xin chào! Wifi miễn phí</html>", 200)),
            Mood::Proxy(status) => return Ok(response("<html>no</html>", status)),
            Mood::Open | Mood::LosesAnswers | Mood::SignedOut | Mood::Silent => {}
        }
        let said = self.say(path, body).await;
        if self.mood.get() == Mood::LosesAnswers {
            return Err(js_sys::TypeError::new("Failed to fetch").into());
        }
        Ok(match said {
            Ok(text) => response(&text, 200),
            Err(error) => response(&serde_json::to_string(&error).expect("an error as JSON"), error.status()),
        })
    }

    async fn say(&self, path: &str, body: &[u8]) -> Result<String, ApiError> {
        fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> T {
            serde_json::from_slice(body).expect("what the server function takes")
        }
        fn write(said: &impl serde::Serialize) -> String {
            serde_json::to_string(said).expect("an answer as JSON")
        }
        #[derive(Deserialize)]
        struct LogIn {
            user_name: String,
            password: String,
        }
        #[derive(Deserialize)]
        struct Of {
            worker: WorkerId,
        }
        #[derive(Deserialize)]
        struct Push {
            batch: PushBatch,
        }
        #[derive(Deserialize)]
        struct Pull {
            request: PullRequest,
        }
        match path {
            "/api/log_in" => {
                let LogIn { user_name, password } = read(body);
                let found = self.workers.iter().find(|w| search::fold(w.name.given()) == user_name);
                let worker = found.filter(|_| password == "cau-noi-demo").ok_or(ApiError::WrongPassword)?;
                self.sessions.borrow_mut().insert(0, worker.id);
                self.mood.set(Mood::Open);
                Ok(write(&LoggedIn::new(worker.clone(), Some(crate::letters::office()))))
            }
            "/api/log_out" => {
                let Of { worker } = read(body);
                self.sessions.borrow_mut().retain(|w| *w != worker);
                Ok(write(&()))
            }
            "/api/whoami" => {
                let sessions = self.sessions.borrow();
                let here: Vec<&Worker> =
                    sessions.iter().filter_map(|id| self.workers.iter().find(|w| w.id == *id)).collect();
                Ok(write(&here))
            }
            "/api/letters" => {
                let Post { letters } = read(body);
                let takes_no = self.takes_no.borrow();
                let kept: Vec<bool> = letters.iter().map(|letter| !takes_no.contains(&letter.id)).collect();
                self.letters.borrow_mut().extend(letters.into_iter().filter(|letter| !takes_no.contains(&letter.id)));
                Ok(write(&PostAnswer { kept, slip: None }))
            }
            "/api/push" => {
                let Push { batch } = read(body);
                let session = self.session(batch.worker)?;
                Ok(write(&self.registry.push(&session, batch, MORNING).await?))
            }
            "/api/pull" => {
                let Pull { request } = read(body);
                let session = self.session(request.worker)?;
                Ok(write(&self.registry.pull(&session, request, MORNING).await?))
            }
            _ => panic!("no such door: {path}"),
        }
    }

    fn session(&self, worker: WorkerId) -> Result<Session, ApiError> {
        let stands = self.mood.get() != Mood::SignedOut && self.sessions.borrow().contains(&worker);
        if stands { Ok(Session { worker }) } else { Err(ApiError::SignedOut) }
    }
}

fn response(text: &str, status: u16) -> JsValue {
    Function::new_with_args("text, status", "return new Response(text, { status })")
        .call2(&JsValue::NULL, &text.into(), &status.into())
        .expect("a response")
}
