//! Faults of the browser, on purpose: a method of its storage fails until the fault is dropped.

use js_sys::{Function, Reflect};
use wasm_bindgen::JsValue;

/// Puts a browser's method back when dropped.
pub struct Fault {
    on: JsValue,
    method: &'static str,
    sound: JsValue,
}

impl Fault {
    /// `IDBObjectStore.prototype.put` and the like throw `error`, as often as `times` says, then work again.
    pub fn throw(class: &'static str, method: &'static str, error: &str, times: u32) -> Self {
        let on = Function::new_with_args("name", "return self[name].prototype")
            .call1(&JsValue::NULL, &class.into())
            .expect("a class of the browser");
        let sound = Reflect::get(&on, &method.into()).expect("its method");
        let make = Function::new_with_args(
            "sound, error, times",
            "let left = times;
             return function (...args) {
               if (left > 0) { left -= 1; throw new DOMException('on purpose', error); }
               return sound.apply(this, args);
             }",
        );
        let faulty = make.call3(&JsValue::NULL, &sound, &error.into(), &times.into()).expect("a function");
        Reflect::set(&on, &method.into(), &faulty).expect("set");
        Self { on, method, sound }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        Reflect::set(&self.on, &self.method.into(), &self.sound).expect("put back");
    }
}
