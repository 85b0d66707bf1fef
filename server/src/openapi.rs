//! The description of the interface (OpenAPI 3.1), made from the table of routes. It knows what a call takes and gives in
//! outline; the types themselves are described in `domain::wire`.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::routes::{Method, Route, Takes, routes};

#[expect(clippy::print_stdout, reason = "this is what the verb is for")]
pub fn print() -> Result<()> {
    println!("{}", serde_json::to_string_pretty(&describe(&routes()))?);
    Ok(())
}

#[must_use]
pub fn describe(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path = route.path.replace("{*", "{");
        let method = match route.method {
            Method::Get => "get",
            Method::Post => "post",
        };
        let at = paths.entry(path.clone()).or_insert_with(|| json!({}));
        at[method] = operation(route, &path);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Cầu Nối", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "AGPL-3.0-only" } },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "person": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-cn-{worker}",
                    "description": "One cookie for each person on a device; the call names its person."
                }
            },
            "schemas": { "ApiError": error() }
        }
    })
}

fn operation(route: &Route, path: &str) -> Value {
    let mut operation = json!({ "summary": route.summary, "responses": { "200": { "description": "Done" } } });
    let parameters: Vec<Value> = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let kind = if name == "start" { "integer" } else { "string" };
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
        })
        .collect();
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    match route.takes {
        Takes::Nothing if path.starts_with("/api/photo/") => {
            operation["parameters"].as_array_mut().into_iter().for_each(|all| {
                all.push(json!({
                    "name": "worker", "in": "query", "required": true, "schema": { "type": "string", "format": "uuid" }
                }));
            });
            operation["security"] = json!([{ "person": [] }]);
            operation["responses"] = json!({
                "200": {
                    "description": "All of it, sealed",
                    "content": { "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } }
                },
                "204": { "description": "Announced; whoever took it has not sent all of it yet" },
                "401": { "description": "No session of the person named" },
                "403": { "description": "No such photo, or not for this person" }
            });
        }
        Takes::Nothing => {}
        Takes::Form => {
            operation["requestBody"] = json!({
                "content": { "application/x-www-form-urlencoded": { "schema": {
                    "type": "object",
                    "properties": { "user_name": { "type": "string" }, "password": { "type": "string" } }
                } } }
            });
            operation["responses"] = json!({
                "303": { "description": "Done; go on there" },
                "401": { "description": "Wrong name or password" },
                "403": { "description": "Another site asked" },
                "422": { "description": "A field is missing" },
                "429": { "description": "Too many attempts" }
            });
        }
        Takes::Bytes => {
            operation["requestBody"] = json!({
                "content": { "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } }
            });
            operation["x-limit-bytes"] = json!(route.limit_bytes);
            let has =
                json!({ "type": "object", "properties": { "bytes": { "type": "integer" } }, "required": ["bytes"] });
            let standing = json!({ "oneOf": [
                { "enum": ["unknown", "complete", "removed"] },
                { "type": "object", "properties": { "has": has }, "required": ["has"] }
            ] });
            let wrong = |said: &str| {
                json!({
                    "description": said,
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ApiError" } } }
                })
            };
            operation["responses"] = json!({
                "200": {
                    "description": "How much of the photo is there now",
                    "content": { "application/json": { "schema": standing } }
                },
                "400": wrong("Not the name of a photo, or more than was announced"),
                "403": wrong("Another site asked"),
                "413": wrong("Send smaller pieces"),
                "429": wrong("Too many pieces; wait"),
                "503": wrong("Try again later; nothing was written")
            });
        }
        Takes::Json => {
            let (takes, gives) = bodies(path);
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": takes } } });
            operation["x-limit-bytes"] = json!(route.limit_bytes);
            let mut responses = json!({
                "200": { "description": "Done", "content": { "application/json": { "schema": gives } } }
            });
            for (status, said) in [
                ("400", "Not what this door takes"),
                ("401", "No session of the person named; nothing was written"),
                ("403", "Another site asked"),
                ("413", "Too large: send less at a time"),
                ("426", "The app must be updated"),
                ("429", "Too many attempts"),
                ("503", "Try again later; nothing was written"),
            ] {
                responses[status] = json!({
                    "description": said,
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ApiError" } } }
                });
            }
            if path.ends_with("push") {
                responses["200"]["headers"] = json!({ domain::Stamp::HEADER: {
                    "description": "The office's signature under what it has: key, at and sig as JSON",
                    "schema": { "type": "string" }
                } });
            }
            operation["responses"] = responses;
            if !["log_in", "whoami", "letters"].iter().any(|open| path.ends_with(open)) {
                operation["security"] = json!([{ "person": [] }]);
            }
        }
    }
    operation
}

/// What a call takes and gives, in outline.
fn bodies(path: &str) -> (Value, Value) {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer" });
    let id = || json!({ "type": "string", "format": "uuid" });
    let object = |properties: Value| {
        let required: Vec<String> = properties.as_object().map(|p| p.keys().cloned().collect()).unwrap_or_default();
        json!({ "type": "object", "properties": properties, "required": required })
    };
    let list = |of: Value| json!({ "type": "array", "items": of });
    let worker = || object(json!({ "id": id(), "name": text(), "grants": list(json!({ "type": "object" })) }));
    match path {
        "/api/log_in" => (object(json!({ "user_name": text(), "password": text() })), worker()),
        "/api/log_out" => (object(json!({ "worker": id() })), json!({ "type": "null" })),
        "/api/notify_key" => (object(json!({ "worker": id() })), text()),
        "/api/notify_on" => (object(json!({ "worker": id(), "endpoint": text() })), json!({ "type": "null" })),
        "/api/notify_off" => (object(json!({ "worker": id() })), json!({ "type": "null" })),
        "/api/whoami" => (object(json!({})), list(worker())),
        "/api/push" => {
            // An enum is the name of its variant, or an object with that name and the content.
            let tagged = json!({
                "oneOf": [text(), { "type": "object", "minProperties": 1, "maxProperties": 1 }]
            });
            let change = object(json!({
                "v": number(), "id": id(), "log": text(), "subject": text(), "author": id(), "device": id(),
                "n": number(), "recorded_at": number(), "body": tagged
            }));
            let batch = object(json!({ "v": number(), "worker": id(), "device": id(), "changes": list(change) }));
            let at = || object(json!({ "at": number() }));
            let verdict = json!({ "oneOf": [
                object(json!({ "accepted": at() })),
                object(json!({ "already_known": at() })),
                object(json!({ "waiting": object(json!({ "at": number(), "on": id() })) })),
                object(json!({ "refused": object(json!({ "why": tagged })) })),
                object(json!({ "quarantined": at() })),
            ] });
            (object(json!({ "batch": batch })), list(verdict))
        }
        "/api/letters" => {
            let letter = object(json!({
                "v": number(), "id": id(), "key": text(), "device": id(), "enc": text(), "ct": text(), "sig": text()
            }));
            let answer = json!({
                "type": "object",
                "properties": { "kept": list(json!({ "type": "boolean" })), "slip": { "type": "object" } },
                "required": ["kept"]
            });
            (object(json!({ "letters": list(letter) })), answer)
        }
        "/api/pull" => {
            let cursor = json!({
                "type": ["object", "null"], "properties": { "seq": number(), "mark": id() }
            });
            let request = object(json!({
                "v": number(), "worker": id(), "device": id(),
                "cursors": { "type": "object", "additionalProperties": cursor }, "briefing": text()
            }));
            let part = object(json!({ "key": text(), "seq": number(), "part": { "type": "object" } }));
            let subject = json!({
                "type": "object",
                "properties": {
                    "subject": text(), "whole": { "type": "boolean" }, "parts": list(part), "gone": list(text())
                },
                "required": ["subject"]
            });
            let page = json!({
                "type": "object",
                "properties": {
                    "log": text(), "reset": { "type": "boolean" }, "subjects": list(subject),
                    "settled": list(json!({ "type": "array" })), "next": cursor, "more": { "type": "boolean" }
                },
                "required": ["log"]
            });
            let answer = json!({
                "type": "object",
                "properties": { "now": number(), "pages": list(page), "briefing": { "type": "object" } },
                "required": ["now", "pages"]
            });
            (object(json!({ "request": request })), answer)
        }
        _ => (json!({ "type": "object" }), json!({})),
    }
}

fn error() -> Value {
    json!({ "oneOf": [
        { "enum": [
            "signed_out", "wrong_password", "forbidden", "bad_request", "too_large", "update_needed", "unavailable"
        ] },
        {
            "type": "object",
            "properties": { "too_many": {
                "type": "object",
                "properties": { "seconds": { "type": "integer" } },
                "required": ["seconds"]
            } },
            "required": ["too_many"]
        }
    ] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described() {
        let described = describe(&routes());
        for route in routes() {
            let path = route.path.replace("{*", "{");
            let method = if route.method == Method::Get { "get" } else { "post" };
            assert!(described["paths"][&path][method]["summary"].is_string(), "{method} {path}");
        }
        let push = &described["paths"]["/api/push"]["post"];
        assert_eq!(push["requestBody"]["required"], true);
        assert_eq!(push["responses"]["413"]["description"], "Too large: send less at a time");
    }
}
