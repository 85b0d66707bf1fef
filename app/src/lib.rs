//! The two faces of Cầu Nối: `field` in the browser, `office` rendered by the server.
