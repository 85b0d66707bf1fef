//! Questions and fields: label, hint, and the error beside the field it is about. They know typing, not meaning.

use std::cell::Cell;

use domain::{Day, Invalid};
use leptos::prelude::*;

use super::{CollectAny, If};
use wasm_bindgen::JsCast;

use crate::{
    field::words,
    icon::{Icon, sized},
};

thread_local! {
    static LAST_ID: Cell<u32> = const { Cell::new(0) };
}

/// An id that no other element of this page has.
#[must_use]
pub fn fresh_id() -> String {
    LAST_ID.with(|last| {
        last.set(last.get() + 1);
        format!("f{}", last.get())
    })
}

/// Which keyboard the phone offers and what it may correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typing {
    #[default]
    Text,
    /// A person's name: every word begins large.
    Name,
    /// Several sentences.
    Long,
    Phone,
    Digits,
    /// Letters and digits that mean nothing to a dictionary.
    Code,
    Password,
    /// A name to log in with: no capitals, nothing corrected.
    UserName,
}

impl Typing {
    fn mode(self) -> &'static str {
        match self {
            Self::Phone => "tel",
            Self::Digits => "numeric",
            _ => "text",
        }
    }
    fn kind(self) -> &'static str {
        match self {
            Self::Phone => "tel",
            Self::Password => "password",
            _ => "text",
        }
    }
    fn capitals(self) -> &'static str {
        match self {
            Self::Name => "words",
            Self::Code | Self::Password | Self::UserName => "none",
            _ => "sentences",
        }
    }
}

/// The sentence of an error, beside the field.
#[component]
pub fn FieldError(#[prop(into)] id: String, error: Signal<Option<String>>) -> AnyView {
    view! {
        <p class="error" id=id hidden=move || error.with(Option::is_none)>
            {sized(Icon::Warning, Some("s"))}
            <span>{move || error.get()}</span>
        </p>
    }
    .into_any()
}

/// One field to type in.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    /// The label is only heard: the page's heading already says it.
    #[prop(optional)]
    heard_only: bool,
    value: RwSignal<String>,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    /// Something odd that may be saved all the same.
    #[prop(optional, into)]
    warning: Signal<Option<String>>,
    #[prop(optional)] typing: Typing,
    #[prop(optional)] name: Option<&'static str>,
    #[prop(optional)] autocomplete: Option<&'static str>,
) -> AnyView {
    let id = fresh_id();
    let (hint_id, error_id) = (format!("{id}h"), format!("{id}e"));
    let described = format!("{hint_id} {error_id}");
    let no_hint = hint.is_empty();
    let invalid = move || error.with(Option::is_some);
    let aria = move || invalid().then_some("true");
    let autocomplete = autocomplete.unwrap_or("off");
    let control = if typing == Typing::Long {
        view! {
            <textarea
                id=id.clone()
                name=name
                aria-describedby=described
                aria-invalid=aria
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            ></textarea>
        }
        .into_any()
    } else {
        view! {
            <input
                id=id.clone()
                name=name
                type=typing.kind()
                inputmode=typing.mode()
                autocapitalize=typing.capitals()
                autocomplete=autocomplete
                spellcheck=matches!(typing, Typing::Name | Typing::Code | Typing::Password | Typing::UserName).then_some("false")
                data-kind=(typing == Typing::Code).then_some("code")
                aria-describedby=described
                aria-invalid=aria
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            />
        }
        .into_any()
    };
    view! {
        <div class="field" data-invalid=move || invalid().then_some("")>
            <label for=id class=heard_only.then_some("hidden-label")>{label}</label>
            {control}
            <small id=hint_id hidden=no_hint>{hint}</small>
            <FieldError id=error_id error />
            <p class="warning" hidden=move || warning.with(Option::is_none)>
                {sized(Icon::Warning, Some("s"))}
                <span>{move || warning.get()}</span>
            </p>
        </div>
    }
    .into_any()
}

/// One of a few answers, each with its consequence. `chosen` is its number.
#[component]
pub fn Answers(
    #[prop(into)] legend: String,
    /// The legend is only heard: the page's heading already says it.
    #[prop(optional)]
    heard_only: bool,
    #[prop(into)] options: Vec<(String, String)>,
    chosen: RwSignal<Option<usize>>,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> AnyView {
    let name = fresh_id();
    let error_id = format!("{name}e");
    let described = error_id.clone();
    let rows = options
        .into_iter()
        .enumerate()
        .map(|(n, (label, hint))| {
            view! {
                <label class="answer">
                    <input
                        type="radio"
                        name=name.clone()
                        value=n.to_string()
                        aria-invalid=move || error.with(Option::is_some).then_some("true")
                        prop:checked=move || chosen.get() == Some(n)
                        on:change=move |_| chosen.set(Some(n))
                    />
                    <strong>{label}</strong>
                    {(!hint.is_empty()).then(|| view! { <small>{hint}</small> })}
                </label>
            }
        })
        .collect_any();
    view! {
        <fieldset class="field stack" data-invalid=move || error.with(Option::is_some).then_some("") aria-describedby=described>
            <legend class=heard_only.then_some("hidden-label")>{legend}</legend>
            {rows}
            <FieldError id=error_id error />
        </fieldset>
    }
    .into_any()
}

/// One answer of a [`RadioList`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadioOption {
    pub key: String,
    pub label: String,
    pub hint: String,
}

/// One of several answers that may change while the form stands; `chosen` holds its key, empty for none.
#[component]
pub fn RadioList(
    #[prop(into)] legend: String,
    /// The legend is only heard: a heading already says it.
    #[prop(optional)]
    heard_only: bool,
    #[prop(into)] options: Signal<Vec<RadioOption>>,
    chosen: RwSignal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> AnyView {
    let name = fresh_id();
    let error_id = format!("{name}e");
    let described = error_id.clone();
    // Answers that stay keep their place on the screen and the finger's focus.
    let options = Memo::new(move |_| options.get());
    let rows = move || {
        let name = name.clone();
        options
            .get()
            .into_iter()
            .map(|RadioOption { key, label, hint }| {
                let (own, set) = (key.clone(), key.clone());
                view! {
                    <label class="answer">
                        <input
                            type="radio"
                            name=name.clone()
                            value=key
                            aria-invalid=move || error.with(Option::is_some).then_some("true")
                            prop:checked=move || chosen.with(|c| *c == own)
                            on:change=move |_| chosen.set(set.clone())
                        />
                        <strong>{label}</strong>
                        {(!hint.is_empty()).then(|| view! { <small>{hint}</small> })}
                    </label>
                }
            })
            .collect_any()
    };
    view! {
        <fieldset class="field stack" data-invalid=move || error.with(Option::is_some).then_some("") aria-describedby=described>
            <legend class=heard_only.then_some("hidden-label")>{legend}</legend>
            {rows}
            <FieldError id=error_id error />
        </fieldset>
    }
    .into_any()
}

/// Kinds of trouble as tiles with pictures.
#[component]
pub fn Tiles(
    #[prop(into)] legend: String,
    options: Vec<(Icon, String)>,
    chosen: RwSignal<Option<usize>>,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> AnyView {
    let name = fresh_id();
    let error_id = format!("{name}e");
    let described = error_id.clone();
    let tiles = options
        .into_iter()
        .enumerate()
        .map(|(n, (icon, label))| {
            view! {
                <label class="tile">
                    {sized(icon, Some("l"))}
                    <input
                        type="radio"
                        name=name.clone()
                        value=n.to_string()
                        aria-invalid=move || error.with(Option::is_some).then_some("true")
                        prop:checked=move || chosen.get() == Some(n)
                        on:change=move |_| chosen.set(Some(n))
                    />
                    <span>{label}</span>
                </label>
            }
        })
        .collect_any();
    view! {
        <fieldset class="field stack" data-invalid=move || error.with(Option::is_some).then_some("") aria-describedby=described>
            <legend class="hidden-label">{legend}</legend>
            <div class="tiles">{tiles}</div>
            <FieldError id=error_id error />
        </fieldset>
    }
    .into_any()
}

/// A short row of words of which one is on.
#[component]
pub fn Chips(
    #[prop(into)] label: String,
    /// The label is only heard.
    #[prop(optional)]
    heard_only: bool,
    #[prop(into)] options: Signal<Vec<String>>,
    chosen: RwSignal<Option<usize>>,
    /// A second tap takes the answer back.
    #[prop(optional)]
    may_clear: bool,
) -> AnyView {
    let id = fresh_id();
    let chips = move || {
        options
            .get()
            .into_iter()
            .enumerate()
            .map(|(n, word)| {
                let on = move || chosen.get() == Some(n);
                view! {
                    <button
                        class="chip"
                        type="button"
                        aria-pressed=move || if on() { "true" } else { "false" }
                        on:click=move |_| {
                            let again = chosen.get_untracked() == Some(n) && may_clear;
                            chosen.set(if again { None } else { Some(n) });
                        }
                    >
                        {word}
                    </button>
                }
            })
            .collect_any()
    };
    let label_id = id.clone();
    view! {
        <div class="chips" role="group" aria-labelledby=label_id>
            <span id=id class=if heard_only { "hidden-label" } else { "soft" }>{label}</span>
            {chips}
        </div>
    }
    .into_any()
}

/// Several of a few words may be on. `chosen` holds their numbers.
#[component]
pub fn ManyChips(#[prop(into)] label: String, options: Vec<String>, chosen: RwSignal<Vec<usize>>) -> AnyView {
    let id = fresh_id();
    let chips = options
        .into_iter()
        .enumerate()
        .map(|(n, word)| {
            let on = move || chosen.with(|c| c.contains(&n));
            view! {
                <button
                    class="chip"
                    type="button"
                    aria-pressed=move || if on() { "true" } else { "false" }
                    on:click=move |_| {
                        chosen
                            .update(|c| match c.iter().position(|have| *have == n) {
                                Some(at) => drop(c.remove(at)),
                                None => c.push(n),
                            })
                    }
                >
                    <If when=on>{sized(Icon::Tick, Some("s"))}</If>
                    {word}
                </button>
            }
        })
        .collect_any();
    let label_id = id.clone();
    view! {
        <div class="field" role="group" aria-labelledby=label_id>
            <strong id=id>{label}</strong>
            <div class="chips">{chips}</div>
        </div>
    }
    .into_any()
}

/// One of many, by the phone's own list. Pairs of value and word.
#[component]
pub fn Select(
    #[prop(into)] label: String,
    /// The label is only heard.
    #[prop(optional)]
    heard_only: bool,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
    value: RwSignal<String>,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> AnyView {
    let id = fresh_id();
    let (hint_id, error_id) = (format!("{id}h"), format!("{id}e"));
    let described = format!("{hint_id} {error_id}");
    let (no_hint, label_for) = (hint.is_empty(), id.clone());
    view! {
        <div class="field" data-invalid=move || error.with(Option::is_some).then_some("")>
            <label for=label_for class=heard_only.then_some("hidden-label")>{label}</label>
            <select
                id=id
                aria-describedby=described
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                on:change:target=move |event| value.set(event.target().value())
            >
                {move || {
                    options
                        .get()
                        .into_iter()
                        .map(|(key, word)| {
                            let own = key.clone();
                            view! { <option value=key selected=move || value.get() == own>{word}</option> }
                        })
                        .collect_any()
                }}
            </select>
            <small id=hint_id hidden=no_hint>{hint}</small>
            <FieldError id=error_id error />
        </div>
    }
    .into_any()
}

/// Something that is on or off.
#[component]
pub fn Toggle(
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Signal<String>,
    on: RwSignal<bool>,
) -> AnyView {
    view! {
        <label class="toggle">
            <strong>{label}</strong>
            <small>{hint}</small>
            <input
                type="checkbox"
                role="switch"
                prop:checked=move || on.get()
                on:change:target=move |event| on.set(event.target().checked())
            />
        </label>
    }
    .into_any()
}

/// Day, month and year as far as they were typed.
pub type DateNumbers = (Option<u8>, Option<u8>, Option<u16>);

/// Day, month and year as typed; any of them may be empty.
#[derive(Debug, Clone, Copy)]
pub struct DateParts {
    pub day: RwSignal<String>,
    pub month: RwSignal<String>,
    pub year: RwSignal<String>,
}

impl DateParts {
    #[must_use]
    pub fn new(day: Option<Day>) -> Self {
        let this = Self {
            day: RwSignal::new(String::new()),
            month: RwSignal::new(String::new()),
            year: RwSignal::new(String::new()),
        };
        if let Some(day) = day {
            this.set(day);
        }
        this
    }
    pub fn set(self, day: Day) {
        self.day.set(day.day().to_string());
        self.month.set(day.month().to_string());
        self.year.set(day.year().to_string());
    }
    /// The numbers typed, tracked.
    ///
    /// # Errors
    /// [`Invalid::NotANumber`].
    pub fn numbers(self) -> Result<DateNumbers, Invalid> {
        fn read<N: std::str::FromStr>(part: RwSignal<String>) -> Result<Option<N>, Invalid> {
            part.with(|typed| match typed.trim() {
                "" => Ok(None),
                typed => typed.parse().map(Some).map_err(|_| Invalid::NotANumber),
            })
        }
        Ok((read(self.day)?, read(self.month)?, read(self.year)?))
    }
    /// A whole day, `None` when nothing was typed.
    ///
    /// # Errors
    /// [`Invalid::NotANumber`], [`Invalid::NotADay`], [`Invalid::Missing`] when a part is missing.
    pub fn whole(self) -> Result<Option<Day>, Invalid> {
        match self.numbers()? {
            (None, None, None) => Ok(None),
            (Some(day), Some(month), Some(year)) => {
                // "26" is how people write 2026.
                let year = if year < 100 { 2000 + year } else { year };
                Day::of(year.into(), month.into(), day.into()).map(Some).ok_or(Invalid::NotADay)
            }
            _ => Err(Invalid::Missing),
        }
    }
}

/// A date in three parts, in the order people write it.
#[component]
pub fn DateField(
    #[prop(into)] legend: String,
    parts: DateParts,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> AnyView {
    let time = &words().time;
    let part = move |label: &'static str, value: RwSignal<String>, length: &'static str| {
        let id = fresh_id();
        let label_for = id.clone();
        view! {
            <div>
                <label for=label_for>{label}</label>
                <input
                    id=id
                    inputmode="numeric"
                    maxlength=length
                    autocomplete="off"
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    prop:value=move || value.get()
                    on:input:target=move |event| value.set(event.target().value())
                />
            </div>
        }
    };
    let error_id = fresh_id();
    let described = error_id.clone();
    let no_hint = hint.is_empty();
    view! {
        <fieldset class="field" data-invalid=move || error.with(Option::is_some).then_some("") aria-describedby=described>
            <legend>{legend}</legend>
            <div class="date-parts">
                {part(time.day, parts.day, "2")} {part(time.month, parts.month, "2")} {part(time.year, parts.year, "4")}
            </div>
            <small hidden=no_hint>{hint}</small>
            <FieldError id=error_id error />
        </fieldset>
    }
    .into_any()
}

/// Brings the first field with an error into view and gives it the focus.
pub fn focus_first_error() {
    request_animation_frame(|| {
        let first = document().query_selector("main [aria-invalid=true]").ok().flatten();
        if let Some(field) = first.and_then(|f| f.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = field.focus();
            // With its sentence, which stands below it.
            let whole = field.closest(".field").ok().flatten();
            whole.as_ref().unwrap_or(&field).scroll_into_view_with_bool(false);
        }
    });
}
