//! The demo installation: fictional people with a public password; knows what an empty database is filled with.

use std::net::SocketAddr;

use anyhow::Result;
use domain::{Address, Grant, PersonName, PlaceId, Role, Worker, WorkerId};

use crate::AppState;
use crate::database::now_ms;
use crate::login;

pub const PASSWORD: &str = "cau-noi-demo";

/// Fills an empty database; one that holds anybody is left as it is.
pub async fn fill(state: &AppState) -> Result<()> {
    let people = sqlx::query_scalar::<_, i64>("select count(*) from worker_login").fetch_one(&state.pool).await?;
    if people > 0 {
        return Ok(());
    }
    let lan = Worker {
        id: "0190a000-0000-7000-8000-000000000001".parse::<WorkerId>()?,
        name: PersonName::parse("Nông Thị Lan")?,
        address: Address::Chi,
        phone: None,
        grants: vec![
            Grant::area(Role::Collaborator, "na-thong".parse::<PlaceId>()?),
            Grant::area(Role::Collaborator, "khuoi-slao".parse::<PlaceId>()?),
        ],
    };
    login::add(&state.pool, &lan, "lan", PASSWORD, now_ms()).await?;
    Ok(())
}

/// Tells whoever started the demo where it is and who may sign in.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub fn say(address: SocketAddr) {
    println!("Cầu Nối, demo with fictional people: http://{address}");
    println!("  field app  http://{address}/        user name lan, password {PASSWORD}");
    println!("  office     http://{address}/office  the same");
}
