//! The icons of both faces: one stroke path each on a 24 grid. It knows how they are drawn, not what they mean on a page.

use leptos::prelude::*;

macro_rules! icons {
    ($($name:ident $path:literal)*) => {
        /// An icon always stands beside its word; only the back arrow stands alone, and has a label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Icon { $($name,)* }

        impl Icon {
            /// The `d` of the path: stroke 1.75, round ends, no fill.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }
        }
    };
}

icons! {
    Alarm "M12 4 21 20H3ZM12 10v4.5M12 17.2h.01"
    Back "M15 5l-7 7 7 7"
    Bed "M3.5 19V6M3.5 15.5h17V19M20.5 15.5V13a2 2 0 0 0-2-2H11v4.5M7 11.5h.01"
    Book "M5 4.5h11a3 3 0 0 1 3 3v12H8a3 3 0 0 1-3-3ZM5 16.5a3 3 0 0 1 3-3h11"
    Bowl "M3.5 11.5h17a8.5 8.5 0 0 1-5.3 7.5H8.8a8.5 8.5 0 0 1-5.3-7.5ZM9 8c0-1.7 1.2-1.7 1.2-3.5M13.8 8c0-1.7 1.2-1.7 1.2-3.5"
    BoxEmpty "M6 5h12a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z"
    BoxTicked "M6 5h12a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8.5 12.2l2.5 2.5 4.7-5"
    Calendar "M5 6h14v14H5ZM5 10.5h14M9 3.5V7M15 3.5V7"
    Call "M6.5 4h3l1.5 4.2-2.2 1.6a11 11 0 0 0 5.4 5.4l1.6-2.2 4.2 1.5v3a2 2 0 0 1-2 2A15.5 15.5 0 0 1 4.5 6a2 2 0 0 1 2-2Z"
    Camera "M4 8h3.5L9 5.5h6L16.5 8H20v11H4ZM12 10.2a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4Z"
    Chart "M4 20h16M7 20v-7M12 20V6M17 20v-10"
    Child "M12 3.8a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4ZM6 8.5l3.5 4h5l3.5-4M9.5 12.5V20M14.5 12.5V20M9.5 16.5h5"
    Clock "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2"
    Close "M6 6l12 12M18 6L6 18"
    Cross "M9.5 4.5h5v5h5v5h-5v5h-5v-5h-5v-5h5Z"
    Dots "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8 12h.01M12 12h.01M16 12h.01"
    Down "M6 9.5l6 6 6-6"
    Download "M12 4v11M8 11l4 4 4-4M5 20h14"
    Elder "M10.5 3.3a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4ZM8 21l1-5.5-.5-3.8c.3-1 1.3-1.7 2.3-1.5l2 2.6 3.2.7M9 15.5l3.5 1.7L13 21M17 12v9"
    Eye "M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6ZM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z"
    Folder "M4 6.5h5.5l2 2.5H20v9.5H4Z"
    Forward "M9 5l7 7-7 7"
    Globe "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.5 12h17M12 3.5c-5 5-5 12 0 17 5-5 5-12 0-17Z"
    Heart "M12 20s-7.5-4.6-7.5-10A4 4 0 0 1 12 7.8 4 4 0 0 1 19.5 10C19.5 15.4 12 20 12 20Z"
    House "M4 11.5 12 5l8 6.5M6.5 9.8V19h11V9.8M10.3 19v-5h3.4v5"
    Leave "M10 4.5H5v15h5M14 8l4 4-4 4M18 12H9.5"
    LostPlace "M12 21s7-6 7-11.2a7 7 0 0 0-14 0C5 15 12 21 12 21ZM10 8.8a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.3M12 14.4h.01"
    Lock "M6 11h12v9H6ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3"
    Menu "M5 7h14M5 12h14M5 17h14"
    Minus "M6 12h12"
    Offline "M4 4l16 16M5 11.5a10 10 0 0 1 4.5-2.7M14 8.7a10 10 0 0 1 5 2.8M8.5 15.2a5 5 0 0 1 5.8-.9M12 18.8h.01"
    Online "M5 11.5a10 10 0 0 1 14 0M8.5 15.2a5 5 0 0 1 7 0M12 18.8h.01"
    Outbox "M8 3.5h8a1 1 0 0 1 1 1v15a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1v-15a1 1 0 0 1 1-1ZM12 15.5V9M9.7 11.2 12 9l2.3 2.2"
    Page "M6 3.5h8l4 4V20.5H6ZM14 3.5v4h4"
    Pencil "M4 20l1-4.2L16 4.8l3.2 3.2L8.2 19Z"
    People "M9 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM3.5 19v-1.5a4.5 4.5 0 0 1 4.5-4h2a4.5 4.5 0 0 1 4.5 4V19M15.5 5.5a3 3 0 0 1 0 5.5M17 13.8a4.5 4.5 0 0 1 3.5 4.2v1"
    Person "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20a7.5 7.5 0 0 1 15 0"
    Picture "M4 5.5h16v13H4ZM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.2h.01"
    Place "M12 21s7-6 7-11.2a7 7 0 0 0-14 0C5 15 12 21 12 21ZM12 7.3a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z"
    Plus "M12 5v14M5 12h14"
    Question "M4 5h16v11h-9l-4 4v-4H4Z"
    Retry "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15"
    Search "M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.8 15.8 20 20"
    Share "M12 15V4M8 8l4-4 4 4M5 13v7h14v-7"
    ShieldAlarm "M12 3.5 19 6v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6ZM12 8.5v4M12 15.6h.01"
    ShieldTick "M12 3.5 19 6v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6ZM9 12l2.2 2.2L15.2 10"
    Sms "M4 5h16v11h-9l-4 4v-4H4ZM8 10.5h.01M12 10.5h.01M16 10.5h.01"
    Step "M12 4.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM12 4.5V12l5.2 5.4"
    Theme "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 3.5v17M12 8.5l5.5-2.6M12 13l8-3.6M12 17.5l7.6-3.5"
    Tick "M5 12.5l4.5 4.5L19 7.5"
    Transfer "M4 8.5h13M13.5 5l3.5 3.5-3.5 3.5M20 15.5H7M10.5 12 7 15.5l3.5 3.5"
    Warning "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 8v5M12 16.2h.01"
    Wheelchair "M10 3.2a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2ZM10 8.5v6.3h5l2.5 5 1.8-.8M10 11h4M7.7 11.6a5 5 0 1 0 6.6 6.2"
}

/// Draws an icon of 24 px; `size` is `s` (20, thicker stroke) or `l` (32).
#[must_use]
pub fn sized(icon: Icon, size: Option<&'static str>) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" data-size=size>
            <path d=icon.path() />
        </svg>
    }
    .into_any()
}

impl IntoRender for Icon {
    type Output = AnyView;
    fn into_render(self) -> AnyView {
        sized(self, None)
    }
}

/// The bridge over still water. All of it lies inside the middle 80 % circle, so it may be masked.
#[must_use]
pub fn logo() -> AnyView {
    view! {
        <svg viewBox="0 0 48 48" aria-hidden="true">
            <rect width="48" height="48" fill="#0b5a58" />
            <path fill="#fff" d="M7 26.8C14.5 25.6 15.5 14.5 24 14.5S33.5 25.6 41 26.8V30.5H33A9 9 0 0 0 15 30.5H7Z" />
            <path d="M14 34.8h20" fill="none" stroke="#8fd0c9" stroke-width="2.2" stroke-linecap="round" />
        </svg>
    }
    .into_any()
}
