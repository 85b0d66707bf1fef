//! A defect in one piece of work ends that piece, and not the task that does all the others. It knows nothing of the work;
//! whoever asked for it asks again, and what else came in the same call waits with it.

use std::panic::AssertUnwindSafe;

use anyhow::{Result, anyhow};
use futures::FutureExt;

/// Does one piece of work; a panic in it is an error. What it had under way is dropped: a transaction is rolled back.
///
/// # Errors
/// Of the work, or that it panicked; where, the log says.
pub async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(anyhow!("a defect: it panicked")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_that_work() {
        let defect = async {
            tokio::task::yield_now().await;
            let nothing: [u8; 0] = [];
            Ok(nothing.iter().copied().max().expect("there is one"))
        };
        assert!(caught(defect).await.is_err());
        assert_eq!(caught(async { Ok(7) }).await.unwrap(), 7);
    }
}
