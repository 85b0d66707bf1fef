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
        Self::after(0, class, method, error, times)
    }
    /// As [`Self::throw`], once, after `sound` calls that work.
    pub fn throw_later(class: &'static str, method: &'static str, error: &str, sound: u32) -> Self {
        Self::after(sound, class, method, error, 1)
    }
    fn after(calls: u32, class: &'static str, method: &'static str, error: &str, times: u32) -> Self {
        let on = Function::new_with_args("name", "return self[name].prototype")
            .call1(&JsValue::NULL, &class.into())
            .expect("a class of the browser");
        let sound = Reflect::get(&on, &method.into()).expect("its method");
        let make = Function::new_with_args(
            "sound, error, times, calls",
            "let [left, before] = [times, calls];
             return function (...args) {
               if (before > 0) before -= 1;
               else if (left > 0) { left -= 1; throw new DOMException('on purpose', error); }
               return sound.apply(this, args);
             }",
        );
        let given = js_sys::Array::of4(&sound, &error.into(), &times.into(), &calls.into());
        let faulty = make.apply(&JsValue::NULL, &given).expect("a function");
        Reflect::set(&on, &method.into(), &faulty).expect("set");
        Self { on, method, sound }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        Reflect::set(&self.on, &self.method.into(), &self.sound).expect("put back");
    }
}
