// The greeting dialogue: text and people, the dry run, approval, and the counts as they come in.

import { el, post, toast } from "/demo/dom.js";
import { countWords, reasonWords, stackedBar } from "/demo/panel.js";

export function makeGreeting(dialog) {
  let staff = null;
  let options = null;
  let chosen = {};
  let seen = null;
  let running = null;
  let fresh = false;

  async function open(who, state) {
    staff = state.phones.staff.find((phone) => phone.key === who);
    seen = running = null;
    const answer = await fetch(`/demo/greeting?staff_id=${encodeURIComponent(who)}`);
    options = await answer.json();
    if (!answer.ok) { toast(options.error); return; }
    const segment = options.segments.find((one) => one.holds_visitor) || options.segments[0];
    chosen = { template_id: options.templates[0]?.id, segment_id: segment?.id };
    draw(state);
    dialog.showModal();
    preview();
  }

  // Nothing can be approved but what is shown: while a trial runs the button rests, and only the newest answer counts.
  let trial = 0;
  async function preview() {
    const mine = ++trial;
    const draft_id = seen ? seen.broadcast_id : null;
    fresh = false;
    draw();
    try {
      const answer = await post("greeting/preview", { staff_id: staff.key, ...chosen, draft_id });
      if (mine !== trial || !staff) return;
      seen = answer;
      fresh = true;
      draw();
    } catch (error) { toast(error.message); }
  }

  async function approve() {
    try {
      running = (await post("greeting/approve", { staff_id: staff.key, broadcast_id: seen.broadcast_id })).broadcast_id;
      draw();
    } catch (error) { toast(error.message); }
  }

  function draw(state) {
    const held = document.activeElement;
    const again = held && held.name ? `input[name="${held.name}"][value="${held.value}"]` : held && held.id ? `#${held.id}` : null;
    dialog.replaceChildren(
      el("div", { class: "greet-head" },
        el("div", {}, el("h2", { id: "greet-title" }, "发节日祝福"), el("small", {}, `以${staff.role} ${staff.name} 的身份和权限`)),
        el("button", { type: "button", class: "quiet", "aria-label": "关闭", onclick: () => dialog.close() }, "关闭")),
      running ? progress(state) : el("div", { class: "greet-body" }, choices(), outcome()));
    if (again && dialog.contains(held) === false) dialog.querySelector(again)?.focus();
  }

  function choices() {
    return el("div", { class: "greet-choose" },
      pick("发什么", "template_id", options.templates.map((one) => [one.id, one.name, one.body])),
      pick("发给谁", "segment_id", options.segments.map((one) => [one.id, one.name, `${one.count} 人${one.holds_visitor ? "，含左边这位客户" : ""}`])));
  }

  function pick(title, field, rows) {
    return el("fieldset", {}, el("legend", {}, title), ...rows.map(([id, name, note]) =>
      el("label", { class: "pick" },
        el("input", { type: "radio", name: field, value: String(id), checked: chosen[field] === id, onchange: () => { chosen[field] = id; preview(); } }),
        el("span", {}, el("b", {}, name), el("small", {}, note)))));
  }

  function outcome() {
    if (!seen) return el("div", { class: "greet-seen" }, el("p", { class: "nothing" }, "正在试算…"));
    const place = seen.visitor === "" ? "左边的微信客户会收到这条祝福。" : seen.visitor ? `左边的微信客户这次不会收到：${seen.visitor}。` : "左边的微信客户不在这次的名单里。";
    return el("div", { class: "greet-seen" },
      el("div", { class: "sums" }, sum(seen.total, "选中"), sum(seen.reached, "会收到", "good"), sum(seen.total - seen.reached, "不发送", "less")),
      el("ul", { class: "why" }, ...seen.suppressed.map((one) => el("li", {},
        el("span", {}, one.reason), el("i", { style: `width:${Math.max(4, (100 * one.count) / seen.total)}%` }), el("b", {}, String(one.count))))),
      el("p", { class: seen.visitor === "" ? "place good" : "place" }, place),
      el("h3", {}, "样例"),
      el("div", { class: "samples" }, ...(seen.samples.length ? seen.samples.map((text) => el("p", { class: "bubble" }, text)) : [el("p", { class: "nothing" }, "没有人会收到。")])),
      el("button", { type: "button", class: "go", id: "approve", disabled: !fresh || !seen.reached, onclick: approve }, `批准并发送（${seen.reached} 人）`));
  }

  const sum = (number, label, kind = "") => el("div", { class: `sum ${kind}` }, el("b", {}, String(number)), el("span", {}, label));

  function progress(state) {
    const one = state && state.crm.broadcasts.find((row) => row.id === running);
    const counts = one ? one.counts : {};
    return el("div", { class: "greet-run" },
      el("p", { class: "run-state" }, one ? one.status : "正在开始…"),
      stackedBar(counts), countWords(counts), one ? reasonWords(one.reasons) : null,
      el("p", { class: "nothing" }, "每个人一行：文字先存下再发，重启也不会漏发或重发。"),
      el("button", { type: "button", class: "go", id: "greet-done", onclick: () => dialog.close() }, "好的"));
  }

  dialog.addEventListener("close", () => { staff = null; });
  return { open, update: (state) => { if (staff && running) draw(state); } };
}
