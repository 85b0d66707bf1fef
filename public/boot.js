// Opens the field app in the document that the office or the service worker gave.
// Knows how the app is started, kept and renewed; refuses to know anything about cases or people.
(() => {
  const root = document.documentElement;

  // Settings of this device are written by the app as JSON.
  const setting = (name) => {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  };
  const theme = setting('cn.theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  // Somebody has signed in on this device: the log-in form would only flash by.
  if (setting('cn.person')) root.dataset.opening = '';

  async function open() {
    const module = await import('{{app.js}}');
    await module.default({ module_or_path: '{{app.wasm}}' });
    const shell = document.getElementById('shell');
    const form = shell?.querySelector('form');
    // Whoever has begun to type finishes in the plain form, which works by itself;
    // an error the office wrote there has not been read yet.
    form?.addEventListener('submit', () => {
      // Whose name it is: the next time a tap on their own name fills it in.
      try {
        sessionStorage.setItem('cn.user_name', JSON.stringify(form.elements.user_name?.value ?? ''));
      } catch {
        // A browser that keeps nothing asks for it again.
      }
    });
    const known = root.dataset.opening !== undefined;
    if (form && !known && (form.dataset.answered !== undefined || isTouched(form))) return;
    shell?.remove();
    delete root.dataset.opening;
    module.mount();
  }

  function isTouched(form) {
    return form.contains(document.activeElement)
      || [...form.elements].some((field) => field.value && field.type !== 'hidden' && field.type !== 'submit');
  }

  function saySo(error) {
    console.error(error);
    delete root.dataset.opening;
    document.getElementById('not-opened')?.removeAttribute('hidden');
  }

  // The new build waits until the person agrees, or until the next start.
  async function keep() {
    if (!navigator.serviceWorker) return;
    const registration = await navigator.serviceWorker.register('/sw.js');
    // Whoever is on duty was called, or has tapped the notice.
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      if (data === 'wake' || data === 'queue') window.dispatchEvent(new Event(`cn-${data}`));
    });
    const announce = () => {
      if (!registration.waiting || !navigator.serviceWorker.controller) return;
      root.dataset.update = 'ready';
      window.dispatchEvent(new Event('cn-update-ready'));
    };
    const follow = () => registration.installing?.addEventListener('statechange', announce);
    announce();
    // The browser may have found it before the app was open, which on a slow phone takes a while.
    follow();
    registration.addEventListener('updatefound', follow);
    let agreed = false;
    let controlled = navigator.serviceWorker.controller !== null;
    window.addEventListener('cn-update-agreed', () => {
      agreed = true;
      registration.waiting?.postMessage('take-over');
    });
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (agreed) location.reload();
      // Another tab has agreed: this one writes down what is being typed, and follows.
      else if (controlled) window.dispatchEvent(new Event('cn-taken-over'));
      controlled = true;
    });
    let looked = Date.now();
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible' || Date.now() - looked < 3_600_000) return;
      looked = Date.now();
      registration.update().catch(() => {});
    });
  }

  // The app first: keeping it for later must not slow down its first opening.
  const opened = document.readyState === 'loading'
    ? new Promise((resolve) => document.addEventListener('DOMContentLoaded', resolve)).then(open)
    : open();
  opened.catch(saySo).then(keep).catch((error) => console.warn(error));
})();
