// Building pages safely: text only ever goes in as text, so whatever somebody writes is shown and never run.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") made.style.cssText = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const zone = { timeZone: "Asia/Shanghai", hour12: false };
const clock = new Intl.DateTimeFormat("zh-CN", { ...zone, hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("zh-CN", { ...zone, month: "numeric", day: "numeric" });
const key = new Intl.DateTimeFormat("en-CA", { ...zone, year: "numeric", month: "2-digit", day: "2-digit" });

// The product's time, as of its last word; the browser's own clock may be wrong.
let ahead = 0;
export function setNow(at) { ahead = at - Date.now(); }
export function now() { return Date.now() + ahead; }

export const hourMinute = (at) => clock.format(at);

export function when(at) {
  const far = key.format(at) !== key.format(now());
  return far ? `${day.format(at)} ${clock.format(at)}` : clock.format(at);
}

export const dayAndTime = (at) => `${key.format(at).replaceAll("-", "/")} ${clock.format(at)}`;

export const NIGHT = "演示在夜间关闭了免打扰时段";

// `last` lets it through although the page goes away.
export async function post(path, body = {}, { last = false } = {}) {
  const answer = await fetch(`/demo/${path}`, {
    method: "POST",
    keepalive: last,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error || "没有成功，请再试一次");
  return said;
}

// What is typed and not sent, for this window only; a browser that keeps nothing costs no more than that.
export const unsent = {
  read(name) { try { return sessionStorage.getItem(`unsent.${name}`) || ""; } catch { return ""; } },
  write(name, text) {
    try { if (text) sessionStorage.setItem(`unsent.${name}`, text); else sessionStorage.removeItem(`unsent.${name}`); } catch { /* not kept */ }
  },
};

let hide = 0;
export function toast(words) {
  const box = document.getElementById("toast");
  box.textContent = words;
  box.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { box.hidden = true; }, 4000);
}

// Tells what is new or different since the last look, by key; nothing on the first look.
export function makeWatch() {
  let before = null;
  return (items) => {
    const now = new Map(items.map(([name, value]) => [String(name), JSON.stringify(value)]));
    const fresh = new Set();
    if (before) for (const [name, value] of now) if (before.get(name) !== value) fresh.add(name);
    before = now;
    return fresh;
  };
}
